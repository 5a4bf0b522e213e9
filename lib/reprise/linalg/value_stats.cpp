// Whether all values are finite, and how many are not 0.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/value_stats.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/value_stats.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Values that are counted before the lanes' counters, of 32 bits, are emptied.
constexpr std::size_t kCounted = std::size_t{1} << 30;

/// Of an integer compared as such: finite where the largest exponent is less than infinity's.
/// count <= kCounted.
ValueStats stats_of_some(const float* values, std::size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const std::size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(di);
  auto largest = zero;
  auto nonzeros = zero;  // per lane
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto magnitude = hn::BitCast(di, hn::Abs(hn::LoadU(d, values + i)));
    largest = hn::Max(largest, magnitude);
    nonzeros = hn::Sub(nonzeros, hn::VecFromMask(di, hn::Gt(magnitude, zero)));
  }
  HWY_ALIGN std::int32_t counted[hn::MaxLanes(di)];
  hn::Store(nonzeros, di, counted);
  ValueStats stats{hn::AllTrue(di, hn::Lt(largest, hn::Set(di, 0x7f800000))), 0};
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    stats.nonzeros += static_cast<std::size_t>(counted[lane]);
  }
  for (; i < count; ++i) {
    stats.finite = stats.finite && values[i] - values[i] == 0.0F;
    stats.nonzeros += values[i] != 0.0F ? 1 : 0;
  }
  return stats;
}

ValueStats stats_in_vectors(const float* values, std::size_t count) {
  ValueStats all{true, 0};
  for (std::size_t i = 0; i < count; i += kCounted) {
    const ValueStats some = stats_of_some(values + i, std::min(kCounted, count - i));
    all.finite = all.finite && some.finite;
    all.nonzeros += some.nonzeros;
  }
  return all;
}

/// Nonzeros among `samples` vectors that lie evenly over the values.
std::size_t nonzeros_of_samples(const float* values, std::size_t count, std::size_t samples) {
  const hn::ScalableTag<float> d;
  const std::size_t step = count / samples;
  std::size_t nonzeros = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    nonzeros += hn::CountTrue(d, hn::Ne(hn::LoadU(d, values + i * step), hn::Zero(d)));
  }
  return nonzeros * step / hn::Lanes(d);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(stats_in_vectors);
HWY_EXPORT(nonzeros_of_samples);

ValueStats value_stats(const float* values, std::size_t count) {
  return REPRISE_DISPATCH(stats_in_vectors)(values, count);
}

std::size_t estimated_nonzeros(const float* values, std::size_t count) {
  constexpr std::size_t samples = 64;
  constexpr std::size_t max_lanes = 16;  // on any target
  if (count < samples * max_lanes) return value_stats(values, count).nonzeros;
  return REPRISE_DISPATCH(nonzeros_of_samples)(values, count, samples);
}

}  // namespace reprise
#endif  // HWY_ONCE
