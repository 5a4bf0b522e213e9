/// \file
/// Intervals and spreads that the report prints.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace reprise::reports {

struct Interval {
  double low = 0;
  double high = 0;
  [[nodiscard]] bool contains(double value) const { return low <= value && value <= high; }
};

/// The confidence of every interval in the report.
inline constexpr double kConfidence = 0.95;
/// The level of every test: p-values below it count.
inline constexpr double kLevel = 0.05;
/// How often a true difference is found that is said to be found.
inline constexpr double kPower = 0.8;

/// Wilson's score interval for a proportion (E. B. Wilson 1927): with p = successes / trials, n =
/// trials and z the normal quantile of kConfidence,
///   (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
/// Unlike p +- z sqrt(p(1-p)/n) it stays inside [0, 1] and has a width when p is 0 or 1.
/// [0, 1] for no trials.
Interval wilson_interval(std::size_t successes, std::size_t trials);

/// How often one of two values is the smaller, by pairs of them; two equal ones count half.
struct FractionBelow {
  double fraction = 0;
  Interval wilson;  ///< wilson_interval with fraction times pairs as the successes
  /// From kBootstrapPairs pairs on (X. Bouthillier et al. 2021): bootstrap_interval of the
  /// fraction.
  std::optional<Interval> bootstrap;
};
/// Fewer pairs have too few different resamples for an interval by them.
inline constexpr std::size_t kBootstrapPairs = 29;
FractionBelow fraction_below(std::span<const double> differences);

/// The percentile bootstrap's interval of kConfidence for a mean (B. Efron 1979): of
/// kBootstrapResamples samples with replacement the means, sorted, of which the 2.5% and the 97.5%
/// quantile (of rank ceil(q m)) are the ends. Seeded: the same values give the same interval on any
/// machine. Requires at least one value.
Interval bootstrap_interval(std::span<const double> values);
inline constexpr std::size_t kBootstrapResamples = 10'000;

struct Spread {
  double mean = 0;
  double standard_deviation = 0;  ///< of the sample (n - 1); 0 for fewer than two values
  double least = 0;
  double most = 0;
};

/// Requires at least one value.
Spread spread_of(std::span<const double> values);

/// The value in the middle, or the mean of the two there; NaN for no values.
double median_of(std::vector<double> values);

/// Whether paired differences have a mean other than zero: Student's t with n - 1 degrees of
/// freedom (Student 1908), t = mean / (sd / sqrt(n)).
struct PairedTest {
  std::size_t pairs = 0;
  double mean = 0;
  double standard_deviation = 0;  ///< of the differences (n - 1)
  Interval interval;              ///< of the mean; without bounds for a test that says nothing
  double p = 1;                   ///< two-sided; NaN for a test that says nothing
  /// The true difference that so many pairs find (p below kLevel) with the probability kPower if
  /// `standard_deviation` is that of all pairs there could be: noncentrality_for_power() times
  /// sd / sqrt(n). Infinite for a test that says nothing; 0 where all differences are zero.
  double detectable = 0;
  /// The mean is not zero, but the spread is within the resolution: equal differences may be a
  /// coincidence of rounding, so the test says nothing.
  bool lacks_spread = false;
};

/// The noncentrality d of a t distribution with so many degrees of freedom (1 or more) at which the
/// two-sided test of level kLevel rejects with the probability kPower:
///   P(|T(d)| > q) = kPower, q being the central distribution's quantile (1 + kConfidence) / 2.
double noncentrality_for_power(std::size_t degrees);

/// Any number of differences; for fewer than two, or one that is not finite, the test says nothing.
/// `resolution` is the standard deviation that rounding alone gives a difference; whatever it is, a
/// spread within the rounding of doubles is none. p is 1 where all differences are zero.
PairedTest paired_t_test(std::span<const double> differences, double resolution = 0);

/// The p-value of the claim that a mean difference lies within +-margin (D. J. Schuirmann 1987).
/// With a mean inside it is the larger of the two one-sided p-values against -margin and margin,
/// and a small one supports the claim; with a mean outside it is twice the one-sided p-value
/// against the margin on its side, and a small one contradicts it. Either error is made no more
/// often than the level. NaN for a test that says nothing; 0 where all differences are equal to
/// zero.
double sameness_p(const PairedTest& test, double margin);

/// The variance of some values as a fraction of that of others.
struct VarianceFraction {
  double fraction = 0;  ///< s^2 / S^2, of the samples (n - 1); NaN where S is 0 or not known
  Interval interval;    ///< of the ratio of the true variances; without bounds where there is none
};

/// With m and n values, independent and normally distributed, s^2 / S^2 over the ratio of the true
/// variances has the distribution F(m - 1, n - 1) (G. W. Snedecor 1934), whose quantiles
/// (1 +- kConfidence) / 2 give the interval. Fewer than two values on either side say nothing.
VarianceFraction variance_fraction(std::span<const double> values, std::span<const double> others);

/// Holm's step-down adjustment (S. Holm 1979), in the order given: of p-values sorted upwards, the
/// i-th of m (from 0) becomes the largest of (m - j) p_j for j <= i, at most 1. NaN stays NaN and
/// does not count.
std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace reprise::reports
