// Reads a record of a training run, which may come from a stranger: read_record RECORD.
#include <string>

#include "reprise/core/error.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/record_file/record_file.hpp"

using namespace reprise;

int main(int argc, char** argv) try {
  if (argc != 2) throw Error("command line", "wrong", "RECORD");
  const Record record = load_record(argv[1], "training");  // by a process without rights
  const auto& errors = record.values<double>("history/test_error");
  for (std::size_t i = 0; i < errors.size(); ++i) {
    print_line("epoch " + std::to_string(i + 1) + ": test error " +
               std::to_string(100 * errors[i]) + "%");
  }
  for (const auto& [name, layer] : record.group("model").groups) {
    for (const auto& [parameter, dataset] : layer.datasets) {
      std::string line = name + " " + parameter + ":";
      for (std::size_t axis = 0; axis < dataset.shape.size(); ++axis) {
        line += " " + dataset.dimensions[axis] + " " + std::to_string(dataset.shape[axis]);
      }
      print_line(line);  // writes out what could act on the terminal
    }
  }
  print_line("digest sha256:" + digest_of(record));
} catch (const std::exception& error) {
  print_error_line(std::string("read_record: ") + error.what());
  return 1;
}
