#include "statistics.hpp"

#include <algorithm>
#include <cmath>

namespace reprise::reports {

Interval wilson_interval(std::size_t successes, std::size_t trials) {
  if (trials == 0) return {0, 1};
  const double z = 1.959963984540054;  // the normal quantile of (1 + kConfidence) / 2
  const double n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double centre = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {successes == 0 ? 0.0 : (centre - half) / scale,
          successes == trials ? 1.0 : (centre + half) / scale};
}

Spread spread_of(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  Spread spread{sum / n, 0, *std::min_element(values.begin(), values.end()),
                *std::max_element(values.begin(), values.end())};
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.standard_deviation = std::sqrt(squares / (n - 1));
  return spread;
}

}  // namespace reprise::reports
