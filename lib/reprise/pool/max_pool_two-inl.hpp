/// \file
/// Maximum pooling by windows of 2x2 with stride 2 and no padding, and what it shares with other
/// windows. Included once per vector target, after foreach_target.h.
// NOLINTNEXTLINE(llvm-header-guard): Highway's toggle, so that each target gets its own copy.
#if defined(REPRISE_POOL_MAX_POOL_TWO) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_POOL_MAX_POOL_TWO
#undef REPRISE_POOL_MAX_POOL_TWO
#else
#define REPRISE_POOL_MAX_POOL_TWO
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/pool/pool_shape.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Where a value takes the place of a maximum that stands before it: it is larger or the first NaN.
template <class V>
HWY_INLINE auto replaces(V value, V most) {
  return hn::And(hn::Eq(most, most), hn::Not(hn::Le(value, most)));
}

/// The gradient that a maximum passes on.
template <class D, class V>
HWY_INLINE auto passed(D d, V most, V grad, bool relu) {
  return relu ? hn::IfThenZeroElse(hn::Le(most, hn::Zero(d)), grad) : grad;
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
    for_each_vector(s.C, [&](auto tag, std::size_t c) HWY_ATTR { body(tag, ow, c); });
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
}  // namespace reprise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
