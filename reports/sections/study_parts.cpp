// The supplement's section on each study.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

/// Seeds of any variant, upwards.
std::vector<std::int64_t> seeds_of(const Study& study) {
  std::vector<std::int64_t> seeds;
  for (const TrainingRun* run : study.runs()) seeds.push_back(run->seed);
  std::sort(seeds.begin(), seeds.end());
  seeds.erase(std::unique(seeds.begin(), seeds.end()), seeds.end());
  return seeds;
}

UntrustedText variant_name(const Study& study, const Variant& variant) {
  return plain_text("{}{}", words_of(variant.name),
                    variant.name == study.baseline_name ? " (baseline)" : "");
}

/// A value, with a sign before it where it is no more than a bound.
Cell bounded(Cell cell, bool is_bound) {
  if (is_bound) cell.shown = Markdown::format("\\>{}", cell.shown);
  return cell;
}

/// The measure: mean, deviation, each seed.
TableEntry values_table(const Study& study) {
  TableEntry entry{{{"Variant", "Mean", "SD"}, {}}, source_of(study.runs())};
  const std::vector<std::int64_t> seeds = seeds_of(study);
  for (const std::int64_t seed : seeds) entry.table.titles.push_back(fmt::format("Seed {}", seed));
  for (const Variant& variant : study.variants) {
    const Spread spread = spread_of(variant.values());
    std::vector<Cell> row = {
        variant_name(study, variant),
        bounded(value_cell(study, spread.mean), variant.censored() > 0),
        variant.runs.size() > 1 ? value_cell(study, spread.standard_deviation) : Cell()};
    for (const std::int64_t seed : seeds) {
      const StudyRun* run = variant.with_seed(seed);
      row.push_back(run == nullptr
                        ? Cell()
                        : bounded(value_cell(study, run->measured.value), run->measured.censored));
    }
    entry.table.rows.push_back(std::move(row));
  }
  return entry;
}

double gap_of(const TrainingRun& run) {
  return final_test_error(run) - final_train_error(run);
}

/// Mean and standard deviation, in percent.
void add_spread(const Variant& variant, double (*value)(const TrainingRun&),
                std::vector<Cell>& row) {
  std::vector<double> values;
  for (const StudyRun& run : variant.runs) values.push_back(value(*run.run));
  const Spread spread = spread_of(values);
  row.push_back(percent_cell(spread.mean, 2));
  row.push_back(values.size() < 2 ? Cell() : percent_cell(spread.standard_deviation, 2));
}

/// The median over all epochs of all runs, the least and the largest.
void add_seconds(const Variant& variant, std::vector<Cell>& row) {
  std::vector<double> seconds;
  for (const StudyRun& run : variant.runs) {
    const std::vector<double>& of_run = run.run->seconds_per_epoch;
    seconds.insert(seconds.end(), of_run.begin(), of_run.end());
  }
  if (seconds.empty()) {
    row.resize(row.size() + 3);
    return;
  }
  const Spread spread = spread_of(seconds);
  for (const double value : {median_of(seconds), spread.least, spread.most}) {
    row.push_back(significant_cell(value));
  }
}

/// What was measured beside: both errors, the gap, the time.
TableEntry outcome_table(const Study& study) {
  TableEntry entry{{{"Variant", "Test error (%)", "SD (test)", "Training error (%)",
                     "SD (training)", "Gap (points)", "SD (gap)", "Epoch, median (s)",
                     "Shortest (s)", "Longest (s)", "Parameters"},
                    {}},
                   source_of(study.runs())};
  for (const Variant& variant : study.variants) {
    std::vector<Cell> row = {variant_name(study, variant)};
    for (auto* value : {final_test_error, final_train_error, gap_of}) {
      add_spread(variant, value, row);
    }
    add_seconds(variant, row);
    row.push_back(count_cell(variant.runs.front().run->parameters));
    entry.table.rows.push_back(std::move(row));
  }
  return entry;
}

/// The most runs at a time that the records say shared the machine; 1 if they do not say.
std::int64_t runs_at_once(const Study& study) {
  std::int64_t most = 1;
  for (const TrainingRun* run : study.runs()) {
    most = std::max(most, setting_number(run->environment, "runs_at_once").value_or(1));
  }
  return most;
}

Markdown study_part(const Study& study, const std::vector<Contrast>& contrasts, Draft& draft) {
  Draft part;
  part.set("heading", heading_of(study.name));
  part.set("confidence", percent(kConfidence, 0));
  part.set("measure", measure_text(study));
  const MeasureWords& words = words_for(study.measure);
  part.set("unit", words.unit);
  part.set("deviation_unit", words.is_fraction ? "percentage points" : words.unit);
  part.set("has_censored",
           std::any_of(study.variants.begin(), study.variants.end(),
                       [](const Variant& variant) { return variant.censored() > 0; }));
  part.set("runs_at_once", counted(runs_at_once(study), "run"));
  Contrasts own;
  for (const Contrast& contrast : contrasts) {
    if (contrast.study == &study) own.push_back(&contrast);
  }
  part.set("has_contrasts", !own.empty());
  for (const char* name : {"contrasts", "seeds", "outcome", "curves"}) {
    part.set(name, place_name(fmt::format("{}_{}", name, study.key)));
  }
  if (!own.empty()) {
    const Table table = contrast_table(own);
    draft.add("contrasts_" + study.key,
              {with_columns(table, {"Comparison", "Difference", "SD", "CI from", "CI to", "Ratio",
                                    "Ratio from", "Ratio to", "p", "Adjusted p", "Less",
                                    "Less from", "Less to", "Detectable", "Seeds"}),
               source_of(study.runs()), table});
  }
  draft.add("seeds_" + study.key, values_table(study));
  part.set("has_sources", varies_sources(study));
  part.set("sources", place_name("sources_" + study.key));
  if (varies_sources(study)) draft.add("sources_" + study.key, sources_table(study));
  draft.add("outcome_" + study.key, outcome_table(study));
  draft.add("curves_" + study.key, curves_figure(study));
  return render_template("study.md.mustache", part);
}

}  // namespace

void add_study_parts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft) {
  Markdown text;
  for (const Study& study : studies) {
    text += Markdown::format("{}\n", study_part(study, contrasts, draft));
  }
  draft.set("study_parts", text);
}

}  // namespace reprise::reports
