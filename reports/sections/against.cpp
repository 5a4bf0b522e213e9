// This report's records against earlier ones of the same experiments.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "format.hpp"
#include "reprise/core/error.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

/// Values of one group of runs, before and now, and how many runs have identical digests.
struct Pair {
  UntrustedText name, measure;
  std::vector<double> before, now;
  std::size_t common = 0, identical = 0;  ///< runs of the same seed
  bool beside = false;                    ///< a further number of runs that another pair counts
};

double deviation_of(const std::vector<double>& values) {
  return values.size() < 2 ? std::nan("") : spread_of(values).standard_deviation;
}

/// The larger standard deviation over the seeds, before or now; NaN if both have one seed.
double spread_of_both(const Pair& pair) {
  return std::fmax(deviation_of(pair.before), deviation_of(pair.now));
}

std::set<UntrustedText> sums_of(const TrainingRun& run) {
  std::set<UntrustedText> sums;
  for (const InputFile& file : run.files) sums.insert(file.sha256);
  return sums;
}

/// Error if two runs trained another network, on other images or for another number of epochs:
/// their numbers do not tell what a change of the program or of the machine brought.
void check_same_experiment(const UntrustedText& name, const TrainingRun& before,
                           const TrainingRun& now) {
  const auto fail = [&](const char* what, const UntrustedText& old, const UntrustedText& today) {
    throw Error("--against",
                terminal_text(plain_text("{} with {} {}, now {}", name, what, old, today)),
                "records of the same experiments");
  };
  for (const char* setting : {"model", "epochs", "train_images", "batch_size", "learning_rate"}) {
    const UntrustedText old = setting_text(before.settings, setting);
    const UntrustedText today = setting_text(now.settings, setting);
    if (!old.empty() && !today.empty() && old != today) fail(setting, old, today);
  }
  if (before.train_images != now.train_images) {
    fail("training images", grouped(before.train_images), grouped(now.train_images));
  }
  if (sums_of(before) != sums_of(now)) fail("data", before.data_name, "other files");
}

void count_identical(const Runs& before, const Runs& now, Pair& pair) {
  for (const TrainingRun* run : now) {
    for (const TrainingRun* other : before) {
      if (other->seed != run->seed) continue;
      ++pair.common;
      pair.identical += other->digest == run->digest ? 1 : 0;
    }
  }
}

Runs runs_of_variant(const Variant& variant) {
  Runs runs;
  for (const StudyRun& run : variant.runs) runs.push_back(run.run);
  return runs;
}

/// The runs' errors other than the measure that is told already.
void add_errors_beside(Measure told, const Runs& before, const Runs& now, const Pair& counted,
                       std::vector<Pair>& pairs) {
  struct ErrorRate {
    Measure measure;
    const char* name;
    double (*of)(const TrainingRun&);
  };
  const auto gap = [](const TrainingRun& run) {
    return final_test_error(run) - final_train_error(run);
  };
  for (const ErrorRate& error :
       {ErrorRate{Measure::test_error, "test error (%)", final_test_error},
        ErrorRate{Measure::train_error, "training error (%)", final_train_error},
        ErrorRate{Measure::generalization_gap, "generalization gap (points)", gap}}) {
    if (error.measure == told) continue;
    Pair pair{counted.name, error.name, {}, {}, counted.common, counted.identical, true};
    for (const TrainingRun* run : before) pair.before.push_back(100 * error.of(*run));
    for (const TrainingRun* run : now) pair.now.push_back(100 * error.of(*run));
    pairs.push_back(std::move(pair));
  }
}

/// The variants that both have, by the names of study and variant.
void add_variants(const std::vector<Study>& before, const std::vector<Study>& now,
                  std::vector<Pair>& pairs) {
  for (const Study& study : now) {
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&](const Study& other) { return other.name == study.name; });
    if (old == before.end()) continue;
    if (old->measure != study.measure || old->threshold != study.threshold) {
      throw Error("--against", "another measure of the study " + terminal_text(study.name),
                  "records of the same study");
    }
    const MeasureWords& words = words_for(study.measure);
    for (const Variant& variant : study.variants) {
      const Variant* other = old->variant(variant.name);
      if (other == nullptr) continue;
      check_same_experiment(words_of(study.name), *other->runs.front().run,
                            *variant.runs.front().run);
      Pair pair{plain_text("{}: {}", heading_of(study.name), words_of(variant.name)),
                plain_text("{} ({})", measure_text(study),
                           words.is_fraction ? "%" : words.difference_unit),
                {},
                {}};
      for (const double value : other->values()) pair.before.push_back(printed(study, value));
      for (const double value : variant.values()) pair.now.push_back(printed(study, value));
      count_identical(runs_of_variant(*other), runs_of_variant(variant), pair);
      pairs.push_back(pair);
      add_errors_beside(study.measure, runs_of_variant(*other), runs_of_variant(variant), pair,
                        pairs);
    }
  }
}

void add_lenet_pair(const char* name, const std::vector<TrainingRun>& before,
                    const std::vector<TrainingRun>& now, std::vector<Pair>& pairs) {
  if (before.empty() || now.empty()) return;
  check_same_experiment(name, before.front(), now.front());
  Pair pair{name, "test error (%)", {}, {}};
  for (const TrainingRun& run : before) pair.before.push_back(100 * final_test_error(run));
  for (const TrainingRun& run : now) pair.now.push_back(100 * final_test_error(run));
  count_identical(pointers(before), pointers(now), pair);
  pairs.push_back(pair);
  add_errors_beside(Measure::test_error, pointers(before), pointers(now), pair, pairs);
}

Table values_table(const std::vector<Pair>& pairs) {
  Table table{{"What", "Measure", "Before", "Now", "Change", "SD", "Beyond the spread",
               "Runs in common", "Digest identical"},
              {}};
  for (const Pair& pair : pairs) {
    const double before = spread_of(pair.before).mean;
    const double now = spread_of(pair.now).mean;
    const bool all = pair.common > 0 && pair.identical == pair.common &&
                     pair.before.size() == pair.now.size() && pair.now.size() == pair.common;
    const double spread = spread_of_both(pair);
    const bool beyond = std::abs(now - before) > spread;
    const bool unknown = std::isnan(spread) && now != before;
    table.rows.push_back({pair.name, pair.measure, number_cell(before, 2), number_cell(now, 2),
                          number_cell(now - before, 2), if_finite(spread, number_cell(spread, 2)),
                          all       ? "no, digests identical"
                          : unknown ? "unknown, one seed"
                          : beyond  ? "yes"
                                    : "no",
                          count_cell(pair.common), count_cell(pair.identical)});
  }
  return table;
}

Table verdicts_table(const std::vector<Contrast>& before, const std::vector<Contrast>& now) {
  Table table{
      {"Comparison", "Before", "CI from, before", "CI to, before", "Now", "CI from", "CI to",
       "Change", "Unit", "Adjusted p, before", "Adjusted p", "Verdict before", "Verdict now"},
      {}};
  for (const Contrast& contrast : now) {
    for (const Contrast& other : before) {
      if (other.study->name != contrast.study->name ||
          other.variant->name != contrast.variant->name) {
        continue;
      }
      const Study& study = *contrast.study;
      const auto cell = [&](double value) { return if_finite(value, value_cell(study, value)); };
      table.rows.push_back(
          {contrast_name(contrast).capitalized(), cell(other.test.mean),
           cell(other.test.interval.low), cell(other.test.interval.high), cell(contrast.test.mean),
           cell(contrast.test.interval.low), cell(contrast.test.interval.high),
           cell(contrast.test.mean - other.test.mean), words_for(study.measure).difference_unit,
           p_cell(other.adjusted_p), p_cell(contrast.adjusted_p), verdict_text(other),
           verdict_text(contrast)});
    }
  }
  return table;
}

/// Of rows that both timed: the geometric mean of the ratio of times, now over before, and how many
/// are slower or faster by more than the spread of either; the data have the rows.
TableEntry times_table(const std::vector<Comparison>& before, const std::vector<Comparison>& now) {
  struct Sum {
    double logarithms = 0;
    std::size_t rows = 0, slower = 0, faster = 0;
  };
  std::map<UntrustedText, Sum> sums;
  std::map<std::array<UntrustedText, 3>, const ComparisonRow*> known;
  TableEntry entry;
  entry.data.titles = {"Shape", "Pass", "Algorithm", "Before (ms)", "Now (ms)", "Now over before"};
  for (const Comparison& comparison : before) {
    for (const ComparisonRow& row : comparison.rows) {
      if (row.is_timed()) known[{row.name, row.pass, row.algorithm}] = &row;
    }
  }
  for (const Comparison& comparison : now) {
    for (const ComparisonRow& row : comparison.rows) {
      const auto old = known.find({row.name, row.pass, row.algorithm});
      if (!row.is_timed() || old == known.end()) continue;
      const double ratio = row.median_ms / old->second->median_ms;
      entry.data.rows.push_back({code_cell(row.name), row.pass, code_cell(row.algorithm),
                                 number_cell(old->second->median_ms, 3),
                                 number_cell(row.median_ms, 3), number_cell(ratio, 2)});
      Sum& sum = sums[row.algorithm];
      sum.logarithms += std::log(ratio);
      ++sum.rows;
      sum.slower += row.least_ms > old->second->most_ms ? 1 : 0;
      sum.faster += row.most_ms < old->second->least_ms ? 1 : 0;
    }
  }
  Table& table = entry.table;
  table.titles = {"Algorithm", "Rows", "Time, now over before", "Slower", "Faster"};
  for (const auto& [algorithm, sum] : sums) {
    const double ratio = std::exp(sum.logarithms / static_cast<double>(sum.rows));
    table.rows.push_back({code_cell(algorithm), count_cell(sum.rows), number_cell(ratio, 2),
                          count_cell(sum.slower), count_cell(sum.faster)});
  }
  return entry;
}

}  // namespace

void add_against(const Inputs& before, const Inputs& now, const std::vector<Study>& studies,
                 const std::vector<Contrast>& contrasts, Draft& draft) {
  const std::vector<Study> old_studies = group_studies(before.studies);
  const std::vector<Contrast> old_contrasts = contrasts_of(old_studies);
  std::vector<Pair> pairs;
  add_lenet_pair("LeNet-5", before.lenet, now.lenet, pairs);
  add_lenet_pair("LeNet-5, distorted images", before.distorted, now.distorted, pairs);
  add_variants(old_studies, studies, pairs);
  if (pairs.empty()) {
    throw Error("--against", "no study and variant in common, and no LeNet-5",
                "records of the same experiments");
  }
  const Table values = values_table(pairs);
  const Table verdicts = verdicts_table(old_contrasts, contrasts);
  draft.add("against", {values, {}});
  draft.set("has_against_verdicts", !verdicts.rows.empty());
  if (!verdicts.rows.empty()) draft.add("against_verdicts", {verdicts, {}});
  TableEntry times = times_table(before.comparisons, now.comparisons);
  draft.set("has_against_times", !times.table.rows.empty());
  if (!times.table.rows.empty()) draft.add("against_times", std::move(times));
  std::size_t common = 0;
  std::size_t identical = 0;
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    common += pairs[i].beside ? 0 : pairs[i].common;
    identical += pairs[i].beside ? 0 : pairs[i].identical;
    beyond += values.rows[i][6].shown == Markdown("yes") ? 1 : 0;
  }
  draft.set("against_common", grouped(common));
  draft.set("against_identical", grouped(identical));
  draft.set("against_beyond", grouped(beyond));
  draft.set("against_values", grouped(pairs.size()));
}

}  // namespace reprise::reports
