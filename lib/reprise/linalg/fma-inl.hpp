/// \file
/// Fused multiply-add of vectors, by which every kernel multiplies and adds: with one rounding on
/// every target. Highway's own MulAdd rounds twice where the target has no instruction for it.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_LINALG_FMA_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_FMA_INL_HPP
#undef REPRISE_LINALG_FMA_INL_HPP
#else
#define REPRISE_LINALG_FMA_INL_HPP
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstddef>

#include "reprise/linalg/exact_fma.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {

/// Whether the target's vectors have the instruction.
constexpr bool kFused = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ||
                        HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON;

namespace fma_of {

/// One number, by the processor's instruction where the compiler may use it.
HWY_INLINE float number(float x, float y, float z) {
#ifdef __FP_FAST_FMAF
  return std::fma(x, y, z);
#else
  return exact_fma(x, y, z);
#endif
}
HWY_INLINE double number(double x, double y, double z) {
  return std::fma(x, y, z);  // the C library's is exact, and few doubles are multiplied
}

#if HWY_TARGET == HWY_SCALAR
template <class V>
HWY_INLINE V vector(V x, V y, V z) {
  return V(number(x.raw, y.raw, z.raw));
}
#else
template <class V>
HWY_INLINE V vector(V x, V y, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::DFromV<V> d;
  using T = hn::TFromD<decltype(d)>;
  HWY_ALIGN T a[hn::MaxLanes(d)], b[hn::MaxLanes(d)], c[hn::MaxLanes(d)];
  hn::Store(x, d, a);
  hn::Store(y, d, b);
  hn::Store(z, d, c);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) a[i] = number(a[i], b[i], c[i]);
  return hn::Load(d, a);
}
#endif

}  // namespace fma_of

/// x * y + z
template <class V>
HWY_INLINE V fma(V x, V y, V z) {
  if constexpr (kFused) {
    return hwy::HWY_NAMESPACE::MulAdd(x, y, z);
  } else {
    return fma_of::vector(x, y, z);
  }
}

/// z - x * y
template <class V>
HWY_INLINE V negated_fma(V x, V y, V z) {
  if constexpr (kFused) {
    return hwy::HWY_NAMESPACE::NegMulAdd(x, y, z);
  } else {
    return fma_of::vector(hwy::HWY_NAMESPACE::Neg(x), y, z);
  }
}

/// x * y - z
template <class V>
HWY_INLINE V fma_minus(V x, V y, V z) {
  if constexpr (kFused) {
    return hwy::HWY_NAMESPACE::MulSub(x, y, z);
  } else {
    return fma_of::vector(x, y, hwy::HWY_NAMESPACE::Neg(z));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
