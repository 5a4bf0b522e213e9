/// \file
/// How windows of a weight gradient are cut and copied where lanes run over taps and channels:
/// internal to wgrad_taps.cpp and zero_skipping.cpp.
#pragma once

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/padded_rows.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kHalfUnit = 8;                               // of shorter vectors
constexpr std::size_t kWantedWindowFloats = std::size_t{1} << 12;  // 16 KiB
constexpr std::size_t kMaxWindow = std::size_t{1} << 11;
constexpr std::size_t kMaxSumFloats = std::size_t{1} << 17;  // 512 KiB

/// How windows are copied and summed.
struct WindowPlan : Bands {
  explicit WindowPlan(const Correlation& c)
      : Bands(c),
        run(c.w.spacing == 1 ? c.w.count * c.channels : c.channels),
        runs(c.reduction_length() / std::max<std::size_t>(run, 1)) {
    choose_vectors(c);
    positions = unroll ? std::max<std::size_t>(kWantedWindowFloats / segment_pitch, 64) : 1024;
    positions = std::min(positions, band * c.B);
  }
  std::size_t run;            ///< values of a window that are neighbours in the source
  std::size_t runs;           ///< of a window
  std::size_t width;          ///< most lanes of one run in a vector
  bool unroll;                ///< windows are copied to be contiguous
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
  [[nodiscard]] std::size_t bytes(const Correlation& c) const {
    return piece_bytes<float>(band_floats) + piece_bytes<float>(window_floats()) +
           piece_bytes<float>(sum_rows() * c.out_channels) + piece_bytes<const float*>(positions) +
           piece_bytes<std::size_t>(runs);
  }
  [[nodiscard]] std::size_t window_floats() const {
    return unroll ? positions * segment_pitch + kSlack : 0;
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
    unroll = copied == cost;
    width = !unroll && half == cost ? kHalfUnit : kMaxLanes;
    segments = unroll ? 1 : runs;
    segment = unroll ? c.reduction_length() : run;
    segment_pitch = round_up(segment, width);
    if (unroll) {  // room for what the last run's copy takes too much
      segment_pitch = round_up(segment - run + round_up(run, kHalfUnit), width);
    }
  }
};

/// The scratch of one worker.
struct WindowScratch {
  WindowScratch(const Correlation& c, const WindowPlan& plan, std::byte* memory) {
    WorkspacePieces pieces({memory, plan.bytes(c)});
    band = pieces.take<float>(plan.band_floats);
    windows = pieces.take<float>(plan.window_floats());
    sums = pieces.take<float>(plan.sum_rows() * c.out_channels);
    window = pieces.take<const float*>(plan.positions);
    run_offset = pieces.take<std::size_t>(plan.runs);
    std::fill_n(sums, plan.sum_rows() * c.out_channels, 0.0F);
    std::fill_n(band, plan.band_floats, 0.0F);
    if (plan.unroll) fill_tails(plan);
    const std::size_t taps_together = plan.run / c.channels;
    for (std::size_t run = 0; run < plan.runs; ++run) {
      const std::size_t tap = run * taps_together;
      run_offset[run] = plan.offset(c, tap / c.w.count, tap % c.w.count);
    }
  }
  float* band;              ///< (source rows, row)
  float* windows;           ///< (positions, segment_pitch) if unrolled
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
