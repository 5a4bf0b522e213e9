// Checks a store of runs and the report on it against their plans: one page, PASS or FAIL.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "audit.hpp"
#include "gnuplot.hpp"
#include "report_files.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"

extern char** environ;

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string name;
  std::vector<std::string> folders;
  std::string data, notes;
  AuditOptions audit;
};

/// The program verify: beside this one, or in its folder of a build.
std::string verify_program() {
  std::error_code none;
  const fs::path folder = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (const char* place : {"verify", "../experiments/verify"}) {
    const fs::path path = (folder / place).lexically_normal();
    if (fs::exists(path, none)) return path.string();
  }
  throw Error((folder / "verify").string(), "is not there", "the program verify, or --sample 0");
}

/// What a program prints on standard output and standard error, and its exit status.
struct Finished {
  int status = 0;
  std::string output;
};

Finished run_program(const std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(words[0], "no pipe", "a free descriptor");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      posix_spawn(&child, words[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Finished finished;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; failed == 0 && (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    finished.output.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  if (failed != 0) throw Error(words[0], "cannot be started", "the program verify");
  int status = 0;
  waitpid(child, &status, 0);
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

/// The verdict on a record: "" if it is identical, else verify's first lines on one.
std::string verify_record(const std::string& path, const Options& options) {
  std::vector<std::string> words = {verify_program()};
  if (!options.data.empty()) words.insert(words.end(), {"--data", options.data});
  if (options.audit.loading.unconfined) words.emplace_back("--unconfined");
  if (options.audit.loading.no_checksum) words.emplace_back("--no-checksum");
  words.insert(words.end(), {"--", path});
  const Finished finished = run_program(words);
  if (finished.status == 0) return "";
  constexpr std::size_t most = 300;
  std::string said = finished.output;
  for (char& c : said) c = c == '\n' ? ' ' : c;
  return std::string(beginning_of(said, most)) + " (verify ended with " +
         std::to_string(finished.status) + ")";
}

void describe(CommandLine& line, Options& options) {
  line.add_operands("DIR", options.folders, {1, 1},
                    "a store of runs, or a folder with stores in it and perhaps a report");
  line.add_text("--report", options.audit.report,
                "folder of the report on these records; default: DIR, if there is one in it",
                "DIR");
  line.add_text("--notes", options.notes, "the notes that the report was written with", "FILE");
  line.add_size("--sample", options.audit.sample, {0},
                "records that verify runs again, chosen by the plans' digests");
  line.add_text("--data", options.data, "folder with the data, for verify; default: verify's own",
                "DIR");
  add_load_options(line, options.audit.loading);
  line.set_footer(
      "Checks: plans and their SHA-256; records whole, named by their configuration and data, and "
      "in a plan; each variant with each seed and no other; runs that are missing, failed or have "
      "vanished; each study's runs of one commit without changes; no copies; learning rates by the "
      "pilots' records; a sample run again; the report's text and numbers computed again.\n\n"
      "Exit status: 0 PASS; 1 FAIL, or an error; 2 for bad usage.\n\nExample:\n  " +
      options.name + " --sample 5 reports/latest");
}

/// At most so many faults of one check are printed.
constexpr std::size_t kFaults = 6;

void print_check(const AuditCheck& check) {
  if (check.faults.empty()) {
    print_line("ok    " + check.name + ": " + check.subject);
    return;
  }
  for (std::size_t i = 0; i < check.faults.size() && i < kFaults; ++i) {
    print_line("FAIL  " + check.name + ": " + check.faults[i]);
  }
  if (check.faults.size() > kFaults) {
    print_line("FAIL  " + check.name + ": and " + std::to_string(check.faults.size() - kFaults) +
               " more");
  }
}

int print_page(const std::string& folder, const Audit& audited) {
  print_line("audit of " + folder);
  std::string reason;
  std::size_t faults = 0;
  for (const AuditCheck& check : audited.checks) {
    print_check(check);
    faults += check.faults.size();
    if (reason.empty() && !check.faults.empty()) reason = check.name + ": " + check.faults.front();
  }
  print_line("Not checked:");
  for (const std::string& note : audited.notes) print_line("  " + note);
  print_line("What an audit of files cannot know:");
  for (const std::string& limit : audit_limits()) print_line("  " + limit);
  if (faults == 0) {
    print_line("PASS");
    return 0;
  }
  print_line("FAIL: " + reason +
             (faults > 1 ? " (and " + std::to_string(faults - 1) + " more)" : ""));
  return kFailed;
}

int parse_and_run(const std::string& name, int argc, char** argv) {
  Options options;
  options.name = name;
  CommandLine line(name, "Checks a store of runs, and the report on it, against their plans.");
  describe(line, options);
  if (!line.parse(argc, argv)) return 0;
  if (options.audit.loading.unconfined) draw_unconfined();
  if (!options.notes.empty()) options.audit.notes = read_notes(options.notes);
  options.audit.verify = [&](const std::string& path) { return verify_record(path, options); };
  return print_page(options.folders.front(), audit(options.folders.front(), options.audit));
}

}  // namespace
}  // namespace reprise::reports

int main(int argc, char** argv) {
  const reprise::FloatEnvironment environment;
  const std::string name = reprise::called_name("audit", argc, argv);
  try {
    return reprise::reports::parse_and_run(name, argc, argv);
  } catch (const reprise::UsageError& error) {
    reprise::print_error_line(name + ": " + error.what());
    return reprise::kBadUsage;
  } catch (const std::exception& error) {
    reprise::print_error_line(name + ": " + error.what());
    return reprise::kFailed;
  }
}
