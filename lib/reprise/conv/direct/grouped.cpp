// A kernel of `direct`: correlations of groups with 2, 4 or 8 channels in and out, vector lanes
// across the output channels of neighbouring groups.
//
// A vector holds whole groups: the source's values of their channels at a cell are neighbours, and
// so are those of the result. In step c of a tap each lane needs channel c of its own group, which
// is a shuffle within the source vector, not a broadcast from memory; it shares a port with one of
// two multiply-adds, so that half the peak is the limit. Weights are packed once, as (step, output
// channel of all groups). A tile of positions of a row, which have the same taps inside the image,
// stays in registers while its chains run.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/grouped.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_GROUPED_PLAN
#define REPRISE_CONV_DIRECT_GROUPED_PLAN
namespace reprise::direct::grouped {
namespace {

/// Positions [begin, end) of a row and the segments, one a tap, of the taps inside the image there.
struct GroupedRun {
  std::size_t begin, end;
  std::vector<Segment> segments;
};

/// What all rows of a correlation share.
struct GroupedData {
  const Correlation& c;
  const float* source;
  const float* weights;  ///< (reduction_length, width)
  const float* start;    ///< (width)
  float* result;
  std::size_t width;  ///< output channels of all groups
};

}  // namespace
}  // namespace reprise::direct::grouped
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::grouped {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::fma;
using reprise::HWY_NAMESPACE::kRegisters;
using reprise::HWY_NAMESPACE::store_results;

// Registers: a sum and a source vector for each position, one vector of weights, one shuffled.
constexpr std::size_t kRows = kRegisters == 32 ? 8 : 6;

/// Which lanes of a source vector each lane reads in step c, where one instruction has no constant
/// for it.
template <std::size_t channels, class D>
struct Shuffles {
  HWY_INLINE explicit Shuffles(D d) {
    constexpr std::size_t lanes = hn::MaxLanes(d);
    HWY_ALIGN std::int32_t lane[lanes];
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < lanes; ++i) {
        lane[i] = static_cast<std::int32_t>(i / channels * channels + c) %
                  static_cast<std::int32_t>(lanes);
      }
      index[c] = hn::SetTableIndices(d, lane);
    }
  }
  decltype(hn::SetTableIndices(D(), static_cast<const std::int32_t*>(nullptr))) index[channels];
};

/// The source's values of channel c of each lane's group: `x` is the vector at `at`.
template <std::size_t channels, std::size_t c, class D>
HWY_INLINE hn::Vec<D> channel_of(D d, [[maybe_unused]] hn::Vec<D> x, const float* group,
                                 [[maybe_unused]] const Shuffles<channels, D>& shuffles) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (channels < hn::MaxLanes(D())) {
    if constexpr (channels == 2) return c == 0 ? hn::DupEven(x) : hn::DupOdd(x);
    if constexpr (channels == 4) return hn::Broadcast<c>(x);
    return hn::TableLookupLanes(x, shuffles.index[c]);
  }
#endif
  return hn::Set(d, group[c]);
}

/// Steps c and later of a tap.
template <std::size_t channels, std::size_t rows, std::size_t c, class D>
HWY_INLINE void add_channels(D d, const hn::Vec<D> (&x)[rows], const float* const (&group)[rows],
                             const float* weights, std::size_t width,
                             const Shuffles<channels, D>& shuffles, hn::Vec<D> (&acc)[rows][1]) {
  if constexpr (c < channels) {
    const hn::Vec<D> w = hn::LoadU(d, weights);
    REPRISE_UNROLL
    for (std::size_t i = 0; i < rows; ++i) {
      acc[i][0] = fma(channel_of<channels, c>(d, x[i], group[i], shuffles), w, acc[i][0]);
    }
    add_channels<channels, rows, c + 1>(d, x, group, weights + width, width, shuffles, acc);
  }
}

/// All output channels of some positions: `cell` is where each reads the source, `to` its result.
template <std::size_t channels, std::size_t rows>
HWY_NOINLINE void tile_kernel(const GroupedData& data, const std::vector<Segment>& segments,
                              const float* const* cell, float* const* to) {
  using D = hn::ScalableTag<float>;
  using Vector = hn::Vec<D>;
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const Shuffles<channels, D> shuffles(d);
  for (std::size_t j = 0; j < data.width; j += lanes) {
    const std::size_t first = j / channels * channels;  // of the first lane's group
    Vector acc[rows][1];
    REPRISE_UNROLL
    for (std::size_t i = 0; i < rows; ++i) acc[i][0] = hn::LoadU(d, data.start + j);
    for (const Segment& segment : segments) {
      Vector x[rows];
      const float* group[rows];
      REPRISE_UNROLL
      for (std::size_t i = 0; i < rows; ++i) {
        x[i] = hn::LoadU(d, cell[i] + segment.offset + j);
        group[i] = cell[i] + segment.offset + first;
      }
      add_channels<channels, rows, 0>(d, x, group, data.weights + segment.k * data.width + j,
                                      data.width, shuffles, acc);
    }
    store_results(d, acc, [&](std::size_t i, std::size_t /*v*/) { return to[i] + j; });
  }
}

template <std::size_t channels>
void run_positions(const GroupedData& data, const GroupedRun& run, std::size_t n, std::size_t a) {
  const Correlation& c = data.c;
  const float* const row = data.source + (n * c.SH + a * c.step_h) * c.SW * data.width;
  float* const out = data.result + c.r_first + n * c.r_image + a * c.r_row;
  const float* cell[kRows];
  float* to[kRows];
  for (std::size_t b = run.begin; b < run.end; b += kRows) {
    const std::size_t count = std::min(kRows, run.end - b);
    for (std::size_t i = 0; i < kRows; ++i) {  // what is missing repeats the last
      const std::size_t position = b + std::min(i, count - 1);
      cell[i] = row + position * c.step_w * data.width;
      to[i] = out + position * c.r_cell;
    }
    const auto kernel =
        count > kRows / 2 ? tile_kernel<channels, kRows> : tile_kernel<channels, kRows / 2>;
    kernel(data, run.segments, cell, to);
  }
}

/// The positions of a run in row `a` of image `n`.
void run_grouped(const GroupedData& data, const GroupedRun& run, std::size_t n, std::size_t a) {
  if (data.c.channels == 2) run_positions<2>(data, run, n, a);
  if (data.c.channels == 4) run_positions<4>(data, run, n, a);
  if (data.c.channels == 8) run_positions<8>(data, run, n, a);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::grouped
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::grouped {
HWY_EXPORT(run_grouped);

namespace {

constexpr std::size_t kMaxWeightFloats = std::size_t{1} << 17;  // 512 KiB

/// Whole vectors of whole groups, on any target.
bool offered(const Correlation& c) {
  const bool fits = c.channels == 2 || c.channels == 4 || c.channels == 8;
  return fits && c.channels == c.out_channels && c.G > 1 && c.source_channels() % kMaxLanes == 0 &&
         c.reduction_length() > 0 && c.weight_size() <= kMaxWeightFloats;
}

/// A shuffle for each multiply-add, unless a vector is no more than a group.
double cost(const Correlation& c, std::size_t lanes) {
  const double step = c.channels >= lanes ? 1.2 : 2.0;
  const double steps =
      inside_fraction_h(c) * inside_fraction_w(c) * static_cast<double>(c.reduction_length());
  return static_cast<double>(c.positions()) * in_vectors(c.source_channels(), lanes) *
         (step * steps + 2.0);
}

std::size_t workspace_bytes_of(const Correlation& c, std::size_t /*threads*/) {
  return piece_bytes<float>(c.weight_size()) + piece_bytes<float>(c.source_channels());
}

void pack_weights(const Correlation& c, const float* weight, float* packed) {
  std::vector<Segment> taps;
  append_segments(c, all_taps(c.h), all_taps(c.w), 0, c.reduction_length(), false, taps);
  for (const Segment& tap : taps) {
    for (std::size_t channel = 0; channel < tap.length; ++channel) {
      for (std::size_t g = 0; g < c.G; ++g) {
        const float* const from = weight + tap.weight + channel * c.w_channel + g * c.w_group;
        for (std::size_t j = 0; j < c.out_channels; ++j) *packed++ = from[j * c.w_out_channel];
      }
    }
  }
}

/// The runs of a row of each class of rows.
std::vector<std::vector<GroupedRun>> runs_of(const Correlation& c,
                                             const std::vector<AxisClass>& h_classes) {
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  std::vector<std::vector<GroupedRun>> runs(h_classes.size());
  for (std::size_t i = 0; i < h_classes.size(); ++i) {
    for (const AxisClass& w : w_classes) {
      GroupedRun run{w.begin, w.end, {}};
      append_segments(c, h_classes[i], w, 0, c.reduction_length(), false, run.segments);
      runs[i].push_back(std::move(run));
    }
  }
  return runs;
}

void correlate(const Correlation& c, const Operands& data, std::byte* workspace,
               std::size_t threads) {
  WorkspacePieces pieces({workspace, workspace_bytes_of(c, threads)});
  auto* const weights = pieces.take<float>(c.weight_size());
  auto* const start = pieces.take<float>(c.source_channels());
  pack_weights(c, data.factor, weights);
  std::fill_n(start, c.source_channels(), 0.0F);
  if (data.start != nullptr) std::copy_n(data.start, c.source_channels(), start);
  const GroupedData grouped{c, data.source, weights, start, data.result, c.source_channels()};
  const std::vector<AxisClass> classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::vector<std::vector<GroupedRun>> runs = runs_of(c, classes);
  const std::size_t rows = c.N * c.A;
  const std::size_t tasks = std::min(rows, 4 * std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t) {
    for (std::size_t row = task * rows / tasks; row < (task + 1) * rows / tasks; ++row) {
      const std::size_t a = row % c.A;
      std::size_t h = 0;
      while (classes[h].end <= a) ++h;
      for (const GroupedRun& run : runs[h]) {
        REPRISE_DISPATCH(run_grouped)(grouped, run, row / c.A, a);
      }
    }
  });
}

}  // namespace

}  // namespace reprise::direct::grouped

namespace reprise::direct {

const Kernel kGrouped{
    .name = "grouped",
    .lanes = "output channels of groups",
    .sum = Sum::correlation,
    .alone = true,
    .offered = grouped::offered,
    .cost = grouped::cost,
    .workspace_bytes = grouped::workspace_bytes_of,
    .run = grouped::correlate,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
