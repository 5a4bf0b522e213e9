// Do these two records hold the same result?
#include "reprise/core/terminal.hpp"
#include "reprise/record/record_file.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

int compare_records(int argc, const char* const* argv) {
  std::vector<std::string> records;
  std::size_t most = 20;
  CommandLine line(
      "compare_records",
      "Reports whether two records are identical outside /environment, or where they differ.");
  line.add_operands("RECORD", records, {2, 2}, "the two records");
  line.add_size("--most", most, {1}, "largest number of differences to print");
  LoadOptions loading;
  add_load_options(line, loading);
  line.set_footer(
      "Exit status: 0 if they are identical, 1 if they differ or one cannot be read, 2 for bad "
      "usage.\n"
      "\nExample:\n  compare_records runs/one.h5 runs/two.h5");
  if (!line.parse(argc, argv)) return 0;
  const Record first = load_record(records[0], loading);
  const Record second = load_record(records[1], loading);
  const std::vector<RecordDifference> found = differences(first, second, most);
  if (found.empty()) {
    print_line("identical");
    print_line("  digest sha256:" + digest_of(first));
    return 0;
  }
  print_line("DIFFERENT");
  for (const RecordDifference& difference : found) {
    print_line("  " + difference.path + ": " + difference.what);
  }
  return 1;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("compare_records",
                              [&] { return reprise::compare_records(argc, argv); });
}
