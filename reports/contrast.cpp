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
  return Ratio{std::exp(test.mean), {std::exp(test.interval.low), std::exp(test.interval.high)}};
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

Contrast contrast_of(const Study& study, const Variant& variant) {
  Contrast contrast;
  contrast.study = &study;
  contrast.baseline = study.baseline();
  contrast.variant = &variant;
  pair(contrast);
  const TrainingRun& run = *variant.runs.front().run;
  contrast.test = paired_t_test(contrast.differences, resolution_of(run, study.measure));
  if (study.measure == Measure::generalization_gap) contrast.test_error = test_error_of(contrast);
  contrast.judgement = judge(contrast.test, variant.expectation, variant.margin);
  if (!is_share(study.measure)) contrast.ratio = ratio_of(contrast);
  if (contrast.ratio && contrast.test.lacks_spread) {
    contrast.ratio->interval = {0, std::numeric_limits<double>::infinity()};
  }
  return contrast;
}

void adjust(std::vector<Contrast>& contrasts) {
  std::vector<double> p_values;
  for (const Contrast& contrast : contrasts) {
    p_values.push_back(contrast.claims_difference() ? contrast.test.p : std::nan(""));
  }
  const std::vector<double> adjusted = holm_adjusted(p_values);
  for (std::size_t i = 0; i < contrasts.size(); ++i) contrasts[i].adjusted_p = adjusted[i];
}

Judgement judge_sameness(const PairedTest& test, double margin) {
  const Interval& interval = test.interval;
  if (interval.low >= -margin && interval.high <= margin) return {Verdict::supported};
  if (interval.low > margin || interval.high < -margin) return {Verdict::contradicted};
  if (test.p >= kLevel) return {Verdict::no_difference};
  return {Verdict::none, Uncertainty::borderline};
}

}  // namespace

Judgement judge(const PairedTest& test, Expectation expectation, double margin) {
  if (expectation == Expectation::none) return {Verdict::none, Uncertainty::no_claim};
  if (test.pairs < 2) return {Verdict::none, Uncertainty::few_seeds};
  if (!std::isfinite(test.mean)) return {Verdict::none, Uncertainty::not_finite};
  if (test.lacks_spread) return {Verdict::none, Uncertainty::no_spread};
  if (std::isnan(test.p)) return {Verdict::none, Uncertainty::not_finite};
  if (expectation == Expectation::same) return judge_sameness(test, margin);
  if (test.p >= kLevel) return {Verdict::no_difference};
  const bool as_claimed = (test.mean < 0) == (expectation == Expectation::lower);
  return {as_claimed ? Verdict::supported : Verdict::contradicted};
}

bool Contrast::leans_on_one_test() const {
  const bool decided =
      judgement.verdict == Verdict::supported || judgement.verdict == Verdict::contradicted;
  return decided && claims_difference() && !survives_adjustment();
}

bool Contrast::is_lower_bound() const {
  if (censored_variant == censored_baseline) return false;
  return censored_variant ? test.mean > 0 : test.mean < 0;
}

bool Contrast::is_unanimous() const {
  return exceptions() == 0;
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
  adjust(contrasts);
  return contrasts;
}

}  // namespace reprise::reports
