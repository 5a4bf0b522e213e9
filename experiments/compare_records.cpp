// Do these two records hold the same result?
#include <fmt/core.h>

#include "reprise/record/record_file.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

int compare_records(int argc, const char* const* argv) {
  std::string a, b;
  std::size_t most = 20;
  CLI::App app("Says whether two records agree outside /environment, or where they part.",
               "compare_records");
  app.add_option("A", a, "a record")->required();
  app.add_option("B", b, "another")->required();
  app.add_option("--most", most, "differences to print at most")->capture_default_str();
  app.footer(
      "Exit status 0 if they agree, 1 otherwise.\n"
      "\nExample:\n  compare_records runs/one.h5 runs/two.h5");
  if (!parse_command_line(app, argc, argv)) return 0;
  const Record first = load_record(a);
  const Record second = load_record(b);
  const std::vector<RecordDifference> found = differences(first, second, most);
  if (found.empty()) {
    fmt::print("identical\n  digest sha256:{}\n", digest_of(first));
    return 0;
  }
  fmt::print("DIFFERENT\n");
  for (const RecordDifference& difference : found) {
    fmt::print("  {}: {}\n", difference.path, difference.what);
  }
  return 1;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("compare_records",
                              [&] { return reprise::compare_records(argc, argv); });
}
