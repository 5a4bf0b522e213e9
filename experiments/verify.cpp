// Does this record say what its configuration gives?
//
// Runs the configuration inside each record again and compares to the bit.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/verification.hpp"
#include "support/program.hpp"
#include "support/study_findings.hpp"

namespace reprise {
namespace {

struct Options {
  std::string name;  ///< of this program, for its messages
  std::vector<std::string> records;
  std::string data;
  std::string initial;
  std::string simd = "best";
  std::string study_file;
  std::optional<Study> study;  ///< in study_file
  VerificationOptions verification{0, default_threads()};
  LoadOptions loading;
};

std::optional<Options> parse(const std::string& name, int argc, const char* const* argv) {
  Options options;
  options.name = name;
  CommandLine line(
      name,
      "Repeats the run of each record from its configuration and reports whether the result "
      "is identical, or where the two first differ.");
  line.add_operands("RECORD", options.records, {1},
                    "records of training runs, or their summaries (*.toml)");
  line.add_text("--data", options.data,
                "folder with the data; folders that records name are not opened; default " +
                    default_data_folder(),
                "DIR");
  line.add_text("--initial", options.initial,
                "file with the weights that the runs started from, for records made with --initial",
                "FILE");
  line.add_text("--study", options.study_file,
                "study file by which to judge the records; default: the installed study that each "
                "record names",
                "FILE");
  line.add_size("--epochs", options.verification.epochs, {1},
                "verify only the first N epochs; default all");
  add_threads(line, options.verification.threads,
              "number of threads; affects the speed, not the result");
  add_simd(line, options.simd, "affects the speed, not the result");
  add_load_options(line, options.loading);
  line.set_footer(
      "Exit status, that of the worst record, from best to worst:\n"
      "  0    identical: everything outside /environment is the same to the bit\n"
      "  3    agrees in part: what was judged is identical, and what was not is listed (--epochs;\n"
      "       an unknown study)\n"
      "  4    cannot judge: not a record, other data, or a different result from other code\n"
      "  1    different\n"
      "  2    bad usage\n"
      "  130  interrupted\n"
      "\nExample:\n  " +
      name + " --epochs 1 runs/lenet5.h5");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] {
    select_simd_target(options.simd);
    if (!line.given("--study")) return;
    options.study = read_study(find_study(options.study_file));
    for (const std::string& note : options.study->notes) print_error_line("note: " + note);
  });
  return options;
}

/// What is said of a record, and the exit status that goes with it; the worst comes last.
struct Outcome {
  std::string_view text;
  int status;
};
constexpr std::array<Outcome, 6> kOutcomes = {{{"identical", 0},
                                               {"agrees in part", 3},
                                               {"cannot judge", 4},
                                               {"DIFFERENT", 1},
                                               {"bad usage", kBadUsage},
                                               {"stopped", kInterrupted}}};

std::size_t outcome_of(Verification::Verdict verdict) {
  switch (verdict) {
    case Verification::Verdict::identical:
      return 0;
    case Verification::Verdict::partial:
      return 1;
    case Verification::Verdict::cannot_judge:
      return 2;
    case Verification::Verdict::different:
      return 3;
    case Verification::Verdict::stopped:
      return 5;
  }
  return 2;
}

/// A text attribute of /environment, which says what the record reports; "" if it has none.
std::string reported(const Record& record, const std::string& name) {
  const Attributes& attributes = record.group("environment").attributes;
  const auto found = attributes.find(name);
  const auto* text = found == attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

/// Data that a record names is not opened: only the folder of --data, or the default one.
ImageDataset data_for(const Record& record, std::size_t holdout, const Options& options) try {
  return load_dataset(options.data.empty() ? default_data_folder() : options.data, holdout);
} catch (const Error& error) {
  if (!options.data.empty()) throw;
  throw Error("data", error.what(),
              "--data with the folder of the record's data, which was, as the record reports, " +
                  reported(record, "data_folder"));
}

void check_epochs(const Record& record, const std::string& path, const Options& options) {
  const std::size_t all = record.values<std::int64_t>("history/epoch").size();
  if (options.verification.epochs <= all) return;
  as_usage([&] {
    throw Error("--epochs", fmt::format("{}", options.verification.epochs),
                fmt::format("1 to {}, the epochs of {}", all, path));
  });
}

std::size_t judge(const std::string& path, const Options& options) {
  const Record record = load_run(path, options.loading);
  const TrainingConfiguration configuration =
      errors_naming(path, [&] { return configuration_from(record.group("configuration")); });
  check_epochs(record, path, options);
  VerificationOptions verification = options.verification;
  verification.study =
      options.study ? judge_study(record, *options.study) : judge_by_installed_study(record);
  const ImageDataset data =
      data_for(record, static_cast<std::size_t>(configuration.holdout), options);
  // A run that did not start from a file has no use for one.
  if (!options.initial.empty() && !configuration.initial_sha256.empty()) {
    verification.initial =
        initial_weights(configuration, data, options.initial, options.loading).values;
  }
  ProgressLine progress;
  const double started = steady_seconds();
  const auto show = [&](const TrainingRun& run, std::size_t step) {
    progress.show(fmt::format("{}: epoch {}/{}  step {}/{}  {}", path, run.epochs_done() + 1,
                              run.configuration().epochs, step, run.steps_per_epoch(),
                              duration_text(steady_seconds() - started)));
    return !interrupted();
  };
  const Verification result =
      errors_naming(path, [&] { return verify_training(record, data, verification, show); });
  progress.clear();
  const std::size_t outcome = outcome_of(result.verdict);
  print_line(fmt::format("{}: {}", path, kOutcomes.at(outcome).text));
  for (const std::string& finding : result.findings) print_line("  " + finding);
  return outcome;
}

/// The place in kOutcomes of one record; what keeps it from being judged is told in one line.
std::size_t verify_one(const std::string& path, const Options& options) try {
  return judge(path, options);
} catch (const UsageError& error) {
  print_error_line(options.name + ": " + error.what());
  return 4;
} catch (const Error& error) {
  print_error_line(options.name + ": cannot judge: " + error.what());
  return 2;
}

int verify(const std::string& name, int argc, const char* const* argv) {
  std::optional<Options> options = parse(name, argc, argv);
  if (!options) return 0;
  catch_interrupts();
  options->verification.threads = have_threads(options->verification.threads);
  set_blas_threads(1);
  std::size_t worst = 0;
  for (const std::string& path : options->records) {
    worst = std::max(worst, verify_one(path, *options));
    if (interrupted()) return kInterrupted;
  }
  return kOutcomes.at(worst).status;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("verify", argc, argv, [&](const std::string& name) {
    return reprise::verify(name, argc, argv);
  });
}
