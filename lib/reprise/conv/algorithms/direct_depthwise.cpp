// A kernel of `direct`: depthwise correlations and the gradients of their weights, vector lanes
// across groups.
//
// Where a group has one channel and one column, the values of neighbouring groups are neighbours in
// the source, the weights and the result alike: a vector of groups needs neither packing nor
// broadcasts. A correlation keeps some positions of a row in registers while the taps go by, a
// weight gradient some taps while the positions of a row go by. Positions of a row that have the
// same taps inside the image are worked together, so padding costs nothing.
//
// Floor: a load for each multiply-add, one a cycle with AVX-512. For 64 channels, 8 images of 56x56
// and 3x3 taps that is 0.24 ms; these take about 0.7, lanes across a group's one column took 8.
//
// Tried (one core, AVX-512):
//   | source copied with its padding, 16 groups by 16 groups | 1.0 to 2.7 times the time  |
//   | zeros read beside the image, whole rows in one tile    | forward no difference,     |
//   |                                                        | grad_weight -30 to +40%    |
//   | some rows of a block, then the next block              | no difference              |
//   | prefetching the source and the result ahead            | no difference              |
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/direct_depthwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/algorithms/direct_depthwise_plan.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"
#include "reprise/linalg/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::for_each_vector;

/// The chains of `count` positions from b on, for one vector of groups from g on.
template <std::size_t count, class D>
HWY_INLINE void correlate_positions(D d, const DepthwiseRow& row, const DepthwiseRun& run,
                                    const CorrelationData& data, std::size_t b, std::size_t g) {
  using Vector = hn::Vec<D>;
  const std::size_t step = row.c.step_w * row.c.G;
  const Vector start = data.start == nullptr ? hn::Zero(d) : hn::LoadU(d, data.start + g);
  Vector acc[count];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < count; ++i) acc[i] = start;
  const float* const cell = data.source + row.source(b) + g;
  for (const DepthwiseTap& tap : run.taps) {
    const float* const from = cell + tap.source;
    const Vector weight = hn::LoadU(d, data.weight + tap.weight + g);
    REPRISE_UNROLL
    for (std::size_t i = 0; i < count; ++i) {
      acc[i] = hn::MulAdd(hn::LoadU(d, from + i * step), weight, acc[i]);
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
std::size_t correlate_blocks(const DepthwiseRow& row, const DepthwiseRun& run,
                             const CorrelationData& data, std::size_t b) {
  for (; b + count <= run.end; b += count) {
    for_each_vector(row.c.G, [&](auto d, std::size_t g)
                                 HWY_ATTR { correlate_positions<count>(d, row, run, data, b, g); });
  }
  return b;
}

void correlate_row(const DepthwiseRow& row, const CorrelationData& data) {
  for (const DepthwiseRun& run : row.runs) {
    std::size_t b = correlate_blocks<8>(row, run, data, run.begin);
    b = correlate_blocks<4>(row, run, data, b);
    b = correlate_blocks<2>(row, run, data, b);
    correlate_blocks<1>(row, run, data, b);
  }
}

/// Sums in registers; beside them, AVX2 has registers for a gradient and a source value.
constexpr std::size_t kMostTaps = 9;

/// The gradients of `count` taps go on over a run of positions, for one vector of groups: cell,
/// grad and grad_weight are at its first group.
template <std::size_t count, class D>
HWY_NOINLINE void add_taps(D d, const DepthwiseRow& row, const DepthwiseRun& run,
                           const DepthwiseTap* taps, const float* cell, const float* grad,
                           float* grad_weight) {
  using Vector = hn::Vec<D>;
  const std::size_t step = row.c.step_w * row.c.G;
  const std::size_t grad_step = row.c.r_cell;
  const std::size_t positions = run.end - run.begin;
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

template <class D, std::size_t... index>
constexpr auto make_kernels(std::index_sequence<index...>) {
  return std::array{&add_taps<index + 1, D>...};
}

/// A row's share of the gradients of groups [g_begin, g_end).
void add_row(const DepthwiseRow& row, const WeightGradientData& data, std::size_t g_begin,
             std::size_t g_end) {
  for (const DepthwiseRun& run : row.runs) {
    const std::size_t tiles = (run.taps.size() + kMostTaps - 1) / kMostTaps;
    for_each_vector(g_end - g_begin, [&](auto d, std::size_t i) HWY_ATTR {
      static constexpr auto kernels =
          make_kernels<decltype(d)>(std::make_index_sequence<kMostTaps>());
      const std::size_t g = g_begin + i;
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const std::size_t first = tile * run.taps.size() / tiles;
        const std::size_t count = (tile + 1) * run.taps.size() / tiles - first;
        kernels[count - 1](d, row, run, run.taps.data() + first,
                           data.source + row.source(run.begin) + g,
                           data.grad_output + row.result(run.begin) + g, data.grad_weight + g);
      }
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
HWY_EXPORT(add_row);

bool is_depthwise(const Correlation& c) {
  constexpr std::size_t fewest = 8;  // groups
  return c.channels == 1 && c.columns == 1 && c.G >= fewest;
}

void correlate_depthwise(const Correlation& c, const CorrelationData& data,
                         std::byte* /*no_workspace*/, std::size_t threads) {
  const DepthwiseRows rows(c);
  const std::size_t tasks = std::min(rows.count(), 4 * std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    const std::size_t end = (task + 1) * rows.count() / tasks;
    for (std::size_t row = task * rows.count() / tasks; row < end; ++row) {
      HWY_DYNAMIC_DISPATCH(correlate_row)(rows[row], data);
    }
  });
}

void weight_gradient_depthwise(const Correlation& c, const WeightGradientData& data,
                               std::byte* /*no_workspace*/, std::size_t threads) {
  constexpr std::size_t unit = 16;  // groups that are worked by one thread: a cache line
  const DepthwiseRows rows(c);
  std::fill_n(data.grad_weight, c.h.count * c.w.count * c.G, 0.0F);
  const std::size_t units = (c.G + unit - 1) / unit;
  const std::size_t tasks = std::min(units, std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    const std::size_t g_begin = task * units / tasks * unit;
    const std::size_t g_end = std::min(c.G, (task + 1) * units / tasks * unit);
    for (std::size_t row = 0; row < rows.count(); ++row) {
      HWY_DYNAMIC_DISPATCH(add_row)(rows[row], data, g_begin, g_end);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
