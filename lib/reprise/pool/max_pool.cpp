// Maximum pooling.
//
// output(n, oh, ow, c) = the largest input(n, ih, iw, c) in the window: the first NaN if there is
// one, -inf if the window lies wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of the gradients of the windows whose maximum it is.
// A ReLU that stands before is worked along: values below 0 count as 0 where they are read, and a
// maximum that is not above 0 passes no gradient.
// Vector lanes hold neighbouring channels. Windows of 2x2 with stride 2 and no padding, the common
// case, have a path of their own: a window's cells are in registers, and where the channels do not
// fill a vector the next cell's are taken along and overwritten afterwards.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/pool/max_pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/pool/channel_vectors-inl.hpp"
#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Where a value takes the place of a maximum that stands before it: it is larger or the first NaN.
template <class V>
HWY_INLINE auto replaces(V value, V most) {
  return hn::And(hn::Eq(most, most), hn::Not(hn::Le(value, most)));
}

/// Values from a place: 0 for those below 0 if `relu`.
template <class D>
HWY_INLINE auto load(D d, const float* from, bool relu) {
  const auto least = hn::Set(d, relu ? 0.0F : -std::numeric_limits<float>::infinity());
  const auto value = hn::LoadU(d, from);
  return hn::IfThenZeroElse(hn::Lt(value, least), value);
}

/// The gradient that a maximum passes on.
template <class D, class V>
HWY_INLINE auto passed(D d, V most, V grad, bool relu) {
  return relu ? hn::IfThenElseZero(hn::Gt(most, hn::Zero(d)), grad) : grad;
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
    for_each_channel_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      hn::StoreU(maximum(d, s, window, image + c, relu), d, output + out + c);
    });
  });
}

/// A window's maxima, and in which of its cells, counted in row-major order, each stands first.
template <class V>
struct FirstMaximum {
  V most, cell;
};

template <class D>
HWY_INLINE auto first_maximum(D d, const PoolShape& s, const PoolWindow& window, const float* image,
                              bool relu) {
  FirstMaximum<hn::Vec<D>> first{hn::Zero(d), hn::Zero(d)};
  float number = 0.0F;
  for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
    const auto value = load(d, image + cell, relu);
    const auto replace = replaces(value, first.most);
    const bool is_first_cell = number == 0.0F;
    first.most = is_first_cell ? value : hn::IfThenElse(replace, value, first.most);
    first.cell =
        is_first_cell ? first.cell : hn::IfThenElse(replace, hn::Set(d, number), first.cell);
    number += 1.0F;
  });
  return first;
}

/// Adds grad to the cells of the window that get it.
template <class D>
HWY_INLINE void add_gradient(D d, const PoolShape& s, MaxTies ties, bool relu,
                             const PoolWindow& window, const float* grad_output, const float* image,
                             float* grad_image) {
  const auto first = first_maximum(d, s, window, image, relu);
  const auto grad = passed(d, first.most, hn::LoadU(d, grad_output), relu);
  float number = 0.0F;
  for_each_cell(s, window, [&](std::size_t cell) HWY_ATTR {
    auto gets = hn::Eq(first.cell, hn::Set(d, number));
    if (ties == MaxTies::all) gets = hn::Or(gets, hn::Eq(load(d, image + cell, relu), first.most));
    const auto before = hn::LoadU(d, grad_image + cell);
    hn::StoreU(hn::Add(before, hn::IfThenElseZero(gets, grad)), d, grad_image + cell);
    number += 1.0F;
  });
}

void backward_image(const PoolShape& s, MaxTies ties, bool relu, const float* grad_output,
                    const float* image, float* grad_image) {
  for_each_window(s, [&](std::size_t oh, std::size_t ow, std::size_t out) HWY_ATTR {
    const PoolWindow window(s, oh, ow);
    for_each_channel_vector(s.C, [&](auto d, std::size_t c) HWY_ATTR {
      add_gradient(d, s, ties, relu, window, grad_output + out + c, image + c, grad_image + c);
    });
  });
}

/// Calls body(tag, ow, c) for the channels of the windows of a row: one vector that may be wider
/// than C, but not so wide that it leaves the next window, for all windows but the last, if there
/// is such a vector; else vectors that cover the channels exactly.
template <std::size_t width, class Body>
HWY_INLINE void for_each_wide_window(const PoolShape& s, const Body& body) {
  const hn::CappedTag<float, width> d;
  std::size_t ow = 0;
  if (s.C <= hn::Lanes(d) && hn::Lanes(d) <= 2 * s.C) {
    for (; ow + 1 < s.OW; ++ow) body(d, ow, std::size_t{0});
  }
  for (; ow < s.OW; ++ow) {
    for_each_channel_vector(s.C, [&](auto tag, std::size_t c) HWY_ATTR { body(tag, ow, c); });
  }
}

template <class Body>
HWY_INLINE void for_each_window_of_row(const PoolShape& s, const Body& body) {
  if (s.C <= 4) {
    for_each_wide_window<4>(s, body);
  } else if (s.C <= 8) {
    for_each_wide_window<8>(s, body);
  } else {
    for_each_wide_window<16>(s, body);
  }
}

/// The cells of a window of 2x2, in row-major order.
template <class V>
struct FourCells {
  V a0, a1, a2, a3;
};

template <class D>
HWY_INLINE auto load_four(D d, const float* top, const float* bottom, std::size_t C) {
  return FourCells<hn::Vec<D>>{hn::LoadU(d, top), hn::LoadU(d, top + C), hn::LoadU(d, bottom),
                               hn::LoadU(d, bottom + C)};
}

/// Whether none of the cells is NaN; it may say no where some are infinite.
template <class D, class V>
HWY_INLINE bool surely_numbers(D d, const FourCells<V>& cells) {
  const auto sum = hn::Add(hn::Add(cells.a0, cells.a1), hn::Add(cells.a2, cells.a3));
  return hn::AllTrue(d, hn::Eq(sum, sum));
}

/// The cells as a ReLU leaves them.
template <class D, class V>
HWY_INLINE FourCells<V> rectified(D d, const FourCells<V>& cells) {
  const auto one = [&](V v) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v); };
  return {one(cells.a0), one(cells.a1), one(cells.a2), one(cells.a3)};
}

/// The first maximum of any cells.
template <class V>
HWY_INLINE V first_of_any(const FourCells<V>& c) {
  V most = hn::IfThenElse(replaces(c.a1, c.a0), c.a1, c.a0);
  most = hn::IfThenElse(replaces(c.a2, most), c.a2, most);
  return hn::IfThenElse(replaces(c.a3, most), c.a3, most);
}

/// The same of cells that are numbers.
template <class V>
HWY_INLINE V first_of_numbers(const FourCells<V>& c) {
  const V top = hn::IfThenElse(hn::Gt(c.a1, c.a0), c.a1, c.a0);
  const V bottom = hn::IfThenElse(hn::Gt(c.a3, c.a2), c.a3, c.a2);
  return hn::IfThenElse(hn::Gt(bottom, top), bottom, top);
}

void forward_two_by_two(const PoolShape& s, bool relu, const float* image, float* output) {
  for (std::size_t oh = 0; oh < s.OH; ++oh) {
    const float* const top = image + 2 * oh * s.IW * s.C;
    const float* const bottom = top + s.IW * s.C;
    float* const out = output + oh * s.OW * s.C;
    for_each_window_of_row(s, [&](auto d, std::size_t ow, std::size_t c) HWY_ATTR {
      const std::size_t left = 2 * ow * s.C + c;
      const auto cells = load_four(d, top + left, bottom + left, s.C);
      auto most = cells.a0;
      if (surely_numbers(d, cells)) {
        most = first_of_numbers(cells);
        if (relu) {  // where none is above 0, all are zeros behind a ReLU, and the first one counts
          const auto first = hn::IfThenZeroElse(hn::Lt(cells.a0, hn::Zero(d)), cells.a0);
          most = hn::IfThenElse(hn::Gt(most, hn::Zero(d)), most, first);
        }
      } else {
        most = first_of_any(relu ? rectified(d, cells) : cells);
      }
      hn::StoreU(most, d, out + ow * s.C + c);
    });
  }
}

/// Stores grad to the cells of a window of 2x2 that get it, 0 to the others. `most` is the first
/// maximum; a cell gets it if it equals most: of several the first, or all.
template <class D, class V>
HWY_INLINE void store_four(D d, const FourCells<V>& cells, V most, bool all, V grad, float* top,
                           float* bottom, std::size_t C) {
  const auto e0 = hn::Eq(cells.a0, most);
  const auto e1 = hn::Eq(cells.a1, most);
  const auto e2 = hn::Eq(cells.a2, most);
  const auto e3 = hn::Eq(cells.a3, most);
  const auto e01 = hn::Or(e0, e1);
  hn::StoreU(hn::IfThenElseZero(e0, grad), d, top);
  hn::StoreU(hn::IfThenElseZero(all ? e1 : hn::AndNot(e0, e1), grad), d, top + C);
  hn::StoreU(hn::IfThenElseZero(all ? e2 : hn::AndNot(e01, e2), grad), d, bottom);
  hn::StoreU(hn::IfThenElseZero(all ? e3 : hn::AndNot(hn::Or(e01, e2), e3), grad), d, bottom + C);
}

/// The same where some cells may be NaN.
template <class D, class V>
HWY_INLINE void store_any_four(D d, const FourCells<V>& cells, bool all, bool relu, V grad,
                               float* top, float* bottom, std::size_t C) {
  // A cell is the first maximum if it replaces what stood before and no later one replaces it.
  const auto r1 = replaces(cells.a1, cells.a0);
  const auto m1 = hn::IfThenElse(r1, cells.a1, cells.a0);
  const auto r2 = replaces(cells.a2, m1);
  const auto m2 = hn::IfThenElse(r2, cells.a2, m1);
  const auto r3 = replaces(cells.a3, m2);
  const auto most = hn::IfThenElse(r3, cells.a3, m2);
  const auto given = passed(d, most, grad, relu);
  const auto store = [&](float* cell, V value, auto is_first) HWY_ATTR {
    const auto gets = all ? hn::Or(is_first, hn::Eq(value, most)) : is_first;
    hn::StoreU(hn::IfThenElseZero(gets, given), d, cell);
  };
  const auto not_later = hn::Not(hn::Or(r2, r3));
  store(top, cells.a0, hn::And(hn::Not(r1), not_later));
  store(top + C, cells.a1, hn::And(r1, not_later));
  store(bottom, cells.a2, hn::And(r2, hn::Not(r3)));
  store(bottom + C, cells.a3, r3);
}

void backward_two_by_two(const PoolShape& s, MaxTies ties, bool relu, const float* grad_output,
                         const float* image, float* grad_image) {
  const bool all = ties == MaxTies::all;
  for (std::size_t oh = 0; oh < s.OH; ++oh) {
    const std::size_t top_row = 2 * oh * s.IW * s.C;
    const float* const grads = grad_output + oh * s.OW * s.C;
    for_each_window_of_row(s, [&](auto d, std::size_t ow, std::size_t c) HWY_ATTR {
      const std::size_t top = top_row + 2 * ow * s.C + c;
      const std::size_t bottom = top + s.IW * s.C;
      const auto cells = load_four(d, image + top, image + bottom, s.C);
      const auto grad = hn::Add(hn::LoadU(d, grads + ow * s.C + c), hn::Zero(d));
      if (surely_numbers(d, cells)) {
        const auto most =
            hn::Max(hn::Max(cells.a0, cells.a1), hn::Max(cells.a2, cells.a3));  // zeros are equal
        store_four(d, cells, most, all, passed(d, most, grad, relu), grad_image + top,
                   grad_image + bottom, s.C);
      } else {
        store_any_four(d, relu ? rectified(d, cells) : cells, all, relu, grad, grad_image + top,
                       grad_image + bottom, s.C);
      }
    });
  }
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
  return s.KH == 2 && s.KW == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_top == 0 &&
         s.pad_left == 0 && 2 * s.OH <= s.IH && 2 * s.OW <= s.IW;
}

}  // namespace

void max_pool_forward(const PoolShape& s, const float* input, float* output, bool relu) {
  const auto image = is_two_by_two(s) ? HWY_DYNAMIC_DISPATCH(forward_two_by_two)
                                      : HWY_DYNAMIC_DISPATCH(forward_image);
  for (std::size_t n = 0; n < s.N; ++n) {
    image(s, relu, input + n * s.IH * s.IW * s.C, output + n * s.OH * s.OW * s.C);
  }
}

void max_pool_backward(const PoolShape& s, MaxTies ties, const float* grad_output,
                       const float* input, float* grad_input, bool relu) {
  const auto image = is_two_by_two(s) ? HWY_DYNAMIC_DISPATCH(backward_two_by_two)
                                      : HWY_DYNAMIC_DISPATCH(backward_image);
  const bool writes_all = is_two_by_two(s) && 2 * s.OH == s.IH && 2 * s.OW == s.IW;
  if (!writes_all) std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    const std::size_t first = n * s.IH * s.IW * s.C;
    image(s, ties, relu, grad_output + n * s.OH * s.OW * s.C, input + first, grad_input + first);
  }
}

}  // namespace reprise
#endif  // HWY_ONCE
