// verify and compare_records as a reviewer uses them.
#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/record/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/hostile.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kPrograms = REPRISE_BINARY_DIR "/experiments/";
const std::string kFixture = REPRISE_FIXTURES "/fashion-mnist";

CommandResult train(const std::string& options) {
  return run_command(kPrograms + "train_lenet5 --data " + kFixture + " " + options);
}

CommandResult verify(const std::string& options) {
  return run_command(kPrograms + "verify --data " + kFixture + " " + options);
}

/// Loads a record, changes it, and saves it with a digest that fits.
template <class Change>
void forge(const std::string& from, const std::string& to, const Change& change) {
  Record record = load_record(from);
  change(record);
  save_record(record, to);
}

}  // namespace

TEST_CASE("verify finds an honest record identical, whole or in part, with other threads") {
  const TemporaryFolder folder;
  REQUIRE(train("--epochs 2 --threads 2 --output " + (folder / "a.h5")).status == 0);
  const CommandResult whole = verify("--threads 1 " + (folder / "a.h5"));
  INFO(whole.out << whole.err);
  CHECK(whole.status == 0);
  CHECK_THAT(whole.out, Catch::Contains("identical") && Catch::Contains("digest sha256:"));
  const CommandResult part = verify("--epochs 1 " + (folder / "a.h5"));
  CHECK(part.status == 3);
  CHECK_THAT(part.out, Catch::Contains("agrees in the first epoch (evaluation and parameters not "
                                       "checked)"));
  for (const std::string wrong : {"3", "-1", "0"}) {
    const CommandResult usage = verify("--epochs " + wrong + " " + (folder / "a.h5"));
    CHECK(usage.status == 2);
    CHECK_THAT(usage.err, Catch::Contains("--epochs"));
  }
}

TEST_CASE("verify says where a changed record parts from the truth") {
  const TemporaryFolder folder;
  REQUIRE(train("--epochs 2 --output " + (folder / "a.h5")).status == 0);
  forge(folder / "a.h5", folder / "b.h5", [](Record& record) {
    Dataset& weight = record.groups["model"].groups["conv1"].datasets["weight"];
    std::get<std::vector<float>>(weight.values)[7] += 0.25F;
  });
  const CommandResult tensor = verify(folder / "b.h5");
  INFO(tensor.out);
  CHECK(tensor.status == 1);
  CHECK_THAT(tensor.out, Catch::Contains("DIFFERENT") && Catch::Contains("/model/conv1/weight"));

  forge(folder / "a.h5", folder / "c.h5", [](Record& record) {
    Dataset& loss = record.groups["history"].datasets["step_loss"];
    std::get<std::vector<double>>(loss.values)[20] *= 1.5;  // 16 steps an epoch: epoch 2, step 5
  });
  const CommandResult step = verify(folder / "c.h5");
  CHECK_THAT(step.out, Catch::Contains("epoch 2, step 5"));

  // A better accuracy than the run had.
  forge(folder / "a.h5", folder / "d.h5",
        [](Record& record) { record.groups["evaluation"].attributes["test_accuracy"] = 0.99; });
  CHECK_THAT(verify(folder / "d.h5").out,
             Catch::Contains("/evaluation") && Catch::Contains("0.99"));
}

TEST_CASE("verify says when it cannot judge") {
  const TemporaryFolder folder;
  REQUIRE(train("--epochs 1 --output " + (folder / "a.h5")).status == 0);
  forge(folder / "a.h5", folder / "data.h5", [](Record& record) {
    Dataset& digests = record.groups["data"].datasets["file_sha256"];
    std::get<std::vector<std::string>>(digests.values)[0] = std::string(64, '0');
  });
  const CommandResult data = verify(folder / "data.h5");
  CHECK(data.status == 4);
  CHECK_THAT(data.out, Catch::Contains("cannot judge") && Catch::Contains("other data"));

  forge(folder / "a.h5", folder / "code.h5", [](Record& record) {
    record.groups["environment"].attributes["git_commit"] = std::string("0123456789");
  });
  const CommandResult code = verify(folder / "code.h5");
  CHECK(code.status == 0);  // identical all the same
  CHECK_THAT(code.out, Catch::Contains("identical") && Catch::Contains("other code"));

  const CommandResult wrong = verify(kFixture + "/LICENSE");
  CHECK(wrong.status == 4);
  CHECK(!wrong.err.empty());

  // A record that breaks its schema is told in one line, and the next one is judged.
  forge(folder / "a.h5", folder / "short.h5", [](Record& record) {
    record.groups["data"].datasets["file_sha256"] =
        list<std::string>({std::string(64, '0')}, "file");
  });
  const CommandResult both = verify((folder / "short.h5") + " " + (folder / "a.h5"));
  CHECK(both.status == 4);
  CHECK_THAT(both.err, Catch::Contains("/data/file_sha256 has 1 along file; expected 4"));
  CHECK_THAT(both.out, Catch::Contains("a.h5: identical"));
  forge(folder / "a.h5", folder / "diff.h5", [](Record& record) {
    record.groups["environment"].datasets["git_diff"] = list<std::string>({}, "line");
  });
  CHECK_THAT(verify(folder / "diff.h5").err, Catch::Contains("/environment/git_diff"));
  forge(folder / "a.h5", folder / "epochs.h5", [](Record& record) {
    record.groups["configuration"].attributes["epochs"] = std::int64_t{1000000000000000000};
  });
  CHECK_THAT(verify(folder / "epochs.h5").err, Catch::Contains("/configuration@epochs"));
  forge(folder / "a.h5", folder / "scalar.h5", [](Record& record) {
    record.groups["history"].datasets["step_loss"] = {{}, std::vector<double>{0.5}, {}};
  });
  CHECK_THAT(verify(folder / "scalar.h5").err, Catch::Contains("/history/step_loss has no axes"));
}

TEST_CASE("compare_records agrees or names the first differences") {
  const TemporaryFolder folder;
  REQUIRE(train("--epochs 1 --output " + (folder / "a.h5")).status == 0);
  REQUIRE(train("--epochs 1 --threads 1 --output " + (folder / "b.h5")).status == 0);
  REQUIRE(train("--epochs 1 --seed 2 --output " + (folder / "c.h5")).status == 0);
  const auto compare = [&](const std::string& b) {
    return run_command(kPrograms + "compare_records " + (folder / "a.h5") + " " + (folder / b));
  };
  CHECK(compare("b.h5").status == 0);
  CHECK_THAT(compare("b.h5").out, Catch::StartsWith("identical"));
  // What breaks its schema is not compared.
  forge(folder / "b.h5", folder / "broken.h5", [](Record& record) {
    record.groups["history"].datasets["step_loss"] = {{}, std::vector<double>{0.5}, {}};
  });
  CHECK(compare("broken.h5").status == 1);
  CHECK(compare("broken.h5").out.empty());
  CHECK_THAT(compare("broken.h5").err,
             Catch::Contains("broken.h5: /history/step_loss has no axes"));
  CHECK(compare("c.h5").status == 1);
  CHECK_THAT(compare("c.h5").out, Catch::Contains("/configuration") && Catch::Contains("seed"));
}

namespace {

/// Programs print no character that could act on a terminal, and of a record nothing stands alone
/// on a line.
void check_harmless(const CommandResult& result) {
  INFO(result.out << result.err);
  CHECK(first_control(result.out + result.err).empty());
  for (const std::string forged : {"\nidentical", "\n\n", "\ntouch"}) {
    CHECK((result.out + result.err).find(forged) == std::string::npos);
  }
}

/// The record with each text, or each name, replaced by a hostile one of its own.
Record with_hostile(const Record& record, bool names, std::size_t first) {
  const std::vector<HostileText> hostile = hostile_texts("/nowhere");
  std::vector<TextPlace> places = text_places(record);
  std::reverse(places.begin(), places.end());  // what is inside before the names above it
  Record changed = record;
  for (const TextPlace& place : places) {
    if (place.is_name != names) continue;
    std::string text = hostile[first++ % hostile.size()].text;
    std::replace(text.begin(), text.end(), '/', '\\');
    place.replace(changed, names ? text + std::to_string(first) : text);
  }
  return changed;
}

}  // namespace

TEST_CASE("no text of a record acts on a terminal: compare_records") {
  const TemporaryFolder folder;
  REQUIRE(
      train("--train-images 32 --batch-size 16 --epochs 1 --output " + (folder / "a.h5")).status ==
      0);
  const Record honest = load_record(folder / "a.h5");
  for (const bool names : {false, true}) {
    for (std::size_t first = 0; first < hostile_texts("").size(); first += names ? 5 : 1) {
      save_record(with_hostile(honest, names, first), folder / "b.h5", Overwrite::yes);
      const CommandResult result = run_command(kPrograms + "compare_records --most 10000 " +
                                               (folder / "a.h5") + " " + (folder / "b.h5"));
      CHECK(result.status == 1);
      CHECK(result.out.size() > 500);
      check_harmless(result);
    }
  }
}

TEST_CASE("no text of a record acts on a terminal: verify") {
  const TemporaryFolder folder;
  REQUIRE(
      train("--train-images 32 --batch-size 16 --epochs 1 --output " + (folder / "a.h5")).status ==
      0);
  const Record honest = load_record(folder / "a.h5");
  const std::vector<HostileText> hostile = hostile_texts("/nowhere");
  std::size_t turn = 0;
  for (const TextPlace& place : text_places(honest)) {
    if (place.is_name && ++turn % 6 != 0) continue;  // compare_records has met them all
    const bool is_short = turn % 5 == 0;
    Record changed = honest;
    std::string text = hostile[turn++ % hostile.size()].text;
    if (place.is_name && (text.empty() || text.find('/') != std::string::npos)) text = "\x1b[2J\n";
    place.replace(changed, is_short ? "\x1b[2J\x1b[1;1Hidentical\n" : text);
    save_record(changed, folder / "b.h5", Overwrite::yes);
    INFO(place.path);
    check_harmless(verify("--data " + kFixture + " " + (folder / "b.h5")));
  }
}

TEST_CASE("a file's name does not act on a terminal either") {
  const TemporaryFolder folder;
  REQUIRE(train("--train-images 32 --batch-size 16 --epochs 1 --output '" +
                (folder / "a\x1b[2J\nb.h5") + "'")
              .status == 0);
  for (const std::string& program :
       {"verify --data " + kFixture, std::string("compare_records x")}) {
    for (const std::string name : {"a\x1b[2J\nb.h5", "\x1b[2J\nmissing"}) {
      check_harmless(run_command(kPrograms + program + " '" + (folder / name) + "'"));
    }
  }
}
