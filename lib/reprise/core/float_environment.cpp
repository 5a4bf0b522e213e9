#include "reprise/core/float_environment.hpp"

#include <cfloat>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace reprise {

static_assert(FLT_EVAL_METHOD == 0, "floats are computed as floats, not with more digits");

#if defined(__x86_64__) || defined(__aarch64__)
namespace {

#if defined(__x86_64__)
/// Subnormal operands as zero (bit 6), masked exceptions (7 to 12), rounding (13, 14), flushing to
/// zero (15).
constexpr std::uint64_t kControl = 0xFFC0;
constexpr std::uint64_t kWanted = 0x1F80;

std::uint64_t read_register() {
  return _mm_getcsr();
}
void write_register(std::uint64_t value) {
  _mm_setcsr(static_cast<unsigned int>(value));
}
#else
/// Alternate handling (bits 0 to 2), traps (8 to 15), flushing half precision (19), rounding (22,
/// 23), flushing to zero (24), default NaN (25).
constexpr std::uint64_t kControl = 0x3C8FF07;
constexpr std::uint64_t kWanted = 0;

std::uint64_t read_register() {
  std::uint64_t value = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void write_register(std::uint64_t value) {
  __asm__ volatile("msr fpcr, %0" : : "r"(value));
}
#endif

/// Writes only what differs: that costs more than reading.
void set_control(std::uint64_t control) {
  const std::uint64_t now = read_register();
  if ((now & kControl) != control) write_register((now & ~kControl) | control);
}

}  // namespace

FloatEnvironment::FloatEnvironment() noexcept : before_(read_register() & kControl) {
  set_control(kWanted);
}

FloatEnvironment::~FloatEnvironment() {
  set_control(before_);
}

#else

FloatEnvironment::FloatEnvironment() noexcept {
  std::fegetenv(&before_);
  std::fesetenv(FE_DFL_ENV);
}

FloatEnvironment::~FloatEnvironment() {
  std::fesetenv(&before_);
}

#endif

}  // namespace reprise
