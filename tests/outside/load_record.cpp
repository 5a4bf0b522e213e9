// Saves a record and loads it again: load_record FILE.
#include <cstdio>
#include <exception>

#include "reprise/record_file/record_file.hpp"

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  reprise::Record record;
  record.attributes["title"] = "from outside";
  const std::string digest = reprise::save_record(record, argv[1]);
  return digest_of(reprise::load_record(argv[1])) == digest ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "load_record: %s\n", error.what());
  return 1;
}
