/// \file
/// One variant of a study against the baseline: differences of runs with the same seed, and the
/// verdict on the claim by the rule of judge(), which docs/statistics.md has in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "statistics.hpp"
#include "study.hpp"

namespace reprise::reports {

enum class Verdict {
  supported,
  contradicted,
  inconclusive,
  out_of_scale,  ///< not tested at the paper's scale
  none           ///< nothing is claimed, or what is claimed is no matter of statistics
};

/// Why a claim is inconclusive, where not for want of a difference; why there is no verdict.
enum class Uncertainty {
  none,
  few_seeds,   ///< fewer than two pairs
  no_claim,    ///< nothing is expected of the variant
  no_spread,   ///< the differences of all seeds are equal within the measure's resolution
  not_finite,  ///< a value that is no number, as of a run that diverged
  adjusted,    ///< the p-value is below the level, and no more once it is adjusted
  by_digest    ///< algorithms, which are compared by the digests of what they trained
};

struct Judgement {
  Verdict verdict = Verdict::none;
  Uncertainty uncertainty = Uncertainty::none;
};

/// The p-value of a claim: the test's, or sameness_p() where the same is expected; NaN where
/// nothing is claimed or the test says nothing.
double claim_p(const PairedTest& test, Expectation expectation, double margin);

/// Whether the mean difference has the sign that is claimed, or lies within the margin.
bool is_as_claimed(const PairedTest& test, Expectation expectation, double margin);

/// The rule, with the claim's p-value as it is and adjusted for all claims of the report:
/// - fewer than two pairs, a mean that is not zero without spread, or no number: inconclusive;
/// - the adjusted p-value not below kLevel: inconclusive;
/// - otherwise supported if the mean is as claimed (of the sign, or within the margin), else
///   contradicted.
Judgement judge(const PairedTest& test, double p, double adjusted_p, Expectation expectation,
                double margin);

/// Quotients of paired values, as differences of their logarithms.
struct Ratio {
  double mean = 1;  ///< geometric
  Interval interval;
  std::vector<double> logarithms;  ///< of each pair
};

struct Contrast {
  const Study* study = nullptr;
  const Variant* baseline = nullptr;
  const Variant* variant = nullptr;
  std::vector<std::int64_t> seeds;          ///< that both have
  std::vector<std::int64_t> missing_seeds;  ///< that only one of the two has
  std::vector<double> differences;          ///< variant - baseline, by `seeds`
  PairedTest test;
  double p = 1;           ///< of the claim, by claim_p()
  double adjusted_p = 1;  ///< by Holm, among all claims of the report; NaN without one
  FractionBelow below;    ///< how often the variant has less than the baseline
  /// Pairs whose trained parameters are the same to the bit; of variants that differ in their
  /// convolution algorithm alone and are expected to be the same.
  std::optional<std::size_t> identical;
  std::optional<Ratio> ratio;  ///< variant / baseline, for epochs and seconds
  Judgement judgement;
  std::optional<PairedTest> test_error;  ///< of its differences, where the measure is the gap
  bool censored_variant = false, censored_baseline = false;  ///< among the pairs

  /// Among the pairs are runs that never reached the threshold.
  [[nodiscard]] bool is_censored() const { return censored_variant || censored_baseline; }
  /// Only the side with the larger mean has such runs: the true difference is larger.
  [[nodiscard]] bool is_lower_bound() const;
  /// One that is tested: not the equality of algorithms, which `identical` tells.
  [[nodiscard]] bool has_claim() const {
    return variant->expectation != Expectation::none && !identical;
  }
  /// The variant is claimed to have less or more, not the same.
  [[nodiscard]] bool claims_difference() const {
    return has_claim() && variant->expectation != Expectation::same;
  }
  /// Inconclusive for the adjustment alone.
  [[nodiscard]] bool falls_to_adjustment() const {
    return judgement.uncertainty == Uncertainty::adjusted;
  }
  /// Differences of the sign that the mean has not.
  [[nodiscard]] std::size_t dissenters() const;
  /// Differences that have not the sign of the mean: dissenters and zeros.
  [[nodiscard]] std::size_t exceptions() const;
};

/// All variants but the baseline of each study, in order. The studies must outlive the result.
std::vector<Contrast> contrasts_of(const std::vector<Study>& studies);

}  // namespace reprise::reports
