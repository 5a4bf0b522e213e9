/// \file
/// Copies of source rows with their padding, so that all positions have all taps, a band of rows at
/// a time, and the windows of positions in them: internal to direct's weight gradients.
#pragma once

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/correlation.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kSlack = 32;                               // floats read past the end
constexpr std::size_t kWantedBandFloats = std::size_t{1} << 14;  // 64 KiB
constexpr std::size_t kMaxBandFloats = std::size_t{1} << 18;     // 1 MiB

struct PaddedRows {
  explicit PaddedRows(const Correlation& c)
      : row(((c.B - 1) * c.step_w + static_cast<std::size_t>(c.w.highest() - c.w.lowest()) + 1) *
            c.channels),
        span(static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1) {
    const std::size_t fitting = kWantedBandFloats / row;
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, c.A);
    band_floats = ((band - 1) * c.step_h + span) * row + kSlack;
  }
  std::size_t row;          ///< floats of a padded row of one group's channels
  std::size_t span;         ///< source rows that a position reads, with those between
  std::size_t band;         ///< rows of positions, at a time
  std::size_t band_floats;  ///< of their source rows

  /// Where the window of a position has the first channel of a tap, from the first cell of all.
  [[nodiscard]] std::size_t offset(const Correlation& c, std::size_t th, std::size_t tw) const {
    return static_cast<std::size_t>(c.h.at(th) - c.h.lowest()) * row +
           static_cast<std::size_t>(c.w.at(tw) - c.w.lowest()) * c.channels;
  }
};

/// Rows [a_begin, a_end) of positions of image n, for group g.
struct SourceBand {
  std::size_t g, n, a_begin, a_end;
};

/// Calls visit(band, begin, end) for bands that cover positions [first, last) of group g, counted
/// over all images: of each band's positions, counted from its own first one, [begin, end) are
/// among them.
template <class Visit>
inline void for_each_band(const Correlation& c, const PaddedRows& padded, std::size_t g,
                          std::size_t first, std::size_t last, const Visit& visit) {
  while (first < last) {
    const std::size_t row = first / c.B;
    const std::size_t image = row / c.A * c.A;  // its first row
    const std::size_t last_row = std::min(image + c.A, row + padded.band);
    const std::size_t end = std::min(last, last_row * c.B);
    const SourceBand band{g, row / c.A, row - image, div_ceil(end, c.B) - image};
    visit(band, first - row * c.B, end - row * c.B);
    first = end;
  }
}

/// Copies the band's source rows; what is outside the image is 0.
inline void copy_band(const Correlation& c, const PaddedRows& padded, const float* source,
                      const SourceBand& band, float* copy) {
  const std::size_t rows = (band.a_end - band.a_begin - 1) * c.step_h + padded.span;
  const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
  const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
  const std::size_t cells = padded.row / c.channels;
  const std::size_t begin = std::min(left, cells);
  const std::size_t inside = std::min(cells - begin, c.SW > skipped ? c.SW - skipped : 0);
  for (std::size_t row = 0; row < rows; ++row, copy += padded.row) {
    const std::size_t h =
        band.a_begin * c.step_h + row + static_cast<std::size_t>(c.h.lowest());  // may wrap
    const std::size_t existing = h < c.SH ? inside : 0;
    const float* const from =
        source + ((band.n * c.SH + (h < c.SH ? h : 0)) * c.SW + skipped) * c.source_channels() +
        band.g * c.channels;
    float* to = std::fill_n(copy, begin * c.channels, 0.0F);
    if (c.G == 1) {
      to = std::copy_n(from, existing * c.channels, to);
    } else {
      for (std::size_t cell = 0; cell < existing; ++cell) {
        to = std::copy_n(from + cell * c.source_channels(), c.channels, to);
      }
    }
    std::fill(to, copy + padded.row, 0.0F);
  }
}

/// Sets window(p) for the positions [begin, begin + count) of a band that was copied.
inline void locate_windows(const Correlation& c, const PaddedRows& padded, const float* copy,
                           std::size_t begin, std::size_t count, const float** window) {
  std::size_t b = begin % c.B;
  const float* row = copy + begin / c.B * c.step_h * padded.row;
  const std::size_t step = c.step_w * c.channels;
  for (std::size_t p = 0; p < count; row += c.step_h * padded.row, b = 0) {
    for (; b < c.B && p < count; ++b, ++p) window[p] = row + b * step;
  }
}

// ---- Where lanes run over taps and channels: wgrad_taps.cpp and zero_skipping.cpp

constexpr std::size_t kHalfUnit = 8;                               // of shorter vectors
constexpr std::size_t kWantedWindowFloats = std::size_t{1} << 12;  // 16 KiB
constexpr std::size_t kMaxWindow = std::size_t{1} << 11;
constexpr std::size_t kMaxSumFloats = std::size_t{1} << 17;  // 512 KiB

/// How windows are copied and summed.
struct WindowPlan : PaddedRows {
  explicit WindowPlan(const Correlation& c)
      : PaddedRows(c),
        run(c.w.spacing == 1 ? c.w.count * c.channels : c.channels),
        runs(c.reduction_length() / std::max<std::size_t>(run, 1)) {
    choose_vectors(c);
    positions = copies ? std::max<std::size_t>(kWantedWindowFloats / segment_pitch, 64) : 1024;
    positions = std::min(positions, band * c.B);
  }
  std::size_t run;            ///< values of a window that are neighbours in the source
  std::size_t runs;           ///< of a window
  std::size_t width;          ///< most lanes of one run in a vector
  bool copies;                ///< windows are copied to be contiguous
  std::size_t segments;       ///< what a window consists of then
  std::size_t segment;        ///< length of a segment
  std::size_t segment_pitch;  ///< its length in whole vectors
  std::size_t positions;      ///< of a block
  double cost;                ///< of a position, in multiply-adds of whole vectors

  /// Rows of grad_weight, with those that fill up vectors.
  [[nodiscard]] std::size_t sum_rows() const {
    return round_up(segments * segment_pitch, kMaxLanes);
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.reduction_length() <= kMaxWindow && band_floats <= kMaxBandFloats &&
           sum_rows() * c.out_channels <= kMaxSumFloats;
  }
  [[nodiscard]] std::size_t window_floats() const {
    return copies ? positions * segment_pitch + kSlack : 0;
  }

 private:
  /// Whole vectors, vectors of two halves or contiguous windows, whichever costs least where a
  /// vector has 16 lanes.
  void choose_vectors(const Correlation& c) {
    const auto out_channels = static_cast<double>(c.out_channels);
    const auto vectors = [](std::size_t size, std::size_t unit) {
      return static_cast<double>(div_ceil(size, unit));
    };
    const auto count = static_cast<double>(runs);
    const double whole = count * vectors(run, kMaxLanes) * out_channels;
    const double half = vectors(runs * round_up(run, kHalfUnit), kMaxLanes) * (out_channels + 1.0);
    const double copied = vectors(c.reduction_length(), kMaxLanes) * out_channels +
                          count * 2.5 * vectors(run, kHalfUnit);
    cost = std::min({whole, half, copied});
    copies = copied == cost;
    width = !copies && half == cost ? kHalfUnit : kMaxLanes;
    segments = copies ? 1 : runs;
    segment = copies ? c.reduction_length() : run;
    segment_pitch = round_up(segment, width);
    if (copies) {  // room for what the last run's copy takes too much
      segment_pitch = round_up(segment - run + round_up(run, kHalfUnit), width);
    }
  }
};

/// The scratch of one worker.
struct WindowScratch {
  WindowScratch(WorkspacePieces& pieces, const Correlation& c, const WindowPlan& plan)
      : band(pieces.take<float>(plan.band_floats)),
        windows(pieces.take<float>(plan.window_floats())),
        sums(pieces.take<float>(plan.sum_rows() * c.out_channels)),
        window(pieces.take<const float*>(plan.positions)),
        run_offset(pieces.take<std::size_t>(plan.runs)) {}
  void fill(const Correlation& c, const WindowPlan& plan) const {
    std::fill_n(sums, plan.sum_rows() * c.out_channels, 0.0F);
    std::fill_n(band, plan.band_floats, 0.0F);
    if (plan.copies) fill_tails(plan);
    const std::size_t taps_together = plan.run / c.channels;
    for (std::size_t run = 0; run < plan.runs; ++run) {
      const std::size_t tap = run * taps_together;
      run_offset[run] = plan.offset(c, tap / c.w.count, tap % c.w.count);
    }
  }
  float* band;              ///< (source rows, row)
  float* windows;           ///< (positions, segment_pitch) if they are copied
  float* sums;              ///< (output channels, sum_rows)
  const float** window;     ///< (positions): where a position's segment 0 begins
  std::size_t* run_offset;  ///< (runs): where a run begins, from the position's first cell

 private:
  /// Zeros where no copy of a window reaches.
  void fill_tails(const WindowPlan& plan) const {
    const std::size_t reached = plan.segment - plan.run + round_up(plan.run, kHalfUnit);
    for (std::size_t p = 0; p < plan.positions; ++p) {
      float* const tail = windows + p * plan.segment_pitch;
      std::fill(tail + reached, tail + plan.segment_pitch, 0.0F);
    }
    std::fill_n(windows + plan.positions * plan.segment_pitch, kSlack, 0.0F);
  }
};

/// Neighbouring rows of grad_weight that make a vector.
struct RowVector {
  std::size_t offset;     ///< in a window
  std::size_t row;        ///< of the sums
  std::size_t upper = 0;  ///< offset of the upper half, where that is another run's
};

/// A band, for some output channels of a group.
struct WindowBand : SourceBand {
  std::size_t j_begin, j_end;
};

}  // namespace reprise::direct
