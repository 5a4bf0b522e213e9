// HDF5 files as the program that reads records takes them, each in a forked process, since
// libhdf5 1.10 crashes, loops and takes any amount of memory on some: that is no finding. A fault
// of this project's code is: a sanitizer's report that names it before libhdf5, or an exception
// that is not NoRecord. The process hands its coverage back.
#include "reprise/record_file/reader/from_hdf5.hpp"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "reprise/record_file/superblock.hpp"
#include "support/coverage_counters.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

constexpr int kOurFault = 99;

/// As many bytes as there are counters, in memory that parent and child share.
std::span<std::uint8_t> shared_counters() {
  static void* const place = mmap(nullptr, coverage_counters().size(), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(place != MAP_FAILED, "memory can be shared");
  return {static_cast<std::uint8_t*>(place), coverage_counters().size()};
}

[[noreturn]] void end_child(int status) {
  std::copy(coverage_counters().begin(), coverage_counters().end(), shared_counters().begin());
  _exit(status);
}

/// Whether a report of AddressSanitizer names a file of this project before a function of libhdf5.
bool names_our_code(std::string_view report) {
  const std::size_t ours = report.find("/lib/reprise/");
  return ours < std::min(report.find("libhdf5"), report.find(" in H5"));
}

void on_address_report(const char* report) {
  end_child(names_our_code(report) ? kOurFault : 0);
}

/// Only this project's code is built with UndefinedBehaviorSanitizer.
void on_undefined_behaviour() {
  end_child(kOurFault);
}

/// Reads the image within limits as the reader has them.
[[noreturn]] void read_in_child(std::span<const std::byte> image) {
  const rlimit seconds{1, 1};
  setrlimit(RLIMIT_CPU, &seconds);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (const int number : {SIGFPE, SIGABRT, SIGILL, SIGALRM}) signal(number, SIG_DFL);
  __asan_set_error_report_callback(on_address_report);
  __sanitizer_set_death_callback(on_undefined_behaviour);
  int status = 0;
  try {
    const Record record = details::from_hdf5(image, details::reading_limits(image.size()));
    if (accepted([&] { check_record(record); })) digest_of(record);
  } catch (const details::NoRecord&) {
  } catch (const std::bad_alloc&) {
  } catch (const std::exception& error) {
    std::fprintf(stderr, "exception: %s\n", error.what());
    status = kOurFault;
  }
  end_child(status);
}

}  // namespace

/// libhdf5 asks for what a file says; it leaks when it fails.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "allocator_may_return_null=1:max_allocation_size_mb=512:detect_leaks=0";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  details::start_hdf5();
  shared_counters();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span<const std::byte> image = std::as_bytes(without_checksum({bytes, size}));
  if (!accepted([&] { details::check_superblock(image, "record"); })) return 0;
  std::fill(shared_counters().begin(), shared_counters().end(), std::uint8_t{0});
  const pid_t child = fork();
  require(child >= 0, "a process can be started");
  if (child == 0) read_in_child(image);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  for (std::size_t i = 0; i < coverage_counters().size(); ++i) {
    coverage_counters()[i] = std::max(coverage_counters()[i], shared_counters()[i]);
  }
  require(!WIFEXITED(status) || WEXITSTATUS(status) != kOurFault,
          "what reads an HDF5 file has no fault of its own");
  return 0;
}
