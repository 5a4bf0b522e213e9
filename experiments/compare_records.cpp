// Do these two records hold the same result?
#include <utility>

#include "reprise/core/terminal.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/comparison_trend.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

/// Where the two records part, and where one of them has a text of settings that its settings do
/// not give: people read that text, and no digest covers it.
std::vector<std::string> all_differences(const std::vector<std::string>& names, const Record& first,
                                         const Record& second, std::size_t most) {
  std::vector<std::string> lines;
  for (const RecordDifference& difference : differences(first, second, most)) {
    lines.push_back("  " + difference.path + ": " + difference.what);
  }
  for (const auto& [name, record] : {std::pair(names[0], &first), std::pair(names[1], &second)}) {
    for (const std::string& line : configuration_text_differences(*record, most)) {
      lines.push_back("  " + name + ": " + line);
    }
  }
  return lines;
}

int compare_records(const std::string& name, int argc, const char* const* argv) {
  std::vector<std::string> records;
  std::size_t most = 20;
  CommandLine line(
      name,
      "Reports whether two records are identical outside /environment, or where they differ.");
  line.add_operands("RECORD", records, {2, 2}, "the two records");
  line.add_size("--max-differences", most, {1}, "largest number of differences to print");
  line.add_earlier_name("--most", "--max-differences");
  LoadOptions loading;
  bool trend = false;
  line.add_flag("--trend", trend,
                "of two comparisons of convolutions: how the times of the second differ from "
                "those of the first, and nothing else");
  add_load_options(line, loading);
  line.set_footer(
      "Exit status: 0 if they are identical, or for --trend, 1 if they differ or one cannot be "
      "read, 2 for bad "
      "usage.\n"
      "\nExample:\n  " +
      name + " runs/one.h5 runs/two.h5\n  " + name + " --trend old.h5 new.h5");
  if (!line.parse(argc, argv)) return 0;
  const Record first = load_record(records[0], loading);
  const Record second = load_record(records[1], loading);
  if (trend) {
    const auto text = comparison_trend(records, comparison_from(first, records[0]),
                                       comparison_from(second, records[1]));
    for (const std::string& one : text) print_line(one);
    return 0;
  }
  const std::vector<std::string> found = all_differences(records, first, second, most);
  print_line(found.empty() ? "identical" : "DIFFERENT");
  if (found.empty()) print_line("  digest sha256:" + digest_of(first));
  for (const std::string& difference : found) print_line(difference);
  print_line("  not compared: /environment (program, source, machine, times)");
  return found.empty() ? 0 : 1;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("compare_records", argc, argv, [&](const std::string& name) {
    return reprise::compare_records(name, argc, argv);
  });
}
