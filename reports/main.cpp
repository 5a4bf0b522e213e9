// Writes a report (a paper, its supplement, figures and data) from the records of training runs.
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "gather.hpp"
#include "gnuplot.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/launcher.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/record_file/record_file.hpp"

namespace {

struct Options {
  std::string name;  ///< of this program, for its messages
  std::string output;
  std::string notes;
  std::string against;
  std::string only;
  reprise::reports::RunAgainOptions run_again;
  std::string run_again_record;
  std::vector<std::string> records;
  reprise::LoadOptions loading;
};

void describe(reprise::CommandLine& line, Options& options) {
  line.add_operands(
      "RECORD", options.records, {1},
      "HDF5 records of training runs and of comparisons of convolution algorithms, or "
      "folders of them, such as the stores of studies; at least one training run");
  line.add_text("--output", options.output, "folder for the report, created if missing; required",
                "DIR");
  line.add_text("--notes", options.notes,
                "Markdown file, without images, to add at the end of Personal Notes", "FILE");
  line.add_text(
      "--against", options.against,
      "earlier records of the same experiments, a file or a folder: the paper summarizes the "
      "changes, the supplement lists them; audit cannot reproduce such a report",
      "PATH");
  line.add_text(
      "--only", options.only,
      "write the files of one figure or table alone; data/README.md of a report names them",
      "NAME");
  line.add_text(
      "--interactive", options.run_again.module,
      "also write run_again.html, on which the reader's browser trains the first run of LeNet-5 "
      "outside a study again and compares the digests; the folder that lib/web/build made",
      "DIR");
  line.add_text("--interactive-data", options.run_again.data,
                "folder with the data that this run was trained on, which the page holds", "DIR");
  line.add_text(
      "--interactive-record", options.run_again_record,
      "the page's run, in place of the report's own, which may have too many images there; "
      "the record of one training run of LeNet-5, which the report leaves out",
      "RECORD");
  add_load_options(line, options.loading);
  line.set_footer(
      "In a folder, *.h5 files that are not records and damaged records are listed and left out of "
      "the report. A file given by name must be a record.\n\n"
      "Exit status: 0; 1 after an error, or if damaged records were left out; 2 for bad usage.\n\n"
      "Example:\n  " +
      options.name + " --output reports/latest reports/latest/records/lenet5.h5");
}

/// Error, with the path, unless one run of LeNet-5 outside a study is all that was found there.
const reprise::reports::TrainingRun& only_run(const reprise::reports::Inputs& inputs,
                                              const std::string& path) {
  if (inputs.lenet.size() != 1 || !inputs.studies.empty()) {
    throw reprise::Error(path, "not one run of LeNet-5 outside a study",
                         "the record of one training run of LeNet-5");
  }
  return inputs.lenet.front();
}

int run(const Options& options) {
  using namespace reprise::reports;
  if (options.loading.unconfined) draw_unconfined();
  check_report_folder(options.output);
  const bool interactive = !options.run_again.module.empty();
  if (interactive == options.run_again.data.empty()) {
    throw reprise::UsageError("option --interactive",
                              "given without --interactive-data, or the reverse", "both, or none");
  }
  if (!interactive && !options.run_again_record.empty()) {
    throw reprise::UsageError("option --interactive-record", "given without --interactive",
                              "both, or none");
  }
  if (interactive && !options.only.empty()) {
    throw reprise::UsageError("option --only", "given with --interactive", "one of the two");
  }
  const std::string notes = options.notes.empty() ? "" : read_notes(options.notes);
  LeftOut left_out;
  const auto complain = [&](const std::string& what) {
    reprise::print_error_line(options.name + ": left out: " + what);
  };
  const Inputs inputs =
      gather(options.records, options.output, options.loading, complain, left_out);
  const Inputs before = options.against.empty() ? Inputs()
                                                : gather({options.against}, options.output,
                                                         options.loading, complain, left_out);
  const Inputs page =
      options.run_again_record.empty()
          ? Inputs()
          : gather({options.run_again_record}, options.output, options.loading, complain, left_out);
  RunAgainOptions run_again = options.run_again;
  if (!options.run_again_record.empty()) run_again.run = &only_run(page, options.run_again_record);
  write_report(make_report(inputs, {.notes = notes,
                                    .against = options.against.empty() ? nullptr : &before,
                                    .run_again = interactive ? &run_again : nullptr,
                                    .only = options.only}),
               options.output);
  reprise::print_line(options.output + (options.only.empty() ? "/index.html" : "/data"));
  if (left_out.damaged == 0) return 0;
  reprise::print_error_line(options.name + ": the report lacks " +
                            std::to_string(left_out.damaged) + " damaged records");
  return reprise::kFailed;
}

/// The exit status: 0 if the report was written or help was asked for.
int parse_and_run(const std::string& name, int argc, char** argv) {
  Options options;
  options.name = name;
  reprise::CommandLine line(
      name,
      "Writes a report from records: a paper (report.md, index.html), its supplement "
      "(supplement.md, supplement.html), figures/*.svg, and data/*.csv with the numbers behind "
      "every figure and table, SHA256SUMS and ro-crate-metadata.json. The pages are "
      "self-contained. Runs of studies are compared by "
      "variant and seed. Runs of LeNet-5 outside a "
      "study may differ only in their seeds; the first is shown in detail. An existing report in "
      "the folder is replaced.");
  describe(line, options);
  if (!line.parse(argc, argv)) return 0;
  if (options.output.empty()) {
    throw reprise::UsageError("option --output", "not given", "--output DIR");
  }
  return run(options);
}

}  // namespace

int main(int argc, char** argv) {
  const reprise::FloatEnvironment environment;
  const std::string name = reprise::called_name("write_report", argc, argv);
  const auto variable = [](const std::string& of) -> std::string {
    const char* value = std::getenv(of.c_str());
    return value == nullptr ? "" : value;
  };
  try {
    if (!reprise::is_only_process(variable, "write the same report", "one process")) return 0;
    return parse_and_run(name, argc, argv);
  } catch (const reprise::UsageError& error) {
    reprise::print_error_line(name + ": " + error.what());
    return reprise::kBadUsage;
  } catch (const std::exception& error) {
    reprise::print_error_line(name + ": " + error.what());
    return reprise::kFailed;
  }
}
