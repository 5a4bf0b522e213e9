/// \file
/// Arrays of floats in vectors. Included once per vector target, after foreach_target.h.
#if defined(REPRISE_LINALG_VECTORS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_VECTORS_INL_HPP
#undef REPRISE_LINALG_VECTORS_INL_HPP
#else
#define REPRISE_LINALG_VECTORS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {

/// Calls body(tag, i) for vectors from i on that cover 0..size-1 once each: whole ones, then of one
/// lane.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t size, const Body& body) {
  const hwy::HWY_NAMESPACE::ScalableTag<float> d;
  const hwy::HWY_NAMESPACE::CappedTag<float, 1> one;
  const std::size_t lanes = hwy::HWY_NAMESPACE::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) body(d, i);
  for (; i < size; ++i) body(one, i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
