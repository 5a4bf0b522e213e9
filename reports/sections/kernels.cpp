// First-layer kernels drawn as small squares.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reprise/core/integer.hpp"

#include "format.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr double kOverviewHeight = 290;  // pixels
constexpr double kKernelGap = 8;         // pixels between columns of kernels
constexpr double kMagnitudeLabel = 20;   // pixels below each kernel, for its largest magnitude
constexpr double kLegend = 34;           // pixels below them all
constexpr double kTextSize = 12;
constexpr double kMinTile = 36;  // pixels, of a kernel's height

/// Of one kernel; weights that are not finite do not count.
double largest_magnitude(const Kernels& kernels, std::size_t out) {
  double largest = 0;
  for (std::size_t i = out; i < kernels.weights.size(); i += kernels.out_channels) {
    const auto magnitude = static_cast<double>(std::abs(kernels.weights[i]));
    if (std::isfinite(magnitude)) largest = std::max(largest, magnitude);
  }
  return largest;
}

/// One channel of a kernel on colour images; `share` is weight / largest magnitude.
std::uint8_t channel_level(double share) {
  if (std::isnan(share)) return 0;
  return static_cast<std::uint8_t>(std::lround(127.5 * (1 + std::clamp(share, -1.0, 1.0))));
}

class KernelDrawing {
 public:
  explicit KernelDrawing(const Kernels& kernels)
      : kernels_(kernels),
        columns_(kernels.out_channels <= 8    ? 2
                 : kernels.out_channels <= 16 ? 4
                                              : 8),
        rows_(div_ceil(kernels.out_channels, columns_)),
        cell_(std::max(std::floor(((kOverviewHeight - kLegend) / static_cast<double>(rows_) -
                                   kMagnitudeLabel) /
                                  static_cast<double>(kernels.height)),
                       std::ceil(kMinTile / static_cast<double>(kernels.height)))),
        tile_{cell_ * static_cast<double>(kernels.width),
              cell_ * static_cast<double>(kernels.height)},
        width_(static_cast<double>(columns_) * (tile_.width + kKernelGap) + kKernelGap),
        height_(std::max(kOverviewHeight,
                         static_cast<double>(rows_) * (tile_.height + kMagnitudeLabel) + kLegend)),
        canvas_({width_, height_}) {
    for (std::size_t out = 0; out < kernels.out_channels; ++out) draw_tile(out);
    draw_legend();
  }

  [[nodiscard]] Svg document(const UntrustedText& alt) const { return canvas_.document(alt, true); }

 private:
  [[nodiscard]] Rgb cell_colour(std::size_t row, std::size_t column, std::size_t out,
                                double largest) const {
    const auto share = [&](std::size_t in) {
      const auto weight = static_cast<double>(kernels_.at(row, column, in, out));
      return largest > 0 ? weight / largest : 0.0;
    };
    if (!in_colour()) return diverging_colour(share(0));
    return {channel_level(share(0)), channel_level(share(1)), channel_level(share(2))};
  }

  void draw_tile(std::size_t out) {
    const double largest = largest_magnitude(kernels_, out);
    const std::size_t tile_row = out / columns_;
    const std::size_t tile_column = out % columns_;
    const Point corner{kKernelGap + static_cast<double>(tile_column) * (tile_.width + kKernelGap),
                       2 + static_cast<double>(tile_row) * (tile_.height + kMagnitudeLabel)};
    for (std::size_t row = 0; row < kernels_.height; ++row) {
      for (std::size_t column = 0; column < kernels_.width; ++column) {
        canvas_.rect({corner.x + cell_ * static_cast<double>(column),
                      corner.y + cell_ * static_cast<double>(row)},
                     {cell_, cell_}, hex_colour(cell_colour(row, column, out, largest)));
      }
    }
    canvas_.outline(corner, tile_, colour::kQuiet);
    canvas_.text({corner.x + tile_.width / 2, corner.y + tile_.height + 14}, fixed(largest, 2),
                 {kTextSize, "middle", colour::kQuiet});
  }

  void draw_legend() {
    const int steps = 40;
    const double length = (width_ - 2 * kKernelGap) / steps;
    for (int i = 0; i < steps; ++i) {
      const double value = 2.0 * (i + 0.5) / steps - 1;
      const std::uint8_t level = channel_level(value);
      const Rgb rgb = in_colour() ? Rgb{level, level, level} : diverging_colour(value);
      canvas_.rect({kKernelGap + length * i, height_ - 30}, {length + 0.5, 10}, hex_colour(rgb));
    }
    const double baseline = height_ - 6;
    canvas_.text({kKernelGap, baseline}, "\u2212largest", {kTextSize});
    canvas_.text({width_ / 2, baseline}, "0", {kTextSize, "middle"});
    canvas_.text({width_ - kKernelGap, baseline}, "largest", {kTextSize, "end"});
  }

  [[nodiscard]] bool in_colour() const { return kernels_.in_channels == 3; }

  const Kernels& kernels_;
  std::size_t columns_, rows_;
  double cell_;
  Size tile_;
  double width_, height_;
  SvgCanvas canvas_;
};

}  // namespace

Panel kernels_panel(const Kernels& kernels, const std::string& name) {
  const std::string alt = fmt::format(
      "The {} kernels of the first layer, {} by {} weights each, drawn as small squares: {}.",
      kernels.out_channels, kernels.height, kernels.width,
      kernels.in_channels == 3 ? "the three channels' weights as red, green and blue"
                               : "blue for negative weights, white for zero, vermilion for "
                                 "positive ones");
  return {name, alt, KernelDrawing(kernels).document(alt)};
}

}  // namespace reprise::reports
