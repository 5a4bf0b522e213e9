// verify and compare_records as a reviewer uses them.
#include "reprise/core/error.hpp"
#include "reprise/record/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
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
  return run_command(kPrograms + "verify " + options);
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
  CHECK(part.status == 0);
  CHECK_THAT(part.out, Catch::Contains("the first 1 epochs agree"));
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
  CHECK(data.status == 1);
  CHECK_THAT(data.out, Catch::Contains("cannot judge") && Catch::Contains("other data"));

  forge(folder / "a.h5", folder / "code.h5", [](Record& record) {
    record.groups["environment"].attributes["git_commit"] = std::string("0123456789");
  });
  const CommandResult code = verify(folder / "code.h5");
  CHECK(code.status == 0);  // identical all the same
  CHECK_THAT(code.out, Catch::Contains("identical") && Catch::Contains("other code"));

  const CommandResult wrong = verify(kFixture + "/LICENSE");
  CHECK(wrong.status == 1);
  CHECK(!wrong.err.empty());
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
  CHECK(compare("c.h5").status == 1);
  CHECK_THAT(compare("c.h5").out, Catch::Contains("/configuration") && Catch::Contains("seed"));
}
