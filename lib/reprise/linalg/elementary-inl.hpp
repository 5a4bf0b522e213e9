/// \file
/// exp, log and tanh of vectors as docs/numeric_contract.md defines them: the polynomials and the
/// order of operations of Highway 1.0.3's contrib/math, with a fused multiply-add on every target.
/// Right for numbers in their domain; math.cpp sees to the others.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_LINALG_ELEMENTARY_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_ELEMENTARY_INL_HPP
#undef REPRISE_LINALG_ELEMENTARY_INL_HPP
#else
#define REPRISE_LINALG_ELEMENTARY_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "reprise/linalg/fma-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace elementary {
namespace hn = hwy::HWY_NAMESPACE;

/// Close to e^x - 1 for |x| up to ln(2) / 2.
template <class D, class V>
HWY_INLINE V expm1_polynomial(D d, V x) {
  const V x2 = hn::Mul(x, x);
  const V x4 = hn::Mul(x2, x2);
  const V c01 = fma(hn::Set(d, 0.166666671633720397949219F), x, hn::Set(d, 0.5F));
  const V c23 =
      fma(hn::Set(d, 0.00833336077630519866943359F), x, hn::Set(d, 0.0416664853692054748535156F));
  const V c45 =
      fma(hn::Set(d, 0.000198527617612853646278381F), x, hn::Set(d, 0.00139304355252534151077271F));
  return fma(fma(x4, c45, fma(x2, c23, c01)), x2, x);
}

/// x = q * ln(2) + r with a whole number q and |r| up to about ln(2) / 2.
template <class D>
struct Reduced {
  hn::Vec<hn::Rebind<std::int32_t, D>> q;
  hn::Vec<D> r;
};
template <class D, class V>
HWY_INLINE Reduced<D> reduce(D d, V x) {
  const hn::Rebind<std::int32_t, D> di;
  const V half = hn::Or(hn::Set(d, 0.5F), hn::And(x, hn::Set(d, -0.0F)));
  V quotient = fma(x, hn::Set(d, 1.442695040888963407F), half);
#if HWY_TARGET == HWY_SCALAR
  // Outside the domain; in C++ NaN has no integer.
  quotient = hn::IfThenElseZero(hn::Lt(hn::Abs(quotient), hn::Set(d, 0x1p20F)), quotient);
#endif
  const auto q = hn::ConvertTo(di, quotient);
  const V number = hn::ConvertTo(d, q);
  const V r = fma(number, hn::Set(d, -0.693145751953125F), x);
  return {q, fma(number, hn::Set(d, -1.428606765330187045e-6F), r)};
}

/// 2^q for q from -126 to 127.
template <class D, class VI>
HWY_INLINE hn::Vec<D> power_of_two(D d, VI q) {
  const hn::Rebind<std::int32_t, D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(q, hn::Set(di, 127))));
}

/// x * 2^q
template <class D, class V, class VI>
HWY_INLINE V scaled(D d, V x, VI q) {
  const VI first = hn::ShiftRight<1>(q);
  return hn::Mul(hn::Mul(x, power_of_two(d, first)), power_of_two(d, hn::Sub(q, first)));
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  const Reduced<D> reduced = reduce(d, x);
  const V y = scaled(d, hn::Add(expm1_polynomial(d, reduced.r), hn::Set(d, 1.0F)), reduced.q);
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(d, -104.0F)), y);
}

/// x of 0 or more.
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const Reduced<D> reduced = reduce(d, x);
  const V y = expm1_polynomial(d, reduced.r);
  const V large = hn::Sub(scaled(d, hn::Add(y, one), reduced.q), one);
  return hn::IfThenElse(hn::Lt(x, hn::Set(d, 0.346573590279972654708616F)), y, large);
}

template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V sign = hn::And(hn::SignBit(d), x);
  const V magnitude = hn::Xor(x, sign);
  const V two = hn::Set(d, 2.0F);
  const V y = expm1(d, hn::Mul(magnitude, two));
  const V z = hn::IfThenElse(hn::Gt(magnitude, hn::Set(d, 18.714973875F)), hn::Set(d, 1.0F),
                             hn::Div(y, hn::Add(y, two)));
  return hn::Xor(z, sign);
}

/// The constants of log(x) = log(2^k y), y from sqrt(1/2) to sqrt(2).
template <class T>
struct LogConstants;
template <>
struct LogConstants<float> {
  using Bits = std::int32_t;
  static constexpr int kExponentBit = 23;
  static constexpr Bits kBias = 127, kOne = 0x3f800000, kRoot = 0x3f3504f3;
  static constexpr Bits kMantissa = 0x007fffff, kKept = 0, kSubnormalShift = -25;
  static constexpr float kSmallest = 0x1p-126F, kScale = 0x1p25F;
  static constexpr float kHigh = 0.69313812256F, kLow = 9.0580006145e-6F;

  template <class D, class V>
  static HWY_INLINE V polynomial(D d, V z2, V z4) {
    const V even = fma(hn::Set(d, 0.28498786688F), z4, hn::Set(d, 0.66666662693F));
    const V odd = fma(hn::Set(d, 0.24279078841F), z4, hn::Set(d, 0.40000972152F));
    return fma(even, z2, hn::Mul(odd, z4));
  }
};
template <>
struct LogConstants<double> {
  using Bits = std::int64_t;
  static constexpr int kExponentBit = 52;
  static constexpr Bits kBias = 1023, kOne = 0x3ff0000000000000, kRoot = 0x3fe6a09e00000000;
  static constexpr Bits kMantissa = 0x000fffff00000000, kKept = 0xffffffff, kSubnormalShift = -54;
  static constexpr double kSmallest = 0x1p-1022, kScale = 0x1p54;
  static constexpr double kHigh = 0.693147180369123816490, kLow = 1.90821492927058770002e-10;

  template <class D, class V>
  static HWY_INLINE V polynomial(D d, V z2, V z4) {
    V even = fma(hn::Set(d, 0.1479819860511658591), z4, hn::Set(d, 0.1818357216161805012));
    even = fma(even, z4, hn::Set(d, 0.2857142874366239149));
    even = fma(even, z4, hn::Set(d, 0.6666666666666735130));
    V odd = fma(hn::Set(d, 0.1531383769920937332), z4, hn::Set(d, 0.2222219843214978396));
    odd = fma(odd, z4, hn::Set(d, 0.3999999999940941908));
    return fma(even, z2, hn::Mul(odd, z4));
  }
};

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  using T = hn::TFromD<D>;
  using C = LogConstants<T>;
  const hn::Rebind<typename C::Bits, D> di;
  const hn::Rebind<std::make_unsigned_t<typename C::Bits>, D> du;
  const auto subnormal = hn::Lt(x, hn::Set(d, C::kSmallest));
  x = hn::IfThenElse(subnormal, hn::Mul(x, hn::Set(d, C::kScale)), x);
  const auto bits = hn::Add(hn::BitCast(di, x), hn::Set(di, C::kOne - C::kRoot));
  const auto exponent = hn::BitCast(di, hn::ShiftRight<C::kExponentBit>(hn::BitCast(du, bits)));
  const auto shift = hn::BitCast(
      di, hn::IfThenElseZero(subnormal, hn::BitCast(d, hn::Set(di, C::kSubnormalShift))));
  const V k = hn::ConvertTo(d, hn::Add(shift, hn::Sub(exponent, hn::Set(di, C::kBias))));
  const V y = hn::Or(
      hn::And(x, hn::BitCast(d, hn::Set(di, C::kKept))),
      hn::BitCast(d, hn::Add(hn::And(bits, hn::Set(di, C::kMantissa)), hn::Set(di, C::kRoot))));
  const V less_one = hn::Sub(y, hn::Set(d, T{1}));
  const V z = hn::Div(less_one, hn::Add(y, hn::Set(d, T{1})));
  const V z2 = hn::Mul(z, z);
  const V p = C::polynomial(d, z2, hn::Mul(z2, z2));
  const V inner = fma_minus(z, hn::Sub(less_one, p), hn::Mul(k, hn::Set(d, C::kLow)));
  return fma_minus(k, hn::Set(d, C::kHigh), hn::Sub(inner, less_one));
}

}  // namespace elementary
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
