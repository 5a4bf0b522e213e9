#include "contrast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reprise::reports {
namespace {

/// Nothing if a value is not positive.
std::optional<Ratio> ratio_of(const Contrast& contrast) {
  std::vector<double> logarithms;
  for (const std::int64_t seed : contrast.seeds) {
    const double a = contrast.variant->with_seed(seed)->measured.value;
    const double b = contrast.baseline->with_seed(seed)->measured.value;
    if (!(a > 0) || !(b > 0)) return std::nullopt;
    logarithms.push_back(std::log(a / b));
  }
  if (logarithms.empty()) return std::nullopt;
  const PairedTest test = paired_t_test(logarithms);
  return Ratio{
      std::exp(test.mean), {std::exp(test.interval.low), std::exp(test.interval.high)}, logarithms};
}

void pair(Contrast& contrast) {
  for (const StudyRun& run : contrast.variant->runs) {
    const StudyRun* other = contrast.baseline->with_seed(run.run->seed);
    if (other == nullptr) {
      contrast.missing_seeds.push_back(run.run->seed);
      continue;
    }
    contrast.seeds.push_back(run.run->seed);
    contrast.differences.push_back(run.measured.value - other->measured.value);
    contrast.censored_variant |= run.measured.censored;
    contrast.censored_baseline |= other->measured.censored;
  }
  for (const StudyRun& run : contrast.baseline->runs) {
    if (contrast.variant->with_seed(run.run->seed) == nullptr) {
      contrast.missing_seeds.push_back(run.run->seed);
    }
  }
  std::sort(contrast.missing_seeds.begin(), contrast.missing_seeds.end());
}

PairedTest test_error_of(const Contrast& contrast) {
  std::vector<double> differences;
  for (const std::int64_t seed : contrast.seeds) {
    differences.push_back(final_test_error(*contrast.variant->with_seed(seed)->run) -
                          final_test_error(*contrast.baseline->with_seed(seed)->run));
  }
  const TrainingRun& run = *contrast.variant->runs.front().run;
  return paired_t_test(differences, resolution_of(run, Measure::test_error));
}

/// Whether the two runs differ in their convolution algorithm, and in nothing else but the seed.
bool differ_by_algorithm(const TrainingRun& run, const TrainingRun& other) {
  const auto without = [](Settings settings) {
    settings.erase("conv_algorithm");
    settings.erase("seed");
    return settings;
  };
  return setting_text(run.settings, "conv_algorithm") !=
             setting_text(other.settings, "conv_algorithm") &&
         without(run.settings) == without(other.settings);
}

/// Nothing unless the variant is expected to be the same as the baseline by another algorithm.
std::optional<std::size_t> identical_pairs(const Contrast& contrast) {
  const TrainingRun& run = *contrast.variant->runs.front().run;
  const TrainingRun& other = *contrast.baseline->runs.front().run;
  if (contrast.variant->expectation != Expectation::same) return std::nullopt;
  if (!differ_by_algorithm(run, other)) return std::nullopt;
  return static_cast<std::size_t>(
      std::count_if(contrast.seeds.begin(), contrast.seeds.end(), [&](std::int64_t seed) {
        const UntrustedText& a = contrast.variant->with_seed(seed)->run->parameters_sha256;
        const UntrustedText& b = contrast.baseline->with_seed(seed)->run->parameters_sha256;
        return !a.empty() && a == b;
      }));
}

Contrast contrast_of(const Study& study, const Variant& variant) {
  Contrast contrast;
  contrast.study = &study;
  contrast.baseline = study.baseline();
  contrast.variant = &variant;
  pair(contrast);
  const TrainingRun& run = *variant.runs.front().run;
  contrast.test = paired_t_test(contrast.differences, resolution_of(run, study.measure));
  if (study.measure == Measure::generalization_gap) contrast.test_error = test_error_of(contrast);
  contrast.below = fraction_below(contrast.differences);
  contrast.identical = identical_pairs(contrast);
  if (!words_for(study.measure).is_fraction) contrast.ratio = ratio_of(contrast);
  if (contrast.ratio && contrast.test.lacks_spread) {
    contrast.ratio->interval = {0, std::numeric_limits<double>::infinity()};
  }
  return contrast;
}

Judgement judgement_of(const Contrast& contrast) {
  if (contrast.identical) return {Verdict::none, Uncertainty::by_digest};
  if (contrast.has_claim() && !contrast.study->tested_instead.empty()) {
    return {Verdict::out_of_scale};
  }
  const Variant& variant = *contrast.variant;
  return judge(contrast.test, contrast.p, contrast.adjusted_p, variant.expectation, variant.margin);
}

/// Verdicts, once all claims of the report are known.
void judge_all(std::vector<Contrast>& contrasts) {
  std::vector<double> p_values;
  for (Contrast& contrast : contrasts) {
    const Variant& variant = *contrast.variant;
    contrast.p = contrast.has_claim() ? claim_p(contrast.test, variant.expectation, variant.margin)
                                      : contrast.test.p;
    p_values.push_back(contrast.has_claim() ? contrast.p : std::nan(""));
  }
  const std::vector<double> adjusted = holm_adjusted(p_values);
  for (std::size_t i = 0; i < contrasts.size(); ++i) {
    contrasts[i].adjusted_p = adjusted[i];
    contrasts[i].judgement = judgement_of(contrasts[i]);
  }
}

}  // namespace

double claim_p(const PairedTest& test, Expectation expectation, double margin) {
  if (expectation == Expectation::none) return std::nan("");
  return expectation == Expectation::same ? sameness_p(test, margin) : test.p;
}

bool is_as_claimed(const PairedTest& test, Expectation expectation, double margin) {
  if (expectation == Expectation::same) return std::abs(test.mean) <= margin;
  return (test.mean < 0) == (expectation == Expectation::lower);
}

Judgement judge(const PairedTest& test, double p, double adjusted_p, Expectation expectation,
                double margin) {
  if (expectation == Expectation::none) return {Verdict::none, Uncertainty::no_claim};
  if (test.pairs < 2) return {Verdict::inconclusive, Uncertainty::few_seeds};
  if (!std::isfinite(test.mean)) return {Verdict::inconclusive, Uncertainty::not_finite};
  if (test.lacks_spread) return {Verdict::inconclusive, Uncertainty::no_spread};
  if (std::isnan(p)) return {Verdict::inconclusive, Uncertainty::not_finite};
  if (!(adjusted_p < kLevel)) {
    return {Verdict::inconclusive, p < kLevel ? Uncertainty::adjusted : Uncertainty::none};
  }
  return {is_as_claimed(test, expectation, margin) ? Verdict::supported : Verdict::contradicted};
}

bool Contrast::is_lower_bound() const {
  if (censored_variant == censored_baseline) return false;
  return censored_variant ? test.mean > 0 : test.mean < 0;
}

std::size_t Contrast::dissenters() const {
  return static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(),
                    [&](double d) { return test.mean < 0 ? d > 0 : d < 0; }));
}

std::size_t Contrast::exceptions() const {
  return static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(),
                    [&](double d) { return test.mean < 0 ? d >= 0 : d <= 0; }));
}

std::vector<Contrast> contrasts_of(const std::vector<Study>& studies) {
  std::vector<Contrast> contrasts;
  for (const Study& study : studies) {
    for (const Variant& variant : study.variants) {
      if (variant.name != study.baseline_name) contrasts.push_back(contrast_of(study, variant));
    }
  }
  judge_all(contrasts);
  return contrasts;
}

}  // namespace reprise::reports
