/// \file
/// How a weight gradient with lanes across columns is cut: internal to
/// weight_columns.cpp.
#pragma once

#include <algorithm>
#include <vector>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernels.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kMostWidth = 32;                       // columns of a panel, on any target
constexpr std::size_t kMostColumns = 512;                    // of a block
constexpr std::size_t kMostRows = 2048;                      // of a task
constexpr std::size_t kGradFloats = std::size_t{1} << 17;    // of a block of grad_output: 512 KiB
constexpr std::size_t kSourceFloats = std::size_t{1} << 16;  // of its source, a tap: 256 KiB
constexpr std::size_t kMostPositions = 1024;                 // of a block
constexpr std::size_t kFewestPositions = 128;

/// How the work of one task is cut; the same for every target.
struct WeightBlocks {
  WeightBlocks(const Correlation& c, std::size_t threads)
      : columns(std::min(c.columns, kMostColumns)),
        positions(std::min(kMostPositions, kGradFloats / columns)) {
    if (c.depth() > c.channels) {  // the taps read the same source, one after the other
      positions = std::min(positions, std::max(kFewestPositions, kSourceFloats / c.channels));
    }
    positions = std::clamp<std::size_t>(c.positions(), 1, positions);
    const std::size_t share = div_ceil(c.depth(), 2 * threads);
    rows = threads == 1 ? kMostRows : std::clamp<std::size_t>(share, 28, kMostRows);
    rows = std::min(rows, c.depth());
  }
  std::size_t columns;    ///< of grad_weight, at a time
  std::size_t positions;  ///< at a time
  std::size_t rows;       ///< of grad_weight, per task

  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>((columns + kMostWidth) * positions) +
           2 * piece_bytes<const float*>(positions) + 3 * piece_bytes<std::size_t>(positions);
  }
};

/// The scratch of one worker.
struct WeightScratch {
  WeightScratch(const WeightBlocks& blocks, std::byte* memory) {
    WorkspacePieces pieces({memory, blocks.bytes()});
    grad = pieces.take<float>((blocks.columns + kMostWidth) * blocks.positions);
    cell = pieces.take<const float*>(blocks.positions);
    row = pieces.take<const float*>(blocks.positions);
    h = pieces.take<std::size_t>(blocks.positions);
    w = pieces.take<std::size_t>(blocks.positions);
    at = pieces.take<std::size_t>(blocks.positions);
  }
  float* grad;         ///< panels of (positions, width)
  const float** cell;  ///< (positions): where the position is in the source
  std::size_t* h;      ///< (positions): its coordinates there
  std::size_t* w;
  // Of the positions at which a piece is inside:
  const float** row;  ///< where they read the piece's first row
  std::size_t* at;    ///< their number in the block
};

/// The task's rows of grad_weight: steps [k_begin, k_end) of the window, cut into pieces.
struct WeightTask {
  std::size_t g, k_begin, k_end;
  std::vector<Piece> pieces;
};

/// Sets row and at for the positions of a block of `count` at which the piece is inside; returns
/// their number.
inline std::size_t select_positions(const Correlation& c, const Piece& piece, std::size_t count,
                                    const WeightScratch& scratch) {
  std::size_t inside = 0;
  for (std::size_t p = 0; p < count; ++p) {
    scratch.row[inside] = scratch.cell[p] + piece.offset;
    scratch.at[inside] = p;
    inside += scratch.h[p] + static_cast<std::size_t>(piece.h) < c.SH &&
                      scratch.w[p] + static_cast<std::size_t>(piece.w) < c.SW
                  ? 1
                  : 0;
  }
  return inside;
}

/// Sets cell, h and w for positions [begin, begin + count).
inline void locate_positions(const Correlation& c, const float* source, std::size_t begin,
                             std::size_t count, const WeightScratch& scratch) {
  std::size_t b = begin % c.B;
  std::size_t a = begin / c.B % c.A;
  std::size_t n = begin / c.B / c.A;
  for (std::size_t p = 0; p < count; ++p) {
    scratch.h[p] = a * c.step_h;
    scratch.w[p] = b * c.step_w;
    scratch.cell[p] =
        source + ((n * c.SH + scratch.h[p]) * c.SW + scratch.w[p]) * c.source_channels();
    if (++b < c.B) continue;
    b = 0;
    if (++a < c.A) continue;
    a = 0;
    ++n;
  }
}

}  // namespace reprise::direct
