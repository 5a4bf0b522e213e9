// Saves the sample record, for readers of other makes to open: record_sample FILE. Prints its
// digest.
#include <cstdio>
#include <exception>

#include "reprise/record/record_file.hpp"
#include "support/sample_record.hpp"

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: record_sample FILE\n");
    return 2;
  }
  std::printf("%s\n", reprise::save_record(reprise::test::sample_record(), argv[1]).c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
