#include "statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "reprise/core/random.hpp"

namespace reprise::reports {
namespace {

/// Of a fraction of `n` trials, 1 or more.
Interval wilson_of_fraction(double p, double n) {
  const double z = boost::math::quantile(boost::math::normal(), (1 + kConfidence) / 2);
  const double centre = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {p == 0 ? 0.0 : (centre - half) / scale, p == 1 ? 1.0 : (centre + half) / scale};
}

}  // namespace

Interval wilson_interval(std::size_t successes, std::size_t trials) {
  if (trials == 0) return {0, 1};
  const double n = static_cast<double>(trials);
  return wilson_of_fraction(static_cast<double>(successes) / n, n);
}

Interval bootstrap_interval(std::span<const double> values) {
  const RandomStream stream = RandomStream(1).child("bootstrap");
  std::vector<double> means(kBootstrapResamples);
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < means.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += values[stream.below(n, i * n + k)];
    means[i] = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  const auto quantile = [&](double q) {
    const double rank = std::ceil(q * static_cast<double>(means.size()) - 1e-9);
    return means[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  return {quantile((1 - kConfidence) / 2), quantile((1 + kConfidence) / 2)};
}

FractionBelow fraction_below(std::span<const double> differences) {
  FractionBelow below;
  if (differences.empty()) return {0.5, {0, 1}, std::nullopt};
  std::vector<double> counts;
  double sum = 0;
  for (const double difference : differences) {
    counts.push_back(difference < 0 ? 1.0 : difference > 0 ? 0.0 : 0.5);
    sum += counts.back();
  }
  const double n = static_cast<double>(counts.size());
  below.fraction = sum / n;
  below.wilson = wilson_of_fraction(below.fraction, n);
  if (counts.size() >= kBootstrapPairs) below.bootstrap = bootstrap_interval(counts);
  return below;
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

namespace {

double find_noncentrality(std::size_t degrees) {
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

}  // namespace

double noncentrality_for_power(std::size_t degrees) {
  // Found once for each number of degrees: it takes a thousand times as long as a test.
  static std::mutex mutex;
  static std::map<std::size_t, double> found;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [place, is_new] = found.emplace(degrees, 0.0);
  if (is_new) place->second = find_noncentrality(degrees);
  return place->second;
}

PairedTest paired_t_test(std::span<const double> differences, double resolution) {
  constexpr double kUnbounded = std::numeric_limits<double>::infinity();
  constexpr double kRounding = 1e-9;  // relative, far above that of a few sums
  PairedTest test;
  test.pairs = differences.size();
  if (test.pairs > 0) test.mean = spread_of(differences).mean;
  if (test.pairs > 1) test.standard_deviation = spread_of(differences).standard_deviation;
  const double least = std::max(resolution, kRounding * std::abs(test.mean));
  test.lacks_spread = test.pairs > 1 && test.mean != 0 && test.standard_deviation <= least;
  if (test.pairs < 2 || test.lacks_spread || !std::isfinite(test.standard_deviation)) {
    test.interval = {-kUnbounded, kUnbounded};
    test.p = std::numeric_limits<double>::quiet_NaN();
    test.detectable = kUnbounded;
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

double sameness_p(const PairedTest& test, double margin) {
  if (std::isnan(test.p)) return test.p;
  const double beyond = std::abs(test.mean) - margin;
  if (test.standard_deviation == 0) return beyond > 0 ? std::nan("") : 0.0;
  const double n = static_cast<double>(test.pairs);
  const double error_of_mean = test.standard_deviation / std::sqrt(n);
  const boost::math::students_t t(n - 1);
  // Of the two ends of the margin the nearer one has the larger p-value.
  const double one_sided =
      boost::math::cdf(boost::math::complement(t, std::abs(beyond) / error_of_mean));
  return beyond > 0 ? std::min(1.0, 2 * one_sided) : one_sided;
}

VarianceFraction variance_fraction(std::span<const double> values, std::span<const double> others) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const VarianceFraction unknown = {none, {0, std::numeric_limits<double>::infinity()}};
  if (values.size() < 2 || others.size() < 2) return unknown;
  const double all = spread_of(others).standard_deviation;
  const double ratio = spread_of(values).standard_deviation / all;
  if (!(all > 0) || !std::isfinite(ratio)) return unknown;
  const double fraction = ratio * ratio;
  const boost::math::fisher_f f(static_cast<double>(values.size() - 1),
                                static_cast<double>(others.size() - 1));
  return {fraction,
          {fraction / boost::math::quantile(f, (1 + kConfidence) / 2),
           fraction / boost::math::quantile(f, (1 - kConfidence) / 2)}};
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
