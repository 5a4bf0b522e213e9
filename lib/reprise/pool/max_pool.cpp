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

/// Where a window's cells lie in the input, from its first channel on. (Loops are written out here:
/// a function outside this namespace would not be compiled for this target.)
struct Cells {
  Cells(const PoolShape& s, std::size_t n, std::size_t oh, std::size_t ow, std::size_t c)
      : window(s, oh, ow),
        row(s.IW * s.C),
        column(s.C),
        first(((n * s.IH + window.h_begin) * s.IW + window.w_begin) * s.C + c),
        rows(window.h_end - window.h_begin),
        columns(window.w_end - window.w_begin) {}
  PoolWindow window;
  std::size_t row, column, first, rows, columns;
};

template <class D>
HWY_INLINE Maximum<hn::Vec<D>> maximum_of(D d, const Cells& cells, const float* input) {
  Maximum<hn::Vec<D>> most{hn::Set(d, -std::numeric_limits<float>::infinity()), hn::Zero(d)};
  auto number = hn::Zero(d);
  for (std::size_t i = 0; i < cells.rows; ++i) {
    const float* cell = input + cells.first + i * cells.row;
    for (std::size_t j = 0; j < cells.columns; ++j, cell += cells.column) {
      const auto value = hn::LoadU(d, cell);
      const auto taken = replaces(value, most.value);
      most.value = hn::IfThenElse(taken, value, most.value);
      most.cell = hn::IfThenElse(taken, number, most.cell);
      number = hn::Add(number, hn::Set(d, 1.0F));
    }
  }
  return most;
}

/// Adds the window's gradient to the cells that are its maximum.
template <class D>
HWY_INLINE void add_gradient(D d, const Cells& cells, MaxTies ties, hn::Vec<D> grad,
                             const float* input, float* grad_input) {
  const auto most = maximum_of(d, cells, input);
  auto number = hn::Zero(d);
  for (std::size_t i = 0; i < cells.rows; ++i) {
    std::size_t cell = cells.first + i * cells.row;
    for (std::size_t j = 0; j < cells.columns; ++j, cell += cells.column) {
      auto receives = hn::Eq(most.cell, number);
      if (ties == MaxTies::all) {
        receives = hn::Or(receives, hn::Eq(hn::LoadU(d, input + cell), most.value));
      }
      const auto before = hn::LoadU(d, grad_input + cell);
      hn::StoreU(hn::IfThenElse(receives, hn::Add(before, grad), before), d, grad_input + cell);
      number = hn::Add(number, hn::Set(d, 1.0F));
    }
  }
}

/// The windows at (oh, ow) of image n, from channel c on: in vectors of at most kCap lanes, then
/// the rest in vectors half as wide, and so on.
template <std::size_t kCap>
HWY_INLINE void forward_window(const PoolShape& s, std::size_t n, std::size_t oh, std::size_t ow,
                               std::size_t c, const float* input, float* output) {
  const hn::CappedTag<float, kCap> d;
  float* out = output + ((n * s.OH + oh) * s.OW + ow) * s.C;
  for (; c + hn::Lanes(d) <= s.C; c += hn::Lanes(d)) {
    hn::StoreU(maximum_of(d, Cells(s, n, oh, ow, c), input).value, d, out + c);
  }
  if constexpr (kCap > 1) forward_window<kCap / 2>(s, n, oh, ow, c, input, output);
}

template <std::size_t kCap>
HWY_INLINE void backward_window(const PoolShape& s, MaxTies ties, std::size_t n, std::size_t oh,
                                std::size_t ow, std::size_t c, const float* grad_output,
                                const float* input, float* grad_input) {
  const hn::CappedTag<float, kCap> d;
  const float* grad = grad_output + ((n * s.OH + oh) * s.OW + ow) * s.C;
  for (; c + hn::Lanes(d) <= s.C; c += hn::Lanes(d)) {
    add_gradient(d, Cells(s, n, oh, ow, c), ties, hn::LoadU(d, grad + c), input, grad_input);
  }
  if constexpr (kCap > 1) {
    backward_window<kCap / 2>(s, ties, n, oh, ow, c, grad_output, input, grad_input);
  }
}

void forward(const PoolShape& s, const float* input, float* output) {
  for (std::size_t n = 0; n < s.N; ++n) {
    for (std::size_t oh = 0; oh < s.OH; ++oh) {
      for (std::size_t ow = 0; ow < s.OW; ++ow) {
        forward_window<16>(s, n, oh, ow, 0, input, output);
      }
    }
  }
}

void backward(const PoolShape& s, MaxTies ties, const float* grad_output, const float* input,
              float* grad_input) {
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    for (std::size_t oh = 0; oh < s.OH; ++oh) {
      for (std::size_t ow = 0; ow < s.OW; ++ow) {
        backward_window<16>(s, ties, n, oh, ow, 0, grad_output, input, grad_input);
      }
    }
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
