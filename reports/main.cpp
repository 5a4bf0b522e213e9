// Writes a report (Markdown, one HTML page, figures) from the records of training runs.
#include <string>
#include <vector>

#include "inputs.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/core/command_line.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/record/record_file.hpp"

namespace {

struct Options {
  std::string output;
  std::string notes;
  std::vector<std::string> records;
  reprise::LoadOptions loading;
};

void describe(reprise::CommandLine& line, Options& options) {
  line.add_operands("RECORD", options.records, {1},
                    "HDF5 records of training runs and of compare_convolutions, or folders of "
                    "them; at least one training run");
  line.add_text("--output", options.output, "folder for the report, made if missing; required");
  line.add_text("--notes", options.notes,
                "file with Markdown of your own, without images, for the end of Personal Notes");
  add_load_options(line, options.loading);
  line.set_footer(
      "Example:\n  write_report --output reports/latest reports/latest/records/lenet5.h5");
}

void run(const Options& options) {
  using namespace reprise::reports;
  check_report_folder(options.output);
  const std::string notes = options.notes.empty() ? "" : read_notes(options.notes);
  Inputs inputs;
  for (const std::string& path : options.records) {
    for (const RecordFile& file : record_files(path, options.output)) {
      add_record({file.name, reprise::load_record(file.path, options.loading)}, inputs);
    }
  }
  write_report(make_report(inputs, notes), options.output);
}

/// The exit status: 0 if the report was written or help was asked for.
int parse_and_run(int argc, char** argv) {
  Options options;
  reprise::CommandLine line(
      "write_report",
      "Writes a report from records: report.md, index.html (one file that needs no network) and "
      "figures/*.svg.\nRuns of studies are compared by variant and seed; runs of LeNet-5 outside a "
      "study may differ in\ntheir seeds only, and the first is shown in detail. A report that is "
      "in "
      "the folder is replaced.");
  describe(line, options);
  if (!line.parse(argc, argv)) return 0;
  if (options.output.empty()) {
    throw reprise::UsageError("option --output", "not given", "--output TEXT");
  }
  run(options);
  reprise::print_line(options.output + "/index.html");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const reprise::FloatEnvironment environment;
  try {
    return parse_and_run(argc, argv);
  } catch (const reprise::UsageError& error) {
    reprise::print_error_line(std::string("write_report: ") + error.what());
    return reprise::kBadUsage;
  } catch (const std::exception& error) {
    reprise::print_error_line(std::string("write_report: ") + error.what());
    return reprise::kFailed;
  }
}
