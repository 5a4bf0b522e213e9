// Elementary functions on arrays, in vectors of any target with the same bits (math.hpp).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/math.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>

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

void exp_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Exp(d, v); });
}
void log_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Log(d, v); });
}
void log_f64(std::size_t count, const double* x, double* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Log(d, v); });
}
void tanh_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Tanh(d, v); });
}
void inverse_root_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Div(hn::Set(d, 1.0F), hn::Sqrt(v)); });
}
void inverse_three_quarters_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR {
    const auto root = hn::Sqrt(v);
    return hn::Div(hn::Set(d, 1.0F), hn::Mul(root, hn::Sqrt(root)));
  });
}
void inverse_f32(std::size_t count, const float* x, float* y) {
  map(count, x, y, [](auto d, auto v) HWY_ATTR { return hn::Div(hn::Set(d, 1.0F), v); });
}
void exp_scaled_log_f32(std::size_t count, float scale, const float* x, float* y) {
  map(count, x, y, [scale](auto d, auto v) HWY_ATTR {
    return hn::Exp(d, hn::Mul(hn::Set(d, scale), hn::Log(d, v)));
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
  HWY_DYNAMIC_DISPATCH(exp_f32)(count, x, y);
}
void log(std::size_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(log_f32)(count, x, y);
}
void log(std::size_t count, const double* x, double* y) {
  HWY_DYNAMIC_DISPATCH(log_f64)(count, x, y);
}
void tanh(std::size_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(tanh_f32)(count, x, y);
}
void inverse_power(std::size_t count, float beta, const float* x, float* y) {
  if (beta == 0.5F) return HWY_DYNAMIC_DISPATCH(inverse_root_f32)(count, x, y);
  if (beta == 0.75F) return HWY_DYNAMIC_DISPATCH(inverse_three_quarters_f32)(count, x, y);
  if (beta == 1.0F) return HWY_DYNAMIC_DISPATCH(inverse_f32)(count, x, y);
  HWY_DYNAMIC_DISPATCH(exp_scaled_log_f32)(count, -beta, x, y);
}

}  // namespace reprise
#endif  // HWY_ONCE
