// A study program as a person uses it: its plan, the records it leaves, what it does not do twice,
// Ctrl-C, what it tells of runs that are left or failed.
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kStudyProgram = REPRISE_BINARY_DIR "/experiments/study ";
const std::string kSmall = "--train-images 256 --epochs 1 ";

std::string command_line(const std::string& name, const std::string& options) {
  return kStudyProgram + name + " --quick " + options;
}

CommandResult study(const std::string& name, const std::string& options) {
  return run_command(command_line(name, options));
}

StudyPlan plan_in(const std::string& store, const std::string& file) {
  const std::string path = store + "/" + file;
  return plan_from(path, test::read_file(path));
}

/// The path of the record of a planned run.
std::string record_of(const std::string& store, const StudyPlan& plan, const std::string& variant,
                      std::int64_t seed, const std::string& role = "measured") {
  for (const PlannedRun& run : plan.runs) {
    if (run.variant != variant || run.seed != seed || run.role != role) continue;
    return store + "/" + run_file(run.digest);
  }
  FAIL("no run of " << variant);
  return "";
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A small study on one variant beside "plain"; studies made so share the baseline's runs.
std::string study_file_text(const std::string& other) {
  return "question = \"Is it so?\"\nclaim = \"It is.\"\n[settings]\nepochs = 3\n"
         "[quick]\nepochs = 1\n[[variants]]\nname = \"plain\"\ndescription = \"A\"\n"
         "[[variants]]\nname = \"other\"\ndescription = \"B\"\nexpectation = \"lower\"\n"
         "settings = { " +
         other + " }\n";
}

}  // namespace

TEST_CASE("help has defaults and an example; --list and --describe tell what there is") {
  const CommandResult help = run_command(kStudyProgram + "--help");
  CHECK(help.status == 0);
  CHECK_THAT(help.out, Catch::Contains("Example:") && Catch::Contains("--seeds") &&
                           Catch::Contains("[1,2,3]") && Catch::Contains("--resume"));
  const CommandResult list = run_command(kStudyProgram + "--list");
  CHECK(list.status == 0);
  std::size_t studies = 0;
  std::istringstream lines(list.out);
  for (std::string line; std::getline(lines, line); ++studies) {
    const std::string name = line.substr(0, line.find(' '));
    const CommandResult described = run_command(kStudyProgram + name + " --describe");
    INFO(name << described.err);
    CHECK(described.status == 0);
    CHECK_THAT(described.out, Catch::Contains("?") && Catch::Contains("the baseline") &&
                                  Catch::Contains("epochs = "));
  }
  CHECK(studies >= 12);
  CHECK_THAT(list.out, Catch::Contains("\ncifar10/dropout "));
}

TEST_CASE("a study of one's own runs from its file, from anywhere") {
  const TemporaryFolder folder;
  write_file(folder / "mine.toml", study_file_text("momentum = 0.5"));
  const CommandResult result =
      run_command("cd " + folder.path() + " && " + command_line("mine.toml", kSmall + "--seeds 3"));
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const std::string store = folder / "runs/quick";
  const StudyPlan plan = plan_in(store, "plans/mine.toml");
  CHECK(plan.question == "Is it so?");
  const Record record = load_record(record_of(store, plan, "other", 3));
  CHECK(record.group("configuration").attribute<double>("momentum") == 0.5);
  CHECK(record.group("configuration").attribute<std::int64_t>("epochs") == 1);
}

TEST_CASE("a study leaves its plan and one record per variant and seed, and seeds pair variants") {
  const TemporaryFolder folder;
  const std::string store = folder / "s";
  const CommandResult result =
      study("overlapping_pooling", kSmall + "--seeds 1,2 --threads 2 --store " + store);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  CHECK(result.out.find("note:") == std::string::npos);  // it is meant for this data
  CHECK(files_in(store) == std::vector<std::string>{"journal.tsv", "plans", "runs", "store.toml"});
  CHECK(run_command("cd " + store + "/plans && sha256sum --check --strict *.sha256").status == 0);

  const StudyPlan plan = plan_in(store, "plans/overlapping_pooling.toml");
  CHECK(plan.seeds == std::vector<std::int64_t>{1, 2});
  CHECK(plan.runs.size() == 4);
  CHECK(plan.variants[1].expectation == "lower");
  std::set<std::string> expected;
  for (const PlannedRun& run : plan.runs) {
    expected.insert(std::filesystem::path(run_file(run.digest)).filename());
    const Record record = load_record(store + "/" + run_file(run.digest));
    CHECK(run_digest(record) == run.digest);
    CHECK(record.groups.count("study") == 0);
  }
  const std::vector<std::string> names = files_in(store + "/runs");
  CHECK(std::set<std::string>(names.begin(), names.end()) == expected);

  const auto initial = [&](const std::string& variant, std::int64_t seed) {
    const Record record = load_record(record_of(store, plan, variant, seed));
    return record.group("model").attribute<std::string>("initial_parameters_sha256");
  };
  CHECK(initial("2x2", 1) == initial("3x3", 1));
  CHECK(initial("2x2", 1) != initial("2x2", 2));
  const std::string verify =
      REPRISE_BINARY_DIR "/experiments/verify --data " REPRISE_FIXTURES "/fashion-mnist ";
  const std::string record = record_of(store, plan, "3x3", 2);
  const CommandResult verified = run_command(verify + record);
  INFO(verified.out);
  CHECK(verified.status == 0);
  CHECK_THAT(verified.out, Catch::Contains("identical"));
  CHECK(run_command(verify + "--study overlapping_pooling " + record).status == 0);
  const CommandResult other = run_command(verify + "--study dropout " + record);
  CHECK(other.status == 1);
  CHECK_THAT(other.out, Catch::Contains("pool_kernel"));
}

TEST_CASE("studies that need the same run share its record") {
  const TemporaryFolder folder;
  write_file(folder / "first.toml", study_file_text("momentum = 0.5"));
  write_file(folder / "second.toml", study_file_text("activation = \"tanh\""));
  const std::string options = kSmall + "--seeds 1,2 --store " + (folder / "s");
  REQUIRE(study(folder / "first.toml", options).status == 0);
  const CommandResult second = study(folder / "second.toml", options);
  REQUIRE(second.status == 0);
  CHECK_THAT(second.out, Catch::Contains("2 of 4 runs already recorded"));
  CHECK(files_in(folder / "s/runs").size() == 6);
  CHECK(record_of(folder / "s", plan_in(folder / "s", "plans/first.toml"), "plain", 2) ==
        record_of(folder / "s", plan_in(folder / "s", "plans/second.toml"), "plain", 2));
}

TEST_CASE("what is recorded is not run again, and another plan of the study is refused") {
  const TemporaryFolder folder;
  const std::string store = folder / "s";
  const std::string output = "--train-images 256 --seeds 1 --threads 1 --store " + store;
  REQUIRE(study("pooling_mode", output + " --epochs 1").status == 0);
  const StudyPlan plan = plan_in(store, "plans/pooling_mode.toml");
  const std::string record = record_of(store, plan, "max", 1);
  const std::string before = test::read_file(record);
  const CommandResult again = study("pooling_mode", output + " --epochs 1");
  CHECK(again.status == 0);
  CHECK_THAT(again.out, Catch::Contains("2 of 2 runs already recorded"));
  CHECK(test::read_file(record) == before);

  const CommandResult other = study("pooling_mode", output + " --epochs 2");
  CHECK(other.status == 1);
  CHECK_THAT(other.err, Catch::Contains("pooling_mode.toml: is another plan") &&
                            Catch::Contains("epochs = 1 against epochs = 2"));
  CHECK(count_of(other.err, "\n") == 1);

  Record broken = load_record(record);
  broken.groups["history"].datasets.erase("train_error");
  save_record(broken, record, Overwrite::yes);
  const CommandResult refused = study("pooling_mode", output + " --epochs 1");
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("/history/train_error is missing"));
  CHECK(count_of(refused.err, "\n") == 1);
  const CommandResult list = study("pooling_mode", output + " --epochs 1 --list");
  CHECK(list.status == 0);
  CHECK_THAT(list.out, Catch::Contains("missing") && Catch::Contains("train_error is missing"));
}

TEST_CASE("a plan that was changed, and a store of another version, are refused in one line") {
  const TemporaryFolder folder;
  const std::string store = folder / "s";
  const std::string options = kSmall + "--seeds 1 --store " + store;
  REQUIRE(study("pooling_mode", options).status == 0);
  const auto refused = [&](const std::string& message) {
    const CommandResult result = study("pooling_mode", options);
    INFO(result.err);
    CHECK(result.status == 1);
    CHECK(count_of(result.err, "\n") == 1);
    CHECK_THAT(result.err, Catch::Contains(message));
  };
  const std::string plan = store + "/plans/pooling_mode.toml";
  write_file(plan, test::read_file(plan) + "# more\n");
  refused("is not the plan that");
  write_file(store + "/store.toml", "format = \"reprise store 9\"\n");
  refused("store 9");
  std::filesystem::remove(store + "/store.toml");
  refused("has runs but no store.toml");
}

TEST_CASE("list and status tell which runs are done, left or failed, and why") {
  const TemporaryFolder folder;
  write_file(folder / "mine.toml", study_file_text("learning_rate = 1e30"));
  const std::string options = kSmall + "--threads 1 --seeds 1 --store " + (folder / "s");
  const auto told = [&](const std::string& what) {
    const CommandResult result = study(folder / "mine.toml", options + what);
    INFO(result.err);
    REQUIRE(result.status == 0);
    return result.out;
  };
  const std::string before = told(" --list");
  CHECK(count_of(before, "\n") == 2);
  CHECK_THAT(before, Catch::Contains("missing") && Catch::Contains("not run yet"));
  CHECK_THAT(told(" --status"), Catch::Contains("0 of 2 runs done, 0 failed") &&
                                    Catch::Contains("unknown until a run is finished"));
  CHECK(!std::filesystem::exists(folder / "s"));  // neither writes anything

  const CommandResult run = study(folder / "mine.toml", options);
  INFO(run.out << run.err);
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Catch::Contains("failed: other, seed 1: ") && Catch::Contains("loss"));
  const std::string after = told(" --list");
  CHECK_THAT(after, Catch::Contains("done ") && Catch::Contains("failed ") &&
                        Catch::Contains("the loss became infinite or NaN"));
  const std::string status = told(" --status");
  CHECK_THAT(status, Catch::Contains("1 of 2 runs done, 1 failed, 0 interrupted, 0 missing") &&
                         Catch::Contains("time left: none") && Catch::Contains("CPU hours") &&
                         Catch::Contains("failed: other, seed 1"));
  // What diverged diverges again: nothing is run, and the failure is told again.
  const CommandResult again = study(folder / "mine.toml", options);
  CHECK(again.status == 1);
  CHECK_THAT(again.err, Catch::Contains("failed: other, seed 1: "));
  CHECK(count_of(test::read_file(folder / "s/journal.tsv"), "\n") == 4);
}

TEST_CASE(
    "a plan that does not fit on the disk or into the memory is refused before its first run") {
  const TemporaryFolder folder;
  write_file(folder / "large.toml",
             "question = \"Is it so?\"\nclaim = \"It is.\"\n[settings]\n"
             "model = \"four_layer_cnn\"\nwidth = 4096\n[[variants]]\nname = \"a\"\n"
             "description = \"A\"\n[[variants]]\nname = \"b\"\ndescription = \"B\"\n"
             "expectation = \"lower\"\nsettings = { momentum = 0.5 }\n");
  const CommandResult result =
      study(folder / "large.toml", kSmall + "--seeds 1 --threads 1024 --store " + (folder / "s"));
  INFO(result.err);
  CHECK(result.status == 1);
  CHECK_THAT(result.err, Catch::Contains("are free"));
  CHECK(!std::filesystem::exists(folder / "s/plans/large.toml"));
}

TEST_CASE("each variant takes the rate of the grid that its pilot runs liked best") {
  const TemporaryFolder folder;
  const std::string store = folder / "s";
  const CommandResult result = study("relu_vs_tanh", kSmall + "--seeds 1 --store " + store);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  const StudyPlan first = plan_in(store, "plans/relu_vs_tanh.toml");
  CHECK(!first.has_measured_runs());
  const StudyPlan plan = plan_in(store, "plans/relu_vs_tanh+rates.toml");
  CHECK(plan.follows.size() == 64);
  std::map<std::string, std::pair<double, double>> best;  // error, rate
  for (const PlannedRun& run : plan.runs) {
    const Record record = load_record(store + "/" + run_file(run.digest));
    const auto rate = record.group("configuration").attribute<double>("learning_rate");
    CHECK(rate == run.learning_rate);
    if (run.role == "measured") {
      CHECK(rate == best.at(run.variant).second);
      continue;
    }
    const std::pair<double, double> found{record.values<double>("history/train_error").back(),
                                          rate};
    const auto [earlier, is_first] = best.emplace(run.variant, found);
    if (!is_first) earlier->second = std::min(earlier->second, found);
  }
  CHECK(best.size() == 2);
}

TEST_CASE("a grid whose best rate is at its end is extended, and what cannot be is one line") {
  const TemporaryFolder folder;
  const auto grid = [&](const std::string& keys) {
    write_file(folder / "mine.toml", keys + study_file_text("momentum = 0.5"));
  };
  // Without --quick, whose rates are nobody's result: 1e-7 hardly learns, so a larger one is
  // better.
  const std::string options =
      kSmall + "--seeds 1 --data " REPRISE_FIXTURES "/fashion-mnist --store ";
  grid("learning_rates = [1e-8, 1e-7]\nextend_learning_rates = 1\n");
  const CommandResult bound =
      run_command(kStudyProgram + (folder / "mine.toml ") + options + (folder / "a"));
  INFO(bound.out << bound.err);
  CHECK(bound.status == 1);
  CHECK_THAT(bound.err, Catch::Contains("still at the end of the grid after 1 more") &&
                            Catch::Contains("extend_learning_rates"));
  CHECK(count_of(bound.err, "\n") == 1);
  grid("learning_rates = [0.0005, 0.002]\nextend_learning_rates = 9\npilot_seeds = [7, 8]\n");
  const CommandResult found =
      run_command(kStudyProgram + (folder / "mine.toml ") + options + (folder / "b"));
  INFO(found.out << found.err);
  REQUIRE(found.status == 0);
  const StudyPlan plan = plan_in(folder / "b", "plans/mine+rates.toml");
  CHECK(plan.learning_rates.size() > 2);
  CHECK(plan.pilot_seeds == std::vector<std::int64_t>{7, 8});
  const CommandResult seeds =
      run_command(kStudyProgram + (folder / "mine.toml ") + "--seeds 7 --store " + (folder / "c"));
  CHECK(seeds.status == 2);
  CHECK_THAT(seeds.err, Catch::Contains("7, a seed of the pilots"));
}

/// Whether a run in the store has a checkpoint: it is in the middle, or was stopped there.
static bool is_run_begun(const std::string& store) {
  if (!std::filesystem::exists(store + "/runs")) return false;
  const std::vector<std::string> names = files_in(store + "/runs");
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.ends_with(".h5.checkpoint"); });
}

TEST_CASE("Ctrl-C keeps every run, and --resume ends with the same digests") {
  const TemporaryFolder folder;
  const std::string epochs = kSanitized ? "8" : "60";  // seconds a run
  const std::string options = "--train-images 256 --seeds 1,2 --epochs " + epochs + " --store ";
  REQUIRE(study("dropout", options + (folder / "whole") + " --threads 2").status == 0);
  // One of the four runs is recorded, the next has begun, two have not.
  const CommandResult stopped = run_command_until(
      command_line("dropout", options + (folder / "s") + " --threads 1 --checkpoint-seconds 0"),
      SIGINT, [&](const std::string& out) {
        return out.find("run 1/4") != std::string::npos && is_run_begun(folder / "s");
      });
  INFO(stopped.out << stopped.err);
  REQUIRE(stopped.status == 130);
  CHECK_THAT(stopped.out, Catch::Contains("--resume"));
  const CommandResult bare = study("dropout", options + (folder / "s"));
  CHECK(bare.status == 1);
  CHECK_THAT(bare.err, Catch::Contains("--resume"));
  REQUIRE(study("dropout", options + (folder / "s") + " --resume").status == 0);
  const std::vector<std::string> names = files_in(folder / "whole/runs");
  CHECK(names.size() == 4);
  CHECK(files_in(folder / "s/runs") == names);
  for (const std::string& name : names) {
    CHECK(digest_of(load_record(folder / ("s/runs/" + name))) ==
          digest_of(load_record(folder / ("whole/runs/" + name))));
  }
}

TEST_CASE(
    "killed within its runs, a study goes on from their last checkpoints to the same digests") {
  const TemporaryFolder folder;
  const std::string epochs = kSanitized ? "4" : "30";
  const std::string options =
      "--train-images 512 --seeds 1 --threads 1 --epochs " + epochs + " --store ";
  REQUIRE(study("dropout", options + (folder / "whole")).status == 0);
  const std::string again = options + (folder / "s") + " --checkpoint-seconds 0 --resume";
  // Within the first run, and then within the second.
  for (const std::string told : {"", "run 1/2"}) {
    const CommandResult killed =
        run_command_until(command_line("dropout", again), SIGKILL, [&](const std::string& out) {
          return out.find(told) != std::string::npos && is_run_begun(folder / "s");
        });
    INFO(killed.out << killed.err);
    REQUIRE(killed.status == 128 + SIGKILL);
    REQUIRE(is_run_begun(folder / "s"));
    CHECK((killed.out.find("continuing after") != std::string::npos) == !told.empty());
  }
  const CommandResult resumed = study("dropout", again);
  INFO(resumed.out << resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK_THAT(resumed.out, Catch::Contains("continuing after") && !Catch::Contains("after 0 ") &&
                              Catch::Contains("1 of 2 runs already recorded"));
  CHECK(!is_run_begun(folder / "s"));
  for (const std::string& name : files_in(folder / "whole/runs")) {
    CHECK(digest_of(load_record(folder / ("s/runs/" + name))) ==
          digest_of(load_record(folder / ("whole/runs/" + name))));
  }
}

TEST_CASE("bad input is refused in one line") {
  const TemporaryFolder folder;
  const auto check_refused = [&](const std::string& options, const std::string& message,
                                 int status = 2) {
    const CommandResult result = study("depth", options + " --store " + (folder / "s"));
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
  const CommandResult unknown = run_command(kStudyProgram + "dpeth");
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.err, Catch::Contains("\"dpeth\"") && Catch::Contains("depth"));
  CHECK(run_command(kStudyProgram).status == 2);
}
