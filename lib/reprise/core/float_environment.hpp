/// \file
/// The floating-point environment that the numeric contract needs: rounding to nearest, subnormal
/// numbers kept as operands and results, no traps. Another library may have left another one in a
/// thread: one built with -Ofast sets flushing to zero when it is loaded.
#pragma once

#include <cfenv>
#include <cstdint>

namespace reprise {

/// Sets that environment in this thread and restores what was there. Stands at the start of every
/// public function that computes and of every body of parallel_for; costs a few cycles where there
/// is nothing to change. x86: MXCSR; 64-bit ARM: FPCR; elsewhere: the C library's default.
/// Exception flags that are raised meanwhile stay raised.
class FloatEnvironment {
 public:
  FloatEnvironment() noexcept;
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__) || defined(__aarch64__)
  std::uint64_t before_;  ///< the control bits
#else
  std::fenv_t before_;
#endif
};

}  // namespace reprise
