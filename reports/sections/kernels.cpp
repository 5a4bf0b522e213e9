#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr double kGap = 8;      // pixels between kernels
constexpr double kLegend = 44;  // pixels below them
constexpr double kLegendText = 12;

float largest_magnitude(const std::vector<float>& weights) {
  float largest = 0;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  return largest;
}

/// One channel of a kernel on colour images; `share` is weight / largest magnitude.
std::uint8_t channel_level(double share) {
  return static_cast<std::uint8_t>(std::lround(127.5 * (1 + std::clamp(share, -1.0, 1.0))));
}

class KernelDrawing {
 public:
  explicit KernelDrawing(const Kernels& kernels)
      : kernels_(kernels),
        largest_(std::max(largest_magnitude(kernels.weights), 1e-30F)),
        columns_(kernels.out_channels <= 8 ? 2 : 8),
        rows_((kernels.out_channels + columns_ - 1) / columns_),
        cell_(std::floor(((kOverviewHeight - kLegend) / static_cast<double>(rows_) - kGap) /
                         static_cast<double>(kernels.height))),
        tile_{cell_ * static_cast<double>(kernels.width),
              cell_ * static_cast<double>(kernels.height)},
        width_(static_cast<double>(columns_) * (tile_.width + kGap) + kGap),
        canvas_({width_, kOverviewHeight}) {
    for (std::size_t out = 0; out < kernels.out_channels; ++out) draw_tile(out);
    draw_legend();
  }

  [[nodiscard]] std::string document(const std::string& alt) const { return canvas_.document(alt); }

 private:
  [[nodiscard]] double share(std::size_t row, std::size_t column, std::size_t in,
                             std::size_t out) const {
    return static_cast<double>(kernels_.at(row, column, in, out)) / static_cast<double>(largest_);
  }

  [[nodiscard]] Rgb cell_colour(std::size_t row, std::size_t column, std::size_t out) const {
    if (!in_colour()) return diverging_colour(share(row, column, 0, out));
    Rgb rgb{};
    for (std::size_t in = 0; in < rgb.size(); ++in) {
      rgb[in] = channel_level(share(row, column, in, out));
    }
    return rgb;
  }

  void draw_tile(std::size_t out) {
    const Point corner{kGap + static_cast<double>(out % columns_) * (tile_.width + kGap),
                       kGap / 2 + static_cast<double>(out / columns_) * (tile_.height + kGap)};
    for (std::size_t row = 0; row < kernels_.height; ++row) {
      for (std::size_t column = 0; column < kernels_.width; ++column) {
        canvas_.rect({corner.x + cell_ * static_cast<double>(column),
                      corner.y + cell_ * static_cast<double>(row)},
                     {cell_, cell_}, hex_colour(cell_colour(row, column, out)));
      }
    }
    canvas_.outline(corner, tile_, colour::kQuiet);
  }

  void draw_legend() {
    const int steps = 40;
    const double length = (width_ - 2 * kGap) / steps;
    for (int i = 0; i < steps; ++i) {
      const double value = 2.0 * (i + 0.5) / steps - 1;
      const std::uint8_t level = channel_level(value);
      const Rgb rgb = in_colour() ? Rgb{level, level, level} : diverging_colour(value);
      canvas_.rect({kGap + length * i, kOverviewHeight - 36}, {length + 0.5, 12}, hex_colour(rgb));
    }
    const double baseline = kOverviewHeight - 8;
    canvas_.text({kGap, baseline}, fmt::format("\u2212{:.2f}", largest_), {kLegendText});
    canvas_.text({width_ / 2, baseline}, "weight", {kLegendText, "middle"});
    canvas_.text({width_ - kGap, baseline}, fmt::format("{:.2f}", largest_), {kLegendText, "end"});
  }

  [[nodiscard]] bool in_colour() const { return kernels_.in_channels == 3; }

  const Kernels& kernels_;
  float largest_;
  std::size_t columns_, rows_;
  double cell_;
  Size tile_;
  double width_;
  SvgCanvas canvas_;
};

}  // namespace

Panel kernels_panel(const Kernels& kernels) {
  const std::string alt = fmt::format(
      "The {} kernels of the first layer, {} by {} weights each, drawn as small squares: {}.",
      kernels.out_channels, kernels.height, kernels.width,
      kernels.in_channels == 3 ? "the three channels' weights as red, green and blue"
                               : "blue for negative weights, white for zero, vermilion for "
                                 "positive ones");
  return {"first_layer_kernels", KernelDrawing(kernels).document(alt), alt};
}

}  // namespace reprise::reports
