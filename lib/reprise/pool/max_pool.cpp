// Maximum pooling on Highway, lanes across channels.
//
// output(n, oh, ow, c) = the largest input(n, ih, iw, c) in the window: the first NaN if there is
// one, -inf if the window lies wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of the gradients of the windows whose maximum it is. A lane works one
// channel by itself, so the number of lanes cannot change a bit; there are no branches on data.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/pool/max_pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Where `value` takes the place of `most`, which stands before it: it is larger or the first NaN.
template <class Vector>
HWY_INLINE auto replaces(Vector value, Vector most) {
  return hn::And(hn::Eq(most, most), hn::Not(hn::Le(value, most)));
}

/// The running maximum of a window and which of its cells it is, as floats.
template <class Vector>
struct Maximum {
  Vector value, cell;
};

template <class D>
HWY_INLINE Maximum<hn::Vec<D>> maximum_of(D d, const PoolShape& s, std::size_t n,
                                          const PoolWindow& window, const float* input) {
  Maximum<hn::Vec<D>> most{hn::Set(d, -std::numeric_limits<float>::infinity()), hn::Zero(d)};
  float number = 0.0F;
  for_each_cell(s, n, window, [&](std::size_t cell) HWY_ATTR {
    const auto value = hn::LoadU(d, input + cell);
    const auto taken = replaces(value, most.value);
    most.value = hn::IfThenElse(taken, value, most.value);
    most.cell = hn::IfThenElse(taken, hn::Set(d, number), most.cell);
    number += 1.0F;
  });
  return most;
}

/// Calls work(d, c) for the channels c = 0, lanes, ... in vectors of at most kCap lanes, then the
/// rest in vectors half as wide, and so on.
template <std::size_t kCap, class Work>
HWY_INLINE void for_each_channels(std::size_t c, std::size_t C, const Work& work) {
  const hn::CappedTag<float, kCap> d;
  for (; c + hn::Lanes(d) <= C; c += hn::Lanes(d)) work(d, c);
  if constexpr (kCap > 1) for_each_channels<kCap / 2>(c, C, work);
}

void forward(const PoolShape& s, const float* input, float* output) {
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
      const PoolWindow window(s, oh, ow);
      for_each_channels<16>(0, s.C, [&](auto d, std::size_t c) HWY_ATTR {
        hn::StoreU(maximum_of(d, s, n, window, input + c).value, d, output + out + c);
      });
    });
  }
}

void backward(const PoolShape& s, MaxTies ties, const float* grad_output, const float* input,
              float* grad_input) {
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
      const PoolWindow window(s, oh, ow);
      for_each_channels<16>(0, s.C, [&](auto d, std::size_t c) HWY_ATTR {
        const auto most = maximum_of(d, s, n, window, input + c);
        const auto grad = hn::LoadU(d, grad_output + out + c);
        float number = 0.0F;
        for_each_cell(s, n, window, [&](std::size_t cell) HWY_ATTR {
          float* into = grad_input + cell + c;
          auto receives = hn::Eq(most.cell, hn::Set(d, number));
          if (ties == MaxTies::all) {
            receives = hn::Or(receives, hn::Eq(hn::LoadU(d, input + cell + c), most.value));
          }
          const auto before = hn::LoadU(d, into);
          hn::StoreU(hn::IfThenElse(receives, hn::Add(before, grad), before), d, into);
          number += 1.0F;
        });
      });
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(forward);
HWY_EXPORT(backward);

void max_pool_forward(const PoolShape& s, const float* input, float* output) {
  HWY_DYNAMIC_DISPATCH(forward)(s, input, output);
}

void max_pool_backward(const PoolShape& s, MaxTies ties, const float* grad_output,
                       const float* input, float* grad_input) {
  HWY_DYNAMIC_DISPATCH(backward)(s, ties, grad_output, input, grad_input);
}

}  // namespace reprise
#endif  // HWY_ONCE
