// The peak of one core, measured: independent chains of fused multiply-adds in registers. The
// memory's bandwidth: STREAM's triad.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "support/machine_peak.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
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
    for (int i = 0; i < chains; ++i) acc[i] = fma(acc[i], a, b);
  }
  for (int i = 1; i < chains; ++i) acc[0] = hn::Add(acc[0], acc[i]);
  *sink = hn::GetLane(acc[0]) * 1e-30F;
  return 2.0 * chains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

/// a = b + 3 c, of `size` elements, whole vectors of them.
void triad(float* a, const float* b, const float* c, std::size_t size) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 3.0F);
  for (std::size_t i = 0; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, c + i), hn::LoadU(d, b + i)), d, a + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(multiply_add);
HWY_EXPORT(triad);

double measured_peak_flops(double seconds) {
  constexpr std::size_t kRounds = 100000;  // some 0.2 ms: shorter than another program's turn
  float sink = 0.0F;
  double best = 0.0;
  const double begin = steady_seconds();
  for (int run = 0; run < 3 || steady_seconds() - begin < seconds; ++run) {
    const double started = steady_seconds();
    const double operations = REPRISE_DISPATCH(multiply_add)(kRounds, &sink);
    best = std::max(best, operations / (steady_seconds() - started));
  }
  return best;
}

double measured_memory_bandwidth(std::size_t threads) {
  constexpr std::size_t kSize = std::size_t{1} << 24;  // of each array: 64 MiB
  std::vector<float> a(kSize);
  std::vector<float> b(kSize, 1.0F);
  std::vector<float> c(kSize, 2.0F);
  const std::size_t part = kSize / threads;
  double best = 0.0;
  for (int run = 0; run < 6; ++run) {
    const double started = steady_seconds();
    parallel_for(threads, threads, [&](std::size_t task, std::size_t) {
      const std::size_t at = task * part;
      REPRISE_DISPATCH(triad)(&a[at], &b[at], &c[at], part);
    });
    const double bytes = 3.0 * sizeof(float) * static_cast<double>(part * threads);
    best = std::max(best, bytes / (steady_seconds() - started));
  }
  return best;
}

OnOneProcessor::OnOneProcessor() {
  const int here = sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(here), &one);
  is_kept_ = sched_setaffinity(0, sizeof one, &one) == 0;
}

OnOneProcessor::~OnOneProcessor() {
  if (is_kept_) sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace reprise
#endif  // HWY_ONCE
