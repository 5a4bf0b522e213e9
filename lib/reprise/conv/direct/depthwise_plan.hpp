/// \file
/// How a depthwise correlation is cut: internal to depthwise.cpp.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "reprise/conv/direct/kernels.hpp"

namespace reprise::direct {

/// A tap of group 0: where it is in the source, from the position's cell, and in the weights.
struct DepthwiseTap {
  std::ptrdiff_t source;
  std::size_t weight;
};

/// Positions [begin, end) of a row, and the taps that are inside the image there, ascending: rows
/// of `width` taps from the kernel's row `first_h` and column `first_w` on.
struct DepthwiseRun {
  std::size_t begin, end;
  std::size_t first_h, first_w, width;
  std::vector<DepthwiseTap> taps;
};

/// A row of positions, of which [begin, end) are worked.
struct DepthwiseRow {
  const Correlation& c;
  const std::vector<DepthwiseRun>& runs;  ///< ascending
  std::size_t n, a;
  std::size_t begin, end;

  /// Those of a run that are worked; none where first() >= last().
  [[nodiscard]] std::size_t first(const DepthwiseRun& run) const {
    return std::max(run.begin, begin);
  }
  [[nodiscard]] std::size_t last(const DepthwiseRun& run) const { return std::min(run.end, end); }

  /// Offsets of group 0 at position b.
  [[nodiscard]] std::size_t source(std::size_t b) const {
    return ((n * c.SH + a * c.step_h) * c.SW + b * c.step_w) * c.G;
  }
  [[nodiscard]] std::size_t result(std::size_t b) const {
    return c.r_first + n * c.r_image + a * c.r_row + b * c.r_cell;
  }
};

/// The rows of all images, counted through.
class DepthwiseRows {
 public:
  explicit DepthwiseRows(const Correlation& c) : c_(c) {
    const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
    std::vector<Piece> pieces;
    for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
      class_of_row_.resize(h.end, classes_.size());
      classes_.emplace_back();
      for (const AxisClass& w : w_classes) {
        pieces.clear();
        append_pieces(c, h, w, 0, c.depth(), false, pieces);
        DepthwiseRun run{w.begin, w.end, h.tap_begin, w.tap_begin, w.tap_end - w.tap_begin, {}};
        for (const Piece& piece : pieces) run.taps.push_back({piece.offset, piece.weight});
        classes_.back().push_back(std::move(run));
      }
    }
  }
  [[nodiscard]] std::size_t count() const { return c_.N * c_.A; }
  [[nodiscard]] DepthwiseRow operator[](std::size_t row) const {
    const std::size_t a = row % c_.A;
    return {c_, classes_[class_of_row_[a]], row / c_.A, a, 0, c_.B};
  }
  /// The row's part of positions [begin, end), counted over all images.
  [[nodiscard]] DepthwiseRow part(std::size_t row, std::size_t begin, std::size_t end) const {
    DepthwiseRow part = (*this)[row];
    part.begin = std::max(begin, row * c_.B) - row * c_.B;
    part.end = std::min(end, (row + 1) * c_.B) - row * c_.B;
    return part;
  }

 private:
  const Correlation& c_;
  std::vector<std::vector<DepthwiseRun>> classes_;  ///< of rows with the same taps inside
  std::vector<std::size_t> class_of_row_;           ///< of an image
};

}  // namespace reprise::direct
