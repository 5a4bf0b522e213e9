/// \file
/// Bands of source rows, copied with their padding, so that all positions have all taps: internal
/// to direct's weight gradients.
#pragma once

#include <algorithm>

#include "reprise/conv/direct/correlation.hpp"
#include "reprise/core/integer.hpp"

namespace reprise::direct {

constexpr std::size_t kSlack = 32;                               // floats read past the end
constexpr std::size_t kWantedBandFloats = std::size_t{1} << 14;  // 64 KiB
constexpr std::size_t kMaxBandFloats = std::size_t{1} << 18;     // 1 MiB

struct Bands {
  explicit Bands(const Correlation& c)
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
inline void for_each_band(const Correlation& c, const Bands& bands, std::size_t g,
                          std::size_t first, std::size_t last, const Visit& visit) {
  while (first < last) {
    const std::size_t row = first / c.B;
    const std::size_t image = row / c.A * c.A;  // its first row
    const std::size_t last_row = std::min(image + c.A, row + bands.band);
    const std::size_t end = std::min(last, last_row * c.B);
    const SourceBand band{g, row / c.A, row - image, div_ceil(end, c.B) - image};
    visit(band, first - row * c.B, end - row * c.B);
    first = end;
  }
}

/// Copies the band's source rows; what is outside the image is 0.
inline void copy_band(const Correlation& c, const Bands& bands, const float* source,
                      const SourceBand& band, float* copy) {
  const std::size_t rows = (band.a_end - band.a_begin - 1) * c.step_h + bands.span;
  const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
  const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
  const std::size_t cells = bands.row / c.channels;
  const std::size_t begin = std::min(left, cells);
  const std::size_t inside = std::min(cells - begin, c.SW > skipped ? c.SW - skipped : 0);
  for (std::size_t row = 0; row < rows; ++row, copy += bands.row) {
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
    std::fill(to, copy + bands.row, 0.0F);
  }
}

/// Sets window(p) for the positions [begin, begin + count) of a band that was copied.
inline void locate_windows(const Correlation& c, const Bands& bands, const float* copy,
                           std::size_t begin, std::size_t count, const float** window) {
  std::size_t b = begin % c.B;
  const float* row = copy + begin / c.B * c.step_h * bands.row;
  const std::size_t step = c.step_w * c.channels;
  for (std::size_t p = 0; p < count; row += c.step_h * bands.row, b = 0) {
    for (; b < c.B && p < count; ++b, ++p) window[p] = row + b * step;
  }
}

}  // namespace reprise::direct
