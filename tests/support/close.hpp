/// \file
/// Comparison of arrays with a bound per element; a failure names the worst element.
#pragma once

#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace reprise::test {

/// Half an ulp of 1 in float32: the relative error of one rounded operation.
constexpr double kRoundoff = 0x1p-24;

/// Checks |actual[i] - expected[i]| <= bound(i) for all i (and that neither is NaN).
inline void check_close(const std::string& what, std::span<const float> actual,
                        const std::vector<double>& expected,
                        const std::function<double(std::size_t)>& bound) {
  REQUIRE(actual.size() == expected.size());
  std::size_t worst = 0;
  double worst_ratio = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - expected[i]);
    const double ratio = error == 0.0 ? 0.0 : error / bound(i);
    if (!(ratio <= worst_ratio)) {
      worst = i;
      worst_ratio = ratio;
    }
    if (std::isnan(worst_ratio)) break;
  }
  INFO(what << ": element " << worst << " is " << (actual.empty() ? 0.0F : actual[worst])
            << ", expected " << (expected.empty() ? 0.0 : expected[worst]) << ", error "
            << worst_ratio << " of its bound");
  CHECK(worst_ratio <= 1.0);
}

inline void check_close(const std::string& what, std::span<const float> actual,
                        const std::vector<double>& expected, double bound) {
  check_close(what, actual, expected, [bound](std::size_t) { return bound; });
}

/// The largest magnitude.
inline double largest(const std::vector<double>& values) {
  double most = 0.0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

}  // namespace reprise::test
