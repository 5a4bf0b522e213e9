// A kernel of `direct`: depthwise correlations and the gradients of their weights, vector lanes
// across groups.
//
// Products are of vectors by vectors, element by element: its loops are its own.
//
// Where a group has one channel and one output channel, the values of neighbouring groups are
// neighbours in the source, the weights and the result alike: a vector of groups needs neither
// packing nor broadcasts. A correlation keeps some positions of a row in registers while the taps
// go by, a weight gradient some taps while the positions of a row go by. Positions of a row that
// have the same taps inside the image are worked together, so padding costs nothing. Where the taps
// of a row of the kernel are neighbours in the source, they share the source values that are in
// registers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/depthwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/direct/kernel.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/register_tile-inl.hpp"
#include "reprise/linalg/vectors-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_DEPTHWISE_PLAN
#define REPRISE_CONV_DIRECT_DEPTHWISE_PLAN
namespace reprise::direct {
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

/// A row of positions, of which [begin, end) are worked.
struct DepthwiseRow {
  const Correlation& c;
  const std::vector<DepthwiseRun>& runs;  ///< ascending
  std::size_t n, a;
  std::size_t begin, end;

  /// Those of a run that are worked; none where first() >= last().
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
    for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
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
    return {c_, classes_[class_of_row_[a]], row / c_.A, a, 0, c_.B};
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
  std::vector<std::vector<DepthwiseRun>> classes_;  ///< of rows with the same taps inside
  std::vector<std::size_t> class_of_row_;           ///< of an image
};

}  // namespace
}  // namespace reprise::direct
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::for_each_size;
using reprise::HWY_NAMESPACE::for_each_vector;

/// Positions of a block whose taps share their source values: a sum and at least a value each, and
/// a weight, in 32 registers or 16.
constexpr std::size_t kSharingPositions = reprise::HWY_NAMESPACE::kRegisters / 4;

/// The chains of `count` positions from b on, for one vector of groups from g on. Taps go `width`
/// at a time: one, or those of a row, which are neighbours in the source where positions are
/// `stride` cells apart; each source value is read once for them. Where the taps of a row descend
/// in the source, positions do so too.
template <std::size_t count, std::size_t width, std::size_t stride, class D>
HWY_INLINE void correlate_positions(D d, const DepthwiseRow& row, const DepthwiseRun& run,
                                    const Operands& data, std::size_t b, std::size_t g) {
  using Vector = hn::Vec<D>;
  const bool ascend = row.c.w.spacing > 0;
  const std::size_t first = ascend ? b : b + count - 1;
  const auto signed_step = [&](std::size_t step) {
    return ascend ? static_cast<std::ptrdiff_t>(step) : -static_cast<std::ptrdiff_t>(step);
  };
  const std::ptrdiff_t step = signed_step(width == 1 ? row.c.step_w * row.c.G : row.c.G);
  const Vector start = data.start == nullptr ? hn::Zero(d) : hn::LoadU(d, data.start + g);
  Vector acc[count];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < count; ++i) acc[i] = start;
  const float* const cell = data.source + row.source(first) + g;
  for (std::size_t t = 0; t < run.taps.size(); t += width) {
    const float* from = cell + run.taps[t].source;
    Vector x[(count - 1) * stride + width];
    REPRISE_UNROLL
    for (Vector& value : x) {
      value = hn::LoadU(d, from);
      from += step;
    }
    REPRISE_UNROLL
    for (std::size_t k = 0; k < width; ++k) {
      const Vector weight = hn::LoadU(d, data.factor + run.taps[t + k].weight + g);
      for (std::size_t i = 0; i < count; ++i) {
        acc[i] = hn::MulAdd(x[i * stride + k], weight, acc[i]);
      }
    }
  }
  float* result = data.result + row.result(first) + g;
  const std::ptrdiff_t result_step = signed_step(row.c.r_cell);
  REPRISE_UNROLL
  for (std::size_t i = 0; i < count; ++i) {
    hn::StoreU(hn::Add(acc[i], hn::Zero(d)), d, result);
    result += result_step;
  }
}

/// As many positions of the run from b on as make up blocks of `count`; returns where it stopped.
template <std::size_t count, std::size_t width = 1, std::size_t stride = 1>
std::size_t correlate_blocks(const DepthwiseRow& row, const DepthwiseRun& run, const Operands& data,
                             std::size_t b) {
  for (; b + count <= run.end; b += count) {
    for_each_vector(row.c.G, [&](auto d, std::size_t g) HWY_ATTR {
      correlate_positions<count, width, stride>(d, row, run, data, b, g);
    });
  }
  return b;
}

/// The blocks of neighbouring taps, if the run has a kernel for them.
std::size_t correlate_neighbours(const DepthwiseRow& row, const DepthwiseRun& run,
                                 const Operands& data, std::size_t b) {
  if (row.c.w.spacing != 1 && row.c.w.spacing != -1) return b;
  if (row.c.step_w == 1) {
    if (run.width == 3) return correlate_blocks<kSharingPositions, 3, 1>(row, run, data, b);
    if (run.width == 5) return correlate_blocks<kSharingPositions, 5, 1>(row, run, data, b);
    if (run.width == 7) return correlate_blocks<kSharingPositions, 7, 1>(row, run, data, b);
  }
  if (row.c.step_w == 2) {
    if (run.width == 3) return correlate_blocks<kSharingPositions, 3, 2>(row, run, data, b);
    if (run.width == 5) return correlate_blocks<kSharingPositions, 5, 2>(row, run, data, b);
    if (run.width == 7) return correlate_blocks<kSharingPositions, 7, 2>(row, run, data, b);
  }
  return b;
}

void correlate_row(const DepthwiseRow& row, const Operands& data) {
  for (const DepthwiseRun& run : row.runs) {
    std::size_t b = correlate_neighbours(row, run, data, run.begin);
    b = correlate_blocks<8>(row, run, data, b);
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
      acc[t] = hn::MulAdd(hn::LoadU(d, from[t] + p * step), g, acc[t]);
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
    const std::size_t tiles = div_ceil(run.taps.size(), kMaxTaps);
    for_each_vector(g_end - g_begin, [&](auto d, std::size_t i) HWY_ATTR {
      static constexpr auto kernels =
          for_each_size<kMaxTaps>([]<std::size_t n>() { return &add_taps<n, decltype(d)>; });
      const std::size_t g = g_begin + i;
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const std::size_t first = tile * run.taps.size() / tiles;
        const std::size_t count = (tile + 1) * run.taps.size() / tiles - first;
        kernels[count - 1](d, row, positions, run.taps.data() + first,
                           data.source + row.source(begin) + g, data.factor + row.result(begin) + g,
                           data.result + g);
      }
    });
  }
}

/// The nine gradients of a 3x3 kernel go on over rows [begin, end), for one vector of groups from g
/// on; positions are `stride` cells apart, taps are neighbours. Four positions read each source
/// value once for a row of taps.
template <std::size_t stride, class D>
HWY_NOINLINE void add_three_by_three(D d, const DepthwiseRows& rows, std::size_t begin,
                                     std::size_t end, const Operands& data, std::size_t g) {
  using Vector = hn::Vec<D>;
  constexpr std::size_t together = 4;
  const std::size_t G = rows[begin].c.G;
  float* const grad_weight = data.result + g;
  Vector acc[3][3];
  REPRISE_UNROLL
  for (std::size_t h = 0; h < 3; ++h) {
    for (std::size_t w = 0; w < 3; ++w) acc[h][w] = hn::LoadU(d, grad_weight + (h * 3 + w) * G);
  }
  for (std::size_t index = begin; index < end; ++index) {
    const DepthwiseRow row = rows.part(index, data.begin, data.end);
    for (const DepthwiseRun& run : row.runs) {
      std::size_t b = row.first(run);
      const std::size_t b_end = row.last(run);
      if (run.taps.empty() || b >= b_end) continue;
      const std::size_t end_h = run.first_h + run.taps.size() / run.width;
      const std::size_t end_w = run.first_w + run.width;
      const float* cell = data.source + row.source(b) + g;
      const float* grad = data.factor + row.result(b) + g;
      for (; run.width == 3 && b + together <= b_end; b += together) {
        Vector gradient[together];
        for (std::size_t p = 0; p < together; ++p) gradient[p] = hn::LoadU(d, grad + p * G);
        REPRISE_UNROLL
        for (std::size_t h = 0; h < 3; ++h) {
          if (h < run.first_h || h >= end_h) continue;
          const float* const from = cell + run.taps[(h - run.first_h) * 3].source;
          constexpr std::size_t reach = (together - 1) * stride + 3;
          Vector x[reach];
          REPRISE_UNROLL
          for (std::size_t i = 0; i < reach; ++i) x[i] = hn::LoadU(d, from + i * G);
          REPRISE_UNROLL
          for (std::size_t p = 0; p < together; ++p) {
            for (std::size_t w = 0; w < 3; ++w) {
              acc[h][w] = hn::MulAdd(x[p * stride + w], gradient[p], acc[h][w]);
            }
          }
        }
        cell += together * stride * G;
        grad += together * G;
      }
      for (; b < b_end; ++b, cell += stride * G, grad += G) {
        const Vector gradient = hn::LoadU(d, grad);
        REPRISE_UNROLL
        for (std::size_t h = 0; h < 3; ++h) {
          if (h < run.first_h || h >= end_h) continue;
          const float* const from = cell + run.taps[(h - run.first_h) * run.width].source;
          for (std::size_t w = 0; w < 3; ++w) {
            if (w < run.first_w || w >= end_w) continue;
            const Vector x = hn::LoadU(d, from + (w - run.first_w) * G);
            acc[h][w] = hn::MulAdd(x, gradient, acc[h][w]);
          }
        }
      }
    }
  }
  REPRISE_UNROLL
  for (std::size_t h = 0; h < 3; ++h) {
    for (std::size_t w = 0; w < 3; ++w) {
      hn::StoreU(hn::Add(acc[h][w], hn::Zero(d)), d, grad_weight + (h * 3 + w) * G);
    }
  }
}

/// The data's positions' share of the gradients of groups [g_begin, g_end).
void add_rows(const DepthwiseRows& rows, const Correlation& c, const Operands& data,
              std::size_t g_begin, std::size_t g_end) {
  const bool three = c.h.count == 3 && c.w.count == 3 && c.w.spacing == 1 && c.step_w <= 2;
  const std::size_t first_row = data.begin / c.B;
  const std::size_t last_row = div_ceil(data.end, c.B);
  if (!three) {
    for (std::size_t row = first_row; row < last_row; ++row) {
      add_row(rows.part(row, data.begin, data.end), data, g_begin, g_end);
    }
    return;
  }
  constexpr std::size_t fewest = 64;  // positions that it is worth loading the sums for
  const std::size_t block = div_ceil(fewest, c.B);
  for (std::size_t row = first_row; row < last_row; row += block) {
    const std::size_t end = std::min(last_row, row + block);
    for_each_vector(g_end - g_begin, [&](auto d, std::size_t i) HWY_ATTR {
      const auto kernel =
          c.step_w == 1 ? add_three_by_three<1, decltype(d)> : add_three_by_three<2, decltype(d)>;
      kernel(d, rows, row, end, data, g_begin + i);
    });
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(correlate_row);
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
  const std::size_t tasks = std::min(rows.count(), 4 * std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    const std::size_t end = (task + 1) * rows.count() / tasks;
    for (std::size_t row = task * rows.count() / tasks; row < end; ++row) {
      REPRISE_DISPATCH(correlate_row)(rows[row], data);
    }
  });
}

void weight_gradient(const Correlation& c, const Operands& data, std::byte* /*no_workspace*/,
                     std::size_t threads) {
  constexpr std::size_t unit = 16;  // groups that are worked by one thread: a cache line
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

const Kernel kDepthwise{
    .name = "depthwise",
    .lanes = "groups",
    .sum = Sum::correlation,
    .offered = offered,
    .cost = cost,
    .workspace_bytes = no_bytes,
    .run = correlate,
};

const Kernel kDepthwiseWeightGradient{
    .name = "depthwise",
    .lanes = "groups",
    .sum = Sum::weight_gradient,
    .offered = offered,
    .cost = cost,
    .workspace_bytes = no_bytes,
    .run = weight_gradient,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
