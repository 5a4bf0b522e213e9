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
#elif HWY_TARGET == HWY_WASM
/// Two doubles, of which `sum` lies midway between numbers of binary32 where `midway` has ones:
/// moved towards the exact x * y + z as by exact_fma().
HWY_INLINE v128_t moved(v128_t product, v128_t z, v128_t sum, v128_t midway) {
  const v128_t zero = wasm_f64x2_splat(0.0);
  const v128_t part = wasm_f64x2_sub(sum, product);
  const v128_t lost =
      wasm_f64x2_add(wasm_f64x2_sub(product, wasm_f64x2_sub(sum, part)), wasm_f64x2_sub(z, part));
  const v128_t is_more = wasm_f64x2_gt(lost, zero);
  const v128_t is_less = wasm_f64x2_lt(lost, zero);
  const v128_t towards_zero = wasm_v128_xor(is_more, wasm_f64x2_gt(sum, zero));
  const v128_t unit = wasm_v128_or(towards_zero, wasm_i64x2_splat(1));  // -1 or 1
  const v128_t is_lost = wasm_v128_and(midway, wasm_v128_or(is_more, is_less));
  return wasm_i64x2_add(sum, wasm_v128_and(unit, is_lost));
}

/// Four at once, by the operations of exact_fma(); relaxed SIMD's instruction may round twice.
template <class V>
HWY_INLINE V vector(V x, V y, V z) {
  const auto upper = [](v128_t a) {
    return wasm_f64x2_promote_low_f32x4(wasm_i64x2_shuffle(a, a, 1, 1));
  };
  const auto is_midway = [](v128_t sum) {  // but for 0, which is exact
    const v128_t ends = wasm_v128_and(sum, wasm_i64x2_splat(0x0fffffff));
    return wasm_v128_and(wasm_i64x2_eq(ends, wasm_i64x2_splat(0)),
                         wasm_f64x2_ne(sum, wasm_f64x2_splat(0.0)));
  };
  const v128_t z0 = wasm_f64x2_promote_low_f32x4(z.raw);
  const v128_t z1 = upper(z.raw);
  const v128_t product0 =
      wasm_f64x2_mul(wasm_f64x2_promote_low_f32x4(x.raw), wasm_f64x2_promote_low_f32x4(y.raw));
  const v128_t product1 = wasm_f64x2_mul(upper(x.raw), upper(y.raw));
  v128_t sum0 = wasm_f64x2_add(product0, z0);
  v128_t sum1 = wasm_f64x2_add(product1, z1);
  const v128_t midway0 = is_midway(sum0);
  const v128_t midway1 = is_midway(sum1);
  if (wasm_v128_any_true(wasm_v128_or(midway0, midway1))) [[unlikely]] {
    sum0 = moved(product0, z0, sum0, midway0);
    sum1 = moved(product1, z1, sum1, midway1);
  }
  return V{wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(sum0),
                              wasm_f32x4_demote_f64x2_zero(sum1), 0, 2)};
}
#else
template <class V>
V vector(V x, V y, V z);  // none is called: the other targets have the instruction
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
