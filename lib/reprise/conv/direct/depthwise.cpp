// A kernel of `direct`: depthwise correlations and the gradients of their weights, vector lanes
// across groups.
//
// Products are of vectors by vectors, element by element: its loops are its own.
//
// Where a group has one channel and one output channel, the values of neighbouring groups are
// neighbours in the source, the weights and the result alike: a vector of groups needs neither
// packing nor broadcasts. A correlation keeps some positions of a row in registers while the taps
// go by, a weight gradient some taps while the positions of a row go by. Where the taps of a row of
// the kernel are neighbours in the source, they share the source values that are in registers, and
// a correlation's row is cut into blocks of nearly equal numbers of positions, in which cells
// outside the image are zeros. Elsewhere, or with weights that are not finite, positions that have
// the same taps inside the image are computed together.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/depthwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/direct/kernel.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/register_tile-inl.hpp"
#include "reprise/linalg/value_stats.hpp"
#include "reprise/linalg/vectors-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_DEPTHWISE_PLAN
#define REPRISE_CONV_DIRECT_DEPTHWISE_PLAN
namespace reprise::direct::depthwise {
namespace {

/// A tap of group 0: where it is in the source, from the position's cell, and in the weights.
struct DepthwiseTap {
  std::ptrdiff_t source;
  std::size_t weight;
};

/// Positions [begin, end) of a row, and the taps that are inside the image there, ascending: rows
/// of `width` taps from the kernel's row `first_h` and column `first_w` on.
struct DepthwiseRun {
  std::size_t begin, end;
  std::size_t first_h, first_w, width;
  std::vector<DepthwiseTap> taps;
};

/// A row of positions, of which [begin, end) are computed.
struct DepthwiseRow {
  const Correlation& c;
  const std::vector<DepthwiseRun>& runs;  ///< ascending
  const AxisClass& h_taps;                ///< the taps whose source rows are inside the image
  std::size_t n, a;
  std::size_t begin, end;

  /// Those of a run that are computed; none where first() >= last().
  [[nodiscard]] std::size_t first(const DepthwiseRun& run) const {
    return std::max(run.begin, begin);
  }
  [[nodiscard]] std::size_t last(const DepthwiseRun& run) const { return std::min(run.end, end); }

  /// Offsets of group 0 at position b.
  [[nodiscard]] std::size_t source(std::size_t b) const {
    return ((n * c.SH + a * c.step_h) * c.SW + b * c.step_w) * c.G;
  }
  [[nodiscard]] std::size_t result(std::size_t b) const {
    return c.r_first + n * c.r_image + a * c.r_row + b * c.r_cell;
  }
};

/// The rows of all images, counted through.
class DepthwiseRows {
 public:
  explicit DepthwiseRows(const Correlation& c) : c_(c) {
    const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
    std::vector<Segment> segments;
    h_classes_ = axis_classes(c.h, c.A, c.step_h, c.SH);
    for (const AxisClass& h : h_classes_) {
      class_of_row_.resize(h.end, classes_.size());
      classes_.emplace_back();
      for (const AxisClass& w : w_classes) {
        segments.clear();
        append_segments(c, h, w, 0, c.reduction_length(), false, segments);
        DepthwiseRun run{w.begin, w.end, h.tap_begin, w.tap_begin, w.tap_end - w.tap_begin, {}};
        for (const Segment& segment : segments)
          run.taps.push_back({segment.offset, segment.weight});
        classes_.back().push_back(std::move(run));
      }
    }
  }
  [[nodiscard]] std::size_t count() const { return c_.N * c_.A; }
  [[nodiscard]] DepthwiseRow operator[](std::size_t row) const {
    const std::size_t a = row % c_.A;
    const std::size_t index = class_of_row_[a];
    return {c_, classes_[index], h_classes_[index], row / c_.A, a, 0, c_.B};
  }
  /// The row's part of positions [begin, end), counted over all images.
  [[nodiscard]] DepthwiseRow part(std::size_t row, std::size_t begin, std::size_t end) const {
    DepthwiseRow part = (*this)[row];
    part.begin = std::max(begin, row * c_.B) - row * c_.B;
    part.end = std::min(end, (row + 1) * c_.B) - row * c_.B;
    return part;
  }

 private:
  const Correlation& c_;
  std::vector<AxisClass> h_classes_;
  std::vector<std::vector<DepthwiseRun>> classes_;  ///< of rows with the same taps inside
  std::vector<std::size_t> class_of_row_;           ///< of an image
};

/// Taps of a row that share their source values: widths of 1 to kMaxSharedWidth. Sanitizers check
/// the same template at fewer widths: all of them take minutes to compile.
#ifdef REPRISE_SANITIZED
constexpr std::size_t kMaxSharedWidth = 3;
#else
constexpr std::size_t kMaxSharedWidth = 7;
#endif
constexpr std::size_t kMaxSharedStride = 2;
constexpr std::size_t kMaxSharedHeight = 16;  // rows of the kernel

/// Whether the taps of a row of the kernel are neighbours in the source, and no position stands in
/// the padding with all of them.
bool taps_share(const Correlation& c) {
  if (c.w.count < 1 || c.w.count > kMaxSharedWidth || c.step_w > kMaxSharedStride) return false;
  if (c.h.count > kMaxSharedHeight) return false;
  if (c.w.count > 1 && c.w.spacing != 1 && c.w.spacing != -1) return false;
  const auto width = static_cast<std::ptrdiff_t>(c.w.count);
  const auto last = static_cast<std::ptrdiff_t>((c.B - 1) * c.step_w) + c.w.highest();
  return c.w.lowest() > -width && last < static_cast<std::ptrdiff_t>(c.SW) - 1 + width;
}

/// Whether what comes next is prefetched: no cache is sure to hold such a source, and its lines,
/// read a vector of groups at a time, are out of order.
bool prefetches(const Correlation& c) {
  constexpr std::size_t kept_floats = std::size_t{1} << 21;  // 8 MiB
  return c.step_w == 1 && c.N * c.SH * c.SW * c.G > kept_floats;
}

/// How many of the kernel's weights there are up to the correlation's last.
std::size_t weights_extent(const Correlation& c) {
  const auto last = [](const TapAxis& axis) {
    return axis.kernel_first + (axis.count - 1) * axis.kernel_spacing;
  };
  return c.h.count == 0 ? 0 : (last(c.h) * c.KW + last(c.w) + 1) * c.w_tap;
}

/// Rows of positions whose taps share source values: a block of neighbouring positions reads cells
/// 0, 1, ..., those of them in [inside_begin, inside_end) inside the image; position p's tap k is
/// cell p * stride + k or, where taps descend in the source, p + width - 1 - k.
struct SharingBlock {
  std::size_t G;
  const float* const* rows;     ///< the first cell in each of the source's rows, group 0
  const float* const* weights;  ///< each row's first tap, group 0
  std::size_t row_count;
  std::size_t result_step;
  std::size_t weight_step;  ///< from tap to tap
  std::size_t inside_begin, inside_end;
  const float* start;  ///< or null
  float* result;       ///< of the first position, group 0
};

}  // namespace
}  // namespace reprise::direct::depthwise
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::depthwise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::fma;
using reprise::HWY_NAMESPACE::for_each_overlapping_vector;
using reprise::HWY_NAMESPACE::for_each_size;
using reprise::HWY_NAMESPACE::for_each_vector;
using reprise::HWY_NAMESPACE::vectors_by;

// So that what is the same for all vectors is computed once.
#define REPRISE_INLINE_LAMBDA __attribute__((always_inline))

/// Positions of a block whose taps share their source values: a sum and at least a value each, and
/// a weight, in 32 registers or 16.
constexpr std::size_t kSharingPositions = reprise::HWY_NAMESPACE::kRegisters / 4;

/// All groups of a block of `count` positions, `step` cells apart; -1 stands for neighbours whose
/// taps descend in the source. Cells are read in ascending order, which hardware prefetches better;
/// those outside the image take part as zeros.
template <std::size_t count, std::size_t width, std::ptrdiff_t step>
HWY_NOINLINE void share_cells(const SharingBlock& block) {
  constexpr bool ascend = step > 0;
  constexpr std::size_t stride = ascend ? step : -step;
  constexpr std::size_t reach = (count - 1) * stride + width;
  for_each_overlapping_vector(block.G, [&](auto d, std::size_t g) HWY_ATTR REPRISE_INLINE_LAMBDA {
    using Vector = hn::Vec<decltype(d)>;
    const Vector start = block.start == nullptr ? hn::Zero(d) : hn::LoadU(d, block.start + g);
    Vector acc[count];
    REPRISE_UNROLL
    for (std::size_t p = 0; p < count; ++p) acc[p] = start;
    for (std::size_t row = 0; row < block.row_count; ++row) {
      const float* cell = block.rows[row] + g;
      const float* const weights = block.weights[row] + g;
      Vector x[reach];
      REPRISE_UNROLL
      for (std::size_t i = 0; i < reach; ++i) {
        const bool surely = i + 1 >= width && i + width <= reach;
        const bool inside = surely || (i >= block.inside_begin && i < block.inside_end);
        x[i] = inside ? hn::LoadU(d, cell) : hn::Zero(d);
        cell += block.G;
      }
      REPRISE_UNROLL
      for (std::size_t k = 0; k < width; ++k) {
        const Vector weight = hn::LoadU(d, weights + k * block.weight_step);
        for (std::size_t p = 0; p < count; ++p) {
          acc[p] = fma(x[p * stride + (ascend ? k : width - 1 - k)], weight, acc[p]);
        }
      }
    }
    REPRISE_UNROLL
    for (std::size_t p = 0; p < count; ++p) {
      hn::StoreU(hn::Add(acc[p], hn::Zero(d)), d, block.result + g + p * block.result_step);
    }
  });
}

using SharingKernel = void (*)(const SharingBlock&);

/// Single positions, kernels 6 wide and, without vectors, those over 3 wide are not worth the time
/// to compile them: correlate_row computes these.
constexpr std::size_t kWidestCompiled = HWY_TARGET == HWY_SCALAR ? 3 : kMaxSharedWidth;

/// By positions, less one; null for those that are not compiled.
template <std::size_t width, std::ptrdiff_t step>
constexpr auto kSharingSizes = for_each_size<kSharingPositions>([]<std::size_t count>() {
  SharingKernel kernel = nullptr;
  if constexpr (count > 1 && width <= kWidestCompiled && width != 6)
    kernel = &share_cells<count, width, step>;
  return kernel;
});

/// By width, less one.
template <std::ptrdiff_t step>
constexpr auto kSharingKernels = for_each_size<kMaxSharedWidth>([]<std::size_t width>() {
  return kSharingSizes<width, step>;
});

void correlate_row(const DepthwiseRow& row, const Operands& data);

/// A row whose taps share: blocks of nearly equal numbers of positions.
void share_row(const DepthwiseRow& row, const Operands& data) {
  const Correlation& c = row.c;
  const AxisClass taps = row.h_taps;
  const bool ascend = c.w.spacing >= 0;
  const std::size_t width = c.w.count;
  const auto cells = static_cast<std::ptrdiff_t>(c.SW);
  const auto step = static_cast<std::ptrdiff_t>(c.G);
  const auto& kernels = c.step_w == 2 ? kSharingKernels<2>
                        : ascend      ? kSharingKernels<1>
                                      : kSharingKernels<-1>;
  const float* rows[kMaxSharedHeight];
  const float* weights[kMaxSharedHeight];
  SharingBlock block{.G = c.G,
                     .rows = rows,
                     .weights = weights,
                     .row_count = taps.tap_end - taps.tap_begin,
                     .result_step = c.r_cell,
                     .weight_step = c.w.kernel_spacing * c.w_tap,
                     .inside_begin = 0,
                     .inside_end = 0,
                     .start = data.start,
                     .result = nullptr};
  const std::size_t blocks = div_ceil(c.B, kSharingPositions);
  if (kernels[width - 1][c.B / blocks - 1] == nullptr) return correlate_row(row, data);
  for (std::size_t index = 0; index < blocks; ++index) {
    const std::size_t begin = index * c.B / blocks;
    const std::size_t end = (index + 1) * c.B / blocks;
    const std::size_t count = end - begin;
    const auto reach = static_cast<std::ptrdiff_t>((count - 1) * c.step_w + width);
    // The column of the block's cell 0.
    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(begin * c.step_w) + c.w.lowest();
    block.inside_begin = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(-column, 0, reach));
    block.inside_end =
        static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(cells - column, 0, reach));
    for (std::size_t r = 0; r < block.row_count; ++r) {
      const std::size_t th = taps.tap_begin + r;
      const std::ptrdiff_t source_row =
          static_cast<std::ptrdiff_t>(row.n * c.SH + row.a * c.step_h) + c.h.at(th);
      rows[r] = data.source + (source_row * cells + column) * step;
      const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
      weights[r] = data.factor + (kh * c.KW + c.w.kernel_first) * c.w_tap;
    }
    block.result = data.result + row.result(begin);
    if (prefetches(c) && block.row_count > 0) {  // of the source row that no position has read
      const float* const next = rows[c.h.spacing < 0 ? 0 : block.row_count - 1] + reach * step;
      for (std::size_t i = 0; i < count * c.G; i += 16) hwy::Prefetch(next + i);
    }
    kernels[width - 1][count - 1](block);
  }
}

/// The chains of `count` positions from b on, for one vector of groups from g on, a tap at a time.
template <std::size_t count, class D>
HWY_INLINE void correlate_positions(D d, const DepthwiseRow& row, const DepthwiseRun& run,
                                    const Operands& data, std::size_t b, std::size_t g) {
  using Vector = hn::Vec<D>;
  const std::size_t step = row.c.step_w * row.c.G;
  const Vector start = data.start == nullptr ? hn::Zero(d) : hn::LoadU(d, data.start + g);
  Vector acc[count];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < count; ++i) acc[i] = start;
  const float* const cell = data.source + row.source(b) + g;
  for (const DepthwiseTap& tap : run.taps) {
    const Vector weight = hn::LoadU(d, data.factor + tap.weight + g);
    REPRISE_UNROLL
    for (std::size_t i = 0; i < count; ++i) {
      acc[i] = fma(hn::LoadU(d, cell + tap.source + i * step), weight, acc[i]);
    }
  }
  float* const result = data.result + row.result(b) + g;
  REPRISE_UNROLL
  for (std::size_t i = 0; i < count; ++i) {
    hn::StoreU(hn::Add(acc[i], hn::Zero(d)), d, result + i * row.c.r_cell);
  }
}

/// As many positions of the run from b on as make up blocks of `count`; returns where it stopped.
template <std::size_t count>
std::size_t correlate_blocks(const DepthwiseRow& row, const DepthwiseRun& run, const Operands& data,
                             std::size_t b) {
  for (; b + count <= run.end; b += count) {
    for_each_overlapping_vector(row.c.G, [&](auto d, std::size_t g) HWY_ATTR {
      correlate_positions<count>(d, row, run, data, b, g);
    });
  }
  return b;
}

void correlate_row(const DepthwiseRow& row, const Operands& data) {
  for (const DepthwiseRun& run : row.runs) {
    std::size_t b = correlate_blocks<8>(row, run, data, run.begin);
    b = correlate_blocks<4>(row, run, data, b);
    b = correlate_blocks<2>(row, run, data, b);
    correlate_blocks<1>(row, run, data, b);
  }
}

/// Sums in registers; beside them, AVX2 has registers for a gradient and a source value.
constexpr std::size_t kMaxTaps = 9;

/// The gradients of `count` taps go on over `positions` of a row, for one vector of groups: cell,
/// grad and grad_weight are at its first group.
template <std::size_t count, class D>
HWY_NOINLINE void add_taps(D d, const DepthwiseRow& row, std::size_t positions,
                           const DepthwiseTap* taps, const float* cell, const float* grad,
                           float* grad_weight) {
  using Vector = hn::Vec<D>;
  const std::size_t step = row.c.step_w * row.c.G;
  const std::size_t grad_step = row.c.r_cell;
  Vector acc[count];
  const float* from[count];
  REPRISE_UNROLL
  for (std::size_t t = 0; t < count; ++t) {
    acc[t] = hn::LoadU(d, grad_weight + taps[t].weight);
    from[t] = cell + taps[t].source;
  }
  for (std::size_t p = 0; p < positions; ++p) {
    const Vector g = hn::LoadU(d, grad + p * grad_step);
    REPRISE_UNROLL
    for (std::size_t t = 0; t < count; ++t) {
      acc[t] = fma(hn::LoadU(d, from[t] + p * step), g, acc[t]);
    }
  }
  REPRISE_UNROLL
  for (std::size_t t = 0; t < count; ++t) {
    hn::StoreU(hn::Add(acc[t], hn::Zero(d)), d, grad_weight + taps[t].weight);
  }
}

/// A row's share of the gradients of groups [g_begin, g_end).
void add_row(const DepthwiseRow& row, const Operands& data, std::size_t g_begin,
             std::size_t g_end) {
  for (const DepthwiseRun& run : row.runs) {
    const std::size_t begin = row.first(run);
    if (begin >= row.last(run)) continue;
    const std::size_t positions = row.last(run) - begin;
    for_each_vector(g_end - g_begin, [&](auto d, std::size_t i) HWY_ATTR {
      static constexpr auto kernels =
          for_each_size<kMaxTaps>([]<std::size_t n>() { return &add_taps<n, decltype(d)>; });
      const std::size_t g = g_begin + i;
      for_each_part(run.taps.size(), kMaxTaps, [&](std::size_t first, std::size_t end) {
        kernels[end - first - 1](d, row, positions, run.taps.data() + first,
                                 data.source + row.source(begin) + g,
                                 data.factor + row.result(begin) + g, data.result + g);
      });
    });
  }
}

/// Where rows of positions read and add, for one vector of groups: the source's rows of the taps at
/// the column of tap 0 of position 0 (which may lie before the image), grad_output at position 0,
/// and the gradients.
struct ThreeByThree {
  const float* cells[3];
  const float* grad;
  std::size_t G;
  std::size_t rows;                   ///< of positions
  std::size_t cells_step, grad_step;  ///< from row to row
  float* grad_weight;
  std::size_t tap_step;  ///< of the gradients, from tap to tap
};

/// The vector in a register: GCC reads it again for each multiply-add otherwise.
template <class V>
HWY_INLINE V in_register(V v) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#endif
  return v;
}

/// Positions [begin, end) of a row, at which taps [w_begin, w_end) of each row are inside the
/// image.
struct ColumnRange {
  std::size_t begin, end, w_begin, w_end;
};

/// The gradients of taps [h_begin, h_end) x all of a 3x3 kernel go on over some rows; positions
/// are `stride` cells apart, taps are neighbours. `together` positions read each source value once
/// for a row of taps.
template <std::size_t stride, std::size_t h_begin, std::size_t h_end, class D>
HWY_NOINLINE void add_three_by_three(D d, const ThreeByThree& at, const ColumnRange* ranges,
                                     std::size_t range_count) {
  using Vector = hn::Vec<D>;
  constexpr std::size_t together = reprise::HWY_NAMESPACE::kRegisters == 32 ? 4 : 2;
  constexpr std::size_t reach = (together - 1) * stride + 3;
  const std::size_t G = at.G;
  Vector acc[3][3];
  REPRISE_UNROLL
  for (std::size_t h = h_begin; h < h_end; ++h) {
    for (std::size_t w = 0; w < 3; ++w)
      acc[h][w] = hn::LoadU(d, at.grad_weight + (h * 3 + w) * at.tap_step);
  }
  for (std::size_t row = 0; row < at.rows; ++row) {
    const std::size_t first_cell = row * at.cells_step;
    const float* const grads = at.grad + row * at.grad_step;
    for (const ColumnRange* range = ranges; range < ranges + range_count; ++range) {
      std::size_t b = range->begin;
      if (range->w_begin == 0 && range->w_end == 3) {
        const float* grad = grads + b * G;
        std::size_t cell = b * stride * G;
        for (; b + together <= range->end; b += together) {
          Vector gradient[together];
          REPRISE_UNROLL
          for (std::size_t p = 0; p < together; ++p) gradient[p] = hn::LoadU(d, grad + p * G);
          REPRISE_UNROLL
          for (std::size_t h = h_begin; h < h_end; ++h) {
            const float* const from = at.cells[h] + first_cell + cell;
            REPRISE_UNROLL
            for (std::size_t i = 0; i < reach; ++i) {
              const Vector x = in_register(hn::LoadU(d, from + i * G));
              for (std::size_t w = 0; w < 3; ++w) {
                const std::size_t p = (i - w) / stride;  // the position whose tap w it is
                if (i < w || (i - w) % stride != 0 || p >= together) continue;
                acc[h][w] = fma(x, gradient[p], acc[h][w]);
              }
            }
          }
          grad += together * G;
          cell += together * stride * G;
        }
      }
      for (; b < range->end; ++b) {
        const Vector gradient = hn::LoadU(d, grads + b * G);
        REPRISE_UNROLL
        for (std::size_t w = 0; w < 3; ++w) {
          if (w < range->w_begin || w >= range->w_end) continue;
          for (std::size_t h = h_begin; h < h_end; ++h) {
            const float* const from = at.cells[h] + first_cell + (b * stride + w) * G;
            acc[h][w] = fma(hn::LoadU(d, from), gradient, acc[h][w]);
          }
        }
      }
    }
  }
  REPRISE_UNROLL
  for (std::size_t h = h_begin; h < h_end; ++h) {
    for (std::size_t w = 0; w < 3; ++w) {
      hn::StoreU(hn::Add(acc[h][w], hn::Zero(d)), d, at.grad_weight + (h * 3 + w) * at.tap_step);
    }
  }
}

/// The kernel for taps [h_begin, h_end) of those rows.
template <std::size_t stride, class D>
auto three_by_three_kernel(std::size_t h_begin, std::size_t h_end) {
  if (h_begin == 0) {
    return h_end == 3   ? add_three_by_three<stride, 0, 3, D>
           : h_end == 2 ? add_three_by_three<stride, 0, 2, D>
                        : add_three_by_three<stride, 0, 1, D>;
  }
  if (h_begin == 1) {
    return h_end == 3 ? add_three_by_three<stride, 1, 3, D> : add_three_by_three<stride, 1, 2, D>;
  }
  return add_three_by_three<stride, 2, 3, D>;
}

/// Sums of a 3x3 kernel's gradients of the last groups, which fill no vector: in a vector with some
/// groups before them, whose sums are dropped.
class LastGroups {
 public:
  static constexpr hn::CappedTag<float, 8> d{};
  LastGroups(const Correlation& c, float* gradients, std::size_t g_begin, std::size_t g_end)
      : gradients_(gradients), tap_step_(c.G), end_(g_end) {
    begin_ = g_end - (g_end - g_begin) % hn::Lanes(d);
    for (std::size_t tap = 0; tap < 9; ++tap)
      std::copy_n(gradients + tap * tap_step_ + begin_, end_ - begin_, sums(tap));
  }
  LastGroups(const LastGroups&) = delete;
  LastGroups& operator=(const LastGroups&) = delete;
  ~LastGroups() {
    for (std::size_t tap = 0; tap < 9; ++tap)
      std::copy_n(sums(tap), end_ - begin_, gradients_ + tap * tap_step_ + begin_);
  }
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t vector_begin() const { return end_ - hn::Lanes(d); }
  [[nodiscard]] float* vectors() { return sums_; }  ///< one a tap

 private:
  float* sums(std::size_t tap) { return sums_ + (tap + 1) * hn::Lanes(d) - (end_ - begin_); }
  float* gradients_;
  std::size_t tap_step_, begin_, end_;
  float sums_[9 * hn::MaxLanes(d)] = {};
};

/// The share of `row_count` rows like `row`, from it on, of the gradients of a 3x3 kernel, of
/// groups from g_begin on.
void add_three_by_three_rows(const DepthwiseRow& row, std::size_t row_count, const Operands& data,
                             std::size_t g_begin, LastGroups& last) {
  const Correlation& c = row.c;
  constexpr std::size_t most = 5;  // of runs that have taps: 2, 1 to 2, all, 0 to 1, 0
  ColumnRange ranges[most];
  std::size_t range_count = 0;
  for (const DepthwiseRun& run : row.runs) {
    const ColumnRange range{row.first(run), row.last(run), run.first_w, run.first_w + run.width};
    if (!run.taps.empty() && range.begin < range.end) ranges[range_count++] = range;
  }
  if (range_count == 0) return;
  const std::size_t h_begin = row.h_taps.tap_begin;
  const std::size_t h_end = row.h_taps.tap_end;
  const auto add = [&](auto d, std::size_t g, float* grad_weight, std::size_t tap_step) HWY_ATTR {
    ThreeByThree at{.cells = {},
                    .grad = data.factor + row.result(0) + g,
                    .G = c.G,
                    .rows = row_count,
                    .cells_step = c.step_h * c.SW * c.G,
                    .grad_step = c.r_row,
                    .grad_weight = grad_weight,
                    .tap_step = tap_step};
    for (std::size_t h = h_begin; h < h_end; ++h) {
      const std::ptrdiff_t cell = c.h.at(h) * static_cast<std::ptrdiff_t>(c.SW) + c.w.first;
      at.cells[h] = data.source + static_cast<std::ptrdiff_t>(row.source(0) + g) +
                    cell * static_cast<std::ptrdiff_t>(c.G);
    }
    // As great a part of the next row as this vector is of all groups, into the L2 cache.
    if (prefetches(c)) {
      const float* const cells = at.cells[h_end - 1] - g + row_count * at.cells_step + g * c.SW;
      const float* const grads = at.grad - g + row_count * at.grad_step + g * c.B;
      for (std::size_t k = 0; k < c.SW * hn::Lanes(d); k += 16) __builtin_prefetch(cells + k, 0, 2);
      for (std::size_t k = 0; k < c.B * hn::Lanes(d); k += 16) __builtin_prefetch(grads + k, 0, 2);
    }
    const auto kernel = c.step_w == 1 ? three_by_three_kernel<1, decltype(d)>(h_begin, h_end)
                                      : three_by_three_kernel<2, decltype(d)>(h_begin, h_end);
    kernel(d, at, ranges, range_count);
  };
  const auto add_vector = [&](auto d, std::size_t g) HWY_ATTR { add(d, g, data.result + g, c.G); };
  vectors_by<8>(vectors_by<16>(g_begin, last.begin(), add_vector), last.begin(), add_vector);
  if (!last.empty())
    add(LastGroups::d, last.vector_begin(), last.vectors(), hn::Lanes(LastGroups::d));
}

/// The data's positions' share of the gradients of groups [g_begin, g_end).
void add_rows(const DepthwiseRows& rows, const Correlation& c, const Operands& data,
              std::size_t g_begin, std::size_t g_end) {
  const bool three = c.h.count == 3 && c.w.count == 3 && c.w.spacing == 1 && c.step_w <= 2;
  const std::size_t first_row = data.begin / c.B;
  const std::size_t last_row = div_ceil(data.end, c.B);
  if (!three) {
    for (std::size_t index = first_row; index < last_row; ++index)
      add_row(rows.part(index, data.begin, data.end), data, g_begin, g_end);
    return;
  }
  LastGroups last(c, data.result, g_begin, g_end);
  const std::size_t wanted = c.B >= 8 && c.B <= 16 ? 4 : 1;  // rows at once
  std::size_t count = 1;
  for (std::size_t index = first_row; index < last_row; index += count) {
    const DepthwiseRow row = rows.part(index, data.begin, data.end);
    const bool whole = row.begin == 0 && row.end == c.B;
    count = whole ? std::min({wanted, row.h_taps.end - row.a, data.end / c.B - index}) : 1;
    add_three_by_three_rows(row, count, data, g_begin, last);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::depthwise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::depthwise {
HWY_EXPORT(correlate_row);
HWY_EXPORT(share_row);
HWY_EXPORT(add_rows);

namespace {

/// A group has one channel and one output channel, and groups are enough to fill vectors.
bool offered(const Correlation& c) {
  constexpr std::size_t fewest = 8;  // groups
  return c.channels == 1 && c.out_channels == 1 && c.G >= fewest;
}

/// As many multiply-adds as loads, and every value is read and written.
double cost(const Correlation& c, std::size_t lanes) {
  const double taps =
      inside_fraction_h(c) * inside_fraction_w(c) * static_cast<double>(c.reduction_length());
  return static_cast<double>(c.positions()) * in_vectors(c.G, lanes) * (1.3 * taps + 4.0);
}

std::size_t no_bytes(const Correlation& /*c*/, std::size_t /*threads*/) {
  return 0;
}

void correlate(const Correlation& c, const Operands& data, std::byte* /*no_workspace*/,
               std::size_t threads) {
  const DepthwiseRows rows(c);
  // Zero times a weight that is not finite is NaN.
  const bool shares = taps_share(c) && all_finite(data.factor, weights_extent(c));
  const std::size_t tasks = std::min(rows.count(), 4 * std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    const std::size_t end = (task + 1) * rows.count() / tasks;
    for (std::size_t row = task * rows.count() / tasks; row < end; ++row) {
      shares ? REPRISE_DISPATCH(share_row)(rows[row], data)
             : REPRISE_DISPATCH(correlate_row)(rows[row], data);
    }
  });
}

void weight_gradient(const Correlation& c, const Operands& data, std::byte* /*no_workspace*/,
                     std::size_t threads) {
  constexpr std::size_t unit = 16;  // groups that are computed by one thread: a cache line
  const DepthwiseRows rows(c);
  std::fill_n(data.result, c.h.count * c.w.count * c.G, 0.0F);
  const std::size_t units = div_ceil(c.G, unit);
  const std::size_t tasks = std::min(units, std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    const std::size_t g_begin = task * units / tasks * unit;
    const std::size_t g_end = std::min(c.G, (task + 1) * units / tasks * unit);
    REPRISE_DISPATCH(add_rows)(rows, c, data, g_begin, g_end);
  });
}

}  // namespace

}  // namespace reprise::direct::depthwise

namespace reprise::direct {

const Kernel kDepthwise{
    .name = "depthwise",
    .lanes = "groups",
    .sum = Sum::correlation,
    .alone = true,
    .offered = depthwise::offered,
    .cost = depthwise::cost,
    .workspace_bytes = depthwise::no_bytes,
    .run = depthwise::correlate,
};

const Kernel kDepthwiseWeightGradient{
    .name = "depthwise",
    .lanes = "groups",
    .sum = Sum::weight_gradient,
    .alone = true,
    .offered = depthwise::offered,
    .cost = depthwise::cost,
    .workspace_bytes = depthwise::no_bytes,
    .run = depthwise::weight_gradient,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
