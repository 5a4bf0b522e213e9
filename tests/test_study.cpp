// A study program as a person uses it: the records it leaves, what it does not do twice, Ctrl-C.
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>

#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kProgram = REPRISE_BINARY_DIR "/experiments/study ";
const std::string kSmall = "--train-images 256 --epochs 1 ";

std::string command_line(const std::string& name, const std::string& options) {
  return kProgram + name + " --quick " + options;
}

CommandResult study(const std::string& name, const std::string& options) {
  return run_command(command_line(name, options));
}

std::string study_text(const Record& record, const std::string& attribute) {
  return record.group("study").attribute<std::string>(attribute);
}

}  // namespace

TEST_CASE("help has defaults and an example; --list and --describe tell what there is") {
  const CommandResult help = run_command(kProgram + "--help");
  CHECK(help.status == 0);
  CHECK_THAT(help.out, Catch::Contains("Example:") && Catch::Contains("--seeds") &&
                           Catch::Contains("[1,2,3]") && Catch::Contains("--resume"));
  const CommandResult list = run_command(kProgram + "--list");
  CHECK(list.status == 0);
  std::size_t studies = 0;
  std::istringstream lines(list.out);
  for (std::string line; std::getline(lines, line); ++studies) {
    const std::string name = line.substr(0, line.find(' '));
    const CommandResult described = run_command(kProgram + name + " --describe");
    INFO(name << described.err);
    CHECK(described.status == 0);
    CHECK_THAT(described.out, Catch::Contains("?") && Catch::Contains("Claim:") &&
                                  Catch::Contains("the baseline") && Catch::Contains("epochs = "));
  }
  CHECK(studies >= 12);
}

TEST_CASE("a study of one's own runs from its file, from anywhere") {
  const TemporaryFolder folder;
  write_file(folder / "mine.toml",
             "question = \"Is it so?\"\nclaim = \"It is.\"\n[settings]\nepochs = 3\n"
             "[[variants]]\nname = \"a\"\ndescription = \"A\"\n"
             "[[variants]]\nname = \"b\"\ndescription = \"B\"\nexpectation = \"lower\"\n"
             "settings = { momentum = 0.5 }\n");
  const CommandResult result =
      run_command("cd " + folder.path() + " && " + command_line("mine.toml", kSmall + "--seeds 3"));
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const Record record = load_record(folder / "runs/mine/b-seed3.h5");
  CHECK(study_text(record, "question") == "Is it so?");
  CHECK(record.group("configuration").attribute<double>("momentum") == 0.5);
  CHECK(record.group("configuration").attribute<std::int64_t>("epochs") == 1);
}

TEST_CASE("a study leaves one record per variant and seed, and seeds pair the variants") {
  const TemporaryFolder folder;
  const CommandResult result =
      study("overlapping_pooling", kSmall + "--seeds 1,2 --threads 2 --output " + (folder / "s"));
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  CHECK(result.out.find("note:") == std::string::npos);  // it is meant for this data
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "s")) {
    names.insert(entry.path().filename());
  }
  CHECK(names ==
        std::set<std::string>{"2x2-seed1.h5", "2x2-seed2.h5", "3x3-seed1.h5", "3x3-seed2.h5"});
  const Record a = load_record(folder / "s/2x2-seed1.h5");
  const Record b = load_record(folder / "s/3x3-seed1.h5");
  const Record other = load_record(folder / "s/2x2-seed2.h5");
  CHECK(study_text(a, "name") == "overlapping_pooling");
  CHECK(study_text(a, "expectation").empty());
  CHECK(study_text(b, "expectation") == "lower");
  CHECK(study_text(b, "baseline") == "2x2");
  const auto initial = [](const Record& record) {
    return record.group("model").attribute<std::string>("initial_parameters_sha256");
  };
  CHECK(initial(a) == initial(b));
  CHECK(initial(a) != initial(other));
  const CommandResult verified = run_command(
      REPRISE_BINARY_DIR "/experiments/verify --data " REPRISE_FIXTURES "/fashion-mnist " +
      (folder / "s/3x3-seed2.h5"));
  INFO(verified.out);
  CHECK(verified.status == 0);
  CHECK_THAT(verified.out, Catch::Contains("identical"));
}

TEST_CASE("what is recorded is not run again, and another run's record is refused by name") {
  const TemporaryFolder folder;
  const std::string output = "--train-images 256 --seeds 1 --threads 1 --output " + (folder / "s");
  REQUIRE(study("pooling_mode", output + " --epochs 1").status == 0);
  const std::string before = test::read_file(folder / "s/max-seed1.h5");
  const CommandResult again = study("pooling_mode", output + " --epochs 1");
  CHECK(again.status == 0);
  CHECK_THAT(again.out, Catch::Contains("2 of 2 runs already recorded"));
  CHECK(test::read_file(folder / "s/max-seed1.h5") == before);

  const CommandResult other = study("pooling_mode", output + " --epochs 2");
  CHECK(other.status == 1);
  CHECK_THAT(other.err, Catch::Contains("average-seed1.h5") && Catch::Contains("epochs"));
  CHECK(std::count(other.err.begin(), other.err.end(), '\n') == 1);

  Record broken = load_record(folder / "s/max-seed1.h5");
  broken.groups["history"].datasets.erase("train_error");
  save_record(broken, folder / "s/max-seed1.h5", Overwrite::yes);
  const CommandResult refused = study("pooling_mode", output + " --epochs 1");
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("max-seed1.h5: /history/train_error is missing"));
}

TEST_CASE("each variant takes the rate of the grid that its pilot runs liked best") {
  const TemporaryFolder folder;
  const CommandResult result =
      study("relu_vs_tanh", kSmall + "--seeds 1 --output " + (folder / "s"));
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  for (const std::string variant : {"tanh", "relu"}) {
    double best = 2.0, rate = 0.0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "s")) {
      const std::string name = entry.path().filename();
      if (name.rfind("pilot-" + variant, 0) != 0) continue;
      const Record pilot = load_record(entry.path());
      CHECK(study_text(pilot, "role") == "pilot");
      const double error = pilot.values<double>("history/train_error").back();
      const auto its_rate = pilot.group("configuration").attribute<double>("learning_rate");
      if (error < best || (error == best && its_rate < rate)) {
        best = error;
        rate = its_rate;
      }
    }
    const Record measured = load_record(folder / ("s/" + variant + "-seed1.h5"));
    CHECK(measured.group("configuration").attribute<double>("learning_rate") == rate);
    CHECK(study_text(measured, "role") == "measured");
  }
}

TEST_CASE("Ctrl-C keeps every run, and --resume ends with the same digests") {
  const TemporaryFolder folder;
  const std::string options = "--train-images 256 --seeds 1,2 --threads 2 --epochs 60 --output ";
  REQUIRE(study("dropout", options + (folder / "whole")).status == 0);
  // When one of the four runs is recorded, another is under way and two have not begun.
  const CommandResult stopped = run_command_until(
      command_line("dropout", options + (folder / "s")), SIGINT,
      [](const std::string& out) { return out.find("run 1/4") != std::string::npos; });
  INFO(stopped.out << stopped.err);
  REQUIRE(stopped.status == 130);
  CHECK_THAT(stopped.out, Catch::Contains("--resume"));
  const CommandResult bare = study("dropout", options + (folder / "s"));
  CHECK(bare.status == 1);
  CHECK_THAT(bare.err, Catch::Contains("--resume"));
  REQUIRE(study("dropout", options + (folder / "s") + " --resume").status == 0);
  for (const char* name : {"none-seed1.h5", "none-seed2.h5", "dropout-seed1.h5"}) {
    CHECK(digest_of(load_record(folder / (std::string("s/") + name))) ==
          digest_of(load_record(folder / (std::string("whole/") + name))));
  }
}

TEST_CASE("bad input is refused in one line") {
  const TemporaryFolder folder;
  const auto check_refused = [&](const std::string& options, const std::string& message,
                                 int status = 2) {
    const CommandResult result = study("depth", options + " --output " + (folder / "s"));
    INFO(options << result.err);
    CHECK(result.status == status);
    CHECK_THAT(result.err, Catch::StartsWith("study: ") && Catch::Contains(message));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  };
  check_refused("--seeds 1,1", "twice");
  check_refused("--seeds 0", "--seeds");
  check_refused("--seeds one", "--seeds");
  check_refused("--seeds 1,,2", "--seeds");
  check_refused("--seeds 1 2", "2 operands");
  check_refused("--data /nowhere", "/nowhere", 1);
  check_refused("--train-images 999999", "train_images", 1);
  check_refused("--epoch 2", "--epochs");
  const CommandResult unknown = run_command(kProgram + "dpeth");
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.err, Catch::Contains("\"dpeth\"") && Catch::Contains("depth"));
  CHECK(run_command(kProgram).status == 2);
}
