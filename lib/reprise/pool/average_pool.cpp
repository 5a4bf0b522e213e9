// Average pooling.
//
// output(n, oh, ow, c) = (long sum (core/long_sum.hpp) of input(n, ih, iw, c) over the window's
// cells inside the image, in row-major order) / divisor, and 0 for a window wholly in the padding.
// The gradient of a cell is the sum, window by window in row-major order, of grad_output / divisor
// over the windows it lies in: one chain, as more than 2^14 windows over one cell have 2^14 cells
// each. Vector lanes hold neighbouring channels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/pool/average_pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// What the window's sum is divided by; 1 where no cell counts.
HWY_INLINE std::size_t divisor(const PoolShape& s, bool count_include_padding,
                               const PoolWindow& window, std::size_t oh, std::size_t ow) {
  const std::size_t cells =
      count_include_padding
          ? WindowAxis(oh * s.stride_h, s.KH, s.dilation_h, 0, s.IH + s.pad_top + s.pad_bottom)
                    .count *
                WindowAxis(ow * s.stride_w, s.KW, s.dilation_w, 0, s.IW + s.pad_left + s.pad_right)
                    .count
          : window.cells();
  return std::max<std::size_t>(cells, 1);
}

/// values / divisor: in double, and then rounded, where float does not hold the divisor.
template <class D, class V>
HWY_INLINE V divided(D d, V values, std::size_t divisor) {
  constexpr std::size_t most = std::size_t{1} << 24;
  if (HWY_LIKELY(divisor <= most)) {
    return hn::Div(values, hn::Set(d, static_cast<float>(divisor)));
  }
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  hn::Store(values, d, lanes);
  for (float& value : lanes) {
    value = static_cast<float>(static_cast<double>(value) / static_cast<double>(divisor));
  }
  return hn::Load(d, lanes);
}

/// The sum over a window of more than one run of cells.
template <class D>
HWY_NOINLINE hn::Vec<D> sum_of_runs(D d, const PoolShape& s, const PoolWindow& window,
                                    const float* image) {
  RunTree<Lanes> tree;
  auto sum = hn::Zero(d);
  std::size_t left = kRunTerms;
  for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
    sum = hn::Add(sum, hn::LoadU(d, image + cell));
    if (--left > 0) return;
    add_run(d, sum, tree);
    sum = hn::Zero(d);
    left = kRunTerms;
  });
  if (left < kRunTerms) add_run(d, sum, tree);
  return hn::LoadU(d, tree.sum().values);
}

template <class D>
HWY_INLINE hn::Vec<D> sum_of_cells(D d, const PoolShape& s, const PoolWindow& window,
                                   const float* image) {
  if (HWY_UNLIKELY(window.cells() > kRunTerms)) return sum_of_runs(d, s, window, image);
  auto sum = hn::Zero(d);
  for_each_cell(s, window,
                [&](std::size_t cell) HWY_ATTR { sum = hn::Add(sum, hn::LoadU(d, image + cell)); });
  return sum;
}

void average_image(const PoolShape& s, bool count_include_padding, const float* image,
                   float* output) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    const std::size_t divide_by = divisor(s, count_include_padding, window, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      const auto sum = sum_of_cells(d, s, window, image + c);
      hn::StoreU(divided(d, sum, divide_by), d, output + out + c);
    });
  });
}

void average_gradient_image(const PoolShape& s, bool count_include_padding,
                            const float* grad_output, float* grad_image) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    const std::size_t divide_by = divisor(s, count_include_padding, window, oh, ow);
    for_each_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      const auto share = divided(d, hn::LoadU(d, grad_output + out + c), divide_by);
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
  const FloatEnvironment environment;
  for (std::size_t n = 0; n < s.N; ++n) {
    REPRISE_DISPATCH(average_image)
    (s, count_include_padding, input + n * s.IH * s.IW * s.C, output + n * s.OH * s.OW * s.C);
  }
}

void average_pool_backward(const PoolShape& s, bool count_include_padding, const float* grad_output,
                           float* grad_input) {
  const FloatEnvironment environment;
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    REPRISE_DISPATCH(average_gradient_image)
    (s, count_include_padding, grad_output + n * s.OH * s.OW * s.C,
     grad_input + n * s.IH * s.IW * s.C);
  }
}

}  // namespace reprise
#endif  // HWY_ONCE
