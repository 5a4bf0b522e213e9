// verify and compare_records as a reviewer uses them.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "reprise/core/error.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training_record.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/hostile.hpp"
#include "support/sanitized.hpp"
#include "support/small_data.hpp"
#include "support/study.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

CommandResult train(const std::string& options, const std::string& data = kFixture) {
  return run_command(kPrograms + "train_lenet5 --data " + data + " " + options);
}

CommandResult verify(const std::string& options, const std::string& data = kFixture) {
  return run_command(kPrograms + "verify --data " + data + " " + options);
}

CommandResult do_study(const std::string& options, const std::string& data = kFixture) {
  return run_command(kPrograms + "study --data " + data + " --threads 1 " + options);
}

/// The exit status of a difference: without a commit nobody can blame the record for it.
int different() {
  return source_version().commit == "unknown" ? 4 : 1;
}

/// The record of a study's run as releases before plans left it, with a label, in `to`.
void label_run(const std::string& store, const Study& study, std::size_t variant, std::int64_t seed,
               const std::string& role, const std::string& to) {
  std::string plan = store + "/" + rates_plan_file(study.name);
  if (!std::filesystem::exists(plan)) plan = store + "/" + plan_file(study.name);
  for (const PlannedRun& run : plan_from(plan, test::read_file(plan)).runs) {
    if (run.variant != study.variants[variant].name || run.seed != seed || run.role != role) {
      continue;
    }
    Record record = load_record(store + "/" + run_file(run.digest));
    record.groups["study"] = to_group(study_label(study, variant, role));
    save_record(record, to);
    return;
  }
  FAIL("no such run");
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
  CHECK(tensor.status == different());
  CHECK_THAT(tensor.out, Catch::Contains("/model/conv1/weight"));

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
  const bool known = source_version().commit != "unknown";
  CHECK_THAT(code.out, Catch::Contains("identical") &&
                           Catch::Contains(known ? "other code" : "not known to be the same code"));

  // Two commits that are unknown are not known to be the same, nor is one.
  const auto unknown = [](Record& record) {
    record.groups["environment"].attributes["git_commit"] = std::string("unknown");
  };
  forge(folder / "a.h5", folder / "unknown.h5", unknown);
  const CommandResult same = verify(folder / "unknown.h5");
  CHECK(same.status == 0);
  CHECK_THAT(same.out, Catch::Contains("not known to be the same code: the record is of commit "
                                       "unknown, this is " +
                                       source_version().commit));
  forge(folder / "unknown.h5", folder / "changed.h5",
        [](Record& record) { record.groups["evaluation"].attributes["test_accuracy"] = 0.99; });
  const CommandResult changed = verify(folder / "changed.h5");
  CHECK(changed.status == 4);
  CHECK_THAT(changed.out, Catch::Contains("cannot judge") &&
                              Catch::Contains("/evaluation@test_accuracy: 0.99 against"));

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
  // Settings that no run can have are found when the run is made.
  forge(folder / "a.h5", folder / "width.h5", [](Record& record) {
    record.groups["configuration"].attributes["width"] = std::int64_t{99};
  });
  const CommandResult width = verify(folder / "width.h5");
  CHECK(width.status == 4);
  CHECK_THAT(width.err, Catch::Contains("width.h5: ") && Catch::Contains("width 99"));
}

TEST_CASE("verify names a difference wherever it is") {
  const TemporaryFolder folder;
  REQUIRE(
      train("--train-images 32 --batch-size 16 --epochs 1 --output " + (folder / "a.h5")).status ==
      0);
  struct Case {
    std::string expected;
    std::function<void(Record&)> change;
    bool contradicts_itself = false;  ///< then no other code explains it
  };
  const auto text_of = [](Record& r) -> std::string& {
    Dataset& toml = r.groups["configuration"].datasets["toml"];
    return std::get<std::vector<std::string>>(toml.values).front();
  };
  const auto replaced = [text_of](const std::string& line, const std::string& by) {
    return [text_of, line, by](Record& r) {
      std::string& text = text_of(r);
      REQUIRE(text.find(line) != std::string::npos);
      text.replace(text.find(line), line.size(), by);
    };
  };
  const auto toml = [](const std::string& end) { return "/configuration/toml" + end; };
  const std::vector<Case> cases = {
      {toml(", line 1: \"seed = 2\" against \"seed = 1\", by the attribute"),
       replaced("seed = 1\n", "seed = 2\n"), true},
      {toml(" has no line for the setting batch_size"), replaced("batch_size = 16\n", ""), true},
      {toml(", line 2: \"epochs = \" against \"epochs = 1\", by the attribute"),
       replaced("epochs = 1\n", "epochs = \n"), true},
      // What TOML reads alike, people do not.
      {toml(", line 1: \"# by the authors\" is not a setting of /configuration"),
       replaced("seed = 1\n", "# by the authors\nseed = 1\n"), true},
      {toml(", line 1: \"seed = 1 # not 7\" against \"seed = 1\", by the attribute"),
       replaced("seed = 1\n", "seed = 1 # not 7\n"), true},
      {toml(", line 2: \"\" is not a setting of /configuration"),
       replaced("seed = 1\n", "seed = 1\n\n"), true},
      {toml(", line 2: \"seed = 1\" is there twice"),
       replaced("seed = 1\n", "seed = 1\nseed = 1\n"), true},
      {toml(" does not end with a newline"), [text_of](Record& r) { text_of(r).pop_back(); }, true},
      {toml("@note is not part of a record"),
       [](Record& r) { r.groups["configuration"].datasets["toml"].attributes["note"] = "true"; },
       true},
      {"/extra: missing in the second", [](Record& r) { r.groups["extra"]; }},
      {"/evaluation/extra: missing in the second",
       [](Record& r) { r.groups["evaluation"].groups["extra"]; }},
      {"@note: missing in the second", [](Record& r) { r.attributes["note"] = "true"; }},
      {"/history/extra: missing in the second",
       [](Record& r) { r.groups["history"].datasets["extra"] = scalar_text("true"); }},
      {"/data@name: \"MNIST\" against",
       [](Record& r) { r.groups["data"].attributes["name"] = "MNIST"; }},
      {"/data/class_names[9]: \"Boot\" against \"Ankle boot\"",
       [](Record& r) {
         std::get<std::vector<std::string>>(r.groups["data"].datasets["class_names"].values)[9] =
             "Boot";
       }},
      {"/data@test_images: 499 against 500", [](Record& r) {
         r.groups["data"].attributes["test_images"] = std::int64_t{499};
         for (auto& [name, dataset] : r.groups["evaluation"].datasets) {
           if (dataset.dimensions.empty() || dataset.dimensions[0] != "test_image") continue;
           std::visit([](auto& values) { values.resize(values.size() / 500 * 499); },
                      dataset.values);
           dataset.shape[0] = 499;
         }
         auto& confusion = std::get<std::vector<std::int64_t>>(
             r.groups["evaluation"].datasets["confusion"].values);
         const Dataset& labels = r.groups["evaluation"].datasets["test_labels"];
         std::fill(confusion.begin(), confusion.end(), 0);
         for (const std::uint8_t label : std::get<std::vector<std::uint8_t>>(labels.values)) {
           ++confusion[11 * label];
         }
       }}};
  for (const Case& c : cases) {
    std::filesystem::remove(folder / "b.h5");
    forge(folder / "a.h5", folder / "b.h5", c.change);
    const CommandResult result = verify(folder / "b.h5");
    INFO(c.expected << "\n" << result.out << result.err);
    CHECK(result.status == (c.contradicts_itself ? 1 : different()));
    CHECK_THAT(result.out,
               Catch::Contains("\n  " + c.expected) || Catch::Contains("/" + c.expected));
    if (!c.contradicts_itself) continue;
    const CommandResult compared =
        run_command(kPrograms + "compare_records " + (folder / "a.h5") + " " + (folder / "b.h5"));
    CHECK(compared.status == 1);
    CHECK_THAT(compared.out,
               Catch::StartsWith("DIFFERENT") && Catch::Contains("b.h5: " + c.expected));
  }
}

TEST_CASE("verify of the first epochs evaluates nothing") {
  const ImageDataset data = load_dataset(kFixture);
  TrainingConfiguration configuration;
  configuration.train_images = 32;
  configuration.batch_size = 16;
  configuration.epochs = 2;
  TrainingRun run(configuration, data, 1);
  run.train({[](std::size_t, std::size_t) { return true; }, [](const EpochResult&) {}});
  const Record part = unevaluated_tree(run);
  CHECK(part.groups.count("evaluation") == 0);
  CHECK(part.group("model").groups.empty());
  const Record whole = to_tree(training_record(run, evaluation_of(run), {}));
  CHECK(part.group("history").values<double>("step_loss") ==
        whole.group("history").values<double>("step_loss"));
}

TEST_CASE("verify judges a study's label and the settings that follow from it") {
  const TemporaryFolder folder;
  const std::string data = write_small_data(folder / "data", 200, 40);
  REQUIRE(do_study("pooling_mode --train-images 128 --epochs 1 --seeds 1 --store " + (folder / "s"),
                   data)
              .status == 0);
  const Study pooling = read_study(REPRISE_SOURCE_DIR "/experiments/studies/pooling_mode.toml");
  const std::string average = folder / "average-seed1.h5";
  const std::string max = folder / "max-seed1.h5";
  label_run(folder / "s", pooling, 0, 1, "measured", average);
  label_run(folder / "s", pooling, 1, 1, "measured", max);
  const CommandResult honest = verify(max + " " + average, data);
  INFO(honest.out << honest.err);
  CHECK(honest.status == 0);
  CHECK_THAT(honest.out, Catch::Contains("max-seed1.h5: identical") &&
                             Catch::Contains("average-seed1.h5: identical") &&
                             Catch::Contains("left open by the study: epochs, 1 here and 10 ") &&
                             Catch::Contains("study: train_images, 128 here and 10000 ") &&
                             Catch::Contains("not judged: /environment (program"));

  const Group other = load_record(average).group("study");
  struct Case {
    std::string expected;
    std::function<void(Record&)> change;
  };
  const auto set = [](const char* name, const AttributeValue& value) {
    return [name, value](Record& r) { r.groups["study"].attributes[name] = value; };
  };
  const std::vector<Case> cases = {
      {"/configuration@pooling: \"max\" against \"average\" by variant average of the study",
       [other](Record& r) { r.groups["study"] = other; }},
      {"/study@claim: \"It works\" against", set("claim", "It works")},
      {"/study@question: \"Why?\" against", set("question", "Why?")},
      {"/study@measure: \"train_error\" against", set("measure", "train_error")},
      {"/study@margin: 0.5 against", set("margin", 0.5)},
      {"/study@variant_order: 7 against", set("variant_order", std::int64_t{7})},
      {"/study@baseline: \"none\" against", set("baseline", "none")},
      {"/study@note: missing in the second", set("note", "true")},
      {"/study@variant: \"median\"; the study pooling_mode has average, max",
       set("variant", "median")},
      {"/study@role: \"pilot\" against \"measured\"", set("role", "pilot")},
      {"/configuration@seed: 1, and 0 is the seed of the study's pilots", set("role", "pilot")},
      {"/configuration@learning_rate: 0.5 against",
       [](Record& r) {
         TrainingConfiguration configuration = configuration_from(r.group("configuration"));
         configuration.learning_rate = 0.5;
         r.groups["configuration"] = to_group(configuration);
       }},
  };
  for (const Case& c : cases) {
    std::filesystem::remove(folder / "b.h5");
    forge(max, folder / "b.h5", c.change);
    const CommandResult result = verify("--epochs 1 " + (folder / "b.h5"), data);
    INFO(c.expected << "\n" << result.out << result.err);
    CHECK(result.status == different());
    CHECK_THAT(result.out, Catch::Contains("\n  " + c.expected));
  }
  // The reviewer's own file is right whatever the code.
  forge(max, folder / "claim.h5", [](Record& r) {
    r.groups["study"].attributes["claim"] = "It works";
    r.groups["environment"].attributes["git_commit"] = "0123456789";
  });
  CHECK(verify(folder / "claim.h5", data).status == 4);
  CHECK(verify("--study pooling_mode " + (folder / "claim.h5"), data).status == 1);
}

TEST_CASE(
    "verify judges a study that is not known by its file, and opens no file that a record names") {
  const TemporaryFolder folder;
  const std::string file = folder / "mine.toml";
  test::write_file(file,
                   "question = \"Is it so?\"\nclaim = \"It is.\"\nlearning_rates = [0.01, 0.02]\n"
                   "extend_learning_rates = 0\n"
                   "[settings]\nepochs = 1\ntrain_images = 32\nbatch_size = 16\n"
                   "[[variants]]\nname = \"a\"\ndescription = \"A\"\n"
                   "[[variants]]\nname = \"b\"\ndescription = \"B\"\nexpectation = \"lower\"\n"
                   "settings = { momentum = 0.5 }\n");
  REQUIRE(do_study(file + " --seeds 3 --store " + (folder / "s")).status == 0);
  const std::string record = folder / "b-seed3.h5";
  const std::string pilot = folder / "pilot.h5";
  label_run(folder / "s", read_study(file), 1, 3, "measured", record);
  label_run(folder / "s", read_study(file), 1, 0, "pilot", pilot);
  const CommandResult unknown = verify(record);
  CHECK(unknown.status == 3);
  CHECK_THAT(unknown.out, Catch::Contains("agrees in part") &&
                              Catch::Contains("not judged: /study, since \"mine\" is none of") &&
                              Catch::Contains("dropout, ") && Catch::Contains("--study FILE"));
  const std::string by_file = "--study " + file + " ";
  const CommandResult known = verify(by_file + record + " " + pilot);
  INFO(known.out << known.err);
  CHECK(known.status == 0);
  CHECK_THAT(known.out, Catch::Contains("not judged: whether the study's pilots choose the"));

  // Whatever a record gives as its study's name is no path.
  forge(record, folder / "path.h5",
        [&](Record& r) { r.groups["study"].attributes["name"] = file; });
  CHECK(verify(folder / "path.h5").status == 3);
  CHECK(verify(by_file + (folder / "path.h5")).status == 1);

  const auto refused = [&](const std::string& expected,
                           const std::function<void(Record&)>& change) {
    std::filesystem::remove(folder / "b.h5");
    forge(record, folder / "b.h5", change);
    const CommandResult result = verify("--epochs 1 " + by_file + (folder / "b.h5"));
    INFO(expected << "\n" << result.out << result.err);
    CHECK(result.status == 1);
    CHECK_THAT(result.out, Catch::Contains("\n  " + expected));
  };
  refused("/configuration@learning_rate: 0.5, and the study mine tries 0.01, 0.02",
          [](Record& r) { r.groups["configuration"].attributes["learning_rate"] = 0.5; });
  refused("/configuration@seed: 0, and 0 is the seed of the study's pilots",
          [](Record& r) { r.groups["configuration"].attributes["seed"] = std::int64_t{0}; });
  // Without a label, by the variant that it comes closest to.
  refused("/configuration@batch_size: 8 against 16 by variant b", [](Record& r) {
    r.groups.erase("study");
    TrainingConfiguration configuration = configuration_from(r.group("configuration"));
    configuration.batch_size = 8;
    r.groups["configuration"] = to_group(configuration);
  });
  CHECK(verify("--study dropout " + record).status == 1);

  const CommandResult missing = verify("--study " + (folder / "none.toml") + " " + record);
  CHECK(missing.status == 2);
  CHECK_THAT(missing.err, Catch::Contains("none.toml"));
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
  CHECK_THAT(compare("b.h5").out,
             Catch::StartsWith("identical") && Catch::Contains("not compared: /environment"));
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
  constexpr std::size_t step = kSanitized ? 6 : 1;
  for (const bool names : {false, true}) {
    for (std::size_t first = 0; first < hostile_texts("").size(); first += (names ? 5 : 1) * step) {
      save_record(with_hostile(honest, names, first), folder / "b.h5", Overwrite::yes);
      const CommandResult result =
          run_command(kPrograms + "compare_records --max-differences 10000 " + (folder / "a.h5") +
                      " " + (folder / "b.h5"));
      CHECK(result.status == 1);
      CHECK(result.out.size() > 500);
      check_harmless(result);
    }
  }
}

TEST_CASE("no text of a record acts on a terminal: verify") {
  const TemporaryFolder folder;
  const std::string data = write_small_data(folder / "data", 32, 16);
  REQUIRE(train("--batch-size 16 --epochs 1 --output " + (folder / "a.h5"), data).status == 0);
  const Record honest = load_record(folder / "a.h5");
  const std::vector<HostileText> hostile = hostile_texts("/nowhere");
  std::size_t turn = 0, number = 0;
  for (const TextPlace& place : text_places(honest)) {
    if (kSanitized && ++number % 4 != 0) continue;
    if (place.is_name && ++turn % 6 != 0) continue;  // compare_records has met them all
    const bool is_short = turn % 5 == 0;
    Record changed = honest;
    std::string text = hostile[turn++ % hostile.size()].text;
    if (place.is_name && (text.empty() || text.find('/') != std::string::npos)) text = "\x1b[2J\n";
    place.replace(changed, is_short ? "\x1b[2J\x1b[1;1Hidentical\n" : text);
    save_record(changed, folder / "b.h5", Overwrite::yes);
    INFO(place.path);
    const CommandResult result = verify(folder / "b.h5", data);
    CHECK(result.status != 2);  // bad usage: then it would have read no record
    CHECK((result.out + result.err).find("b.h5: ") != std::string::npos);
    check_harmless(result);
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
