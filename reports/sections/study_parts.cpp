// A subsection for each study.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

std::string seed_cell(const Study& study, const StudyRun* run) {
  if (run == nullptr) return "–";
  return (run->measured.censored ? ">" : "") + bare_value(study, run->measured.value);
}

std::string mean_and_deviation(const std::vector<double>& values, double scale, int decimals) {
  const Spread spread = spread_of(values);
  if (!std::isfinite(spread.mean)) return "–";
  std::string mean = fixed(scale * spread.mean, decimals);
  if (values.size() < 2) return mean;
  return fmt::format("{} ± {}", mean, fixed(scale * spread.standard_deviation, decimals));
}

/// Seeds of any variant, upwards.
std::vector<std::int64_t> seeds_of(const Study& study) {
  std::vector<std::int64_t> seeds;
  for (const TrainingRun* run : study.runs()) seeds.push_back(run->seed);
  std::sort(seeds.begin(), seeds.end());
  seeds.erase(std::unique(seeds.begin(), seeds.end()), seeds.end());
  return seeds;
}

/// The measure: mean, deviation, each seed.
TableEntry values_table(const Study& study) {
  TableEntry entry;
  entry.source = source_of(study.runs());
  entry.table.columns = {{"Variant"}, {"Mean", Align::right}, {"SD", Align::right}};
  const std::vector<std::int64_t> seeds = seeds_of(study);
  for (const std::int64_t seed : seeds) {
    entry.table.columns.push_back({fmt::format("Seed {}", seed), Align::right});
  }
  for (const Variant& variant : study.variants) {
    const Spread spread = spread_of(variant.values());
    const bool bound = variant.censored() > 0;
    std::vector<std::string> row = {
        fmt::format("{}{}", markdown_text(words_of(variant.name)),
                    variant.name == study.baseline_name ? " (baseline)" : ""),
        (bound ? ">" : "") + bare_value(study, spread.mean),
        variant.runs.size() > 1 ? bare_value(study, spread.standard_deviation) : "–"};
    for (const std::int64_t seed : seeds) row.push_back(seed_cell(study, variant.with_seed(seed)));
    entry.table.rows.push_back(std::move(row));
  }
  return entry;
}

std::vector<double> of_runs(const Variant& variant, double (*value)(const TrainingRun&)) {
  std::vector<double> values;
  for (const StudyRun& run : variant.runs) values.push_back(value(*run.run));
  return values;
}

double gap_of(const TrainingRun& run) {
  return final_test_error(run) - final_train_error(run);
}

/// "1.52 (1.47–1.61)": median over all epochs of all runs, least and largest.
std::string seconds_cell(const Variant& variant) {
  std::vector<double> seconds;
  for (const StudyRun& run : variant.runs) {
    const std::vector<double>& of_run = run.run->seconds_per_epoch;
    seconds.insert(seconds.end(), of_run.begin(), of_run.end());
  }
  if (seconds.empty()) return "–";
  std::sort(seconds.begin(), seconds.end());
  const int decimals = seconds.front() < 1 ? 3 : 2;
  return fmt::format("{} ({}–{})", fixed(seconds[seconds.size() / 2], decimals),
                     fixed(seconds.front(), decimals), fixed(seconds.back(), decimals));
}

/// What was measured beside: both errors, the gap, the time.
TableEntry outcome_table(const Study& study) {
  TableEntry entry;
  entry.source = source_of(study.runs());
  entry.table.columns = {{"Variant"},
                         {"Test error (%)", Align::right},
                         {"Training error (%)", Align::right},
                         {"Gap (points)", Align::right},
                         {"Seconds per epoch", Align::right}};
  const auto parameters = [](const Variant& v) { return v.runs.front().run->parameters; };
  const bool sizes_differ =
      std::any_of(study.variants.begin(), study.variants.end(), [&](const Variant& variant) {
        return parameters(variant) != parameters(study.variants.front());
      });
  if (sizes_differ) entry.table.columns.push_back({"Parameters", Align::right});
  for (const Variant& variant : study.variants) {
    entry.table.rows.push_back({markdown_text(words_of(variant.name)),
                                mean_and_deviation(of_runs(variant, final_test_error), 100, 2),
                                mean_and_deviation(of_runs(variant, final_train_error), 100, 2),
                                mean_and_deviation(of_runs(variant, gap_of), 100, 2),
                                seconds_cell(variant)});
    if (sizes_differ) entry.table.rows.back().push_back(grouped(parameters(variant)));
  }
  return entry;
}

void set_verdict_flags(const Contrast& contrast, Draft& part) {
  const Verdict verdict = contrast.judgement.verdict;
  const Doubt doubt = contrast.judgement.doubt;
  const bool same = contrast.variant->expectation == Expectation::same;
  part.set("supported", verdict == Verdict::supported && !same);
  part.set("supported_same", verdict == Verdict::supported && same);
  part.set("contradicted", verdict == Verdict::contradicted && !same);
  part.set("contradicted_same", verdict == Verdict::contradicted && same);
  part.set("no_difference", verdict == Verdict::no_difference);
  part.set("few_seeds", verdict == Verdict::none && doubt == Doubt::few_seeds);
  part.set("borderline", verdict == Verdict::none && doubt == Doubt::borderline);
  part.set("no_claim", verdict == Verdict::none && doubt == Doubt::no_claim);
  part.set("not_finite", verdict == Verdict::none && doubt == Doubt::not_finite);
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

std::string result_text(const Contrast& contrast, std::string_view file) {
  Draft part;
  set_contrast_values(contrast, part);
  return one_line(render_template(file, part.values(), markdown_text));
}

/// A paragraph on the one contrast, or a list of several.
std::string results_of(const std::vector<const Contrast*>& contrasts) {
  if (contrasts.size() == 1) {
    return result_text(*contrasts.front(), "contrast_result.md.mustache") + "\n";
  }
  std::string list;
  for (const Contrast* contrast : contrasts) {
    list += "- " + result_text(*contrast, "contrast_item.md.mustache") + "\n";
  }
  return list;
}

/// The claims on its variants, each once.
std::string claims_text(const Study& study) {
  std::vector<std::string> claims;
  for (const Variant& variant : study.variants) {
    if (variant.claim.empty()) continue;
    std::string claim = sentence(variant.claim);
    if (std::find(claims.begin(), claims.end(), claim) == claims.end()) claims.push_back(claim);
  }
  return markdown_text(fmt::format("{}", fmt::join(claims, " ")));
}

std::string study_part(const Study& study, const std::vector<Contrast>& contrasts, Draft& draft) {
  Draft part;
  part.set("heading", heading_of(study.name));
  part.set("has_section", !study.section.empty());
  part.set("section", study.section);
  part.set("question", sentence(study.question));
  const std::string claims = claims_text(study);
  part.set("has_claims", !claims.empty());
  part.set("claims", claims);
  part.set("measure", measure_text(study.measure, study.threshold));
  part.set("unit", unit_name(study));
  part.set("baseline", words_of(study.baseline_name));
  std::vector<const Contrast*> own;
  for (const Contrast& contrast : contrasts) {
    if (contrast.study == &study) own.push_back(&contrast);
  }
  part.set("results", results_of(own));
  part.set("several_contrasts", own.size() > 1);
  part.set("no_contrasts", own.empty());
  part.set("baseline_mean", value_text(study, spread_of(study.baseline()->values()).mean));
  std::int64_t censored = 0;
  for (const Variant& variant : study.variants) {
    censored += static_cast<std::int64_t>(variant.censored());
  }
  part.set("has_censored", censored > 0);
  part.set("by_step", study.measure == Measure::epochs_to_train_error);
  part.set("threshold", percent(study.threshold, 0));
  part.set("values", "values_" + key_of(study));
  part.set("outcome", "outcome_" + key_of(study));
  part.set("curves", "curves_" + key_of(study));
  draft.add("values_" + key_of(study), values_table(study));
  draft.add("outcome_" + key_of(study), outcome_table(study));
  draft.add("curves_" + key_of(study), curves_figure(study));
  return render_template("study.md.mustache", part.values(), markdown_text);
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
  part.set("baseline", words_of(contrast.baseline->name));
  part.set("measure", measure_text(study.measure, study.threshold));
  part.set("variant_mean", value_text(study, spread_of(contrast.variant->values()).mean));
  part.set("baseline_mean", value_text(study, spread_of(contrast.baseline->values()).mean));
  part.set("size", size_text(study, test.mean));
  part.set("is_zero", bare_value(study, test.mean).find_first_not_of("0.") == std::string::npos);
  part.set("same_expected", contrast.variant->expectation == Expectation::same);
  part.set("direction", test.mean < 0 ? "lower" : "higher");
  part.set("lowers", test.mean < 0 ? "lowers" : "raises");
  part.set("claimed", contrast.variant->expectation == Expectation::lower ? "lower" : "higher");
  part.set("interval", interval_text(study, test.interval));
  part.set("confidence", percent(kConfidence, 0));
  part.set("p", std::isnan(test.p) ? "" : p_phrase(test.p));
  part.set("seeds", count_word(static_cast<std::int64_t>(contrast.seeds.size())));
  part.set("one_seed", contrast.seeds.size() == 1);
  part.set("seed", contrast.seeds.empty() ? "" : std::to_string(contrast.seeds.front()));
  part.set("unanimous", contrast.is_unanimous());
  part.set("dissenters", count_word(static_cast<std::int64_t>(contrast.dissenters())));
  part.set("detectable", std::isfinite(test.detectable) ? size_text(study, test.detectable) : "");
  part.set("margin", size_text(study, contrast.variant->margin));
  part.set("has_figure", !paper_figure(*contrast.variant).empty());
  part.set("paper_figure", paper_figure(*contrast.variant));
  part.set("lower_bound", contrast.is_lower_bound());
  part.set("both_censored", contrast.censored_baseline && contrast.censored_variant);
  std::vector<std::string> missing;
  for (const std::int64_t seed : contrast.missing_seeds) missing.push_back(std::to_string(seed));
  part.set("has_missing", !missing.empty());
  part.set("one_missing", missing.size() == 1);
  part.set("missing", listed(missing));
}

std::string sentence(std::string text) {
  if (!text.empty() && std::string_view(".?!").find(text.back()) == std::string_view::npos) {
    text += '.';
  }
  return capitalized(text);
}

void add_study_parts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft) {
  std::string text;
  for (const Study& study : studies) text += study_part(study, contrasts, draft) + "\n";
  draft.set("study_parts", text);
}

}  // namespace reprise::reports
