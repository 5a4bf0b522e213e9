// Writes a report (Markdown, one HTML page, figures) from the records of training runs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "report.hpp"
#include "report_files.hpp"
#include "reprise/record/record_file.hpp"

namespace {

struct Options {
  std::string output;
  std::string notes;
  std::vector<std::string> records;
};

void describe(CLI::App& app, Options& options) {
  app.description(
      "Writes a report from records: report.md, index.html (one file that needs no network) and "
      "figures/*.svg. Runs of studies are compared by variant and seed; runs of LeNet-5 outside a "
      "study may differ in their seeds only, and the first is shown in detail. A report that is in "
      "the folder is replaced.");
  app.add_option("--output", options.output, "folder for the report, made if missing")
      ->required()
      ->type_name("DIR");
  app.add_option(
         "--notes", options.notes,
         "Markdown of your own, without images, for the end of Personal Notes (default: none)")
      ->type_name("FILE");
  app.add_option(
         "records", options.records,
         "HDF5 records of training runs and of compare_convolutions, or folders of them; at "
         "least one training run")
      ->required()
      ->type_name("RECORD");
  app.footer("Example:\n  write_report --output reports/latest reports/latest/records/lenet5.h5");
}

void run(const Options& options) {
  using namespace reprise::reports;
  check_report_folder(options.output);
  const std::string notes = options.notes.empty() ? "" : read_notes(options.notes);
  Inputs inputs;
  for (const std::string& path : options.records) {
    for (const RecordFile& file : record_files(path, options.output)) {
      add_record({file.name, reprise::load_record(file.path)}, inputs);
    }
  }
  write_report(make_report(inputs, notes), options.output);
}

/// The exit status: 0 if the report was written or help was asked for.
int parse_and_run(int argc, char** argv) {
  CLI::App app;
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw std::runtime_error(std::string(error.what()) + " (--help tells more)");
  }
  run(options);
  std::printf("%s/index.html\n", options.output.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_report: %s\n", error.what());
    return 1;
  }
}
