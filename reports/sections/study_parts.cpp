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
  return (run->measured.censored ? ">" : "") + value_cell(study, run->measured.value);
}

/// Mean and standard deviation, in percent.
void add_mean_and_deviation(const std::vector<double>& values, std::vector<Markdown>& row) {
  const Spread spread = spread_of(values);
  row.emplace_back(or_dash(spread.mean, percent_cell(spread.mean, 2)));
  row.emplace_back(values.size() < 2 ? "–" : percent_cell(spread.standard_deviation, 2));
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
    std::vector<Markdown> row = {
        plain_text("{}{}", words_of(variant.name),
                   variant.name == study.baseline_name ? " (baseline)" : ""),
        (bound ? ">" : "") + value_cell(study, spread.mean),
        variant.runs.size() > 1 ? value_cell(study, spread.standard_deviation) : "–"};
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

/// The median over all epochs of all runs, the least and the largest.
void add_seconds(const Variant& variant, std::vector<Markdown>& row) {
  std::vector<double> seconds;
  for (const StudyRun& run : variant.runs) {
    const std::vector<double>& of_run = run.run->seconds_per_epoch;
    seconds.insert(seconds.end(), of_run.begin(), of_run.end());
  }
  const double none = std::nan("");
  const Spread spread = seconds.empty() ? Spread{none, none, none, none} : spread_of(seconds);
  const int decimals = spread.least < 1 ? 3 : 2;
  for (const double value : {median_of(seconds), spread.least, spread.most}) {
    row.emplace_back(or_dash(value, cell(value, decimals)));
  }
}

/// What was measured beside: both errors, the gap, the time.
TableEntry outcome_table(const Study& study) {
  TableEntry entry;
  entry.source = source_of(study.runs());
  entry.table.columns = {{"Variant"},
                         {"Test error (%)", Align::right},
                         {"SD of test error", Align::right},
                         {"Training error (%)", Align::right},
                         {"SD of training error", Align::right},
                         {"Gap (points)", Align::right},
                         {"SD of gap", Align::right},
                         {"Epoch, median (s)", Align::right},
                         {"Shortest (s)", Align::right},
                         {"Longest (s)", Align::right}};
  const auto parameters = [](const Variant& v) { return v.runs.front().run->parameters; };
  const bool sizes_differ =
      std::any_of(study.variants.begin(), study.variants.end(), [&](const Variant& variant) {
        return parameters(variant) != parameters(study.variants.front());
      });
  if (sizes_differ) entry.table.columns.push_back({"Parameters", Align::right});
  for (const Variant& variant : study.variants) {
    std::vector<Markdown> row = {words_of(variant.name)};
    add_mean_and_deviation(of_runs(variant, final_test_error), row);
    add_mean_and_deviation(of_runs(variant, final_train_error), row);
    add_mean_and_deviation(of_runs(variant, gap_of), row);
    add_seconds(variant, row);
    if (sizes_differ) row.emplace_back(std::to_string(parameters(variant)));
    entry.table.rows.push_back(std::move(row));
  }
  return entry;
}

Markdown result_text(const Contrast& contrast, std::string_view file) {
  Draft part;
  set_contrast_values(contrast, part);
  return one_line(render_template(file, part));
}

/// A paragraph on the one contrast, or a list of several.
Markdown results_of(const std::vector<const Contrast*>& contrasts) {
  if (contrasts.size() == 1) {
    return Markdown::format("{}\n", result_text(*contrasts.front(), "contrast_result.md.mustache"));
  }
  Markdown list;
  for (const Contrast* contrast : contrasts) {
    list += Markdown::format("- {}\n", result_text(*contrast, "contrast_item.md.mustache"));
  }
  return list;
}

/// The claims on its variants, each once.
UntrustedText claims_text(const Study& study) {
  std::vector<UntrustedText> claims;
  for (const Variant& variant : study.variants) {
    if (variant.claim.empty()) continue;
    UntrustedText claim = sentence(variant.claim);
    if (std::find(claims.begin(), claims.end(), claim) == claims.end()) claims.push_back(claim);
  }
  return joined(claims, " ");
}

/// The most runs at a time that the records say shared the machine; 1 if they do not say.
std::int64_t runs_at_once(const Study& study) {
  std::int64_t most = 1;
  for (const TrainingRun* run : study.runs()) {
    const auto found = run->environment.find("runs_at_once");
    if (found == run->environment.end()) continue;
    const auto* number = std::get_if<std::int64_t>(&found->second);
    if (number != nullptr) most = std::max(most, *number);
  }
  return most;
}

Markdown study_part(const Study& study, const std::vector<Contrast>& contrasts, Draft& draft) {
  Draft part;
  part.set("heading", heading_of(study.name));
  part.set("has_section", !study.section.empty());
  part.set("section", study.section);
  part.set("question", sentence(study.question));
  const UntrustedText claims = claims_text(study);
  part.set("has_claims", !claims.empty());
  part.set("claims", claims);
  part.set("measure", measure_text(study.measure, study.threshold));
  part.set("unit", unit_name(study));
  part.set("baseline", words_of(study.baseline_name));
  part.set("with_baseline_capital", with_variant(study.baseline_name).capitalized());
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
  part.set("several_at_once", runs_at_once(study) > 1);
  part.set("runs_at_once", capitalized(count_word(runs_at_once(study))));
  part.set("by_step", study.measure == Measure::epochs_to_train_error);
  part.set("threshold", percent(study.threshold, 0));
  part.set("values", place_name("values_" + study.key));
  part.set("outcome", place_name("outcome_" + study.key));
  part.set("curves", place_name("curves_" + study.key));
  draft.add("values_" + study.key, values_table(study));
  draft.add("outcome_" + study.key, outcome_table(study));
  draft.add("curves_" + study.key, curves_figure(study));
  return render_template("study.md.mustache", part);
}

}  // namespace

UntrustedText sentence(const UntrustedText& text) {
  const bool ends =
      text.empty() || text.ends_with(".") || text.ends_with("?") || text.ends_with("!");
  return (ends ? text : text + ".").capitalized();
}

void add_study_parts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft) {
  Markdown text;
  for (const Study& study : studies) {
    text += Markdown::format("{}\n", study_part(study, contrasts, draft));
  }
  draft.set("study_parts", text);
}

}  // namespace reprise::reports
