// A kernel of `direct`: the gradient of the weights, vector lanes across columns, for few channels.
//
// Some rows of the source are copied with their padding, so that every position has all taps, and
// the rows of grad_weight (the values of a window) are taken together as they come, whatever tap
// they belong to. A tile of several rows x up to two vectors of columns stays in registers while
// its chains run over a block of positions: each step broadcasts the rows' values and multiplies
// them with the vectors of grad_output, read where they are. The last vector of columns overlaps
// the one before.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/weight_bands.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "reprise/conv/direct/weight_bands_plan.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Registers: rows x vectors sums, the vectors of grad_output, one source value.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 24;
#else
constexpr std::size_t kTileVectors = 12;
#endif

/// A block of positions: window[p], and grad_output at grad + p * grad_stride.
struct Positions {
  std::size_t count;
  const float* const* window;
  const float* grad;
  std::size_t grad_stride;
};

/// The first columns of a tile's vectors, and where their sums are.
struct Columns {
  std::size_t first[2];
  float* sums[2];  ///< (row, lanes)
};

/// The sums of rows 0..rows-1, which read a window at offset[row], go on over the positions.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Positions& positions, const std::size_t* offset,
                              const Columns& columns) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  std::size_t at[rows];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    at[i] = offset[i];
    for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::Load(d, columns.sums[v] + i * lanes);
  }
  const float* grad[vectors];
  for (std::size_t v = 0; v < vectors; ++v) grad[v] = positions.grad + columns.first[v];
  for (std::size_t p = 0; p < positions.count; ++p) {
    const float* HWY_RESTRICT from = positions.window[p];
    Vector g[vectors];
    for (std::size_t v = 0; v < vectors; ++v) {
      g[v] = hn::LoadU(d, grad[v]);
      grad[v] += positions.grad_stride;
    }
    REPRISE_UNROLL
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector x = hn::Set(d, from[at[i]]);
      for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::MulAdd(x, g[v], acc[i][v]);
    }
  }
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) hn::Store(acc[i][v], d, columns.sums[v] + i * lanes);
  }
}

using TileKernel = void (*)(const Positions&, const std::size_t*, const Columns&);

template <std::size_t vectors, std::size_t... index>
constexpr std::array<TileKernel, sizeof...(index)> make_kernels(std::index_sequence<index...>) {
  return {tile_kernel<index + 1, vectors>...};
}

constexpr std::size_t kMostRows = kTileVectors / 2;

/// tile_kernel<rows, vectors>; rows is at most kMostRows.
TileKernel kernel_for(std::size_t rows, std::size_t vectors) {
  static constexpr auto one = make_kernels<1>(std::make_index_sequence<kMostRows>());
  static constexpr auto two = make_kernels<2>(std::make_index_sequence<kMostRows>());
  return vectors == 1 ? one[rows - 1] : two[rows - 1];
}

/// The vectors that cover a group's columns.
struct ColumnVectors {
  explicit ColumnVectors(std::size_t all_columns)
      : lanes(hn::Lanes(hn::ScalableTag<float>())),
        columns(all_columns),
        count(div_ceil(columns, lanes)) {}
  std::size_t lanes, columns, count;
  [[nodiscard]] std::size_t first(std::size_t vector) const {
    return std::min(vector * lanes, columns - lanes);
  }
};

/// All tiles of the task's rows over a block of positions.
void run_tiles(const BandTask& task, const Positions& positions, const ColumnVectors& vectors,
               const BandScratch& scratch) {
  const std::size_t rows = task.rows();
  const std::size_t tiles = div_ceil(rows, kMostRows);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t first = tile * rows / tiles;
    const std::size_t count = (tile + 1) * rows / tiles - first;
    for (std::size_t v = 0; v < vectors.count; v += 2) {
      const std::size_t last = std::min(v + 1, vectors.count - 1);
      const auto sums = [&](std::size_t vector) {
        return scratch.sums + (vector * rows + first) * vectors.lanes;
      };
      kernel_for(count, last - v + 1)(
          positions, scratch.offsets + task.k_begin + first,
          {{vectors.first(v), vectors.first(last)}, {sums(v), sums(last)}});
    }
  }
}

/// The gradient of a task's rows over the data's positions.
void sum_rows(const Correlation& c, const BandWeightPlan& plan, const WeightGradientData& data,
              const BandTask& task, const BandScratch& scratch) {
  const ColumnVectors vectors(c.columns);
  std::fill_n(scratch.sums, vectors.count * task.rows() * vectors.lanes, 0.0F);
  const auto add_band = [&](const SourceBand& band, std::size_t begin, std::size_t end) {
    copy_band(c, plan.bands, data.source, band, scratch.band);
    const std::size_t first = (band.n * c.A + band.a_begin) * c.B;
    for (std::size_t p = begin; p < end; p += plan.positions) {
      const std::size_t some = std::min(plan.positions, end - p);
      locate_windows(c, plan.bands, scratch.band, p, some, scratch.window);
      const float* const grad = data.grad_output + (first + p) * c.r_cell + task.g * c.columns;
      run_tiles(task, {some, scratch.window, grad, c.r_cell}, vectors, scratch);
    }
  };
  for_each_band(c, plan.bands, task.g, data.begin, data.end, add_band);
  const hn::ScalableTag<float> d;
  const float* sums = scratch.sums;
  for (std::size_t v = 0; v < vectors.count; ++v) {
    for (std::size_t k = task.k_begin; k < task.k_end; ++k, sums += vectors.lanes) {
      hn::StoreU(hn::Add(hn::Load(d, sums), hn::Zero(d)), d,
                 data.grad_weight + k * c.w_channel + task.g * c.w_group + vectors.first(v));
    }
  }
}

double cost_on_target(const Correlation& c, const BandWeightPlan& plan) {
  return plan.cost(c, ColumnVectors(c.columns).count);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(sum_rows);
HWY_EXPORT(cost_on_target);

double weight_cost_by_bands(const Correlation& c) {
  const BandWeightPlan plan(c);
  if (!plan.fits(c)) return std::numeric_limits<double>::infinity();
  return HWY_DYNAMIC_DISPATCH(cost_on_target)(c, plan);
}

std::size_t weight_gradient_bands_bytes(const Correlation& c, std::size_t threads) {
  const BandWeightPlan plan(c);
  return plan.fits(c) ? std::max<std::size_t>(threads, 1) * plan.bytes(c) : 0;
}

void weight_gradient_by_bands(const Correlation& c, const WeightGradientData& data,
                              std::byte* workspace, std::size_t threads) {
  const BandWeightPlan plan(c);
  const std::size_t parts = std::min(c.depth(), std::max<std::size_t>(threads, 1));
  parallel_for(threads, c.G * parts, [&](std::size_t index, std::size_t worker) {
    const BandScratch scratch(c, plan, workspace + worker * plan.bytes(c));
    const std::size_t part = index % parts;
    const BandTask task{index / parts, part * c.depth() / parts, (part + 1) * c.depth() / parts};
    HWY_DYNAMIC_DISPATCH(sum_rows)(c, plan, data, task, scratch);
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
