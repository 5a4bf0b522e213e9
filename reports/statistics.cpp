#include "statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace reprise::reports {

Interval wilson_interval(std::size_t successes, std::size_t trials) {
  if (trials == 0) return {0, 1};
  const double z = boost::math::quantile(boost::math::normal(), (1 + kConfidence) / 2);
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

double median_of(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double noncentrality_for_power(std::size_t degrees) {
  const auto df = static_cast<double>(degrees);
  const double q = boost::math::quantile(boost::math::students_t(df), (1 + kConfidence) / 2);
  const auto power = [&](double d) {
    const boost::math::non_central_t t(df, d);
    return boost::math::cdf(boost::math::complement(t, q)) + boost::math::cdf(t, -q);
  };
  double low = 0;  // where the power is kLevel; it grows with d
  double high = q;
  while (power(high) < kPower) high *= 2;
  while (high - low > 1e-9 * high) {
    const double middle = (low + high) / 2;
    (power(middle) < kPower ? low : high) = middle;
  }
  return high;
}

PairedTest paired_t_test(std::span<const double> differences, double resolution) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kRounding = 1e-9;  // relative, far above that of a few sums
  PairedTest test;
  test.pairs = differences.size();
  if (test.pairs > 0) test.mean = spread_of(differences).mean;
  if (test.pairs > 1) test.standard_deviation = spread_of(differences).standard_deviation;
  const double least = std::max(resolution, kRounding * std::abs(test.mean));
  test.lacks_spread = test.pairs > 1 && test.mean != 0 && test.standard_deviation <= least;
  if (test.pairs < 2 || test.lacks_spread || !std::isfinite(test.standard_deviation)) {
    test.interval = {-kInfinity, kInfinity};
    test.p = std::numeric_limits<double>::quiet_NaN();
    test.detectable = kInfinity;
    return test;
  }
  const double n = static_cast<double>(test.pairs);
  const double error_of_mean = test.standard_deviation / std::sqrt(n);
  const boost::math::students_t t(n - 1);
  const double level_quantile = boost::math::quantile(t, (1 + kConfidence) / 2);
  const double half = level_quantile * error_of_mean;
  test.interval = {test.mean - half, test.mean + half};
  test.detectable = noncentrality_for_power(test.pairs - 1) * error_of_mean;
  if (test.mean != 0) {
    test.p = 2 * boost::math::cdf(boost::math::complement(t, std::abs(test.mean) / error_of_mean));
  }
  return test;
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.begin(), p_values.end());
  double most = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double factor = static_cast<double>(order.size() - rank);
    most = std::max(most, std::min(1.0, factor * p_values[order[rank]]));
    adjusted[order[rank]] = most;
  }
  return adjusted;
}

}  // namespace reprise::reports
