// A kernel of `direct`: the gradient of the weights, vector lanes across the values of a window,
// for few output channels or few channels.
//
// Some rows of the source are copied with their padding. A window consists of runs, one per row of
// the kernel, that are contiguous there; if vectors would hold little of them, each position's
// window is copied to be one run, or a vector's halves hold different runs. A tile of up to three
// vectors of rows x several output channels stays in registers while its chains run over a block of
// positions: each step loads the vectors and multiplies them with one broadcast value of
// grad_output per output channel.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/wgrad_taps.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/conv/direct/padded_rows.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::wgrad_taps {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::continue_chains;
using reprise::HWY_NAMESPACE::for_each_size;
using reprise::HWY_NAMESPACE::kRegisters;
using reprise::HWY_NAMESPACE::load_sums;
using reprise::HWY_NAMESPACE::store_sums;
using reprise::HWY_NAMESPACE::StridedNumbers;

// Registers: output channels x vectors sums, the vectors of a window, one value of grad_output.
constexpr std::size_t kTileVectors = kRegisters == 32 ? 24 : 12;
constexpr std::size_t kMaxVectors = 3;
constexpr std::size_t kMaxTile = 8;  // output channels of a tile
constexpr std::size_t tile_out_channels(std::size_t vectors) {
  return std::min(kMaxTile, kTileVectors / vectors);
}

/// A block of positions: window[p] and the values of grad_output at grad + p * grad_stride.
struct Positions {
  std::size_t count;
  const float* const* window;
  const float* grad;
  std::size_t grad_stride;
};

/// Whether a vector holds two halves of `width` lanes.
template <std::size_t width>
constexpr bool halved() {
  return width == kHalfUnit && hn::MaxLanes(hn::ScalableTag<float>()) == 2 * kHalfUnit;
}

/// A vector of a window.
template <std::size_t width, class D>
HWY_INLINE hn::Vec<D> load_rows(D d, const float* lower, [[maybe_unused]] const float* upper) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (halved<width>()) {
    const hn::Half<D> half;
    return hn::Combine(d, hn::LoadU(half, upper), hn::LoadU(half, lower));
  }
#endif
  return hn::LoadU(d, lower);
}

/// Vectors of the windows' values, one window for each position.
template <std::size_t width, std::size_t vectors>
struct WindowVectors {
  const float* const* HWY_RESTRICT window;
  std::size_t lower[vectors], upper[vectors];

  template <class D>
  HWY_INLINE hn::Vec<D> vector(D d, std::size_t v) const {
    return load_rows<width>(d, *window + lower[v], *window + upper[v]);
  }
  HWY_INLINE void advance() { ++window; }
};

/// sums + j * sums_stride + rows[v].row, for output channel j, continue their chains over the
/// positions.
template <std::size_t width, std::size_t vectors, std::size_t out_channels>
HWY_NOINLINE void tile_kernel(const Positions& positions, const RowVector* rows, std::size_t j,
                              float* HWY_RESTRICT sums, std::size_t sums_stride) {
  const hn::CappedTag<float, halved<width>() ? 2 * width : width> d;
  const auto place = [&](std::size_t i, std::size_t v) {
    return sums + i * sums_stride + rows[v].row;
  };
  hn::Vec<decltype(d)> acc[out_channels][vectors];
  load_sums(d, acc, place);
  WindowVectors<width, vectors> windows{positions.window, {}, {}};
  for (std::size_t v = 0; v < vectors; ++v) {
    windows.lower[v] = rows[v].offset;
    windows.upper[v] = rows[v].upper;
  }
  continue_chains(d, positions.count, StridedNumbers{positions.grad + j, 1, positions.grad_stride},
                  windows, acc);
  store_sums(d, acc, place);
}

using TileKernel = void (*)(const Positions&, const RowVector*, std::size_t, float*, std::size_t);

template <std::size_t width, std::size_t vectors>
constexpr auto tile_kernels() {
  return for_each_size<tile_out_channels(vectors)>(
      []<std::size_t out_channels>() { return &tile_kernel<width, vectors, out_channels>; });
}

/// tile_kernel<width, vectors, output channels>; output channels is at most
/// tile_out_channels(vectors).
template <std::size_t width>
TileKernel kernel_for(std::size_t vectors, std::size_t out_channels) {
  static constexpr auto one = tile_kernels<width, 1>();
  static constexpr auto two = tile_kernels<width, 2>();
  static constexpr auto three = tile_kernels<width, 3>();
  if (vectors == 1) return one[out_channels - 1];
  return vectors == 2 ? two[out_channels - 1] : three[out_channels - 1];
}

/// All rows of grad_weight as vectors.
template <std::size_t width>
std::vector<RowVector> row_vectors(const WindowPlan& plan, const WindowScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, width>());
  std::vector<RowVector> rows;
  for (std::size_t segment = 0; segment < plan.segments; ++segment) {
    const std::size_t offset = plan.copies ? 0 : scratch.run_offset[segment];
    for (std::size_t row = 0; row < plan.segment; row += lanes) {
      rows.push_back({offset + row, segment * plan.segment_pitch + row});
    }
  }
  if (!halved<width>()) return rows;
  std::vector<RowVector> pairs;
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    pairs.push_back(rows[i]);
    pairs.back().upper = rows[std::min(i + 1, rows.size() - 1)].offset;
  }
  return pairs;
}

/// All rows for output channels [j_begin, j_end) over the positions.
template <std::size_t width>
void run_tiles(const WindowPlan& plan, const std::vector<RowVector>& rows,
               const Positions& positions, std::size_t j_begin, std::size_t j_end, float* sums) {
  for_each_part(rows.size(), kMaxVectors, [&](std::size_t first, std::size_t last) {
    const std::size_t vectors = last - first;
    for_each_part(
        j_end - j_begin, tile_out_channels(vectors), [&](std::size_t at, std::size_t end) {
          const std::size_t j = j_begin + at;
          kernel_for<width>(vectors, end - at)(positions, rows.data() + first, j,
                                               sums + j * plan.sum_rows(), plan.sum_rows());
        });
  });
}

/// Copies the windows of a block of positions, a run in whole vectors: what a run's copy takes too
/// much is overwritten by the next run's, and after the last one lies in what fills up vectors.
void copy_windows(const WindowPlan& plan, std::size_t count, const WindowScratch& scratch) {
  const hn::CappedTag<float, kHalfUnit> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t run = plan.run;
  const std::size_t runs = plan.runs;
  const std::size_t* HWY_RESTRICT offset = scratch.run_offset;
  float* HWY_RESTRICT window = scratch.windows;
  for (std::size_t p = 0; p < count; ++p, window += plan.segment_pitch) {
    const float* HWY_RESTRICT from = scratch.window[p];
    float* HWY_RESTRICT to = window;
    for (std::size_t i = 0; i < runs; ++i, to += run) {
      hn::StoreU(hn::LoadU(d, from + offset[i]), d, to);
      for (std::size_t k = lanes; k < run; k += lanes) {
        hn::StoreU(hn::LoadU(d, from + offset[i] + k), d, to + k);
      }
    }
    scratch.window[p] = window;
  }
}

/// The band's output channels over the block of its positions [begin, begin + count).
template <std::size_t width>
void run_positions(const Correlation& c, const WindowPlan& plan, const float* grad_output,
                   const WindowBand& band, std::size_t begin, std::size_t count,
                   const std::vector<RowVector>& rows, const WindowScratch& scratch) {
  locate_windows(c, plan, scratch.band, begin, count, scratch.window);
  if (plan.copies) copy_windows(plan, count, scratch);
  const std::size_t position = (band.n * c.A + band.a_begin) * c.B + begin;
  const float* const grad = grad_output + position * c.r_cell + band.g * c.out_channels;
  const Positions positions{count, scratch.window, grad, c.r_cell};
  run_tiles<width>(plan, rows, positions, band.j_begin, band.j_end, scratch.sums);
}

template <std::size_t width>
void sum_in_vectors(const Correlation& c, const WindowPlan& plan, const Operands& data,
                    std::size_t g, std::size_t j_begin, std::size_t j_end,
                    const WindowScratch& scratch) {
  const std::vector<RowVector> rows = row_vectors<width>(plan, scratch);
  for_each_band(c, plan, g, data.begin, data.end,
                [&](const SourceBand& source_band, std::size_t begin, std::size_t end) {
                  const WindowBand band{source_band, j_begin, j_end};
                  copy_band(c, plan, data.source, band, scratch.band);
                  for (std::size_t p = begin; p < end; p += plan.positions) {
                    run_positions<width>(c, plan, data.factor, band, p,
                                         std::min(plan.positions, end - p), rows, scratch);
                  }
                });
}

/// Sums of output channels [j_begin, j_end) of group g over the data's positions.
void sum_out_channels(const Correlation& c, const WindowPlan& plan, const Operands& data,
                      std::size_t g, std::size_t j_begin, std::size_t j_end,
                      const WindowScratch& scratch) {
  const auto sum = plan.width == kHalfUnit ? sum_in_vectors<kHalfUnit> : sum_in_vectors<kMaxLanes>;
  sum(c, plan, data, g, j_begin, j_end, scratch);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::wgrad_taps
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::wgrad_taps {
HWY_EXPORT(sum_out_channels);

namespace {

bool offered(const Correlation& c) {
  return c.reduction_length() > 0 && WindowPlan(c).fits(c);
}

double cost(const Correlation& c, std::size_t /*lanes*/) {
  return groups_and_positions(c) * (static_cast<double>(kMaxLanes) * WindowPlan(c).cost);
}

/// A block's sums are loaded and stored, and a band is copied.
double overhead(const Correlation& c, std::size_t lanes) {
  const WindowPlan plan(c);
  const auto block = static_cast<double>(std::min(plan.positions, c.A * c.B));
  return groups_and_positions(c) * (static_cast<double>(kMaxLanes) * plan.cost * 3.0 / block +
                                    static_cast<double>(lanes * plan.band_floats) / (4.0 * block));
}

std::size_t workspace_bytes_of(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<WindowScratch>(threads, c, WindowPlan(c));
}

void run(const Correlation& c, const Operands& data, std::byte* workspace, std::size_t threads) {
  const WindowPlan plan(c);
  const std::size_t parts = std::min(c.out_channels, std::max<std::size_t>(threads, 1));
  parallel_for(threads, c.G * parts, [&](std::size_t index, std::size_t worker) {
    const auto scratch = take_scratch<WindowScratch>(workspace, worker, c, plan);
    scratch.fill(c, plan);
    const std::size_t g = index / parts;
    const std::size_t part = index % parts;
    const std::size_t j_begin = part * c.out_channels / parts;
    const std::size_t j_end = (part + 1) * c.out_channels / parts;
    REPRISE_DISPATCH(sum_out_channels)(c, plan, data, g, j_begin, j_end, scratch);
    for (std::size_t k = 0; k < c.reduction_length(); ++k) {
      const std::size_t row = k / plan.segment * plan.segment_pitch + k % plan.segment;
      float* const result = data.result + k * c.w_channel + g * c.w_group;
      for (std::size_t j = j_begin; j < j_end; ++j) {
        result[j] = scratch.sums[j * plan.sum_rows() + row] + 0.0F;
      }
    }
  });
}

}  // namespace

}  // namespace reprise::direct::wgrad_taps

namespace reprise::direct {

const Kernel kTapsWeightGradient{
    .name = "taps",
    .lanes = "taps and channels",
    .sum = Sum::weight_gradient,
    .finite_only = FiniteOnly::result,
    .offered = wgrad_taps::offered,
    .cost = wgrad_taps::cost,
    .overhead = wgrad_taps::overhead,
    .unit = 0.9,
    .workspace_bytes = wgrad_taps::workspace_bytes_of,
    .run = wgrad_taps::run,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
