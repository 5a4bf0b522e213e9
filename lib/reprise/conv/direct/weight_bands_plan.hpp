/// \file
/// How a weight gradient of few channels with lanes across columns is cut: internal to
/// weight_bands.cpp.
#pragma once

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/bands.hpp"

namespace reprise::direct {

constexpr std::size_t kMostBandLanes = 16;                   // on any target
constexpr std::size_t kMostBandRows = std::size_t{1} << 11;  // of grad_weight
constexpr std::size_t kMostBandSums = std::size_t{1} << 17;  // floats: 512 KiB
constexpr std::size_t kBandPositions = 128;                  // at a time

struct BandWeightPlan {
  explicit BandWeightPlan(const Correlation& c)
      : bands(c), positions(std::min(kBandPositions, bands.band * c.B)) {}
  Bands bands;
  std::size_t positions;  ///< of a block

  /// With the columns that two vectors share.
  [[nodiscard]] static std::size_t sums(const Correlation& c) {
    return c.depth() * (c.columns + kMostBandLanes);
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.columns >= kMostBandLanes && c.depth() <= kMostBandRows &&
           bands.band_floats <= kMostBandFloats && sums(c) <= kMostBandSums;
  }
  [[nodiscard]] std::size_t bytes(const Correlation& c) const {
    return piece_bytes<float>(bands.band_floats) + piece_bytes<float>(sums(c)) +
           piece_bytes<const float*>(positions) + piece_bytes<std::size_t>(c.depth());
  }
  /// Of a position, in vectors of multiply-adds, where a group has so many vectors of columns:
  /// broadcasts cost some, a tile of one vector waits for them, and a band is copied.
  [[nodiscard]] double cost(const Correlation& c, std::size_t vectors) const {
    const double tiles = 1.15 * static_cast<double>(vectors) + (vectors % 2 == 1 ? 0.35 : 0.0);
    const auto positions_of_band = static_cast<double>(bands.band * c.B);
    return static_cast<double>(c.depth()) * tiles +
           static_cast<double>(bands.band_floats) / (8.0 * positions_of_band);
  }
};

/// Rows [k_begin, k_end) of a group's grad_weight.
struct BandTask {
  std::size_t g, k_begin, k_end;
  [[nodiscard]] std::size_t rows() const { return k_end - k_begin; }
};

/// The scratch of one worker.
struct BandScratch {
  BandScratch(const Correlation& c, const BandWeightPlan& plan, std::byte* memory) {
    WorkspacePieces pieces({memory, plan.bytes(c)});
    band = pieces.take<float>(plan.bands.band_floats);
    sums = pieces.take<float>(BandWeightPlan::sums(c));
    window = pieces.take<const float*>(plan.positions);
    offsets = pieces.take<std::size_t>(c.depth());
    for (std::size_t k = 0; k < c.depth(); ++k) {
      const std::size_t tap = k / c.channels;
      offsets[k] = plan.bands.offset(c, tap / c.w.count, tap % c.w.count) + k % c.channels;
    }
  }
  float* band;           ///< (source rows, row)
  float* sums;           ///< (vectors of columns, rows of the task, lanes)
  const float** window;  ///< (positions)
  std::size_t* offsets;  ///< (depth): where a window has each row's value
};

}  // namespace reprise::direct
