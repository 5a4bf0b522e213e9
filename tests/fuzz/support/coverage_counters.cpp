// Not instrumented: a file that names the linker's symbols cannot also register them.
#include "support/coverage_counters.hpp"

extern "C" {
extern std::uint8_t __start___sancov_cntrs[];  // NOLINT(bugprone-reserved-identifier)
extern std::uint8_t __stop___sancov_cntrs[];   // NOLINT(bugprone-reserved-identifier)
}

namespace reprise::fuzz {

std::span<std::uint8_t> coverage_counters() {
  return {__start___sancov_cntrs, __stop___sancov_cntrs};
}

}  // namespace reprise::fuzz
