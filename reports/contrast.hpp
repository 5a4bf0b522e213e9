/// \file
/// One variant of a study against the baseline: differences of runs with the same seed, and the
/// verdict on the claim by the rule of judge().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "statistics.hpp"
#include "study.hpp"

namespace reprise::reports {

enum class Verdict { supported, contradicted, no_difference, none };

/// Why there is no verdict.
enum class Uncertainty {
  none,
  few_seeds,   ///< fewer than two pairs
  no_claim,    ///< nothing is expected of the variant
  no_spread,   ///< the differences of all seeds are equal within the measure's resolution
  borderline,  ///< expected to be the same: differs, but perhaps by less than the margin
  not_finite   ///< a value that is no number, as of a run that diverged
};

struct Judgement {
  Verdict verdict = Verdict::none;
  Uncertainty uncertainty = Uncertainty::none;
};

/// The rule. With p of the test, not adjusted, against kLevel:
/// - fewer than two pairs, or a mean that is not zero without spread: none;
/// - lower or higher expected: p below: supported if the mean has the sign expected, else
///   contradicted; otherwise no difference;
/// - the same expected: the interval wholly within +-margin: supported; wholly outside it:
///   contradicted; otherwise no difference if p is not below, else none (borderline).
Judgement judge(const PairedTest& test, Expectation expectation, double margin);

/// Quotients of paired values, as differences of their logarithms.
struct Ratio {
  double mean = 1;  ///< geometric
  Interval interval;
};

struct Contrast {
  const Study* study = nullptr;
  const Variant* baseline = nullptr;
  const Variant* variant = nullptr;
  std::vector<std::int64_t> seeds;          ///< that both have
  std::vector<std::int64_t> missing_seeds;  ///< that only one of the two has
  std::vector<double> differences;          ///< variant - baseline, by `seeds`
  PairedTest test;
  double adjusted_p = 1;       ///< by Holm, among all claims of a difference; NaN for other claims
  std::optional<Ratio> ratio;  ///< variant / baseline, for epochs and seconds
  Judgement judgement;
  std::optional<PairedTest> test_error;  ///< of its differences, where the measure is the gap
  bool censored_variant = false, censored_baseline = false;  ///< among the pairs

  [[nodiscard]] bool is_significant() const { return test.p < kLevel; }
  /// Still below the level after the adjustment.
  [[nodiscard]] bool survives_adjustment() const { return adjusted_p < kLevel; }
  /// Among the pairs are runs that never reached the threshold.
  [[nodiscard]] bool is_censored() const { return censored_variant || censored_baseline; }
  /// Only the side with the larger mean has such runs: the true difference is larger.
  [[nodiscard]] bool is_lower_bound() const;
  [[nodiscard]] bool has_claim() const { return variant->expectation != Expectation::none; }
  /// The variant is claimed to have less or more, not the same.
  [[nodiscard]] bool claims_difference() const {
    return has_claim() && variant->expectation != Expectation::same;
  }
  /// The verdict rests on a p-value that is not below the level once it is adjusted.
  [[nodiscard]] bool leans_on_one_test() const;
  /// All differences have the sign of the mean, and none is zero.
  [[nodiscard]] bool is_unanimous() const;
  /// Differences of the sign that the mean has not.
  [[nodiscard]] std::size_t dissenters() const;
  /// Differences that have not the sign of the mean: dissenters and zeros.
  [[nodiscard]] std::size_t exceptions() const;
};

/// All variants but the baseline of each study, in order. The studies must outlive the result.
std::vector<Contrast> contrasts_of(const std::vector<Study>& studies);

}  // namespace reprise::reports
