/// \file
/// How a correlation with lanes across positions is cut and copied: internal to pixels.cpp.
#pragma once

#include <algorithm>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernels.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kMostTile = 6;                              // columns of a tile
constexpr std::size_t kWantedPlaneFloats = std::size_t{1} << 15;  // 128 KiB
constexpr std::size_t kFewPlaneFloats = std::size_t{1} << 17;     // 512 KiB
constexpr std::size_t kMostPlaneFloats = std::size_t{1} << 18;    // 1 MiB
constexpr std::size_t kMostWeightFloats = std::size_t{1} << 17;   // 512 KiB

/// How planes lie in memory: (image, channel, row, phase, cell).
struct Planes {
  explicit Planes(const Correlation& c)
      : phases(c.step_w),
        cells(round_up(c.B, kMostLanes) +
              static_cast<std::size_t>(c.w.highest() - c.w.lowest()) / c.step_w),
        row(phases * cells) {
    const auto span = static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1;
    const std::size_t per_row = std::max<std::size_t>(c.channels, 1) * row;
    // Neighbouring bands both copy the rows that both read: a band has four times as many, if the
    // L2 cache holds them.
    const std::size_t fitting =
        std::max(kWantedPlaneFloats / per_row, std::min(4 * span, kFewPlaneFloats / per_row));
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, std::max<std::size_t>(c.A, 1));
    rows = std::min((band - 1) * c.step_h + span, c.SH);
    plane = rows * row;
    image = c.channels * plane;
    images = band < c.A ? 1 : std::max<std::size_t>(kWantedPlaneFloats / image, 1);
    images = std::min(images, std::max<std::size_t>(c.N, 1));
  }
  std::size_t phases;  ///< step_w
  std::size_t cells;   ///< of a row and phase
  std::size_t row;     ///< floats of a row
  std::size_t band;    ///< rows of the result, at a time
  std::size_t rows;    ///< of the source that they read
  std::size_t plane;   ///< floats of a plane
  std::size_t image;   ///< floats of an image's planes
  std::size_t images;  ///< at a time

  /// Where a position reads the tap, from where it stands itself.
  [[nodiscard]] std::ptrdiff_t tap_offset(const Correlation& c, std::size_t th,
                                          std::size_t tw) const {
    const auto w = static_cast<std::size_t>(c.w.at(tw) - c.w.lowest());
    return c.h.at(th) * static_cast<std::ptrdiff_t>(row) +
           static_cast<std::ptrdiff_t>(w % phases * cells + w / phases);
  }
};

/// Sizes of one worker's scratch.
struct PixelSizes {
  PixelSizes(const Correlation& c, const Planes& p)
      : planes(p.images * p.image),
        weights(c.depth() * c.columns),
        columns(c.columns),
        taps(c.h.count * c.w.count) {}
  std::size_t planes, weights, columns, taps;
  [[nodiscard]] bool fit() const {
    return planes <= kMostPlaneFloats && weights <= kMostWeightFloats;
  }
  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>(planes) + piece_bytes<float>(weights) + piece_bytes<float>(columns) +
           piece_bytes<std::ptrdiff_t>(taps);
  }
};

/// The scratch of one worker.
struct PixelScratch {
  PixelScratch(const PixelSizes& sizes, std::byte* memory) {
    WorkspacePieces pieces({memory, sizes.bytes()});
    planes = pieces.take<float>(sizes.planes);
    weights = pieces.take<float>(sizes.weights);
    start = pieces.take<float>(sizes.columns);
    taps = pieces.take<std::ptrdiff_t>(sizes.taps);
  }
  float* planes;
  float* weights;        ///< tiles of (depth, columns of the tile)
  float* start;          ///< (columns)
  std::ptrdiff_t* taps;  ///< offsets of the taps in a plane
};

/// Columns are taken in equal tiles: how many.
inline std::size_t tile_count(const Correlation& c) {
  return div_ceil(c.columns, kMostTile);
}

/// A unit of work: rows of positions [a_begin, a_end) of images [n_begin, n_end) of group g, which
/// read source rows [h_begin, h_end).
struct Unit {
  std::size_t g, n_begin, n_end, a_begin, a_end, h_begin, h_end;
};

/// Which cells of a phase's row are inside the image: [begin, end), the first at `column`.
struct PhaseCells {
  PhaseCells(const Correlation& c, std::size_t cells, std::size_t phase) {
    // Cell i is column i * step_w + phase + lowest.
    const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
    const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
    begin = phase >= left ? 0 : div_ceil(left - phase, c.step_w);
    begin = std::min(begin, cells);
    column = begin * c.step_w + phase + skipped - left;
    const std::size_t existing = column < c.SW ? div_ceil(c.SW - column, c.step_w) : 0;
    end = begin + std::min(existing, cells - begin);
  }
  std::size_t begin, end, column;
};

/// Copies the unit's source rows into planes, whose cells outside the image are 0 already.
inline void fill_planes(const Correlation& c, const Planes& p, const float* source,
                        const Unit& unit, float* planes) {
  const std::size_t source_channels = c.source_channels();
  const std::size_t stride = c.step_w * source_channels;
  for (std::size_t phase = 0; phase < p.phases; ++phase) {
    const PhaseCells inside(c, p.cells, phase);
    for (std::size_t n = unit.n_begin; n < unit.n_end; ++n) {
      for (std::size_t h = unit.h_begin; h < unit.h_end; ++h) {
        const float* from = source + ((n * c.SH + h) * c.SW + inside.column) * source_channels +
                            unit.g * c.channels;
        float* const row =
            planes + (n - unit.n_begin) * p.image + (h - unit.h_begin) * p.row + phase * p.cells;
        if (c.channels == 1 && stride == 1) {
          std::copy_n(from, inside.end - inside.begin, row + inside.begin);
          continue;
        }
        for (std::size_t cell = inside.begin; cell < inside.end; ++cell, from += stride) {
          float* to = row + cell;
          for (std::size_t channel = 0; channel < c.channels; ++channel, to += p.plane) {
            *to = from[channel];
          }
        }
      }
    }
  }
}

/// packed: for each tile of columns (depth, columns of the tile).
inline void pack_tiles(const Correlation& c, const float* weight, std::size_t g, float* packed) {
  const std::size_t tiles = tile_count(c);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t j_begin = tile * c.columns / tiles;
    const std::size_t j_end = (tile + 1) * c.columns / tiles;
    for (std::size_t th = 0; th < c.h.count; ++th) {
      for (std::size_t tw = 0; tw < c.w.count; ++tw) {
        const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
        const std::size_t kw = c.w.kernel_first + tw * c.w.kernel_spacing;
        const float* tap = weight + (kh * c.KW + kw) * c.w_tap + g * c.w_group;
        for (std::size_t channel = 0; channel < c.channels; ++channel, tap += c.w_channel) {
          for (std::size_t j = j_begin; j < j_end; ++j) *packed++ = tap[j * c.w_column];
        }
      }
    }
  }
}

}  // namespace reprise::direct
