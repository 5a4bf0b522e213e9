/// \file
/// Arrays of floats in vectors. Included once per vector target, after foreach_target.h.
#if defined(REPRISE_LINALG_VECTORS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_VECTORS_INL_HPP
#undef REPRISE_LINALG_VECTORS_INL_HPP
#else
#define REPRISE_LINALG_VECTORS_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "reprise/core/long_sum.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {

/// Calls body(tag, i) for vectors of at most `width` values from i on; returns where it stopped.
template <std::size_t width, class Body>
HWY_INLINE std::size_t vectors_by(std::size_t i, std::size_t size, const Body& body) {
  const hwy::HWY_NAMESPACE::CappedTag<float, width> d;
  const std::size_t lanes = hwy::HWY_NAMESPACE::Lanes(d);
  for (; i + lanes <= size; i += lanes) body(d, i);
  return i;
}

/// Calls body(tag, i) for vectors from i on that cover 0..size-1 once each: the widest first, then
/// narrower ones.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t size, const Body& body) {
  std::size_t i = vectors_by<16>(0, size, body);
  i = vectors_by<8>(i, size, body);
  i = vectors_by<4>(i, size, body);
  i = vectors_by<2>(i, size, body);
  vectors_by<1>(i, size, body);
}

/// Calls body(tag, i) for vectors that cover 0..size-1, size at least 8: the widest, where those
/// have 16 lanes and at most 8 values are left, one of 8. The last of a kind may overlap the one
/// before it, so that it is for bodies that may repeat an element. They are fewer and compile
/// faster than those of for_each_vector.
template <class Body>
HWY_INLINE void for_each_overlapping_vector(std::size_t size, const Body& body) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto cover = [&](auto d, std::size_t begin, std::size_t end) HWY_ATTR {
    const std::size_t last = end - hn::Lanes(d);
    for (std::size_t i = begin; i < end; i += hn::Lanes(d)) body(d, std::min(i, last));
  };
  const hn::CappedTag<float, 16> widest;
  if constexpr (hn::MaxLanes(widest) <= 8) {
    cover(widest, 0, size);
  } else {
    const std::size_t rest = size % 16;
    const std::size_t wide = rest > 8 && size > 16 ? size : size - rest;
    cover(widest, 0, wide);
    cover(hn::CappedTag<float, 8>(), wide, size);
  }
}

/// As many of p[0..count) as a vector has lanes, zeros beyond; no byte beyond is touched.
HWY_INLINE hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::ScalableTag<float>> load_some(
    const float* p, std::size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  if (HWY_LIKELY(count >= hn::Lanes(d))) return hn::LoadU(d, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float copy[hn::MaxLanes(d)] = {};
  std::copy_n(p, count, copy);
  return hn::Load(d, copy);
#else
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

/// The first `count` lanes, or all; no byte beyond is touched.
HWY_INLINE void store_some(hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::ScalableTag<float>> v,
                           float* p, std::size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  if (HWY_LIKELY(count >= hn::Lanes(d))) return hn::StoreU(v, d, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float copy[hn::MaxLanes(d)];
  hn::Store(v, d, copy);
  std::copy_n(copy, count, p);
#else
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#endif
}

/// Adds the sums of a run, one a lane, to the tree.
template <class D>
HWY_INLINE void add_run(D d, hwy::HWY_NAMESPACE::Vec<D> run, RunTree<Lanes>& tree) {
  Lanes lanes{};
  hwy::HWY_NAMESPACE::StoreU(run, d, lanes.values);
  tree.add(lanes);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
