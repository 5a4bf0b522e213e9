// Elementary functions on arrays, in vectors of any target with the same bits (math.hpp).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/math.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/core/float_environment.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/elementary-inl.hpp"
#include "reprise/linalg/math.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
// Unnamed: what another file calls the same must not be merged with this by the linker, which could
// take the copy of another vector target.
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// y = function(x), vector by vector; the last one through a buffer, filled up with ones.
template <class T, class Function>
HWY_INLINE void map(std::size_t count, const T* x, T* y, const Function& function) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(function(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == count) return;
  HWY_ALIGN T buffer[hn::MaxLanes(d)];
  std::fill_n(buffer, lanes, T{1});
  std::copy_n(x + i, count - i, buffer);
  hn::Store(function(d, hn::Load(d, buffer)), d, buffer);
  std::copy_n(buffer, count - i, y + i);
}

/// One NaN for all: which one an operation gives differs between machines.
template <class D>
HWY_INLINE hn::Vec<D> nan_of(D d) {
  return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
}
template <class D>
HWY_INLINE hn::Vec<D> infinity_of(D d) {
  return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity());
}

// Those of elementary-inl.hpp are right for numbers in their domain and give whatever comes of it
// for others: what IEEE 754 says of those is put in their place. `y` may be worth nothing there.

template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  const V most = hn::Set(d, 100.0F);  // e^x is infinite from 89 on
  V y = elementary::exp(d, hn::Min(x, most));
  y = hn::IfThenElse(hn::Gt(x, most), infinity_of(d), y);
  return hn::IfThenElse(hn::Eq(x, x), y, nan_of(d));
}

template <class D, class V>
HWY_INLINE V log_of(D d, V x) {
  V y = elementary::log(d, x);
  y = hn::IfThenElse(hn::Eq(x, infinity_of(d)), x, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity_of(d)), y);
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, nan_of(d));
}

template <class D, class V>
HWY_INLINE V tanh_of(D d, V x) {
  return hn::IfThenElse(hn::Eq(x, x), elementary::tanh(d, x), nan_of(d));
}

/// 1 / denominator(x): an inverse power of numbers of 0 or more, and NaN of others.
template <class D, class V, class Denominator>
HWY_INLINE V inverse_of(D d, V x, const Denominator& denominator) {
  const V positive = hn::Add(x, hn::Zero(d));  // -0 counts as 0
  const V y = hn::Div(hn::Set(d, 1.0F), denominator(positive));
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, nan_of(d));
}

void exp_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return exp_of(d, v); });
}
void log_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return log_of(d, v); });
}
void log_f64(std::size_t count, const double* x, double* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return log_of(d, v); });
}
void tanh_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return tanh_of(d, v); });
}
void inverse_root_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR {
    return inverse_of(d, v, [](auto a) HWY_ATTR { return hn::Sqrt(a); });
  });
}
void inverse_three_quarters_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR {
    return inverse_of(d, v, [](auto a) HWY_ATTR {
      const auto root = hn::Sqrt(a);
      return hn::Mul(root, hn::Sqrt(root));
    });
  });
}
void inverse_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y,
      [](auto d, auto v) HWY_ATTR { return inverse_of(d, v, [](auto a) HWY_ATTR { return a; }); });
}
void exp_scaled_log_f32(std::size_t count, float scale, const float* x, float* y) {
  map(count, x, y, [scale](auto d, auto v) HWY_ATTR {
    return exp_of(d, hn::Mul(hn::Set(d, scale), log_of(d, v)));
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(exp_f32);
HWY_EXPORT(log_f32);
HWY_EXPORT(log_f64);
HWY_EXPORT(tanh_f32);
HWY_EXPORT(inverse_root_f32);
HWY_EXPORT(inverse_three_quarters_f32);
HWY_EXPORT(inverse_f32);
HWY_EXPORT(exp_scaled_log_f32);

void exp(std::size_t count, const float* x, float* y) {
  const FloatEnvironment environment;
  REPRISE_DISPATCH(exp_f32)(count, x, y);
}
void log(std::size_t count, const float* x, float* y) {
  const FloatEnvironment environment;
  REPRISE_DISPATCH(log_f32)(count, x, y);
}
void log(std::size_t count, const double* x, double* y) {
  const FloatEnvironment environment;
  REPRISE_DISPATCH(log_f64)(count, x, y);
}
void tanh(std::size_t count, const float* x, float* y) {
  const FloatEnvironment environment;
  REPRISE_DISPATCH(tanh_f32)(count, x, y);
}
void inverse_power(std::size_t count, float beta, const float* x, float* y) {
  const FloatEnvironment environment;
  if (beta == 0.5F) return REPRISE_DISPATCH(inverse_root_f32)(count, x, y);
  if (beta == 0.75F) return REPRISE_DISPATCH(inverse_three_quarters_f32)(count, x, y);
  if (beta == 1.0F) return REPRISE_DISPATCH(inverse_f32)(count, x, y);
  REPRISE_DISPATCH(exp_scaled_log_f32)(count, -beta, x, y);
}

}  // namespace reprise
#endif  // HWY_ONCE
