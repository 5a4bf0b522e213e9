// Average pooling.
//
// output(n, oh, ow, c) = (sum of input(n, ih, iw, c) over the window's cells, in row-major order) /
// divisor, and 0 for a window wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of grad_output / divisor over the windows it lies in.
// Vector lanes hold neighbouring channels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/pool/average_pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// The extent of a window that begins at `begin` inside the padded image of size `padded`.
HWY_INLINE std::size_t clipped(std::size_t begin, std::size_t kernel, std::size_t padded) {
  return std::min(begin + kernel, padded) - std::min(begin, padded);
}

/// What the window's sum is divided by; 1 where no cell counts.
HWY_INLINE float divisor(const PoolShape& s, bool count_include_padding, const PoolWindow& window,
                         std::size_t oh, std::size_t ow) {
  const std::size_t cells =
      count_include_padding ? clipped(oh * s.stride_h, s.KH, s.IH + s.pad_top + s.pad_bottom) *
                                  clipped(ow * s.stride_w, s.KW, s.IW + s.pad_left + s.pad_right)
                            : window.cells();
  return static_cast<float>(std::max<std::size_t>(cells, 1));
}

void average_image(const PoolShape& s, bool count_include_padding, const float* image,
                   float* output) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    const float divide_by = divisor(s, count_include_padding, window, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      auto sum = hn::Zero(d);
      for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
        sum = hn::Add(sum, hn::LoadU(d, image + cell + c));
      });
      hn::StoreU(hn::Div(sum, hn::Set(d, divide_by)), d, output + out + c);
    });
  });
}

void average_gradient_image(const PoolShape& s, bool count_include_padding,
                            const float* grad_output, float* grad_image) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    const float divide_by = divisor(s, count_include_padding, window, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      const auto share = hn::Div(hn::LoadU(d, grad_output + out + c), hn::Set(d, divide_by));
      for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
        float* const grad = grad_image + cell + c;
        hn::StoreU(hn::Add(hn::LoadU(d, grad), share), d, grad);
      });
    });
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(average_image);
HWY_EXPORT(average_gradient_image);

void average_pool_forward(const PoolShape& s, bool count_include_padding, const float* input,
                          float* output) {
  for (std::size_t n = 0; n < s.N; ++n) {
    HWY_DYNAMIC_DISPATCH(average_image)
    (s, count_include_padding, input + n * s.IH * s.IW * s.C, output + n * s.OH * s.OW * s.C);
  }
}

void average_pool_backward(const PoolShape& s, bool count_include_padding, const float* grad_output,
                           float* grad_input) {
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    HWY_DYNAMIC_DISPATCH(average_gradient_image)
    (s, count_include_padding, grad_output + n * s.OH * s.OW * s.C,
     grad_input + n * s.IH * s.IW * s.C);
  }
}

}  // namespace reprise
#endif  // HWY_ONCE
