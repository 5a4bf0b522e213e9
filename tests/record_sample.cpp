// Saves the sample record, or that of a training run, for readers of other makes to open:
// record_sample FILE [training]. Prints its digest.
#include <cstdio>
#include <exception>
#include <string_view>

#include "reprise/record_file/record_file.hpp"
#include "support/sample_record.hpp"
#include "support/training_record.hpp"

int main(int argc, char** argv) try {
  const bool training = argc == 3 && std::string_view(argv[2]) == "training";
  if (argc != 2 && !training) {
    std::fprintf(stderr, "usage: record_sample FILE [training]\n");
    return 2;
  }
  const reprise::Record record =
      training ? reprise::test::training_record() : reprise::test::sample_record();
  std::printf("%s\n", reprise::save_record(record, argv[1]).c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
