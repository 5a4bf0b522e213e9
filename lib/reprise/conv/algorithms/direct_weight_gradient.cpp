// A kernel of `direct`: the gradient of the weights, vector lanes across output channels.
//
// A tile of up to kRows rows (values of the window that are neighbours in the source) x up to two
// vectors of columns stays in registers while its chains run over a block of positions: each step
// broadcasts the rows' source values and multiplies them with one packed row of grad_output. The
// source is read where it is, through a table of one pointer per position (zeros outside the
// image), if the window has runs long enough; otherwise the windows of the block are unrolled
// first.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/direct_weight_gradient.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/algorithms/direct_kernels.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"

#ifndef REPRISE_CONV_DIRECT_WEIGHT_GRADIENT_ONCE
#define REPRISE_CONV_DIRECT_WEIGHT_GRADIENT_ONCE
namespace reprise::direct {

constexpr std::size_t kPanelMost = 32;                       // columns of a panel, on any target
constexpr std::size_t kColumnsMost = 512;                    // of a block
constexpr std::size_t kRowsMost = 2048;                      // of a task
constexpr std::size_t kGradFloats = std::size_t{1} << 17;    // of a block of grad_output: 512 KiB
constexpr std::size_t kPositionsMost = 1024;                 // of a block
constexpr std::size_t kWindowFloats = std::size_t{1} << 18;  // of unrolled windows: 1 MiB
constexpr std::size_t kShortRun = 8;  // pieces shorter than this are unrolled

/// How the work of one task is cut; the same for every target.
struct WeightBlocks {
  WeightBlocks(const Correlation& c, std::size_t threads) {
    const bool inside = c.h.lowest() >= 0 && c.w.lowest() >= 0 &&
                        (c.A - 1) * c.step_h + static_cast<std::size_t>(c.h.highest()) < c.SH &&
                        (c.B - 1) * c.step_w + static_cast<std::size_t>(c.w.highest()) < c.SW;
    merge = inside;
    const bool merges = merge && c.w.spacing == 1 && c.G == 1;
    unroll = (merges ? c.w.count * c.channels : c.channels) < kShortRun;
    columns = std::min(c.columns, kColumnsMost);
    const std::size_t share = (c.depth() + 2 * threads - 1) / (2 * threads);
    rows = std::min(
        {c.depth(), kRowsMost, threads == 1 ? kRowsMost : std::max<std::size_t>(share, 28)});
    positions =
        std::clamp<std::size_t>(c.positions(), 1, std::min(kPositionsMost, kGradFloats / columns));
    if (unroll) positions = std::min(positions, kWindowFloats / rows);
  }
  bool merge;             ///< neighbouring taps of a row make one piece: no position needs padding
  bool unroll;            ///< windows are copied first
  std::size_t columns;    ///< of grad_weight, at a time
  std::size_t rows;       ///< of grad_weight, per task
  std::size_t positions;  ///< at a time

  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>((columns + kPanelMost) * positions) +
           piece_bytes<float>(unroll ? rows * positions : rows) + piece_bytes<Piece>(rows) +
           2 * piece_bytes<const float*>(positions) + 2 * piece_bytes<std::size_t>(positions);
  }
};

/// The scratch of one worker.
struct WeightScratch {
  WeightScratch(const WeightBlocks& blocks, std::byte* memory) {
    WorkspacePieces parts({memory, blocks.bytes()});
    grad = parts.take<float>((blocks.columns + kPanelMost) * blocks.positions);
    windows = parts.take<float>(blocks.unroll ? blocks.rows * blocks.positions : blocks.rows);
    pieces = parts.take<Piece>(blocks.rows);
    cell = parts.take<const float*>(blocks.positions);
    row = parts.take<const float*>(blocks.positions);
    h = parts.take<std::size_t>(blocks.positions);
    w = parts.take<std::size_t>(blocks.positions);
    if (!blocks.unroll) std::fill_n(windows, blocks.rows, 0.0F);
  }
  float* grad;         ///< panels of (positions, width)
  float* windows;      ///< (positions, rows) if unrolled, else zeros (rows)
  Piece* pieces;       ///< of the task's rows
  const float** cell;  ///< (positions) where the position is in the source
  const float** row;   ///< (positions) where it reads the tile's first row
  std::size_t* h;      ///< (positions) its coordinates in the source
  std::size_t* w;
};

/// Whether tap (piece.h, piece.w) of a position at (h, w) is inside the image.
inline bool is_inside(const Correlation& c, const Piece& piece, std::size_t h, std::size_t w) {
  return h + static_cast<std::size_t>(piece.h) < c.SH &&
         w + static_cast<std::size_t>(piece.w) < c.SW;
}

}  // namespace reprise::direct
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Registers: rows x vectors sums, the vectors of grad_output, one source value.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 28;
#else
constexpr std::size_t kTileVectors = 12;
#endif
constexpr std::size_t kVectors = 2;

/// grad_weight(i, :) continues its chains over `count` positions: row[p][first_row + i] times
/// grad(p, :), for rows i.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(std::size_t count, const float* const* HWY_RESTRICT row,
                              std::size_t first_row, const float* HWY_RESTRICT grad,
                              float* HWY_RESTRICT grad_weight, std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = hn::LoadU(d, grad_weight + i * row_stride + v * lanes);
    }
  }
  for (std::size_t p = 0; p < count; ++p) {
    const float* HWY_RESTRICT x = row[p] + first_row;
    Vector g[vectors];
    for (std::size_t v = 0; v < vectors; ++v) g[v] = hn::Load(d, grad + v * lanes);
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector xi = hn::Set(d, x[i]);
      for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::MulAdd(xi, g[v], acc[i][v]);
    }
    grad += vectors * lanes;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(acc[i][v], d, grad_weight + i * row_stride + v * lanes);
    }
  }
}

using TileKernel = void (*)(std::size_t, const float* const*, std::size_t, const float*, float*,
                            std::size_t);

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

HWY_INLINE std::size_t panel_vectors(std::size_t left) {
  return left > hn::Lanes(hn::ScalableTag<float>()) ? kVectors : 1;
}

/// Packs columns [j_begin, j_end) of grad_output's rows [begin, end) into panels.
void pack_grad(const float* grad_output, std::size_t OC, std::size_t begin, std::size_t end,
               std::size_t j_begin, std::size_t j_end, float* HWY_RESTRICT packed) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t j = j_begin; j < j_end;) {
    const std::size_t width = panel_vectors(j_end - j) * lanes;
    const std::size_t count = std::min(width, j_end - j);
    for (std::size_t p = begin; p < end; ++p, packed += width) {
      std::copy_n(grad_output + p * OC + j, count, packed);
      std::fill(packed + count, packed + width, 0.0F);
    }
    j += count;
  }
}

/// One tile against one panel; columns <= vectors * lanes.
void run_tile(std::size_t rows, std::size_t vectors, std::size_t columns, std::size_t count,
              const float* const* row, std::size_t first_row, const float* grad, float* grad_weight,
              std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  const std::size_t width = vectors * hn::Lanes(d);
  const TileKernel kernel = kernel_for(rows, vectors);
  if (columns == width) {
    kernel(count, row, first_row, grad, grad_weight, row_stride);
    return;
  }
  HWY_ALIGN float copy[kTileVectors * hn::MaxLanes(d)] = {};
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(grad_weight + i * row_stride, columns, copy + i * width);
  }
  kernel(count, row, first_row, grad, copy, width);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(copy + i * width, columns, grad_weight + i * row_stride);
  }
}

/// `length` rows of grad_weight, neighbours in the source, against all panels.
void run_rows(const Correlation& c, std::size_t length, std::size_t count,
              const WeightScratch& scratch, std::size_t j_begin, std::size_t j_end,
              float* grad_weight) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const float* grad = scratch.grad;
  for (std::size_t j = j_begin; j < j_end;) {
    const std::size_t vectors = panel_vectors(j_end - j);
    const std::size_t columns = std::min(vectors * lanes, j_end - j);
    const std::size_t most = kTileVectors / vectors;
    const std::size_t tiles = (length + most - 1) / most;
    for (std::size_t tile = 0; tile < tiles; ++tile) {  // of as equal heights as can be
      const std::size_t first = tile * length / tiles;
      const std::size_t rows = (tile + 1) * length / tiles - first;
      run_tile(rows, vectors, columns, count, scratch.row, first, grad,
               grad_weight + first * c.w_channel + j, c.w_channel);
    }
    grad += count * vectors * lanes;
    j += columns;
  }
}

/// Copies the windows of `count` positions: windows(p, k) for the pieces' steps k.
void unroll_windows(const Correlation& c, std::size_t piece_count, std::size_t rows,
                    std::size_t count, const WeightScratch& scratch) {
  for (std::size_t p = 0; p < count; ++p) {
    float* window = scratch.windows + p * rows;
    for (const Piece* piece = scratch.pieces; piece != scratch.pieces + piece_count; ++piece) {
      if (is_inside(c, *piece, scratch.h[p], scratch.w[p])) {
        std::copy_n(scratch.cell[p] + piece->offset, piece->length, window);
      } else {
        std::fill_n(window, piece->length, 0.0F);
      }
      window += piece->length;
    }
  }
}

/// Rows [k_begin, k_end) of the gradient of group g over positions [begin, end).
void run_positions(const Correlation& c, const float* source, const float* grad_output,
                   float* grad_weight, std::size_t g, std::size_t k_begin, std::size_t k_end,
                   std::size_t piece_count, std::size_t begin, std::size_t end,
                   const WeightBlocks& blocks, const WeightScratch& scratch) {
  const std::size_t count = end - begin;
  PositionWalk walk(c, begin);
  for (std::size_t p = 0; p < count; ++p, walk.advance()) {
    scratch.cell[p] = source + walk.source() + g * c.channels;
    scratch.h[p] = walk.h();
    scratch.w[p] = walk.w();
  }
  const std::size_t rows = k_end - k_begin;
  if (blocks.unroll) unroll_windows(c, piece_count, rows, count, scratch);

  for (std::size_t j = 0; j < c.columns; j += blocks.columns) {
    const std::size_t j_end = std::min(c.columns, j + blocks.columns);
    const float* const grad = grad_output + g * c.columns;
    float* const result = grad_weight + k_begin * c.w_channel + g * c.w_group;
    pack_grad(grad, c.r_cell, begin, end, j, j_end, scratch.grad);
    if (blocks.unroll) {
      for (std::size_t p = 0; p < count; ++p) scratch.row[p] = scratch.windows + p * rows;
      run_rows(c, rows, count, scratch, j, j_end, result);
      continue;
    }
    std::size_t k = 0;
    for (const Piece* piece = scratch.pieces; piece != scratch.pieces + piece_count; ++piece) {
      for (std::size_t p = 0; p < count; ++p) {
        const bool inside = is_inside(c, *piece, scratch.h[p], scratch.w[p]);
        scratch.row[p] = inside ? scratch.cell[p] + piece->offset : scratch.windows;
      }
      run_rows(c, piece->length, count, scratch, j, j_end, result + k * c.w_channel);
      k += piece->length;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(run_positions);

std::size_t weight_gradient_workspace_bytes(const Correlation& c, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  return threads * WeightBlocks(c, threads).bytes();
}

void sum_weight_gradient(const Correlation& c, const float* source, const float* grad_output,
                         float* grad_weight, std::byte* workspace, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  const WeightBlocks blocks(c, threads);
  const std::size_t row_blocks = (c.depth() + blocks.rows - 1) / blocks.rows;
  parallel_for(threads, c.G * row_blocks, [&](std::size_t task, std::size_t worker) {
    const WeightScratch scratch(blocks, workspace + worker * blocks.bytes());
    const std::size_t g = task / row_blocks;
    const std::size_t k_begin = task % row_blocks * blocks.rows;
    const std::size_t k_end = std::min(c.depth(), k_begin + blocks.rows);
    for (std::size_t k = k_begin; k < k_end; ++k) {
      std::fill_n(grad_weight + k * c.w_channel + g * c.w_group, c.columns, 0.0F);
    }
    const std::size_t pieces = make_pieces(c, k_begin, k_end, blocks.merge, scratch.pieces);
    for (std::size_t p = 0; p < c.positions(); p += blocks.positions) {
      const std::size_t end = std::min(c.positions(), p + blocks.positions);
      HWY_DYNAMIC_DISPATCH(run_positions)
      (c, source, grad_output, grad_weight, g, k_begin, k_end, pieces, p, end, blocks, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
