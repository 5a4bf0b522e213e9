// audit as a reviewer uses it: an honest store passes, and every kind of fault is told with its
// reason.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "audit.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/small_data.hpp"
#include "support/temporary_folder.hpp"
#include "support/training_record.hpp"
#include "support/web_module.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

namespace fs = std::filesystem;

const std::string kStudy =
    "question = \"Is it so?\"\nclaim = \"It is.\"\nlearning_rates = [0.001, 0.01]\n"
    "extend_learning_rates = 0\n[settings]\nepochs = 1\ntrain_images = 128\n"
    "[[variants]]\nname = \"a\"\ndescription = \"A\"\n"
    "[[variants]]\nname = \"b\"\ndescription = \"B\"\nexpectation = \"lower\"\n"
    "settings = { momentum = 0.5, activation = \"tanh\" }\n";

/// As few images as the study trains on.
const std::string& data() {
  static const TemporaryFolder folder;
  static const std::string written = write_small_data(folder / "data", 128, 40);
  return written;
}

CommandResult audit(const std::string& options) {
  return run_command(kBuild + "/reports/audit --data " + data() + " " + options);
}

/// Changes a record; its digest fits again.
void change(const fs::path& path, const std::function<void(Record&)>& how) {
  Record record = load_record(path.string());
  how(record);
  save_record(record, path.string(), Overwrite::yes);
}

void set_commit(Record& record, const std::string& commit, std::int64_t dirty) {
  record.groups["environment"].attributes["git_commit"] = commit;
  record.groups["environment"].attributes["git_dirty"] = dirty;
}

std::vector<fs::path> records_in(const std::string& store) {
  std::vector<fs::path> records;
  for (const auto& entry : fs::directory_iterator(store + "/runs")) {
    if (entry.path().extension() == ".h5") records.push_back(entry.path());
  }
  std::sort(records.begin(), records.end());
  return records;
}

/// A study's store with a report in it, as if a clean commit had made it.
void make_store(const std::string& folder) {
  write_file(folder + "/mine.toml", kStudy);
  REQUIRE(run_command(kBuild + "/experiments/study " + folder + "/mine.toml --threads 1 --seeds " +
                      "1,2 --data " + data() + " --store " + folder + "/s")
              .status == 0);
  for (const fs::path& path : records_in(folder + "/s")) {
    change(path, [](Record& record) { set_commit(record, std::string(40, 'c'), 0); });
  }
  const CommandResult report =
      run_command(kBuild + "/reports/write_report --output " + folder + "/s " + folder + "/s");
  INFO(report.err);
  REQUIRE(report.status == 0);
}

/// A copy of the store that the tests share, for one of them to spoil.
std::string spoiled(const TemporaryFolder& folder) {
  static const TemporaryFolder kept;
  static const bool made = [] {
    make_store(kept.path());
    return true;
  }();
  REQUIRE(made);
  const std::string copy = folder / "s";
  fs::remove_all(copy);
  fs::copy(kept / "s", copy, fs::copy_options::recursive);
  return copy;
}

StudyPlan plan_in(const std::string& store) {
  const std::string path = store + "/plans/mine+rates.toml";
  return plan_from(path, test::read_file(path));
}

/// Puts a plan in place of the store's, with a SHA-256 that fits.
void replace_plan(const std::string& store, const StudyPlan& plan) {
  write_file(store + "/plans/mine+rates.toml", plan_text(plan));
  REQUIRE(
      run_command("cd " + store + "/plans && sha256sum mine+rates.toml > mine+rates.toml.sha256")
          .status == 0);
}

}  // namespace

TEST_CASE("audit passes an honest store with its report, and says what it cannot know") {
  const TemporaryFolder folder;
  const CommandResult result = audit("--sample 2 " + spoiled(folder));
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK(result.last_line() == "PASS");
  CHECK_THAT(
      result.out,
      Catch::Contains("ok    verify: 2 of 8 records run again") &&
          Catch::Contains("ok    report: report.md, supplement.md, data and verdicts.toml") &&
          Catch::Contains("ok    rates: ") && Catch::Contains("Not checked:") &&
          Catch::Contains("cannot know:") && Catch::Contains("6 records not run again"));
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') < 60);  // a page
}

TEST_CASE("audit passes a report with a page that runs again") {
  const TemporaryFolder folder;
  const std::string store = spoiled(folder);
  save_record(training_record({1, 2}), folder / "small.h5");
  fs::create_directory(folder / "web");
  test::write_web_module(folder / "web", "the module", "ab");
  const CommandResult report = run_command(
      kBuild + "/reports/write_report --output " + store + " --interactive " + (folder / "web") +
      " --interactive-data " REPRISE_FIXTURES "/fashion-mnist --interactive-record " +
      (folder / "small.h5") + " " + store);
  INFO(report.err);
  REQUIRE(report.status == 0);
  const CommandResult result = audit("--sample 0 " + store);
  INFO(result.out << result.err);
  CHECK(result.last_line() == "PASS");
}

TEST_CASE("audit fails for each fault, with the reason and exit status 1") {
  const TemporaryFolder folder;
  struct Case {
    std::string expected;
    std::function<void(const std::string& store)> spoil;
  };
  const auto first = [](const std::string& store) { return records_in(store).front(); };
  const std::vector<Case> cases = {
      {"runs: mine: b, seed 2 is missing",
       [](const std::string& store) {
         for (const PlannedRun& run : plan_in(store).runs) {
           if (run.variant == "b" && run.seed == 2) fs::remove(store + "/" + run_file(run.digest));
         }
       }},
      {"has vanished", [&](const std::string& store) { fs::remove(first(store)); }},
      {"failed: out of memory",
       [&](const std::string& store) {
         const PlannedRun run = plan_in(store).runs.back();
         fs::remove(store + "/" + run_file(run.digest));
         write_file(store + "/" + failure_file(run.digest), failure_text({false, "out of memory"}));
       }},
      {"is of another run",
       [&](const std::string& store) {
         fs::copy_file(first(store), store + "/runs/0123456789abcdef.h5");
       }},
      {"is of another run",  // other data
       [&](const std::string& store) {
         change(first(store), [](Record& record) {
           auto& files = record.groups["data"].datasets["file_sha256"].values;
           std::get<std::vector<std::string>>(files).front() = std::string(64, 'd');
         });
       }},
      {"its bytes do not have the SHA-256 at its end",
       [&](const std::string& store) {  // a wrong digest
         std::string bytes = test::read_file(first(store));
         bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
         write_file(first(store), bytes);
       }},
      {"code: mine: 2 commits",
       [&](const std::string& store) {
         change(first(store), [](Record& r) { set_commit(r, std::string(40, 'd'), 0); });
       }},
      {"uncommitted changes",
       [&](const std::string& store) {
         change(first(store), [](Record& r) { set_commit(r, std::string(40, 'c'), 1); });
       }},
      {"plans: ",
       [](const std::string& store) {
         const std::string plan = store + "/plans/mine+rates.toml";
         write_file(plan, test::read_file(plan) + "#\n");
       }},
      {"seeds: mine: a, seed 3 is not in the plan",
       [](const std::string& store) {
         StudyPlan plan = plan_in(store);
         plan.seeds = {1, 2, 3};
         replace_plan(store, plan);
       }},
      {"seeds: mine: a, seed 2 is extra",
       [](const std::string& store) {
         StudyPlan plan = plan_in(store);
         plan.seeds = {1};
         replace_plan(store, plan);
       }},
      {"rates: mine: a has the rate",
       [](const std::string& store) {
         StudyPlan plan = plan_in(store);
         plan.variants[0].learning_rate = plan.variants[0].learning_rate == 0.001 ? 0.01 : 0.001;
         replace_plan(store, plan);
       }},
      {"journal", [](const std::string& store) { fs::remove(store + "/journal.tsv"); }},
      {"report: report.md, line",
       [](const std::string& store) {
         std::string text = test::read_file(store + "/report.md");
         const std::size_t at = text.find("| points |");
         REQUIRE(at != std::string::npos);
         write_file(store + "/report.md", text.replace(at, 10, "| percent |"));
       }},
      {"report: data/seeds_mine.csv, line",
       [](const std::string& store) {
         const std::string path = store + "/data/seeds_mine.csv";
         std::string text = test::read_file(path);
         write_file(path, text.insert(text.rfind(',') + 1, "1"));
       }},
      {"report: verdicts.toml, line",
       [](const std::string& store) {
         std::string text = test::read_file(store + "/verdicts.toml");
         const std::size_t at = text.find("mean = ");
         write_file(store + "/verdicts.toml", text.insert(at + 7, "1"));
       }},
      {"no store of runs", [](const std::string& store) { fs::remove(store + "/store.toml"); }},
      {"store 9",
       [](const std::string& store) {
         write_file(store + "/store.toml", "format = \"reprise store 9\"\n");
       }},
  };
  for (const Case& c : cases) {
    const std::string store = spoiled(folder);
    c.spoil(store);
    const CommandResult result = audit("--sample 0 " + store);
    INFO(c.expected << "\n" << result.out << result.err);
    CHECK(result.status == 1);
    CHECK_THAT(result.last_line(), Catch::StartsWith("FAIL: "));
    CHECK_THAT(result.out, Catch::Contains(c.expected));
  }
}

TEST_CASE("audit takes studies of two commits in one store, each of its own") {
  const TemporaryFolder folder;
  const std::string store = spoiled(folder);
  const std::vector<fs::path> before = records_in(store);
  std::string other = kStudy;
  other.replace(other.find("train_images"), 0, "weight_decay = 0.001\n");
  write_file(folder / "other.toml", other);
  REQUIRE(run_command(kBuild + "/experiments/study " + (folder / "other.toml") +
                      " --threads 1 --seeds 1,2 --data " + data() + " --store " + store)
              .status == 0);
  for (const fs::path& path : records_in(store)) {
    if (std::count(before.begin(), before.end(), path) > 0) continue;
    change(path, [](Record& record) { set_commit(record, std::string(40, 'd'), 0); });
  }
  REQUIRE(run_command(kBuild + "/reports/write_report --output " + store + " " + store).status ==
          0);
  const CommandResult result = audit("--sample 0 " + store);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("ok    code: each study's runs of one commit") &&
                             Catch::Contains("code: the store's runs are of 2 commits"));
}

TEST_CASE("audit fails if a record is not what its configuration gives") {
  const TemporaryFolder folder;
  const std::string store = spoiled(folder);
  for (const fs::path& path : records_in(store)) {
    change(path, [](Record& record) {
      record.groups["environment"].attributes["git_commit"] = std::string(40, 'c');
      auto& loss = record.groups["evaluation"].attributes["test_loss"];
      loss = std::get<double>(loss) / 2;
    });
  }
  const CommandResult result = audit("--sample 1 " + store);
  INFO(result.out);
  CHECK(result.status == 1);
  CHECK_THAT(result.out, Catch::Contains("FAIL  verify: ") && Catch::Contains("verify ended with"));
}

TEST_CASE("bad input of audit is one line") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& options, int status, const std::string& message) {
    const CommandResult result = audit(options);
    INFO(result.out << result.err);
    CHECK(result.status == status);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_THAT(result.err, Catch::StartsWith("audit: ") && Catch::Contains(message));
  };
  refused("", 2, "DIR");
  refused("/nowhere", 1, "/nowhere");
  refused("--sample -1 " + folder.path(), 2, "--sample");
  refused("--notes /nowhere " + folder.path(), 1, "/nowhere");
}
