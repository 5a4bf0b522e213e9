// Blocks of the unrolled matrix: copied out of the input and added back, run by run.
#include "reprise/conv/im2col_gemm/unrolled.hpp"

#include <cstring>

#include "reprise/core/integer.hpp"

namespace reprise {
namespace {

/// visit(u, in, count) is called for runs of `count` floats, at u in the block and at `in` in the
/// input, or at kPadding.
constexpr std::size_t kPadding = ~std::size_t{0};

/// A run of `count` floats at u, of which those before `low` and from `high` on are padding; the
/// float that would be number 0 is at `in`, which wraps where that lies before the input.
template <class Visit>
void visit_padded_run(std::size_t u, std::size_t in, std::size_t low, std::size_t high,
                      std::size_t count, const Visit& visit) {
  if (low > 0) visit(u, kPadding, low);
  if (high > low) visit(u + low, in + low, high - low);
  if (count > high) visit(u + high, kPadding, count - high);
}

/// The part of 0..count-1 for which 0 <= start + i < size.
Range inside(std::ptrdiff_t start, std::size_t size, std::size_t count) {
  const auto clip = [&](std::ptrdiff_t i) {
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(i, 0, static_cast<std::ptrdiff_t>(count)));
  };
  const std::size_t low = clip(-start);
  return {low, std::max(low, clip(static_cast<std::ptrdiff_t>(size) - start))};
}

/// The pixel that a row of U belongs to.
struct Pixel {
  Pixel(const ConvShape& s, std::size_t row)
      : n(row / (s.OH * s.OW)), oh(row / s.OW % s.OH), ow(row % s.OW) {}
  void next_row_of_pixels(const ConvShape& s) {
    ow = 0;
    if (++oh < s.OH) return;
    oh = 0;
    ++n;
  }
  void next(const ConvShape& s) {
    if (++ow == s.OW) next_row_of_pixels(s);
  }
  std::size_t n, oh, ow;
};

/// Layout `rows`: the row of a window is one run where its cells are neighbours, else a run a tap.
template <class Visit>
void visit_windows(const ConvShape& s, const UnrolledBlock& block, const Visit& visit) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t window_row = s.KW * ICg;
  const bool neighbours = s.G == 1 && s.dilation_w == 1;
  const std::size_t run = neighbours ? window_row : ICg;
  const Range kh_range{block.columns.begin / window_row, div_ceil(block.columns.end, window_row)};
  Pixel pixel(s, block.rows.begin);
  std::size_t u = 0;
  for (std::size_t row = block.rows.begin; row < block.rows.end; ++row, pixel.next(s)) {
    for (std::size_t kh = kh_range.begin; kh < kh_range.end; ++kh) {
      const std::size_t ih = pixel.oh * s.stride_h + kh * s.dilation_h - s.pad_top;
      const Range columns{std::max(block.columns.begin, kh * window_row),
                          std::min(block.columns.end, (kh + 1) * window_row)};
      if (ih >= s.IH) {  // also below 0, which wraps
        visit(u, kPadding, columns.size());
        u += columns.size();
        continue;
      }
      for (std::size_t column = columns.begin; column < columns.end;) {
        const std::size_t in_row = column - kh * window_row;
        const std::size_t kw = neighbours ? 0 : in_row / ICg;
        const std::size_t skipped = neighbours ? in_row : in_row % ICg;
        const std::size_t count = std::min(run - skipped, columns.end - column);
        const std::size_t iw = pixel.ow * s.stride_w + kw * s.dilation_w - s.pad_left;
        const std::size_t in = ((pixel.n * s.IH + ih) * s.IW + iw) * s.IC + block.g * ICg + skipped;
        const Range valid = neighbours ? inside(static_cast<std::ptrdiff_t>(iw * s.IC + skipped),
                                                s.IW * s.IC, count)
                                       : Range{0, iw < s.IW ? count : 0};
        visit_padded_run(u, in, valid.begin, valid.end, count, visit);
        u += count;
        column += count;
      }
    }
  }
}

/// Layout `columns`: a tap of the kernel over a row of pixels is one run of the input.
template <class Visit>
void visit_taps(const ConvShape& s, const UnrolledBlock& block, const Visit& visit) {
  std::size_t u = 0;
  for (std::size_t tap = block.columns.begin; tap < block.columns.end; ++tap) {
    const std::size_t kh = tap / s.KW;
    const std::size_t iw = tap % s.KW * s.dilation_w - s.pad_left;
    const Range valid = inside(static_cast<std::ptrdiff_t>(iw), s.IW, s.OW);
    Pixel pixel(s, block.rows.begin);
    for (std::size_t row = block.rows.begin; row < block.rows.end; row += s.OW) {
      const std::size_t ih = pixel.oh * s.stride_h + kh * s.dilation_h - s.pad_top;
      if (ih < s.IH) {
        visit_padded_run(u, (pixel.n * s.IH + ih) * s.IW + iw, valid.begin, valid.end, s.OW, visit);
      } else {
        visit(u, kPadding, s.OW);
      }
      u += s.OW;
      pixel.next_row_of_pixels(s);
    }
  }
}

// Most runs are too short to be worth a call of memset or memcpy, which is what loops become.
constexpr std::size_t kQuad = 4;

void zero_run(float* to, std::size_t count) {
  if (count >= kQuad) {
    std::fill_n(to, count, 0.0F);
    return;
  }
  to[0] = 0.0F;
  if (count > 1) to[1] = 0.0F;
  if (count > 2) to[2] = 0.0F;
}

void copy_run(const float* from, float* to, std::size_t count) {
  if (count < kQuad) {
    to[0] = from[0];
    if (count > 1) to[1] = from[1];
    if (count > 2) to[2] = from[2];
    return;
  }
  const auto copy_quad = [&](std::size_t i) {
    std::memcpy(to + i, from + i, kQuad * sizeof(float));
  };
  for (std::size_t i = 0; i + kQuad <= count; i += kQuad) copy_quad(i);
  copy_quad(count - kQuad);  // the last again, in part
}

template <class Visit>
void visit_block(const ConvShape& shape, UnrolledLayout layout, const UnrolledBlock& block,
                 const Visit& visit) {
  if (layout == UnrolledLayout::columns) {
    visit_taps(shape, block, visit);
  } else {
    visit_windows(shape, block, visit);
  }
}

}  // namespace

UnrolledLayout unrolled_layout(const ConvShape& s) {
  const bool every_cell = s.stride_h == 1 && s.stride_w == 1 && s.OH == s.IH && s.OW == s.IW;
  if (s.KH == 1 && s.KW == 1 && every_cell && s.pad_top == 0 && s.pad_left == 0) {
    return UnrolledLayout::input;
  }
  return s.IC == 1 && s.stride_w == 1 ? UnrolledLayout::columns : UnrolledLayout::rows;
}

void im2col(const ConvShape& shape, UnrolledLayout layout, const UnrolledBlock& block,
            const float* input, float* unrolled) {
  visit_block(shape, layout, block, [&](std::size_t u, std::size_t in, std::size_t count) {
    if (in == kPadding) {
      zero_run(unrolled + u, count);
    } else {
      copy_run(input + in, unrolled + u, count);
    }
  });
}

void col2im_add(const ConvShape& shape, UnrolledLayout layout, const UnrolledBlock& block,
                const float* unrolled, float* grad_input) {
  visit_block(shape, layout, block, [&](std::size_t u, std::size_t in, std::size_t count) {
    if (in == kPadding) return;
    const float* __restrict from = unrolled + u;
    float* __restrict to = grad_input + in;
    for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
  });
}

}  // namespace reprise
