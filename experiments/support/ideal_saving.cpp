#include "support/ideal_saving.hpp"

#include <algorithm>
#include <limits>

#include "reprise/conv/fft/plan.hpp"
#include "reprise/conv/winograd/plan.hpp"

namespace reprise {
namespace {

double winograd_saving(const ConvShape& shape, ConvPass pass) {
  return winograd_tiles(shape, pass).variant == WinogradVariant::f4 ? 4.0 : 2.25;
}

double fft_saving(const ConvShape& shape, ConvPass pass) {
  const FftPlan plan = fft_plan(shape, pass);
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t h : {8, 16, 32}) {
    for (const std::size_t w : {8, 16, 32}) {
      const std::size_t tiles = fft_cut(plan.axis_h, h).tiles * fft_cut(plan.axis_w, w).tiles;
      if (tiles == 0) continue;
      least = std::min(least, static_cast<double>(tiles * fft_points({h, w})));
    }
  }
  const std::size_t products = shape.N * shape.IC * (shape.OC / shape.G);  // at each point
  return shape.flops() / (2.0 * 3.0 * least * static_cast<double>(products));
}

}  // namespace

double ideal_saving(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  const std::string_view name = resolve(algorithm, shape, pass).name;
  const std::string_view family = name.substr(0, name.find('/'));
  if (family == "winograd") return winograd_saving(shape, pass);
  return family == "fft" ? fft_saving(shape, pass) : 1.0;
}

}  // namespace reprise
