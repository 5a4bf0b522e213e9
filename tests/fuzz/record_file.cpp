// Whole record files with the checksum made anew behind the fuzzer, read as all programs read them.
// What libhdf5 does to the process that reads is no finding; what load_record does is.
#include "reprise/record_file/record_file.hpp"

#include <chrono>

#include "reprise/core/digest.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

constexpr double kMaxSeconds = 40;  // a small file's limits and what starting a process takes

std::vector<std::uint8_t> with_checksum(std::span<const std::uint8_t> image) {
  std::vector<std::uint8_t> file(image.begin(), image.end());
  const std::string line = "\nsha256:" + sha256_hex(std::as_bytes(image)) + "\n";
  file.insert(file.end(), line.begin(), line.end());
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string path =
      write_scratch("record.h5", with_checksum(without_checksum({bytes, size})));
  const auto start = std::chrono::steady_clock::now();
  accepted([&] { check_record(load_record(path)); });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  require(taken.count() < kMaxSeconds, "reading ends in time");
  return 0;
}
