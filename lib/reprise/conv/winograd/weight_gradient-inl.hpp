/// \file
/// winograd's weight gradient.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_CONV_WINOGRAD_WEIGHT_GRADIENT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_WINOGRAD_WEIGHT_GRADIENT_INL_HPP
#undef REPRISE_CONV_WINOGRAD_WEIGHT_GRADIENT_INL_HPP
#else
#define REPRISE_CONV_WINOGRAD_WEIGHT_GRADIENT_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/winograd/tiles-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace winograd {

/// One group of grad_weight.
struct WeightGradientPass {
  WinogradWeightGradientPlan plan;
  Images input;        ///< tiles of kTile x kTile
  Images grad_output;  ///< tiles of kOutputs x kOutputs
  float* grad_weight;  ///< (kh,kw,ic,oc) at (kh*3 + kw) * plane + ic * row + oc
  std::size_t plane, row;
};

/// v(point, panel of rows, tile, kTileRows) for tiles [begin, end), the first at place `at` of
/// `steps`.
template <class F>
void transform_rows(const WeightGradientPass& r, std::size_t begin, std::size_t end, std::size_t at,
                    std::size_t steps, float* v) {
  constexpr std::size_t points = F::kTile * F::kTile;
  constexpr std::size_t group = std::lcm(kTileRows, kLanes);  // whole panels, whole vectors
  HWY_ALIGN float side_by_side[points * group + kLanes] = {};
  for (std::size_t tile = begin; tile < end; ++tile, ++at) {
    const float* cells[points];
    find_cells<F::kTile>(r.input, r.plan.tiling, tile, cells);
    record_cells<F::kTile>(r.input, r.plan.tiling, tile, cells, 0, r.plan.rows);
    for (std::size_t c0 = 0; c0 < r.plan.rows; c0 += group) {
      const std::size_t channels = std::min(group, r.plan.rows - c0);
      for (std::size_t c = 0; c < channels; c += kLanes) {
        transform_2d<InputTransform<F>>(Cells{cells, c0 + c, channels - c},
                                        SpacedSink{side_by_side + c, group});
      }
      for (std::size_t point = 0; point < points; ++point) {
        float* to = v + point * r.plan.v_stride + c0 * steps + at * kTileRows;
        const float* from = side_by_side + point * group;
        for (std::size_t c = 0; c < channels; c += kTileRows) {
          for (std::size_t i = 0; i < kTileRows; i += kLanes) {
            store_some(hn::LoadU(Lanes(), from + c + i), to + c * steps + i, kTileRows - i);
          }
        }
      }
    }
  }
}

/// z(point, panel of columns, tile, tile_columns()) for tiles [begin, end), columns from n0 on.
template <class F>
void transform_columns(const WeightGradientPass& r, std::size_t begin, std::size_t end,
                       std::size_t n0, std::size_t columns, float* z) {
  const std::size_t panel = (end - begin) * tile_columns();
  for (std::size_t tile = begin; tile < end; ++tile, z += tile_columns()) {
    const float* cells[F::kOutputs * F::kOutputs];
    find_cells<F::kOutputs>(r.grad_output, r.plan.tiling, tile, cells);
    record_cells<F::kOutputs>(r.grad_output, r.plan.tiling, tile, cells, n0, columns);
    for (std::size_t n = 0; n < columns; n += kLanes) {
      float* to = z + n / tile_columns() * panel + n % tile_columns();
      transform_2d<GradTransform<F>>(Cells{cells, n0 + n, columns - n},
                                     SpacedSink{to, r.plan.z_stride});
    }
  }
}

/// Sink: one vector of output channels over the kernel's taps, first or further chunk.
struct TapSink {
  float* first;
  std::size_t plane;
  std::size_t count;
  bool add;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    float* to = first + index * plane;
    store_some(add ? hn::Add(load_some(to, count), v) : v, to, count);
  }
};

/// One chunk's share of the gradient for `rows` rows from c0 on and `columns` columns from n0 on.
template <class F>
void transform_taps(const WeightGradientPass& r, std::size_t rows, std::size_t columns,
                    const float* w, float* gradient, std::size_t plane, std::size_t row, bool add) {
  const std::size_t w_row = round_up(columns, kLanes);
  for (std::size_t c = 0; c < rows; ++c) {
    for (std::size_t n = 0; n < columns; n += kLanes) {
      transform_2d<KernelTransform<F>>(Spaced{w + c * w_row + n, r.plan.w_stride},
                                       TapSink{gradient + c * row + n, plane, columns - n, add});
    }
  }
}

/// w(point, rows, columns) begins or continues its chains over `steps` tiles.
template <class F>
void multiply_points(const WeightGradientPass& r, std::size_t rows, std::size_t columns,
                     std::size_t steps, const float* v, const float* z, float* w, bool from_zero) {
  for (std::size_t point = 0; point < F::kTile * F::kTile; ++point) {
    multiply<StepMajor>(rows, columns, steps, v + point * r.plan.v_stride, steps * kTileRows,
                        z + point * r.plan.z_stride, steps * tile_columns(),
                        w + point * r.plan.w_stride, round_up(columns, kLanes), from_zero);
  }
}

/// A chunk of tiles is a task; its share goes to a place of its own, and the shares are added in
/// ascending order.
template <class F>
void run_chunk_tasks(const WeightGradientPass& r, WorkspacePieces pieces, std::size_t threads) {
  const WinogradWeightGradientPlan& plan = r.plan;
  const std::size_t points = plan.tiling.points;
  const std::size_t v_floats = points * plan.v_stride;
  const std::size_t z_floats = points * plan.z_stride;
  const std::size_t w_floats = points * plan.w_stride;
  float* v = pieces.take<float>(threads * v_floats);
  float* z = pieces.take<float>(threads * z_floats);
  float* w = pieces.take<float>(threads * w_floats);
  const std::size_t share = plan.rows * plan.columns;
  float* shares = pieces.take<float>(plan.partials * 9 * share);
  for (std::size_t first = 0; first < plan.chunks; first += plan.partials) {
    const std::size_t count = std::min(plan.partials, plan.chunks - first);
    parallel_for(threads, count, [&](std::size_t task, std::size_t worker) {
      float* own_v = v + worker * v_floats;
      float* own_z = z + worker * z_floats;
      float* own_w = w + worker * w_floats;
      const std::size_t chunk_begin = (first + task) * plan.chunk_tiles;
      const std::size_t chunk_end = std::min(chunk_begin + plan.chunk_tiles, plan.tiling.tiles);
      for (std::size_t begin = chunk_begin; begin < chunk_end; begin += plan.step_tiles) {
        const std::size_t end = std::min(begin + plan.step_tiles, chunk_end);
        transform_rows<F>(r, begin, end, 0, end - begin, own_v);
        transform_columns<F>(r, begin, end, 0, plan.columns, own_z);
        multiply_points<F>(r, plan.rows, plan.columns, end - begin, own_v, own_z, own_w,
                           begin == chunk_begin);
      }
      transform_taps<F>(r, plan.rows, plan.columns, own_w, shares + task * 9 * share, share,
                        plan.columns, false);
    });
    for (std::size_t task = 0; task < count; ++task) {
      const float* from = shares + task * 9 * share;
      for (std::size_t tap = 0; tap < 9; ++tap) {
        for (std::size_t c = 0; c < plan.rows; ++c, from += plan.columns) {
          float* to = r.grad_weight + tap * r.plane + c * r.row;
          if (first + task == 0) {
            std::copy_n(from, plan.columns, to);
          } else {
            for (std::size_t n = 0; n < plan.columns; ++n) to[n] += from[n];
          }
        }
      }
    }
  }
}

/// All threads work a chunk: they transform its input, then a task is a block of columns.
template <class F>
void run_column_tasks(const WeightGradientPass& r, WorkspacePieces pieces, std::size_t threads) {
  const WinogradWeightGradientPlan& plan = r.plan;
  const std::size_t points = plan.tiling.points;
  const std::size_t z_floats = points * plan.z_stride;
  const std::size_t w_floats = points * plan.w_stride;
  float* v = pieces.take<float>(points * plan.v_stride);
  float* z = pieces.take<float>(threads * z_floats);
  float* w = pieces.take<float>(threads * w_floats);
  for (std::size_t first = 0; first < plan.tiling.tiles; first += plan.chunk_tiles) {
    const std::size_t last = std::min(first + plan.chunk_tiles, plan.tiling.tiles);
    constexpr std::size_t tiles_per_task = 16;
    parallel_for(threads, div_ceil(last - first, tiles_per_task),
                 [&](std::size_t task, std::size_t) {
                   const std::size_t at = task * tiles_per_task;
                   transform_rows<F>(r, first + at, std::min(first + at + tiles_per_task, last), at,
                                     last - first, v);
                 });
    parallel_for(threads, div_ceil(plan.columns, plan.task_columns),
                 [&](std::size_t task, std::size_t worker) {
                   const std::size_t n0 = task * plan.task_columns;
                   const std::size_t columns = std::min(plan.task_columns, plan.columns - n0);
                   float* own_z = z + worker * z_floats;
                   float* own_w = w + worker * w_floats;
                   transform_columns<F>(r, first, last, n0, columns, own_z);
                   const std::size_t rows_at_once = whole_tiles(plan.task_rows, kTileRows);
                   for (std::size_t c = 0; c < plan.rows; c += rows_at_once) {
                     const std::size_t rows = std::min(rows_at_once, plan.rows - c);
                     multiply_points<F>(r, rows, columns, last - first, v + c * (last - first),
                                        own_z, own_w, true);
                     transform_taps<F>(r, rows, columns, own_w, r.grad_weight + c * r.row + n0,
                                       r.plane, r.row, first != 0);
                   }
                 });
  }
}

template <class F>
void reduce_variant(const WeightGradientPass& r, WorkspacePieces pieces, std::size_t threads) {
  if (r.plan.chunk_tasks) {
    run_chunk_tasks<F>(r, pieces, threads);
  } else {
    run_column_tasks<F>(r, pieces, threads);
  }
}

inline void run_weight_gradient(const WeightGradientPass& r, WorkspacePieces pieces,
                                std::size_t threads) {
  if (r.plan.tiling.variant == WinogradVariant::f4) {
    reduce_variant<F4>(r, pieces, threads);
  } else {
    reduce_variant<F2>(r, pieces, threads);
  }
}

}  // namespace winograd
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
