/// \file
/// Between rows in memory and vectors across them, a lane per row: internal to direct. Included
/// once per vector target, after foreach_target.h.
#if defined(REPRISE_CONV_DIRECT_TRANSPOSE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_DIRECT_TRANSPOSE_INL_HPP
#undef REPRISE_CONV_DIRECT_TRANSPOSE_INL_HPP
#else
#define REPRISE_CONV_DIRECT_TRANSPOSE_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
/// Within each block of four lanes, element j of vector i becomes element i of vector j.
template <class V>
struct FourVectors {
  V v0, v1, v2, v3;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE FourVectors<V> transpose_blocks(D d, V v0, V v1, V v2, V v3) {
  const hn::RepartitionToWide<D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  return {hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)),
          hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23))};
}

/// Four values from each of from, from + step, …: a block of lanes each.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const float* from, std::size_t step) {
  constexpr std::size_t lanes = hn::MaxLanes(d);
  if constexpr (lanes == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, from + lanes / 8 * step, step),
                       load_blocks(half, from, step));
  }
}

template <class D>
HWY_INLINE void store_blocks(D d, hn::Vec<D> v, float* to, std::size_t step) {
  constexpr std::size_t lanes = hn::MaxLanes(d);
  if constexpr (lanes == 4) {
    hn::StoreU(v, d, to);
  } else {
    const hn::Half<D> half;
    store_blocks(half, hn::LowerHalf(half, v), to, step);
    store_blocks(half, hn::UpperHalf(half, v), to + lanes / 8 * step, step);
  }
}
#endif

/// vectors(i, lane) = rows(lane, i) for i < size and as many lanes as a vector has; vectors are
/// vector_pitch floats apart, rows are `pitch`, and where there are fewer than lanes the last one
/// is repeated.
HWY_INLINE void read_lanes(const float* rows, std::size_t pitch, std::size_t count,
                           std::size_t size, float* HWY_RESTRICT vectors,
                           std::size_t vector_pitch) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  if (count >= lanes && size >= 4) {
    while (i < size) {
      i = std::min(i, size - 4);  // the last four may overlap those before
      const auto four = transpose_blocks(d, load_blocks(d, rows + i, 4 * pitch),
                                         load_blocks(d, rows + pitch + i, 4 * pitch),
                                         load_blocks(d, rows + 2 * pitch + i, 4 * pitch),
                                         load_blocks(d, rows + 3 * pitch + i, 4 * pitch));
      hn::Store(four.v0, d, vectors + i * vector_pitch);
      hn::Store(four.v1, d, vectors + (i + 1) * vector_pitch);
      hn::Store(four.v2, d, vectors + (i + 2) * vector_pitch);
      hn::Store(four.v3, d, vectors + (i + 3) * vector_pitch);
      i += 4;
    }
  }
#endif
  for (; i < size; ++i) {
    for (std::size_t n = 0; n < lanes; ++n) {
      vectors[i * vector_pitch + n] = rows[std::min(n, count - 1) * pitch + i];
    }
  }
}

#if HWY_TARGET != HWY_SCALAR
/// Four values of each of the first `count` rows, a vector holding those of rows i, 4 + i, …
template <class D, class V>
HWY_INLINE void write_blocks(D d, const FourVectors<V>& four, std::size_t count,
                             float* HWY_RESTRICT rows, std::size_t row_pitch) {
  const std::size_t lanes = hn::Lanes(d);
  if (count >= lanes) {
    store_blocks(d, four.v0, rows, 4 * row_pitch);
    store_blocks(d, four.v1, rows + row_pitch, 4 * row_pitch);
    store_blocks(d, four.v2, rows + 2 * row_pitch, 4 * row_pitch);
    store_blocks(d, four.v3, rows + 3 * row_pitch, 4 * row_pitch);
    return;
  }
  HWY_ALIGN float blocks[4 * hn::MaxLanes(d)];
  hn::Store(four.v0, d, blocks);
  hn::Store(four.v1, d, blocks + lanes);
  hn::Store(four.v2, d, blocks + 2 * lanes);
  hn::Store(four.v3, d, blocks + 3 * lanes);
  const hn::CappedTag<float, 4> block;
  for (std::size_t n = 0; n < count; ++n) {
    hn::StoreU(hn::LoadU(block, blocks + n % 4 * lanes + n / 4 * 4), block, rows + n * row_pitch);
  }
}
#endif

/// rows(lane, i) = vectors(i, lane) for i < size and lanes < count; vectors are vector_pitch floats
/// apart, rows are row_pitch.
HWY_INLINE void write_lanes(const float* HWY_RESTRICT vectors, std::size_t vector_pitch,
                            std::size_t size, std::size_t count, float* HWY_RESTRICT rows,
                            std::size_t row_pitch) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  while (size >= 4 && i < size) {
    i = std::min(i, size - 4);  // the last four may overlap those before
    const float* const from = vectors + i * vector_pitch;
    const auto four = transpose_blocks(d, hn::Load(d, from), hn::Load(d, from + vector_pitch),
                                       hn::Load(d, from + 2 * vector_pitch),
                                       hn::Load(d, from + 3 * vector_pitch));
    write_blocks(d, four, count, rows + i, row_pitch);
    i += 4;
  }
#endif
  for (; i < size; ++i) {
    for (std::size_t n = 0; n < count; ++n) rows[n * row_pitch + i] = vectors[i * vector_pitch + n];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
