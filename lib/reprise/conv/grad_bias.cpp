// The gradient of a convolution's bias: a long sum (core/long_sum.hpp) over the images of each
// one's long sum over its pixels in row-major order. Vector lanes across channels, several images
// side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/grad_bias.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// sums[n] = the chains over pixels [begin, end) of `images` images; grad is (images, pixels, OC).
template <std::size_t images, class D>
HWY_INLINE void sum_run(D d, std::size_t begin, std::size_t end, std::size_t pixels, std::size_t OC,
                        const float* grad, hn::Vec<D>* sums) {
  for (std::size_t n = 0; n < images; ++n) sums[n] = hn::Zero(d);
  grad += begin * OC;
  for (std::size_t pixel = begin; pixel < end; ++pixel, grad += OC) {
    for (std::size_t n = 0; n < images; ++n) {
      sums[n] = hn::Add(sums[n], hn::LoadU(d, grad + n * pixels * OC));
    }
  }
}

/// sums[n] = the long sums over the pixels of `images` images.
template <std::size_t images, class D>
HWY_INLINE void sum_images(D d, std::size_t pixels, std::size_t OC, const float* grad,
                           hn::Vec<D>* sums) {
  if (HWY_LIKELY(pixels <= kRunTerms)) {
    return sum_run<images>(d, 0, pixels, pixels, OC, grad, sums);
  }
  RunTree<Lanes> trees[images];
  for (std::size_t begin = 0; begin < pixels; begin += kRunTerms) {
    sum_run<images>(d, begin, std::min(pixels, begin + kRunTerms), pixels, OC, grad, sums);
    for (std::size_t n = 0; n < images; ++n) add_run(d, sums[n], trees[n]);
  }
  for (std::size_t n = 0; n < images; ++n) sums[n] = hn::LoadU(d, trees[n].sum().values);
}

/// The chain over `images` images of their sums.
template <class D>
HWY_INLINE hn::Vec<D> chain_of_images(D d, std::size_t images, std::size_t pixels, std::size_t OC,
                                      const float* grad) {
  constexpr std::size_t together = 4;
  hn::Vec<D> sums[together];
  auto total = hn::Zero(d);
  std::size_t n = 0;
  for (; n + together <= images; n += together, grad += together * pixels * OC) {
    sum_images<together>(d, pixels, OC, grad, sums);
    for (std::size_t i = 0; i < together; ++i) total = hn::Add(total, sums[i]);
  }
  for (; n < images; ++n, grad += pixels * OC) {
    sum_images<1>(d, pixels, OC, grad, sums);
    total = hn::Add(total, sums[0]);
  }
  return total;
}

/// The long sum over all images of theirs.
template <class D>
HWY_INLINE hn::Vec<D> sum_all_images(D d, const ConvShape& s, const float* grad) {
  const std::size_t pixels = s.OH * s.OW;
  if (HWY_LIKELY(s.N <= kRunTerms)) return chain_of_images(d, s.N, pixels, s.OC, grad);
  RunTree<Lanes> tree;
  for (std::size_t n = 0; n < s.N; n += kRunTerms) {
    const std::size_t images = std::min(kRunTerms, s.N - n);
    add_run(d, chain_of_images(d, images, pixels, s.OC, grad + n * pixels * s.OC), tree);
  }
  return hn::LoadU(d, tree.sum().values);
}

/// Vectors of up to `width` channels from `c` on; returns where it stopped.
template <std::size_t width>
HWY_INLINE std::size_t sum_channels(const ConvShape& s, std::size_t c, const float* grad_output,
                                    float* grad_bias) {
  const hn::CappedTag<float, width> d;
  for (; c + hn::Lanes(d) <= s.OC; c += hn::Lanes(d)) {
    hn::StoreU(sum_all_images(d, s, grad_output + c), d, grad_bias + c);
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
  const FloatEnvironment environment;
  REPRISE_DISPATCH(sum_all_channels)(s, grad_output, grad_bias);
}

}  // namespace reprise
#endif  // HWY_ONCE
