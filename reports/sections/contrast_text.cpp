// What templates say of a contrast.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"

namespace reprise::reports {
namespace {

void set_verdict_flags(const Contrast& contrast, Draft& part) {
  const Verdict verdict = contrast.judgement.verdict;
  const Uncertainty uncertainty = contrast.judgement.uncertainty;
  const bool same = contrast.variant->expectation == Expectation::same;
  part.set("supported", verdict == Verdict::supported && !same);
  part.set("supported_same", verdict == Verdict::supported && same);
  part.set("contradicted", verdict == Verdict::contradicted && !same);
  part.set("contradicted_same", verdict == Verdict::contradicted && same);
  part.set("no_difference", verdict == Verdict::inconclusive && uncertainty == Uncertainty::none);
  part.set("adjusted", uncertainty == Uncertainty::adjusted);
  part.set("few_seeds", uncertainty == Uncertainty::few_seeds);
  part.set("no_claim", uncertainty == Uncertainty::no_claim);
  part.set("no_spread", uncertainty == Uncertainty::no_spread);
  part.set("not_finite", uncertainty == Uncertainty::not_finite);
  part.set("out_of_scale", verdict == Verdict::out_of_scale);
  part.set("tested_instead", sentence(contrast.study->tested_instead));
  part.set("by_digest", uncertainty == Uncertainty::by_digest);
  part.set("all_identical", contrast.identical == contrast.seeds.size());
  part.set("identical", std::to_string(contrast.identical.value_or(0)));
}

void set_ratio(const Contrast& contrast, Draft& part) {
  part.set("has_ratio", contrast.ratio.has_value());
  if (!contrast.ratio) return;
  const Ratio& ratio = *contrast.ratio;
  const bool slower = ratio.mean > 1;
  const Interval turned =
      slower ? ratio.interval : Interval{1 / ratio.interval.high, 1 / ratio.interval.low};
  part.set("slow", words_of(slower ? contrast.variant->name : contrast.baseline->name));
  part.set("fast", words_of(slower ? contrast.baseline->name : contrast.variant->name));
  part.set("ratio", fixed(slower ? ratio.mean : 1 / ratio.mean, 2));
  part.set("has_ratio_interval", std::isfinite(std::log(turned.high)) && turned.low > 0);
  part.set("ratio_interval", fixed(turned.low, 2) + " to " + fixed(turned.high, 2));
  part.set("in_epochs", contrast.study->measure == Measure::epochs_to_train_error);
  part.set("ratio_is_bound", contrast.is_lower_bound());
}

/// Which side has runs that never reached the threshold, and what that makes of the difference.
void set_censoring(const Contrast& contrast, Draft& part) {
  const bool both = contrast.censored_baseline && contrast.censored_variant;
  part.set("lower_bound", contrast.is_lower_bound());
  part.set("both_censored", both);
  part.set("less_censored", contrast.is_censored() && !both && !contrast.is_lower_bound());
  part.set("censored_side",
           words_of(contrast.censored_variant ? contrast.variant->name : contrast.baseline->name));
}

bool is_printed_zero(const Study& study, double difference) {
  return bare_value(study, std::abs(difference)).find_first_not_of("0.") == std::string::npos;
}

/// What test error itself did, where the gap is the measure.
void set_test_error(const Contrast& contrast, Draft& part) {
  part.set("has_test_error", contrast.test_error.has_value() && contrast.seeds.size() > 1);
  if (!contrast.test_error) return;
  const PairedTest& test = *contrast.test_error;
  part.set("error_is_zero", is_printed_zero(*contrast.study, test.mean));
  part.set("error_direction", test.mean < 0 ? "lower" : "higher");
  part.set("error_size", size_text(*contrast.study, test.mean));
  part.set("error_has_interval", std::isfinite(test.interval.low));
  part.set("error_interval", interval_text(*contrast.study, test.interval));
  part.set("error_p", std::isnan(test.p) ? "" : p_phrase(test.p));
}

}  // namespace

void set_contrast_values(const Contrast& contrast, Draft& part) {
  const Study& study = *contrast.study;
  const PairedTest& test = contrast.test;
  set_verdict_flags(contrast, part);
  set_ratio(contrast, part);
  part.set("paired", !contrast.seeds.empty());
  part.set("name", contrast_name(contrast));
  part.set("study", heading_of(study.name));
  part.set("variant", words_of(contrast.variant->name));
  part.set("variant_capital", heading_of(contrast.variant->name));
  part.set("with_variant", with_variant(contrast.variant->name));
  part.set("with_variant_capital", with_variant(contrast.variant->name).capitalized());
  part.set("baseline", words_of(contrast.baseline->name));
  part.set("with_baseline", with_variant(contrast.baseline->name));
  part.set("measure", measure_text(study.measure, study.threshold));
  part.set("variant_mean", value_text(study, spread_of(contrast.variant->values()).mean));
  part.set("baseline_mean", value_text(study, spread_of(contrast.baseline->values()).mean));
  part.set("size", size_text(study, test.mean));
  part.set("is_zero", is_printed_zero(study, test.mean));
  part.set("same_expected", contrast.variant->expectation == Expectation::same);
  part.set("direction", test.mean < 0 ? "lower" : "higher");
  part.set("lowers", test.mean < 0 ? "lowers" : "raises");
  part.set("claimed", contrast.variant->expectation == Expectation::lower ? "lower" : "higher");
  part.set("has_interval", std::isfinite(test.interval.low));
  part.set("interval", interval_text(study, test.interval));
  part.set("confidence", percent(kConfidence, 0));
  part.set("p", std::isnan(contrast.p) ? "" : p_phrase(contrast.p));
  part.set("adjusted_p", std::isnan(contrast.adjusted_p) ? "" : p_phrase(contrast.adjusted_p));
  part.set("seeds", count_word(static_cast<std::int64_t>(contrast.seeds.size())));
  part.set("one_seed", contrast.seeds.size() == 1);
  part.set("seed", contrast.seeds.empty() ? "" : std::to_string(contrast.seeds.front()));
  part.set("unanimous", contrast.is_unanimous());
  part.set("exceptions", count_word(static_cast<std::int64_t>(contrast.exceptions())));
  part.set("has_detectable",
           std::isfinite(test.detectable) && !is_printed_zero(study, test.detectable));
  part.set("detectable", std::isfinite(test.detectable) ? size_text(study, test.detectable) : "");
  part.set("margin", size_text(study, contrast.variant->margin));
  part.set("has_figure", !paper_figure(contrast).empty());
  part.set("paper_figure", paper_figure(contrast));
  set_censoring(contrast, part);
  set_test_error(contrast, part);
  std::vector<std::string> missing;
  for (const std::int64_t seed : contrast.missing_seeds) missing.push_back(std::to_string(seed));
  part.set("has_missing", !missing.empty());
  part.set("one_missing", missing.size() == 1);
  part.set("missing", listed(missing));
}

}  // namespace reprise::reports
