// Summaries in place of records, as a person uses them: a study goes on from them, and the report,
// the audit and verify take them.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "reprise/record/store.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/small_data.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

namespace fs = std::filesystem;

/// Pilots, and a measure that needs the errors of steps.
const std::string kStudyOfSteps =
    "question = \"Is it so?\"\nclaim = \"It is.\"\nlearning_rates = [0.001, 0.01]\n"
    "measure = \"epochs_to_train_error\"\nthreshold = 0.5\n"
    "extend_learning_rates = 0\n[settings]\nepochs = 2\nbatch_size = 16\ntrain_images = 320\n"
    "[[variants]]\nname = \"a\"\ndescription = \"A\"\n"
    "[[variants]]\nname = \"b\"\ndescription = \"B\"\nexpectation = \"lower\"\n"
    "settings = { momentum = 0.5, activation = \"tanh\" }\n";

const std::string& small_data() {
  static const TemporaryFolder folder;
  static const std::string written = write_small_data(folder / "data", 320, 40);
  return written;
}

CommandResult study(const std::string& folder, const std::string& options) {
  return run_command(kBuild + "/experiments/study " + folder +
                     "/mine.toml --threads 1 --seeds 1,2" + " --data " + small_data() + " " +
                     options);
}

std::vector<fs::path> files_in(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ending) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A study in `records`, and its summaries in `summaries`, both below `folder`.
struct Made {
  TemporaryFolder folder;
  CommandResult result;

  Made() {
    write_file(folder / "mine.toml", kStudyOfSteps);
    result = study(folder.path(),
                   "--store " + (folder / "records") + " --summaries " + (folder / "summaries"));
  }
};

const Made& made() {
  static const Made made;
  INFO(made.result.err);
  REQUIRE(made.result.status == 0);
  return made;
}

/// A copy of the summaries, for a test to work on or to spoil.
std::string summaries(const TemporaryFolder& folder) {
  const std::string copy = folder / "s";
  fs::remove_all(copy);
  fs::copy(made().folder / "summaries", copy, fs::copy_options::recursive);
  write_file(folder / "mine.toml", kStudyOfSteps);
  return copy;
}

void replace_in(const fs::path& path, const std::string& part, const std::string& what) {
  std::string text = test::read_file(path.string());
  const std::size_t at = text.find(part);
  REQUIRE(at != std::string::npos);
  write_file(path.string(), text.replace(at, part.size(), what));
}

/// The digest that a summary claims, changed to another.
void change_digest(const fs::path& path) {
  const std::string digest = run_record_digest(load_summary(path.string()));
  replace_in(path, digest, std::string(digest[0] == 'a' ? "b" : "a") + digest.substr(1));
}

}  // namespace

TEST_CASE("a study writes the summary of each run, its plans and its journal") {
  const fs::path from = made().folder / "records";
  const fs::path to = made().folder / "summaries";
  const std::vector<fs::path> records = files_in(from / "runs", ".h5");
  REQUIRE(records.size() == 8);
  CHECK(files_in(to / "runs", ".toml").size() == 8);
  CHECK(files_in(to / "runs", ".h5").empty());
  for (const fs::path& path : records) {
    const fs::path summary = to / "runs" / path.filename().replace_extension(".toml");
    CHECK(run_record_digest(load_summary(summary.string())) ==
          digest_of(load_record(path.string())));
  }
  for (const char* file : {"store.toml", "journal.tsv", "plans/mine.toml", "plans/mine+rates.toml",
                           "plans/mine+rates.toml.sha256"}) {
    CHECK(test::read_file((from / file).string()) == test::read_file((to / file).string()));
  }
}

TEST_CASE("summaries of a whole store are the same, and stay as they are the second time") {
  const TemporaryFolder folder;
  const std::string command = kBuild + "/experiments/study --store " + (made().folder / "records") +
                              " --summaries " + (folder / "s");
  for (int i = 0; i < 2; ++i) {
    const CommandResult result = run_command(command);
    INFO(result.err);
    CHECK(result.status == 0);
    CHECK(
        run_command("diff -r " + (folder / "s") + " " + (made().folder / "summaries")).out.empty());
  }
  const fs::path changed = files_in(folder / "s/runs", ".toml").front();
  change_digest(changed);
  const CommandResult other = run_command(command);
  CHECK(other.status == 1);
  CHECK(std::count(other.err.begin(), other.err.end(), '\n') == 1);
  CHECK_THAT(other.err, Catch::Contains(changed.string() + ": is of a record with the digest"));
}

TEST_CASE("a damaged note of a failure is told in a line, and all else is summarized") {
  const TemporaryFolder folder;
  const std::string store = folder / "records";
  fs::copy(made().folder / "records", store, fs::copy_options::recursive);
  write_file(folder / "mine.toml", kStudyOfSteps);
  const std::string note = store + "/runs/0000000000000000.failed";
  write_file(note, "not a note\n");
  const auto check_told = [&](const CommandResult& result, const std::string& to) {
    INFO(result.out << result.err);
    CHECK(result.status == 1);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_THAT(result.err, Catch::StartsWith("study: ") && Catch::Contains(note));
    CHECK(run_command("diff -r " + to + " " + (made().folder / "summaries")).out.empty());
  };
  check_told(run_command(kBuild + "/experiments/study --store " + store + " --summaries " +
                         (folder / "s")),
             folder / "s");
  check_told(study(folder.path(), "--store " + store + " --summaries " + (folder / "t")),
             folder / "t");
}

TEST_CASE("the report counts runs by the states that the list tells") {
  const TemporaryFolder folder;
  const std::string store = folder / "records";
  fs::copy(made().folder / "records", store, fs::copy_options::recursive);
  write_file(folder / "mine.toml", kStudyOfSteps);
  const auto list = [&] { return study(folder.path(), "--list --store " + store).out; };
  const auto file_of = [&](const std::string& label) {
    const std::string text = "\n" + list();
    const std::size_t at = text.rfind('\n', text.find(" " + label + "\n"));
    return store + "/runs/" + text.substr(at + 13, 16);
  };
  const auto check_counts = [&](const std::string& failed, const std::string& interrupted,
                                const std::string& missing) {
    const std::string told = "\n" + list();
    const auto count = [&](const std::string& state) {
      std::size_t rows = 0;
      for (std::size_t at = told.find("\n" + state + " "); at != told.npos;
           at = told.find("\n" + state + " ", at + 1)) {
        ++rows;
      }
      return std::to_string(rows);
    };
    CHECK(count("failed") == failed);
    CHECK(count("interrupted") == interrupted);
    CHECK(count("missing") == missing);
    const CommandResult report =
        run_command(kBuild + "/reports/write_report --output " + (folder / "report") + " " + store);
    INFO(told << report.err);
    std::string text = test::read_file(folder / "report/report.md");
    std::replace(text.begin(), text.end(), '\n', ' ');
    CHECK_THAT(text, Catch::Contains("Planned runs that failed: " + failed +
                                     " (diverged pilots: 0), interrupted: " + interrupted +
                                     ", missing: " + missing + "."));
  };
  const std::string failed = file_of("a, seed 2");
  const std::string other = file_of("b, seed 2");
  fs::remove(failed + ".h5");
  write_file(failed + ".failed", failure_text({false, "no room"}));
  write_file(failed + ".h5.checkpoint", "any");
  fs::remove(other + ".h5");
  write_file(other + ".h5.checkpoint", "any");
  check_counts("1", "1", "0");
  write_file(other + ".h5", "not HDF5");
  check_counts("1", "0", "1");
}

TEST_CASE("several processes of one launcher do not each write a report") {
  const TemporaryFolder folder;
  const std::string write = " " + kBuild + "/reports/write_report --output " + (folder / "r") +
                            " " + (made().folder / "summaries");
  const CommandResult first = run_command("OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0" + write);
  CHECK(first.status == 2);
  CHECK(first.err ==
        "write_report: command line: 2 processes of Open MPI's launcher, of which each would write "
        "the same report; expected one process\n");
  const CommandResult second = run_command("OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1" + write);
  CHECK(second.status == 0);
  CHECK(second.out + second.err == "");
  CHECK(!fs::exists(folder / "r"));
}

TEST_CASE("a study does not run again what has a summary, pilots included") {
  const TemporaryFolder folder;
  const std::string store = summaries(folder);
  const CommandResult result = study(folder.path(), "--resume --store " + store);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("4 of 4 runs already recorded"));
  CHECK(result.last_line() == made().result.last_line());  // the study's digest
  CHECK(files_in(store + "/runs", ".h5").empty());
  CHECK_THAT(study(folder.path(), "--list --store " + store).out,
             Catch::Contains("done ") && Catch::Contains("a, seed 1 (summary)"));
  CHECK_THAT(study(folder.path(), "--status --store " + store).out,
             Catch::Contains("8 of 8 runs done") &&
                 Catch::Contains("8 of those done are without a record"));

  const fs::path gone = files_in(store + "/runs", ".toml").front();
  fs::remove(gone);
  const CommandResult rest =
      study(folder.path(), "--worker --store " + store + " --summaries " + store);
  INFO(rest.out << rest.err);
  CHECK(rest.status == 0);
  CHECK(files_in(store + "/runs", ".h5").size() == 1);  // the record is back
  CHECK(fs::exists(gone));
}

TEST_CASE("a study sets a damaged summary aside, and refuses a result other than its summary's") {
  const TemporaryFolder folder;
  const std::string store = summaries(folder);
  const fs::path path = files_in(store + "/runs", ".toml").front();
  replace_in(path, "train_loss", "train_lost");
  const CommandResult damaged = study(folder.path(), "--resume --store " + store);
  INFO(damaged.out << damaged.err);
  CHECK(damaged.status == 0);
  CHECK(damaged.err.empty());
  CHECK_THAT(damaged.out, Catch::Contains("unknown key \"train_lost\"") &&
                              Catch::Contains("; set aside as " + path.string() + ".damaged-1\n"));
  CHECK(damaged.last_line() == made().result.last_line());
  CHECK(files_in(store + "/runs", ".h5").size() == 1);  // the record is back
  // A summary stands for a record that is damaged.
  const fs::path intact = files_in(store + "/runs", ".toml").front();
  const std::string record = fs::path(intact).replace_extension(".h5");
  write_file(record, "not HDF5");
  const CommandResult stands = study(folder.path(), "--worker --store " + store);
  INFO(stands.out << stands.err);
  CHECK(stands.status == 0);
  CHECK_THAT(stands.out, Catch::Contains("; set aside as " + record + ".damaged-1\n") &&
                             Catch::Contains(": its summary stands for it\n"));
  CHECK(stands.last_line() == made().result.last_line());
  // What says that it is of another format is whole, and is not this release's to set aside.
  replace_in(intact, "reprise summary 1", "reprise summary 7");
  const CommandResult later = study(folder.path(), "--worker --store " + store);
  CHECK(later.status == 1);
  CHECK_THAT(later.err, Catch::Contains("reprise summary 7"));
  CHECK(std::count(later.err.begin(), later.err.end(), '\n') == 1);
  CHECK(fs::exists(intact));
  fs::remove_all(store);

  summaries(folder);
  for (const fs::path& one : files_in(store + "/runs", ".toml")) change_digest(one);
  const CommandResult forced = study(folder.path(), "--force --store " + store);
  CHECK(forced.status == 1);
  CHECK_THAT(forced.err, Catch::Contains("is of a record with the digest"));
  CHECK(files_in(store + "/runs", ".h5").empty());
}

TEST_CASE("a report from summaries has the verdicts, values and curves of that from records") {
  const TemporaryFolder folder;
  const std::string store = summaries(folder);
  const std::string write = kBuild + "/reports/write_report --output ";
  REQUIRE(run_command(write + (folder / "whole") + " " + (made().folder / "records")).status == 0);
  const CommandResult result = run_command(write + (folder / "report") + " " + store);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.err.empty());
  for (const char* file :
       {"verdicts.toml", "data/verdicts.csv", "data/values.csv", "data/seeds_mine.csv",
        "data/contrasts_mine.csv", "data/curves_mine.csv", "data/pilots.csv",
        "data/usual_settings.csv", "data/variants.csv", "data/sides.csv"}) {
    INFO(file);
    const std::string whole = test::read_file(folder / "whole" + "/" + file);
    CHECK(!whole.empty());
    CHECK(test::read_file(folder / "report" + "/" + file) == whole);
  }
  const std::string paper = test::read_file(folder / "report/report.md");
  CHECK_THAT(paper,
             Catch::Contains("Summaries without weights and images stand in for 8 of them."));
  const std::string supplement = test::read_file(folder / "report/supplement.md");
  CHECK_THAT(supplement, Catch::Contains("8 are here as summaries") &&
                             !Catch::Contains("What the networks see"));
  CHECK(!fs::exists(folder / "report/data/kernels.csv"));

  const CommandResult alone = run_command(write + (folder / "alone") + " " +
                                          files_in(store + "/runs", ".toml").front().string());
  CHECK(alone.status == 1);
  CHECK_THAT(alone.err, Catch::Contains("a summary by itself"));
}

TEST_CASE("audit passes summaries with their report, and finds a number that was changed") {
  const TemporaryFolder folder;
  const std::string store = summaries(folder);
  REQUIRE(run_command(kBuild + "/reports/write_report --output " + store + " " + store).status ==
          0);
  const auto audited = [&](int sample) {
    return run_command(kBuild + "/reports/audit --data " + small_data() + " --sample " +
                       std::to_string(sample) + " " + store);
  };
  // A commit without changes is what tests cannot count on; all else must be in order.
  const CommandResult honest = audited(2);
  INFO(honest.out << honest.err);
  for (const char* line : {"ok    records: 8 records whole", "8 of them told by a summary",
                           "ok    seeds: ", "ok    runs: ", "ok    journal: ", "ok    rates: ",
                           "ok    report: ", "ok    verify: 2 of 8 records run again",
                           "records: 8 are not here but told by a summary"}) {
    CHECK_THAT(honest.out, Catch::Contains(line));
  }
  const fs::path path = files_in(store + "/runs", ".toml").front();
  const std::string text = test::read_file(path.string());
  const auto spoil = [&](const std::string& start,
                         const std::function<std::string(std::string)>& how) {
    const std::size_t at = text.find("\n" + start) + 1;
    const std::string line = text.substr(at, text.find('\n', at) - at);
    write_file(path.string(), std::string(text).replace(at, line.size(), how(line)));
  };
  spoil("train_error = [", [](const std::string&) { return "train_error = [0.5, 0.25]"; });
  CHECK_THAT(audited(0).out,
             Catch::Contains("FAIL  records: ") && Catch::Contains("as the steps of"));
  spoil("test_accuracy = ", [](const std::string&) { return "test_accuracy = 1.0"; });
  CHECK_THAT(audited(0).out,
             Catch::Contains("FAIL  records: ") && Catch::Contains("by /evaluation/confusion"));
  // A loss that nothing else vouches for shows by running it again alone.
  spoil("test_loss = ", [](const std::string&) { return "test_loss = 0.125"; });
  CHECK_THAT(audited(0).out, Catch::Contains("ok    records: "));
  const CommandResult rerun = audited(8);
  INFO(rerun.out);
  CHECK_THAT(rerun.out, Catch::Contains("FAIL  verify: ") && Catch::Contains("test_loss"));
}

TEST_CASE("audit compares a record with the summary beside it") {
  const TemporaryFolder folder;
  const std::string store = folder / "s";
  fs::copy(made().folder / "records", store, fs::copy_options::recursive);
  const fs::path record = files_in(store + "/runs", ".h5").front();
  const fs::path beside = fs::path(record).replace_extension(".toml");
  fs::copy_file(fs::path(made().folder / "summaries/runs") / beside.filename(), beside);
  const std::string audit = kBuild + "/reports/audit --sample 0 " + store;
  CHECK_THAT(run_command(audit).out, Catch::Contains("ok    records: "));
  change_digest(beside);
  CHECK_THAT(run_command(audit).out, Catch::Contains("is not the record's"));
}

TEST_CASE("verify runs a summary again, and finds a digest that its run does not give") {
  const TemporaryFolder folder;
  const std::string store = summaries(folder);
  const fs::path path = files_in(store + "/runs", ".toml").front();
  const std::string verify = kBuild + "/experiments/verify --data " + small_data() + " ";
  const CommandResult same = run_command(verify + path.string());
  INFO(same.out << same.err);
  CHECK(same.status == 0);
  CHECK_THAT(same.out, Catch::Contains(": identical") && Catch::Contains("digest sha256:"));
  const CommandResult part = run_command(verify + "--epochs 1 " + path.string());
  INFO(part.out << part.err);
  CHECK(part.status == 3);
  CHECK_THAT(part.out, Catch::Contains("agrees in part"));
  change_digest(path);
  const CommandResult other = run_command(verify + path.string());
  CHECK((other.status == 1 || other.status == 4));  // 4 where this code has uncommitted changes
  CHECK_THAT(other.out, Catch::Contains("record_sha256"));
}

TEST_CASE("the commands of a report on CIFAR-10 name studies that study finds, and the data") {
  const TemporaryFolder folder;
  const std::string report = folder / "report";
  REQUIRE(run_command(REPRISE_BINARY_DIR "/reports/write_report --output " + report +
                      " " REPRISE_SOURCE_DIR "/reports/cifar10")
              .status == 0);
  std::istringstream lines(test::read_file(report + "/data/README.md"));
  const std::string start = "build/release/experiments/study ";
  std::size_t found = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(start)) continue;
    ++found;
    const std::string name = line.substr(start.size(), line.find(' ', start.size()) - start.size());
    INFO(line);
    CHECK(run_command("cd " REPRISE_SOURCE_DIR " && " REPRISE_BINARY_DIR "/experiments/study " +
                      name + " --describe")
              .status == 0);
    CHECK_THAT(line, Catch::Contains(" --data DIR"));
  }
  CHECK(found > 0);
}
