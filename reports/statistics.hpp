/// \file
/// Intervals and spreads that the report prints.
#pragma once

#include <cstddef>
#include <span>

namespace reprise::reports {

struct Interval {
  double low = 0;
  double high = 0;
  [[nodiscard]] bool contains(double value) const { return low <= value && value <= high; }
};

/// The confidence of every interval in the report.
inline constexpr double kConfidence = 0.95;

/// Wilson's score interval for a proportion (E. B. Wilson 1927): with p = successes / trials, n =
/// trials and z the normal quantile of kConfidence,
///   (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
/// Unlike p +- z sqrt(p(1-p)/n) it stays inside [0, 1] and has a width when p is 0 or 1.
/// [0, 1] for no trials.
Interval wilson_interval(std::size_t successes, std::size_t trials);

struct Spread {
  double mean = 0;
  double standard_deviation = 0;  ///< of the sample (n - 1); 0 for fewer than two values
  double least = 0;
  double most = 0;
};

/// Requires at least one value.
Spread spread_of(std::span<const double> values);

}  // namespace reprise::reports
