// The gradient of a convolution's bias: vector lanes across channels, several images side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/grad_bias.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "reprise/conv/conv2d.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// total + the chains of `images` images, in their order; grad is (images, pixels, OC).
template <std::size_t images, class D>
HWY_INLINE auto add_images(D d, std::size_t pixels, std::size_t OC, const float* grad,
                           hn::Vec<D> total) {
  hn::Vec<D> image[images];
  for (std::size_t n = 0; n < images; ++n) image[n] = hn::Zero(d);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel, grad += OC) {
    for (std::size_t n = 0; n < images; ++n) {
      image[n] = hn::Add(image[n], hn::LoadU(d, grad + n * pixels * OC));
    }
  }
  for (std::size_t n = 0; n < images; ++n) total = hn::Add(total, image[n]);
  return total;
}

/// Vectors of up to `width` channels from `c` on; returns where it stopped.
template <std::size_t width>
HWY_INLINE std::size_t sum_channels(const ConvShape& s, std::size_t c, const float* grad_output,
                                    float* grad_bias) {
  const hn::CappedTag<float, width> d;
  constexpr std::size_t together = 4;
  const std::size_t pixels = s.OH * s.OW;
  for (; c + hn::Lanes(d) <= s.OC; c += hn::Lanes(d)) {
    auto total = hn::Zero(d);
    const float* grad = grad_output + c;
    std::size_t n = 0;
    for (; n + together <= s.N; n += together, grad += together * pixels * s.OC) {
      total = add_images<together>(d, pixels, s.OC, grad, total);
    }
    for (; n < s.N; ++n, grad += pixels * s.OC) {
      total = add_images<1>(d, pixels, s.OC, grad, total);
    }
    hn::StoreU(total, d, grad_bias + c);
  }
  return c;
}

void sum_all_channels(const ConvShape& s, const float* grad_output, float* grad_bias) {
  std::size_t c = sum_channels<16>(s, 0, grad_output, grad_bias);
  c = sum_channels<4>(s, c, grad_output, grad_bias);
  c = sum_channels<2>(s, c, grad_output, grad_bias);
  sum_channels<1>(s, c, grad_output, grad_bias);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(sum_all_channels);

void conv2d_grad_bias(const ConvShape& s, const float* grad_output, float* grad_bias) {
  HWY_DYNAMIC_DISPATCH(sum_all_channels)(s, grad_output, grad_bias);
}

}  // namespace reprise
#endif  // HWY_ONCE
