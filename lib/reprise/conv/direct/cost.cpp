// What the sums of kernels.hpp cost, by a model of a core with 16 lanes.
#include "reprise/conv/direct/kernels.hpp"
#include "reprise/conv/direct/pixels_plan.hpp"
#include "reprise/conv/direct/weight_bands_plan.hpp"
#include "reprise/conv/direct/weight_windows_plan.hpp"

namespace reprise::direct {
namespace {

constexpr double kLanes = 16.0;
constexpr double kOneVector = 1.3;  // tiles of one vector of columns wait for their loads

/// Multiply-adds for `count` values in whole vectors.
double in_vectors(std::size_t count) {
  return static_cast<double>(round_up(count, static_cast<std::size_t>(kLanes)));
}

/// Steps of all chains of a column, by lanes across columns: a class of few positions waits for its
/// weights about as long as one of four does.
double steps_by_columns(const Correlation& c) {
  constexpr std::size_t fewest = 4;
  std::size_t steps = 0;
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
    for (const AxisClass& w : w_classes) {
      const std::size_t positions = c.N * (h.end - h.begin) * (w.end - w.begin);
      const std::size_t taps = (h.tap_end - h.tap_begin) * (w.tap_end - w.tap_begin);
      steps += std::max(positions, fewest) * taps * c.channels;
    }
  }
  return static_cast<double>(steps);
}

/// Of the taps at all positions along an axis, the share that is inside the image.
double inside_share(const TapAxis& axis, std::size_t positions, std::size_t step,
                    std::size_t size) {
  std::size_t inside = 0;
  for (const AxisClass& c : axis_classes(axis, positions, step, size)) {
    inside += (c.end - c.begin) * (c.tap_end - c.tap_begin);
  }
  return static_cast<double>(inside) /
         static_cast<double>(std::max<std::size_t>(positions * axis.count, 1));
}

struct Shares {
  explicit Shares(const Correlation& c)
      : h(inside_share(c.h, c.A, c.step_h, c.SH)), w(inside_share(c.w, c.B, c.step_w, c.SW)) {}
  double h, w;
};

double groups_and_positions(const Correlation& c) {
  return static_cast<double>(c.G) * static_cast<double>(c.positions());
}

/// Of a position's cells into planes: a cycle for each value, and another where channels are so
/// many that each goes to a cache line that has left the L1 cache since.
double copied(const Correlation& c) {
  const Planes planes(c);
  const double values = static_cast<double>(c.channels * planes.rows * c.step_w);
  const double cycles = c.channels < static_cast<std::size_t>(kLanes) ? 1.0 : 2.0;
  return kLanes * cycles * values / static_cast<double>(planes.band);
}

/// Of vectors across groups: as many multiply-adds as loads, and every value is read and written.
double depthwise_cost(const Correlation& c) {
  const Shares share(c);
  const double taps = share.h * share.w * static_cast<double>(c.depth());
  return static_cast<double>(c.positions()) * in_vectors(c.G) * (1.3 * taps + 4.0);
}

}  // namespace

double estimated_cost(const Correlation& c) {
  if (is_depthwise(c)) return depthwise_cost(c);
  const Shares share(c);
  const auto depth = static_cast<double>(c.depth());
  const auto columns = static_cast<double>(c.columns);
  const auto B = static_cast<double>(c.B);
  const double moved = kLanes * columns;  // a cycle for each value of the result
  const double one_vector = c.columns <= static_cast<std::size_t>(kLanes) ? kOneVector : 1.0;
  const double by_columns =
      one_vector * static_cast<double>(c.G) * steps_by_columns(c) * in_vectors(c.columns) +
      groups_and_positions(c) * columns * 2.0;
  const double by_pixels = share.h * depth * columns * in_vectors(c.B) / B + moved + copied(c);
  return std::min(by_columns, groups_and_positions(c) * by_pixels);
}

double estimated_weight_gradient_cost(const Correlation& c) {
  if (is_depthwise(c)) return depthwise_cost(c);
  const Shares share(c);
  const double one_vector = c.columns <= static_cast<std::size_t>(kLanes) ? kOneVector : 1.0;
  const double short_pieces = 1.0 + 4.0 / static_cast<double>(c.channels);
  double position = share.h * share.w * static_cast<double>(c.depth()) * in_vectors(c.columns) *
                    one_vector * short_pieces;
  const WindowPlan windows(c);
  if (windows.fits(c)) position = std::min(position, kLanes * windows.cost);
  const BandWeightPlan bands(c);
  if (bands.fits(c)) {
    const auto vectors = static_cast<std::size_t>(in_vectors(c.columns) / kLanes);
    position = std::min(position, kLanes * bands.cost(c, vectors));
  }
  return groups_and_positions(c) * position;
}

}  // namespace reprise::direct
