// The peak of one core, measured: independent chains of fused multiply-adds in registers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "support/machine_peak.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "reprise/linalg/dispatch.hpp"
#include "support/machine_peak.hpp"
#include "support/program.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// `rounds` rounds of 12 independent fused multiply-adds; returns their number of operations, and
/// through `sink` something that depends on all of them.
double multiply_add(std::size_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  constexpr int chains = 12;  // two per cycle, each taking four to five
  Vector acc[chains];
  for (int i = 0; i < chains; ++i) acc[i] = hn::Set(d, static_cast<float>(i));
  const Vector a = hn::Set(d, 0.999F + *sink);
  const Vector b = hn::Set(d, 0.001F);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < chains; ++i) acc[i] = hn::MulAdd(acc[i], a, b);
  }
  for (int i = 1; i < chains; ++i) acc[0] = hn::Add(acc[0], acc[i]);
  *sink = hn::GetLane(acc[0]) * 1e-30F;
  return 2.0 * chains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(multiply_add);

double measured_peak_flops() {
  float sink = 0.0F;
  double best = 0.0;
  for (int run = 0; run < 20; ++run) {
    const double started = steady_seconds();
    const double operations = REPRISE_DISPATCH(multiply_add)(2000000, &sink);
    best = std::max(best, operations / (steady_seconds() - started));
  }
  return best;
}

}  // namespace reprise
#endif  // HWY_ONCE
