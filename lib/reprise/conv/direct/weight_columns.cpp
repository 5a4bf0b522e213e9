// A kernel of `direct`: the gradient of the weights, vector lanes across output channels.
//
// A tile of several rows (values of the window that are neighbours in the source) x up to two
// vectors of columns stays in registers while its chains run over a block of positions: each step
// broadcasts the rows' source values and multiplies them with one packed row of grad_output. The
// source is read where it is, through one pointer per position; positions at which a tap is outside
// are left out.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/weight_columns.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/direct/weight_columns_plan.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"
#include "reprise/linalg/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::load_some;

// Registers: rows x vectors sums, the vectors of grad_output, one source value.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 28;
#else
constexpr std::size_t kTileVectors = 12;
#endif

/// Where a tile's operands are: position p multiplies row[p][0, rows) with grad[at[p] * width].
struct Positions {
  std::size_t count;
  const float* const* row;
  const std::size_t* at;
  const float* grad;
};

/// grad_weight(i, :) continues its chains over the positions with rows first + i.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Positions& positions, std::size_t first,
                              float* HWY_RESTRICT grad_weight, std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = hn::LoadU(d, grad_weight + i * row_stride + v * lanes);
    }
  }
  const float* const* HWY_RESTRICT row = positions.row;
  const std::size_t* HWY_RESTRICT at = positions.at;
  const float* HWY_RESTRICT grad = positions.grad;
  for (std::size_t p = 0; p < positions.count; ++p) {
    const float* HWY_RESTRICT x = row[p] + first;
    hwy::Prefetch(x + 2 * rows - 1);  // the next tile's
    const float* HWY_RESTRICT g = grad + at[p] * (vectors * lanes);
    Vector gv[vectors];
    for (std::size_t v = 0; v < vectors; ++v) gv[v] = hn::Load(d, g + v * lanes);
    REPRISE_UNROLL
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector xi = hn::Set(d, x[i]);
      for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::MulAdd(xi, gv[v], acc[i][v]);
    }
  }
  const Vector zero = hn::Zero(d);
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(hn::Add(acc[i][v], zero), d, grad_weight + i * row_stride + v * lanes);
    }
  }
}

using TileKernel = void (*)(const Positions&, std::size_t, float*, std::size_t);

template <std::size_t vectors, std::size_t... index>
constexpr std::array<TileKernel, sizeof...(index)> make_kernels(std::index_sequence<index...>) {
  return {tile_kernel<index + 1, vectors>...};
}

/// tile_kernel<rows, vectors>; rows is at most kTileVectors / vectors.
TileKernel kernel_for(std::size_t rows, std::size_t vectors) {
  static constexpr auto one = make_kernels<1>(std::make_index_sequence<kTileVectors>());
  static constexpr auto two = make_kernels<2>(std::make_index_sequence<kTileVectors / 2>());
  return vectors == 1 ? one[rows - 1] : two[rows - 1];
}

/// One tile against one panel; columns <= vectors * lanes.
void run_tile(std::size_t rows, std::size_t vectors, std::size_t columns,
              const Positions& positions, std::size_t first, float* grad_weight,
              std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  const std::size_t width = vectors * hn::Lanes(d);
  const TileKernel kernel = kernel_for(rows, vectors);
  if (columns == width) {
    kernel(positions, first, grad_weight, row_stride);
    return;
  }
  HWY_ALIGN float copy[kTileVectors * hn::MaxLanes(d)] = {};
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(grad_weight + i * row_stride, columns, copy + i * width);
  }
  kernel(positions, first, copy, width);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(copy + i * width, columns, grad_weight + i * row_stride);
  }
}

HWY_INLINE std::size_t panel_vectors(std::size_t left) {
  return left > hn::Lanes(hn::ScalableTag<float>()) ? 2 : 1;
}

/// Packs columns [j_begin, j_end) of `count` rows of grad_output, OC apart, into panels.
void pack_grad(const float* grad_output, std::size_t OC, std::size_t count, std::size_t j_begin,
               std::size_t j_end, float* HWY_RESTRICT packed) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t j = j_begin; j < j_end;) {
    const std::size_t width = panel_vectors(j_end - j) * lanes;
    const std::size_t columns = std::min(width, j_end - j);
    for (std::size_t p = 0; p < count; ++p, packed += width) {
      const float* const from = grad_output + p * OC + j;
      for (std::size_t v = 0; v < width; v += lanes) {
        hn::Store(load_some(from + v, columns - v), d, packed + v);
      }
    }
    j += columns;
  }
}

/// One piece's rows of grad_weight against all panels of a block of `count` positions, `inside` of
/// which are selected.
void run_piece(const Correlation& c, std::size_t length, std::size_t count, std::size_t inside,
               const WeightScratch& scratch, std::size_t j_begin, std::size_t j_end,
               float* grad_weight) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  Positions positions{inside, scratch.row, scratch.at, scratch.grad};
  for (std::size_t j = j_begin; j < j_end;) {
    const std::size_t vectors = panel_vectors(j_end - j);
    const std::size_t columns = std::min(vectors * lanes, j_end - j);
    const std::size_t most = kTileVectors / vectors;
    const std::size_t tiles = div_ceil(length, most);
    for (std::size_t tile = 0; tile < tiles; ++tile) {  // of as equal heights as can be
      const std::size_t first = tile * length / tiles;
      const std::size_t rows = (tile + 1) * length / tiles - first;
      run_tile(rows, vectors, columns, positions, first, grad_weight + first * c.w_channel + j,
               c.w_channel);
    }
    positions.grad += count * vectors * lanes;
    j += columns;
  }
}

/// The task's rows over the block of positions [begin, end).
void run_positions(const Correlation& c, const WeightGradientData& data, const WeightTask& task,
                   std::size_t begin, std::size_t end, const WeightBlocks& blocks,
                   const WeightScratch& scratch) {
  const std::size_t count = end - begin;
  locate_positions(c, data.source + task.g * c.channels, begin, count, scratch);
  for (std::size_t j = 0; j < c.columns; j += blocks.columns) {
    const std::size_t j_end = std::min(c.columns, j + blocks.columns);
    pack_grad(data.grad_output + begin * c.r_cell + task.g * c.columns, c.r_cell, count, j, j_end,
              scratch.grad);
    for (const Piece& piece : task.pieces) {
      const std::size_t inside = select_positions(c, piece, count, scratch);
      run_piece(c, piece.length, count, inside, scratch, j, j_end,
                data.grad_weight + piece.weight + task.g * c.w_group);
    }
  }
}

/// Vectors of multiply-adds for each position: tiles of one vector read more than they multiply,
/// and short pieces hold few sums.
double vectors_by_columns(const Correlation& c) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::size_t vectors = div_ceil(c.columns, lanes);
  const double loads =
      (c.columns <= lanes ? 1.35 : 1.0) * (1.0 + 4.0 / static_cast<double>(c.channels));
  return static_cast<double>(c.depth() * vectors) * loads;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(run_positions);
HWY_EXPORT(vectors_by_columns);

namespace {

/// Whether no tap of any position is outside the image.
bool needs_no_padding(const Correlation& c) {
  const auto all_inside = [](const TapAxis& axis, const std::vector<AxisClass>& classes) {
    return classes.size() == 1 && classes[0].tap_begin == 0 && classes[0].tap_end == axis.count;
  };
  return all_inside(c.h, axis_classes(c.h, c.A, c.step_h, c.SH)) &&
         all_inside(c.w, axis_classes(c.w, c.B, c.step_w, c.SW));
}

}  // namespace

double weight_cost_by_columns(const Correlation& c) {
  return HWY_DYNAMIC_DISPATCH(vectors_by_columns)(c);
}

std::size_t weight_gradient_columns_bytes(const Correlation& c, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  return threads * WeightBlocks(c, threads).bytes();
}

void weight_gradient_by_columns(const Correlation& c, const WeightGradientData& data,
                                std::byte* workspace, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  const WeightBlocks blocks(c, threads);
  const bool merge = needs_no_padding(c);
  const std::size_t row_blocks = div_ceil(c.depth(), blocks.rows);
  parallel_for(threads, c.G * row_blocks, [&](std::size_t index, std::size_t worker) {
    const WeightScratch scratch(blocks, workspace + worker * blocks.bytes());
    const std::size_t k_begin = index % row_blocks * blocks.rows;
    const std::size_t k_end = std::min(c.depth(), k_begin + blocks.rows);
    WeightTask task{index / row_blocks, k_begin, k_end, {}};
    append_pieces(c, all_taps(c.h), all_taps(c.w), k_begin, k_end, merge, task.pieces);
    for (std::size_t k = k_begin; k < k_end; ++k) {
      std::fill_n(data.grad_weight + k * c.w_channel + task.g * c.w_group, c.columns, 0.0F);
    }
    for (std::size_t p = data.begin; p < data.end; p += blocks.positions) {
      const std::size_t end = std::min(data.end, p + blocks.positions);
      HWY_DYNAMIC_DISPATCH(run_positions)(c, data, task, p, end, blocks, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
