// Maximum pooling.
//
// output(n, oh, ow, c) = the largest input(n, ih, iw, c) in the window: the first NaN if there is
// one, -inf if the window lies wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of the gradients of the windows whose maximum it is.
// A ReLU that stands before is computed in the same pass: values below 0 count as 0 where they are
// read, and a maximum of 0 or below passes no gradient. Vector lanes hold neighbouring channels.
// Windows of 2x2 with stride 2 and no padding, the common case, have a path of their own: a
// window's cells are in registers, and where the channels do not fill a vector the next cell's are
// taken along and overwritten afterwards.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/pool/max_pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/core/float_environment.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/pool/max_pool_two-inl.hpp"
#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Values from a place: 0 for those below 0 if `relu`.
template <class D>
HWY_INLINE auto load(D d, const float* from, bool relu) {
  const auto least = hn::Set(d, relu ? 0.0F : -std::numeric_limits<float>::infinity());
  const auto value = hn::LoadU(d, from);
  return hn::IfThenZeroElse(hn::Lt(value, least), value);
}

/// The maximum of each channel of a window.
template <class D>
HWY_INLINE auto maximum(D d, const PoolShape& s, const PoolWindow& window, const float* image,
                        bool relu) {
  auto most = hn::Set(d, -std::numeric_limits<float>::infinity());
  for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
    const auto value = load(d, image + cell, relu);
    most = hn::IfThenElse(replaces(value, most), value, most);
  });
  return most;
}

void forward_image(const PoolShape& s, bool relu, const float* image, float* output) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      hn::StoreU(maximum(d, s, window, image + c, relu), d, output + out + c);
    });
  });
}

/// Adds grad to the cells of the window that get it. No cell is counted: the first maximum is the
/// first cell that equals the maximum, so a window may have any number of cells.
template <class D>
HWY_INLINE void add_gradient(D d, const PoolShape& s, MaxTies ties, bool relu,
                             const PoolWindow& window, const float* grad_output, const float* image,
                             float* grad_image) {
  const auto most = maximum(d, s, window, image, relu);
  const auto grad = passed(d, most, hn::LoadU(d, grad_output), relu);
  const bool all = ties == MaxTies::all;
  const auto is_number = hn::Eq(most, most);
  auto given = hn::Gt(hn::Zero(d), hn::Zero(d));  // channels whose first maximum has been met
  for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
    const auto value = load(d, image + cell, relu);
    const auto equal = hn::Eq(value, most);
    const auto is_maximum = hn::Or(equal, hn::Not(hn::Or(is_number, hn::Eq(value, value))));
    const auto is_first = hn::AndNot(given, is_maximum);
    const auto gets = all ? hn::Or(is_first, equal) : is_first;
    const auto before = hn::LoadU(d, grad_image + cell);
    hn::StoreU(hn::Add(before, hn::IfThenElseZero(gets, grad)), d, grad_image + cell);
    given = hn::Or(given, is_maximum);
  });
}

void backward_image(const PoolShape& s, MaxTies ties, bool relu, const float* grad_output,
                    const float* image, float* grad_image) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      add_gradient(d, s, ties, relu, window, grad_output + out + c, image + c, grad_image + c);
    });
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(forward_image);
HWY_EXPORT(backward_image);
HWY_EXPORT(forward_two_by_two);
HWY_EXPORT(backward_two_by_two);

namespace {

bool is_two_by_two(const PoolShape& s) {
  return s.KH == 2 && s.KW == 2 && s.stride_h == 2 && s.stride_w == 2 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.pad_top == 0 && s.pad_left == 0 && 2 * s.OH <= s.IH &&
         2 * s.OW <= s.IW;
}

}  // namespace

void max_pool_forward(const PoolShape& s, const float* input, float* output, bool relu) {
  const FloatEnvironment environment;
  const auto image =
      is_two_by_two(s) ? REPRISE_DISPATCH(forward_two_by_two) : REPRISE_DISPATCH(forward_image);
  for (std::size_t n = 0; n < s.N; ++n) {
    image(s, relu, input + n * s.IH * s.IW * s.C, output + n * s.OH * s.OW * s.C);
  }
}

void max_pool_backward(const PoolShape& s, MaxTies ties, const float* grad_output,
                       const float* input, float* grad_input, bool relu) {
  const FloatEnvironment environment;
  const auto image =
      is_two_by_two(s) ? REPRISE_DISPATCH(backward_two_by_two) : REPRISE_DISPATCH(backward_image);
  const bool writes_all = is_two_by_two(s) && 2 * s.OH == s.IH && 2 * s.OW == s.IW;
  if (!writes_all) std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    const std::size_t first = n * s.IH * s.IW * s.C;
    image(s, ties, relu, grad_output + n * s.OH * s.OW * s.C, input + first, grad_input + first);
  }
}

}  // namespace reprise
#endif  // HWY_ONCE
