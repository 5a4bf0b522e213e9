/// \file
/// Sums in vectors, a vector per column, to a result whose columns are side by side: internal to
/// direct. Included once per vector target, after foreach_target.h.
#if defined(REPRISE_CONV_DIRECT_WRITE_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_DIRECT_WRITE_LANES_INL_HPP
#undef REPRISE_CONV_DIRECT_WRITE_LANES_INL_HPP
#else
#define REPRISE_CONV_DIRECT_WRITE_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Vectors of a tile: sums are (columns, kVectors, lanes).
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kVectors = 4;
#else
constexpr std::size_t kVectors = 2;
#endif

#if HWY_TARGET == HWY_SCALAR
template <std::size_t columns>
HWY_INLINE void write_lanes(const float* HWY_RESTRICT sums, std::size_t count,
                            float* HWY_RESTRICT result, std::size_t cell) {
  for (std::size_t j = 0; j < columns; ++j) result[j] = sums[j * kVectors];
  (void)count;
  (void)cell;
}
#else
template <std::size_t size>
HWY_INLINE void copy(const float* HWY_RESTRICT from, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, size> d;
  hn::StoreU(hn::LoadU(d, from), d, to);
}

/// Writes columns [j, j + 4) of one vector: transposes blocks of 4 x 4.
HWY_INLINE void write_four(const float* HWY_RESTRICT sums, std::size_t count,
                           float* HWY_RESTRICT result, std::size_t cell) {
  const hn::ScalableTag<float> d;
  const hn::RepartitionToWide<decltype(d)> pairs;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t stride = kVectors * lanes;
  const auto row = [&](std::size_t j) HWY_ATTR { return hn::Load(d, sums + j * stride); };
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row(0), row(1)));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(0), row(1)));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row(2), row(3)));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(2), row(3)));
  // fours(i): the four columns of lanes i, 4 + i, 8 + i, …
  HWY_ALIGN float fours[4 * hn::MaxLanes(d)];
  const auto store = [&](std::size_t i, auto v)
                         HWY_ATTR { hn::Store(hn::BitCast(d, v), d, fours + i * lanes); };
  store(0, hn::InterleaveLower(pairs, low01, low23));
  store(1, hn::InterleaveUpper(pairs, low01, low23));
  store(2, hn::InterleaveLower(pairs, high01, high23));
  store(3, hn::InterleaveUpper(pairs, high01, high23));
  std::size_t block = 0;
  for (; block + 4 <= count; block += 4, result += 4 * cell) {
    for (std::size_t i = 0; i < 4; ++i) copy<4>(fours + i * lanes + block, result + i * cell);
  }
  for (std::size_t i = 0; block + i < count; ++i) {
    copy<4>(fours + i * lanes + block, result + i * cell);
  }
}

/// Writes columns [j, j + 2) likewise.
HWY_INLINE void write_two(const float* HWY_RESTRICT sums, std::size_t count,
                          float* HWY_RESTRICT result, std::size_t cell) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto a = hn::Load(d, sums);
  const auto b = hn::Load(d, sums + kVectors * lanes);
  // twos: lanes 0, 1, 4, 5, … in the first vector, 2, 3, 6, 7, … in the second.
  HWY_ALIGN float twos[2 * hn::MaxLanes(d)];
  hn::Store(hn::InterleaveLower(d, a, b), d, twos);
  hn::Store(hn::InterleaveUpper(d, a, b), d, twos + lanes);
  std::size_t block = 0;
  for (; block + 4 <= count; block += 4, result += 4 * cell) {
    for (std::size_t i = 0; i < 4; ++i) {
      copy<2>(twos + i / 2 * lanes + block + i % 2 * 2, result + i * cell);
    }
  }
  for (std::size_t i = 0; block + i < count; ++i) {
    copy<2>(twos + i / 2 * lanes + block + i % 2 * 2, result + i * cell);
  }
}

/// result(i, j) = sums(j, i) for the first `count` lanes i of one vector, `cell` floats apart.
template <std::size_t columns>
HWY_INLINE void write_lanes(const float* HWY_RESTRICT sums, std::size_t count,
                            float* HWY_RESTRICT result, std::size_t cell) {
  const std::size_t stride = kVectors * hn::Lanes(hn::ScalableTag<float>());
  constexpr std::size_t fours = columns / 4 * 4;
  constexpr std::size_t twos = columns / 2 * 2;
  if constexpr (fours > 0) write_four(sums, count, result, cell);
  if constexpr (twos > fours) write_two(sums + fours * stride, count, result + fours, cell);
  if constexpr (columns > twos) {
    for (std::size_t i = 0; i < count; ++i) result[i * cell + twos] = sums[twos * stride + i];
  }
}
#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
