// A kernel of `direct`: correlations with vector lanes across the columns of the result.
//
// A tile of kRows positions x up to kVectors vectors of columns stays in registers while the chain
// runs: each step broadcasts one source value per position and multiplies it with the vectors of
// one packed row of weights. Source values are read where they are, through one pointer per
// position; cells outside the image are read from a row of zeros. The chain is cut into blocks of
// `depth` steps whose packed weights fit the cache; a later block goes on from the result in
// memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/direct_columns.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/conv/algorithms/direct_kernels.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"

#ifndef REPRISE_CONV_DIRECT_COLUMNS_ONCE
#define REPRISE_CONV_DIRECT_COLUMNS_ONCE
namespace reprise::direct {

constexpr std::size_t kMostWidth = 64;                      // columns of a panel, on any target
constexpr std::size_t kMostColumns = 512;                   // of a block of packed weights
constexpr std::size_t kMostDepth = 1024;                    // of a block of packed weights
constexpr std::size_t kBlockFloats = std::size_t{1} << 17;  // of a block of packed weights: 512 KiB

/// How the work of one task is cut; the same for every target.
struct ColumnBlocks {
  explicit ColumnBlocks(const Correlation& c)
      : columns(std::min(c.columns, kMostColumns)),
        depth(std::clamp<std::size_t>(c.depth(), 1, std::min(kMostDepth, kBlockFloats / columns))) {
  }
  std::size_t columns;  ///< of the result, at a time
  std::size_t depth;    ///< steps of the chain, at a time

  /// Columns of packed weights, with those that fill up the last panel.
  [[nodiscard]] std::size_t packed_columns() const { return columns + kMostWidth; }
  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>(packed_columns() * depth) + piece_bytes<float>(packed_columns()) +
           piece_bytes<float>(depth) + 2 * piece_bytes<Piece>(depth);
  }
};

/// The scratch of one worker.
struct ColumnScratch {
  ColumnScratch(const ColumnBlocks& blocks, std::byte* memory) {
    WorkspacePieces pieces({memory, blocks.bytes()});
    weights = pieces.take<float>(blocks.packed_columns() * blocks.depth);
    start = pieces.take<float>(blocks.packed_columns());
    zeros = pieces.take<float>(blocks.depth);
    runs = pieces.take<Piece>(blocks.depth);
    taps = pieces.take<Piece>(blocks.depth);
    std::fill_n(zeros, blocks.depth, 0.0F);
  }
  float* weights;  ///< panels of (depth, width)
  float* start;    ///< (columns), zeros beyond those of the result
  float* zeros;    ///< (depth)
  Piece* runs;     ///< of the block of the chain, as long as the source allows
  Piece* taps;     ///< the same, cut at every tap
};

}  // namespace reprise::direct
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Registers: rows x vectors sums, the vectors of one row of weights, one source value. A tile has
// kRows positions; panels of more vectors take it in parts.
constexpr std::size_t kRows = 12;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 24;
#else
constexpr std::size_t kTileVectors = 12;
#endif
constexpr std::size_t kMostVectors = kTileVectors / 6;
constexpr std::size_t rows_of(std::size_t vectors) {
  return std::min(kRows, kTileVectors / vectors);
}

/// A tile's positions; missing ones repeat the last.
struct TileRows {
  const float* cell[kRows];  ///< the source at the position, tap (0, 0), the group's channel 0
  float* result[kRows];      ///< at the group's column 0
  std::ptrdiff_t h[kRows], w[kRows];  ///< the position in the source
  std::size_t count;
  bool inside;  ///< all taps of all positions are inside the image
};

/// Fills a tile with the next `count` positions for group g.
void next_tile(const Correlation& c, const CorrelationData& data, std::size_t g, std::size_t count,
               PositionWalk& walk, TileRows& tile) {
  tile.count = count;
  tile.inside = true;
  for (std::size_t i = 0; i < kRows; ++i) {
    tile.h[i] = static_cast<std::ptrdiff_t>(walk.h());
    tile.w[i] = static_cast<std::ptrdiff_t>(walk.w());
    tile.cell[i] = data.source + walk.source() + g * c.channels;
    tile.result[i] = data.result + walk.result() + g * c.columns;
    tile.inside &= tile.h[i] + c.h.lowest() >= 0 && tile.w[i] + c.w.lowest() >= 0 &&
                   tile.h[i] + c.h.highest() < static_cast<std::ptrdiff_t>(c.SH) &&
                   tile.w[i] + c.w.highest() < static_cast<std::ptrdiff_t>(c.SW);
    if (i + 1 < count) walk.advance();
  }
  walk.advance();
}

/// Sets p[i] to where position first + i reads the piece's first value.
struct InsidePointers {
  const TileRows& tile;
  template <std::size_t rows>
  HWY_INLINE void set(const Piece& piece, std::size_t first, const float** p) const {
    for (std::size_t i = 0; i < rows; ++i) p[i] = tile.cell[first + i] + piece.offset;
  }
};
struct BorderPointers {
  const TileRows& tile;
  std::size_t SH, SW;
  const float* zeros;
  template <std::size_t rows>
  HWY_INLINE void set(const Piece& piece, std::size_t first, const float** p) const {
    for (std::size_t i = 0; i < rows; ++i) {
      const bool inside = static_cast<std::size_t>(tile.h[first + i] + piece.h) < SH &&
                          static_cast<std::size_t>(tile.w[first + i] + piece.w) < SW;
      p[i] = inside ? tile.cell[first + i] + piece.offset : zeros;
    }
  }
};

/// What the kernels need to know of one panel: columns [begin, begin + columns) of the group.
struct Panel {
  const Piece* pieces;
  std::size_t piece_count;
  const float* weights;  ///< (steps, vectors * lanes)
  const float* start;    ///< (vectors * lanes), or null if the chains go on from the result
  std::size_t begin, columns;
};

/// Continues the chains of rows [first, first + rows) of the tile, from[i] to to[i] (each vectors *
/// lanes), over the panel's pieces.
template <std::size_t rows, std::size_t vectors, class Pointers>
HWY_NOINLINE void tile_kernel(const Panel& panel, const Pointers& pointers, std::size_t first,
                              const float* const* from, float* const* to) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::LoadU(d, from[i] + v * lanes);
  }
  const float* HWY_RESTRICT weights = panel.weights;
  const Piece* const end = panel.pieces + panel.piece_count;
  for (const Piece* piece = panel.pieces; piece != end; ++piece) {
    const float* p[rows];
    pointers.template set<rows>(*piece, first, p);
    const std::size_t length = piece->length;
    for (std::size_t k = 0; k < length; ++k) {
      Vector w[vectors];
      for (std::size_t v = 0; v < vectors; ++v) w[v] = hn::Load(d, weights + v * lanes);
      for (std::size_t i = 0; i < rows; ++i) {
        const Vector x = hn::Set(d, p[i][k]);
        for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::MulAdd(x, w[v], acc[i][v]);
      }
      weights += vectors * lanes;
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[i][v], d, to[i] + v * lanes);
  }
}

/// The panel for rows [first, first + rows) of the tile.
template <std::size_t vectors, class Pointers>
void run_rows(const Panel& panel, const Pointers& pointers, std::size_t first) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t rows = rows_of(vectors);
  const std::size_t width = vectors * hn::Lanes(d);
  HWY_ALIGN float copy[rows * vectors * hn::MaxLanes(d)];
  const TileRows& tile = pointers.tile;
  const std::size_t count = std::min(rows, tile.count - first);
  const bool whole = panel.columns == width;
  const float* from[rows];
  float* to[rows];
  for (std::size_t i = 0; i < rows; ++i) {
    float* const result = tile.result[first + i] + panel.begin;
    // Positions that are missing in the last tile are computed and dropped.
    to[i] = whole && i < count ? result : copy + i * width;
    from[i] = panel.start != nullptr ? panel.start : to[i];
    if (from[i] != result && panel.start == nullptr) std::copy_n(result, panel.columns, to[i]);
  }
  tile_kernel<rows, vectors>(panel, pointers, first, from, to);
  if (whole) return;
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(to[i], panel.columns, tile.result[first + i] + panel.begin);
  }
}

template <std::size_t vectors, class Pointers>
void run_panel(const Panel& panel, const Pointers& pointers) {
  for (std::size_t first = 0; first < pointers.tile.count; first += rows_of(vectors)) {
    run_rows<vectors>(panel, pointers, first);
  }
}

/// The vectors of the panel that begins with `left` columns to go.
HWY_INLINE std::size_t panel_vectors(std::size_t left) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  if (kMostVectors == 4 && left > 3 * lanes) return 4;
  return left > lanes ? 2 : 1;
}

/// packed(k, i) = weights of step k and column i of a panel, zeros from `count` to `width`.
void pack_panel(const Correlation& c, const float* weight, const Piece* taps, std::size_t tap_count,
                std::size_t count, std::size_t width, float* HWY_RESTRICT packed) {
  for (const Piece* piece = taps; piece != taps + tap_count; ++piece) {
    const float* from = weight + piece->weight;
    for (std::size_t k = 0; k < piece->length; ++k, packed += width, from += c.w_channel) {
      if (c.w_column == 1) {
        std::copy_n(from, count, packed);
      } else {
        for (std::size_t i = 0; i < count; ++i) packed[i] = from[i * c.w_column];
      }
      std::fill(packed + count, packed + width, 0.0F);
    }
  }
}

/// Packs one block of the chain for columns [j_begin, j_end) of group g.
void pack_weights(const Correlation& c, const float* weight, std::size_t g, const Piece* taps,
                  std::size_t tap_count, std::size_t depth, std::size_t j_begin, std::size_t j_end,
                  float* packed) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t j = j_begin; j < j_end;) {
    const std::size_t width = panel_vectors(j_end - j) * lanes;
    const std::size_t count = std::min(width, j_end - j);
    pack_panel(c, weight + g * c.w_group + j * c.w_column, taps, tap_count, count, width, packed);
    packed += depth * width;
    j += count;
  }
}

/// All panels of one tile for one block of the chain; from_start: its first.
template <class Pointers>
void run_tile(const Piece* pieces, std::size_t piece_count, const Pointers& pointers,
              const ColumnScratch& scratch, bool from_start, std::size_t depth, std::size_t j_begin,
              std::size_t j_end) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const float* weights = scratch.weights;
  for (std::size_t j = j_begin; j < j_end;) {
    const float* const start = from_start ? scratch.start + (j - j_begin) : nullptr;
    const std::size_t vectors = panel_vectors(j_end - j);
    const std::size_t columns = std::min(vectors * lanes, j_end - j);
    const Panel panel{pieces, piece_count, weights, start, j, columns};
    if (vectors == 1) run_panel<1>(panel, pointers);
    if (vectors == 2) run_panel<2>(panel, pointers);
    if (vectors == 4) run_panel<kMostVectors>(panel, pointers);
    weights += depth * vectors * lanes;
    j += columns;
  }
}

/// Steps [k_begin, k_end) of the chains of positions [begin, end) and columns [j_begin, j_end).
void run_block(const Correlation& c, const CorrelationData& data, std::size_t g, std::size_t begin,
               std::size_t end, std::size_t k_begin, std::size_t k_end, std::size_t j_begin,
               std::size_t j_end, const ColumnScratch& scratch) {
  const std::size_t depth = k_end - k_begin;
  const std::size_t runs = make_pieces(c, k_begin, k_end, true, scratch.runs);
  const std::size_t taps = make_pieces(c, k_begin, k_end, false, scratch.taps);
  pack_weights(c, data.weight, g, scratch.taps, taps, depth, j_begin, j_end, scratch.weights);
  PositionWalk walk(c, begin);
  TileRows tile;
  for (std::size_t position = begin; position < end; position += kRows) {
    next_tile(c, data, g, std::min(kRows, end - position), walk, tile);
    if (tile.inside) {
      run_tile(scratch.runs, runs, InsidePointers{tile}, scratch, k_begin == 0, depth, j_begin,
               j_end);
    } else {
      run_tile(scratch.taps, taps, BorderPointers{tile, c.SH, c.SW, scratch.zeros}, scratch,
               k_begin == 0, depth, j_begin, j_end);
    }
  }
}

/// Positions [begin, end) of group g.
void correlate_positions(const Correlation& c, const CorrelationData& data, std::size_t g,
                         std::size_t begin, std::size_t end, const ColumnBlocks& blocks,
                         const ColumnScratch& scratch) {
  for (std::size_t j = 0; j < c.columns; j += blocks.columns) {
    const std::size_t j_end = std::min(c.columns, j + blocks.columns);
    std::fill_n(scratch.start, blocks.packed_columns(), 0.0F);
    if (data.start != nullptr) {
      std::copy(data.start + g * c.columns + j, data.start + g * c.columns + j_end, scratch.start);
    }
    std::size_t k = 0;
    do {  // once even if the chain has no steps
      const std::size_t k_end = std::min(c.depth(), k + blocks.depth);
      run_block(c, data, g, begin, end, k, k_end, j, j_end, scratch);
      k = k_end;
    } while (k < c.depth());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(correlate_positions);

namespace {

/// Positions per task: enough to be worth packing the weights for, few enough for their results to
/// stay in the cache and for all threads to have work. A multiple of 14, 8 and 6 rows.
std::size_t positions_per_task(const Correlation& c, std::size_t threads) {
  constexpr std::size_t unit = 168;
  constexpr std::size_t result_floats = std::size_t{1} << 18;
  const std::size_t fitting = std::clamp(result_floats / c.columns, 3 * unit, 24 * unit);
  const std::size_t share = (c.positions() + threads - 1) / threads;
  return std::max((std::min(fitting, share) + unit - 1) / unit * unit, unit);
}

}  // namespace

std::size_t columns_workspace_bytes(const Correlation& c, std::size_t threads) {
  return std::max<std::size_t>(threads, 1) * ColumnBlocks(c).bytes();
}

void correlate_by_columns(const Correlation& c, const CorrelationData& data, std::byte* workspace,
                          std::size_t threads) {
  const ColumnBlocks blocks(c);
  const std::size_t size = positions_per_task(c, std::max<std::size_t>(threads, 1));
  const std::size_t tasks = (c.positions() + size - 1) / size;
  parallel_for(threads, c.G * tasks, [&](std::size_t task, std::size_t worker) {
    const ColumnScratch scratch(blocks, workspace + worker * blocks.bytes());
    const std::size_t begin = task % tasks * size;
    HWY_DYNAMIC_DISPATCH(correlate_positions)
    (c, data, task / tasks, begin, std::min(c.positions(), begin + size), blocks, scratch);
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
