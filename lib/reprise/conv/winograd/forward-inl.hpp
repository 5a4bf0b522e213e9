/// \file
/// winograd's forward pass, and its input gradient as the forward pass that it is.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_CONV_WINOGRAD_FORWARD_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_WINOGRAD_FORWARD_INL_HPP
#undef REPRISE_CONV_WINOGRAD_FORWARD_INL_HPP
#else
#define REPRISE_CONV_WINOGRAD_FORWARD_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/winograd/tiles-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace winograd {

/// One group of forward, or of grad_input as the forward pass that it is: images are grad_output,
/// reduction_length the output channels, columns the input channels, the kernel rotated by half a
/// turn.
struct ForwardPass {
  WinogradForwardPlan plan;
  Images images;
  const float* weight;  ///< forward: element (kh,kw,k,n) at (kh*3 + kw) * weight_plane + k *
                        ///< weight_row + n; rotated: ((2-kh)*3 + 2-kw) * weight_plane + n *
                        ///< weight_row + k
  std::size_t weight_plane, weight_row;
  bool rotated;
  const float* bias;  ///< (columns) or null
  float* result;      ///< N,height,width,columns, pixels result_pixel_stride apart
  std::size_t result_height, result_width, result_pixel_stride;
  std::atomic<std::uint32_t>* largest_weight = nullptr;  ///< magnitude read, or null
};

/// v(point, tile panel, reduction_length as VectorMajor) for tiles [begin, end), the first at v's
/// start.
template <class F>
void transform_inputs(const ForwardPass& p, std::size_t begin, std::size_t end, float* v) {
  const std::size_t reduction_vectors = div_ceil(p.plan.reduction_length, kLanes);
  const std::size_t panel_floats = reduction_vectors * kLanes * kTileRows;
  constexpr std::size_t points = F::kTile * F::kTile;
  const float* cells[2][points];
  if (begin < end) find_cells<F::kTile>(p.images, p.plan.tiling, begin, cells[0]);
  for (std::size_t tile = begin; tile < end; ++tile) {
    const std::size_t row = tile - begin;
    const float** next = cells[(row + 1) % 2];
    find_cells<F::kTile>(p.images, p.plan.tiling, std::min(tile + 1, end - 1), next);
    record_cells<F::kTile>(p.images, p.plan.tiling, tile, cells[row % 2], 0,
                           p.plan.reduction_length);
    float* to = v + row / kTileRows * panel_floats + row % kTileRows * kLanes;
    for (std::size_t c = 0; c < p.plan.reduction_length; c += kLanes, to += kTileRows * kLanes) {
      transform_2d<InputTransform<F>>(Cells{cells[row % 2], c, p.plan.reduction_length - c},
                                      SpacedSink{to, p.plan.v_stride});
    }
  }
}

/// A block of the kernel, as (kh,kw,k,n): `steps` <= kLanes rows from k0 on, one panel's columns
/// from n0 on, zeros beyond. Taps lie far apart in memory, often at distances that fall into the
/// same sets of a cache: a tap at a time.
inline void gather_weights(const ForwardPass& p, std::size_t k0, std::size_t steps, std::size_t n0,
                           float* HWY_RESTRICT block) {
  const std::size_t columns = std::min(tile_columns(), p.plan.columns - n0);
  for (std::size_t tap = 0; tap < 9; ++tap) {
    const float* from = p.weight + (p.rotated ? (8 - tap) * p.weight_plane + n0 * p.weight_row + k0
                                              : tap * p.weight_plane + k0 * p.weight_row + n0);
    float* to = block + tap * kLanes * tile_columns();
    for (std::size_t k = 0; k < steps; ++k, to += tile_columns()) {
      if (p.rotated) {
        for (std::size_t n = 0; n < columns; ++n) to[n] = from[n * p.weight_row + k];
      } else {
        std::copy_n(from + k * p.weight_row, columns, to);
      }
      std::fill(to + columns, to + tile_columns(), 0.0F);
    }
  }
}

/// One panel of u: (reduction_length, tile_columns()) at each point, for columns from n0 on.
template <class F>
void transform_weight_panel(const ForwardPass& p, std::size_t n0, float* u) {
  const std::size_t width = std::min(tile_columns(), p.plan.columns - n0);
  HWY_ALIGN float block[9 * kLanes * kTileVectors * kLanes];
  for (std::size_t k0 = 0; k0 < p.plan.reduction_length; k0 += kLanes) {
    const std::size_t steps = std::min(kLanes, p.plan.reduction_length - k0);
    gather_weights(p, k0, steps, n0, block);
    if (p.largest_weight != nullptr) {
      const std::size_t plane = kLanes * tile_columns();
      raise_to(*p.largest_weight,
               largest_magnitude_bits(ValueRuns{block, 9, plane, 1, 0, steps * tile_columns()}));
    }
    for (std::size_t k = 0; k < steps; ++k, u += tile_columns()) {
      for (std::size_t n = 0; n < width; n += kLanes) {
        transform_2d<WeightTransform<F>>(
            Spaced{block + k * tile_columns() + n, kLanes * tile_columns()},
            SpacedSink{u + n, p.plan.u_stride});
      }
    }
  }
}

/// Sink: one vector of the result's channels over a tile, clipped to the result.
struct ResultSink {
  float* first;  ///< the tile's first pixel
  std::size_t rows, columns;
  std::size_t row_stride, pixel_stride;
  std::size_t edge;
  std::size_t count;
  Vector bias;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    const std::size_t i = index / edge;
    const std::size_t j = index % edge;
    if (i >= rows || j >= columns) return;
    store_some(hn::Add(v, bias), first + i * row_stride + j * pixel_stride, count);
  }
};

/// The result over tiles [begin, end) and the columns of one task from n0 on, from m (point, tile,
/// column).
template <class F>
void transform_results(const ForwardPass& p, std::size_t begin, std::size_t end, std::size_t n0,
                       std::size_t columns, const float* m, std::size_t m_row_stride) {
  const std::size_t row_stride = p.result_width * p.result_pixel_stride;
  for (std::size_t tile = begin; tile < end; ++tile, m += m_row_stride) {
    const TilePlace place = place_of(p.plan.tiling, tile);
    float* pixel = p.result + (place.image * p.result_height + place.h) * row_stride +
                   place.w * p.result_pixel_stride + n0;
    for (std::size_t n = 0; n < columns; n += kLanes) {
      const Vector bias =
          p.bias == nullptr ? hn::Zero(Lanes()) : load_some(p.bias + n0 + n, columns - n);
      transform_2d<OutputTransform<F>>(
          Spaced{m + n, p.plan.m_stride},
          ResultSink{pixel + n, p.result_height - place.h, p.result_width - place.w, row_stride,
                     p.result_pixel_stride, F::kOutputs, columns - n, bias});
    }
  }
}

/// A task's result: tiles [begin, end), `columns` columns from n0 on. v begins at `begin`, u at n0.
template <class F>
void multiply_and_transform(const ForwardPass& p, std::size_t begin, std::size_t end,
                            std::size_t n0, std::size_t columns, const float* v, const float* u,
                            float* m) {
  const WinogradForwardPlan& plan = p.plan;
  const std::size_t v_panel = round_up(plan.reduction_length, kLanes) * kTileRows;
  const std::size_t u_panel = plan.reduction_length * tile_columns();
  const std::size_t rows_at_once = whole_tiles(plan.block_tiles, kTileRows);
  const std::size_t columns_at_once = whole_tiles(plan.block_columns, tile_columns());
  for (std::size_t tile = begin; tile < end; tile += rows_at_once) {
    const std::size_t rows = std::min(rows_at_once, end - tile);
    const float* v_rows = v + (tile - begin) / kTileRows * v_panel;
    for (std::size_t n = 0; n < columns; n += columns_at_once) {
      const std::size_t width = std::min(columns_at_once, columns - n);
      const std::size_t m_row = round_up(width, kLanes);
      const float* u_columns = u + n / tile_columns() * u_panel;
      for (std::size_t point = 0; point < plan.tiling.points; ++point) {
        multiply<VectorMajor>(rows, width, plan.reduction_length, v_rows + point * plan.v_stride,
                              v_panel, u_columns + point * plan.u_stride, u_panel,
                              m + point * plan.m_stride, m_row, true);
      }
      transform_results<F>(p, tile, tile + rows, n0 + n, width, m, m_row);
    }
  }
}

/// All columns' transformed weights are kept; a task is a block of tiles.
template <class F>
void run_with_kept_weights(const ForwardPass& p, WorkspacePieces pieces, std::size_t threads) {
  const WinogradForwardPlan& plan = p.plan;
  const std::size_t points = plan.tiling.points;
  float* u = pieces.take<float>(points * plan.u_stride);
  const std::size_t v_floats = points * plan.v_stride;
  const std::size_t m_floats = points * plan.m_stride;
  float* v = pieces.take<float>(threads * v_floats);
  float* m = pieces.take<float>(threads * m_floats);
  const std::size_t panel = plan.reduction_length * tile_columns();
  parallel_for(threads, div_ceil(plan.columns, tile_columns()), [&](std::size_t task, std::size_t) {
    transform_weight_panel<F>(p, task * tile_columns(), u + task * panel);
  });
  const std::size_t step = whole_tiles(plan.task_tiles, kTileRows);
  parallel_for(threads, div_ceil(plan.tiling.tiles, step),
               [&](std::size_t task, std::size_t worker) {
                 const std::size_t begin = task * step;
                 const std::size_t end = std::min(begin + step, plan.tiling.tiles);
                 transform_inputs<F>(p, begin, end, v + worker * v_floats);
                 multiply_and_transform<F>(p, begin, end, 0, plan.columns, v + worker * v_floats, u,
                                           m + worker * m_floats);
               });
}

/// Tiles' transforms are kept, super-block by super-block; a task is a block of columns (and, for
/// many threads, of tiles), which transforms its own weights.
template <class F>
void run_with_kept_tiles(const ForwardPass& p, WorkspacePieces pieces, std::size_t threads) {
  const WinogradForwardPlan& plan = p.plan;
  const std::size_t points = plan.tiling.points;
  float* v = pieces.take<float>(points * plan.v_stride);
  const std::size_t u_floats = points * plan.u_stride;
  const std::size_t m_floats = points * plan.m_stride;
  float* u = pieces.take<float>(threads * u_floats);
  float* m = pieces.take<float>(threads * m_floats);
  const std::size_t v_panel = round_up(plan.reduction_length, kLanes) * kTileRows;
  const std::size_t u_panel = plan.reduction_length * tile_columns();
  const std::size_t part = round_up(plan.task_tiles, kTileRows);
  const std::size_t column_tasks = div_ceil(plan.columns, plan.task_columns);
  for (std::size_t first = 0; first < plan.tiling.tiles; first += plan.super_tiles) {
    const std::size_t last = std::min(first + plan.super_tiles, plan.tiling.tiles);
    parallel_for(threads, div_ceil(last - first, kTileRows), [&](std::size_t task, std::size_t) {
      const std::size_t begin = first + task * kTileRows;
      transform_inputs<F>(p, begin, std::min(begin + kTileRows, last), v + task * v_panel);
    });
    const std::size_t parts = div_ceil(last - first, part);
    parallel_for(threads, column_tasks * parts, [&](std::size_t task, std::size_t worker) {
      const std::size_t n0 = task / parts * plan.task_columns;
      const std::size_t columns = std::min(plan.task_columns, plan.columns - n0);
      const std::size_t begin = first + task % parts * part;
      float* own_u = u + worker * u_floats;
      for (std::size_t n = 0; n < columns; n += tile_columns()) {
        transform_weight_panel<F>(p, n0 + n, own_u + n / tile_columns() * u_panel);
      }
      multiply_and_transform<F>(p, begin, std::min(begin + part, last), n0, columns,
                                v + (begin - first) / kTileRows * v_panel, own_u,
                                m + worker * m_floats);
    });
  }
}

template <class F>
void run_variant(const ForwardPass& p, WorkspacePieces pieces, std::size_t threads) {
  if (p.plan.keep_weights) {
    run_with_kept_weights<F>(p, pieces, threads);
  } else {
    run_with_kept_tiles<F>(p, pieces, threads);
  }
}

inline void run_forward(const ForwardPass& p, WorkspacePieces pieces, std::size_t threads) {
  if (p.plan.tiling.variant == WinogradVariant::f4) {
    run_variant<F4>(p, pieces, threads);
  } else {
    run_variant<F2>(p, pieces, threads);
  }
}

}  // namespace winograd
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
