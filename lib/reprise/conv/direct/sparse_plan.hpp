/// \file
/// How the gradients of a sparse grad_output are cut: internal to sparse_*.cpp.
#pragma once

#include <cstdint>

#include "reprise/conv/direct/weight_windows_plan.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kMostSparseFloats = std::size_t{1} << 17;  // of any array: 512 KiB
constexpr std::size_t kImagesTogether = 4;

/// The lanes of a vector, at most, for runs of this length.
constexpr std::size_t sparse_width(std::size_t run) {
  return run <= kHalfUnit ? kHalfUnit : kMostLanes;
}

/// The weights' gradient: a band of source rows at a time.
struct SparseWeightPlan {
  explicit SparseWeightPlan(const Correlation& c)
      : windows(c), width(sparse_width(windows.run)), pitch(round_up(windows.run, width)) {}
  WindowPlan windows;
  std::size_t width;  ///< most lanes of a vector
  std::size_t pitch;  ///< length of a run in whole vectors

  [[nodiscard]] std::size_t sum_rows() const { return windows.runs * pitch; }
  /// Values that a column's list takes: those of all positions, in whole vectors.
  [[nodiscard]] std::size_t capacity(const Correlation& c) const {
    return round_up(windows.band * c.B, kMostLanes);
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.G == 1 && c.depth() > 0 && windows.band_floats <= kMostSparseFloats &&
           sum_rows() * c.columns <= kMostSparseFloats &&
           capacity(c) * c.columns <= kMostSparseFloats;
  }
  [[nodiscard]] std::size_t bytes(const Correlation& c) const {
    return piece_bytes<float>(windows.band_floats) + piece_bytes<float>(sum_rows() * c.columns) +
           piece_bytes<float>(capacity(c) * c.columns) +
           piece_bytes<std::uint32_t>(capacity(c) * c.columns) +
           piece_bytes<std::uint32_t>(capacity(c)) + piece_bytes<std::size_t>(c.columns) +
           piece_bytes<float>(c.columns * kMostLanes) + piece_bytes<RowVector>(sum_rows());
  }
};

/// The scratch of one worker.
struct SparseWeightScratch {
  SparseWeightScratch(const Correlation& c, const SparseWeightPlan& plan, std::byte* memory) {
    WorkspacePieces pieces({memory, plan.bytes(c)});
    const std::size_t capacity = plan.capacity(c);
    band = pieces.take<float>(plan.windows.band_floats);
    sums = pieces.take<float>(plan.sum_rows() * c.columns);
    grads = pieces.take<float>(capacity * c.columns);
    windows = pieces.take<std::uint32_t>(capacity * c.columns);
    window = pieces.take<std::uint32_t>(capacity);
    count = pieces.take<std::size_t>(c.columns);
    lanes = pieces.take<float>(c.columns * kMostLanes);
    rows = pieces.take<RowVector>(plan.sum_rows());
    std::fill_n(band, plan.windows.band_floats, 0.0F);
    std::fill_n(sums, plan.sum_rows() * c.columns, 0.0F);
    for (std::size_t p = 0; p < capacity; ++p) {
      window[p] = static_cast<std::uint32_t>(p / c.B * c.step_h * plan.windows.row +
                                             p % c.B * c.step_w * c.channels);
    }
  }
  float* band;   ///< (source rows, row)
  float* sums;   ///< (columns, sum_rows)
  float* grads;  ///< (columns, capacity): values that are not 0, in ascending order of positions
  std::uint32_t* windows;  ///< likewise: where what a value multiplies begins in the band
  std::uint32_t* window;   ///< (capacity): the same for every position
  std::size_t* count;      ///< (columns): of values
  float* lanes;            ///< (columns, lanes): some positions' values
  RowVector* rows;         ///< the vectors of a window
};

/// grad_input: kImagesTogether images at a time, in copies with padding.
struct SparseInputPlan {
  explicit SparseInputPlan(const ConvShape& s)
      : run(s.KW * s.IC),
        width(sparse_width(run)),
        pitch(round_up(run, width)),
        weights(s.KH * pitch),
        row(std::max((s.OW - 1) * s.stride_w + s.KW, s.pad_left + s.IW) * s.IC),
        image(std::max((s.OH - 1) * s.stride_h + (s.KH - 1) * s.dilation_h + 1, s.pad_top + s.IH) *
                  row +
              kSlack),
        words((s.OC + 63) / 64) {}
  std::size_t run;      ///< values that are neighbours, of a row of the kernel
  std::size_t width;    ///< most lanes of a vector
  std::size_t pitch;    ///< length of a run in whole vectors
  std::size_t weights;  ///< of an output channel, in whole vectors
  std::size_t row;      ///< floats of a row of a copy
  std::size_t image;    ///< floats of a copy
  std::size_t words;    ///< of 64 output channels, of a position

  [[nodiscard]] std::size_t all_words(const ConvShape& s) const {
    return kImagesTogether * s.OH * s.OW * words;
  }
  [[nodiscard]] bool fits(const ConvShape& s) const {
    return s.G == 1 && s.dilation_w == 1 && image <= kMostSparseFloats &&
           weights * s.OC <= kMostSparseFloats && all_words(s) <= kMostSparseFloats;
  }
  [[nodiscard]] std::size_t bytes(const ConvShape& s) const {
    return piece_bytes<float>(kImagesTogether * image) + piece_bytes<float>(weights * s.OC) +
           piece_bytes<std::size_t>(weights) + piece_bytes<std::uint64_t>(all_words(s));
  }
};

/// The scratch of one worker.
struct SparseInputScratch {
  SparseInputScratch(const ConvShape& s, const SparseInputPlan& plan, std::byte* memory) {
    WorkspacePieces pieces({memory, plan.bytes(s)});
    images = pieces.take<float>(kImagesTogether * plan.image);
    weights = pieces.take<float>(plan.weights * s.OC);
    offset = pieces.take<std::size_t>(plan.weights);
    words = pieces.take<std::uint64_t>(plan.all_words(s));
  }
  float* images;         ///< (kImagesTogether, image)
  float* weights;        ///< (OC, KH, pitch)
  std::size_t* offset;   ///< where a vector of weights adds, from a position's first cell
  std::uint64_t* words;  ///< (OH, OW, kImagesTogether, words): which channels are not 0
};

}  // namespace reprise::direct
