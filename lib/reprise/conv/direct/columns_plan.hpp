/// \file
/// How a correlation with lanes across columns is cut: internal to columns.cpp.
#pragma once

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernels.hpp"

namespace reprise::direct {

constexpr std::size_t kMostColumns = 64;  // of a block: a panel of the widest vectors
constexpr std::size_t kMostDepth = 1024;  // of a block

/// Floats of a row of packed weights, or of starts, for `columns` columns.
inline std::size_t packed_row(std::size_t columns) {
  return round_up(columns, kMostLanes);
}

/// Whether the weights of the chain's steps are rows, w_channel apart, that fill vectors: they need
/// no packing.
inline bool weights_are_rows(const Correlation& c) {
  return c.w_channel > 1 && c.columns % kMostLanes == 0;  // of a forward pass
}

/// How a task's columns and chains are cut; the same for every target.
struct ColumnBlocks {
  explicit ColumnBlocks(const Correlation& c)
      : columns(std::min(c.columns, kMostColumns)),
        depth(std::clamp<std::size_t>(c.depth(), 1, kMostDepth)),
        packed(weights_are_rows(c) ? 0 : depth * packed_row(columns)) {}
  std::size_t columns;  ///< of the result, at a time
  std::size_t depth;    ///< steps of the chain, at a time
  std::size_t packed;   ///< floats of packed weights

  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>(packed) + piece_bytes<float>(packed_row(columns));
  }
};

/// The scratch of one worker.
struct ColumnScratch {
  ColumnScratch(const ColumnBlocks& blocks, std::byte* memory) {
    WorkspacePieces pieces({memory, blocks.bytes()});
    weights = pieces.take<float>(blocks.packed);
    start = pieces.take<float>(packed_row(blocks.columns));
  }
  float* weights;  ///< (depth, packed_row)
  float* start;    ///< (columns), zeros beyond those of the result
};

/// The positions of one task: rows [a_begin, a_end) of images [n_begin, n_end) of group g.
struct ColumnTask {
  std::size_t g, n_begin, n_end, a_begin, a_end;
};

/// One block of the chains of one block of columns.
struct Block {
  std::size_t k_begin, k_end, j_begin, j_end;
  [[nodiscard]] std::size_t depth() const { return k_end - k_begin; }
};

/// Walks over the positions of one class: rows and columns [begin, end) of h and w, images [n,
/// n_end), ascending in (n, a, b).
class ClassWalk {
 public:
  ClassWalk(const Correlation& c, const ColumnTask& task, const AxisClass& h, const AxisClass& w)
      : c_(c), h_(h), w_(w), step_(c.step_w * c.source_channels()), n_(task.n_begin), a_(h.begin) {
    begin_row();
  }

  /// Offset in the source of the position's cell, channel 0 of group 0.
  [[nodiscard]] std::size_t source() const { return source_; }
  /// Offset in the result of column 0 of group 0.
  [[nodiscard]] std::size_t result() const { return result_; }
  void advance() {
    if (++b_ < w_.end) {
      source_ += step_;
      result_ += c_.r_cell;
      return;
    }
    if (++a_ == h_.end) {
      a_ = h_.begin;
      ++n_;
    }
    begin_row();
  }

 private:
  void begin_row() {
    b_ = w_.begin;
    source_ = ((n_ * c_.SH + a_ * c_.step_h) * c_.SW + b_ * c_.step_w) * c_.source_channels();
    result_ = c_.r_first + n_ * c_.r_image + a_ * c_.r_row + b_ * c_.r_cell;
  }

  const Correlation& c_;
  const AxisClass& h_;
  const AxisClass& w_;
  std::size_t step_;  ///< from a position's cell to the next one's
  std::size_t n_, a_, b_ = 0;
  std::size_t source_ = 0, result_ = 0;
};

}  // namespace reprise::direct
