// Does this record say what its configuration gives?
//
// Runs the configuration inside each record again and compares to the bit.
#include <fmt/format.h>

#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record/record_file.hpp"
#include "reprise/run/verification.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

struct Options {
  std::vector<std::string> records;
  std::string data;
  std::string simd = "best";
  VerificationOptions verification{0, default_threads()};
  LoadOptions loading;
};

std::optional<Options> parse(int argc, const char* const* argv) {
  Options options;
  CommandLine line("verify",
                   "Runs the configuration inside each record again and says whether the result is "
                   "identical, or where the two first part.");
  line.add_operands("RECORD", options.records, {1}, "records of training runs");
  line.add_text("--data", options.data,
                "folder with the data; default the one named in the record");
  line.add_size("--epochs", options.verification.epochs, {0},
                "verify the first so many epochs only; 0: all");
  line.add_size("--threads", options.verification.threads, kThreads,
                "changes the speed, not the result");
  line.add_text("--simd", options.simd,
                "vector instructions, best or one of: " + join(simd_targets()));
  add_load_options(line, options.loading);
  line.set_footer(
      "Exit status 0 if all records are identical, 1 if one is different or cannot be judged, 2 "
      "for bad usage.\n"
      "\nExample:\n  verify --epochs 1 runs/lenet5.h5");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] { select_simd_target(options.simd); });
  return options;
}

/// Where the record's run found its data, if the record tells.
std::string data_folder(const Record& record) {
  const Group& environment = record.group("environment");
  const auto found = environment.attributes.find("data_folder");
  if (found == environment.attributes.end()) return default_data_folder();
  return std::get<std::string>(found->second);
}

std::string_view text_of(Verification::Verdict verdict) {
  switch (verdict) {
    case Verification::Verdict::identical:
      return "identical";
    case Verification::Verdict::different:
      return "DIFFERENT";
    case Verification::Verdict::cannot_judge:
      return "cannot judge";
  }
  return "";
}

bool verify_one(const std::string& path, const Options& options) {
  const Record record = load_record(path, options.loading);
  const ImageDataset data = load_dataset(options.data.empty() ? data_folder(record) : options.data);
  ProgressLine progress;
  const double started = steady_seconds();
  const auto show = [&](const TrainingRun& run, std::size_t step) {
    progress.show(fmt::format("{}: epoch {}/{}  step {}/{}  {}", path, run.epochs_done() + 1,
                              run.configuration().epochs, step, run.steps_per_epoch(),
                              duration_text(steady_seconds() - started)));
    return !interrupted();
  };
  const Verification result = verify_training(record, data, options.verification, show);
  progress.clear();
  print_line(fmt::format("{}: {}", path, text_of(result.verdict)));
  for (const std::string& finding : result.findings) print_line("  " + finding);
  return result.verdict == Verification::Verdict::identical;
}

int verify(int argc, const char* const* argv) {
  std::optional<Options> options = parse(argc, argv);
  if (!options) return 0;
  catch_interrupts();
  options->verification.threads = have_threads(options->verification.threads);
  set_blas_threads(1);
  bool all = true;
  for (const std::string& path : options->records) {
    all = verify_one(path, *options) && all;
    if (interrupted()) return kInterrupted;
  }
  return all ? 0 : 1;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("verify", [&] { return reprise::verify(argc, argv); });
}
