// AlexNet in tables, and its paper's results with ours below.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

TableEntry layers_table() {
  TableEntry entry{fixed_table("alexnet_layers.csv"), {}};
  entry.table.rows.push_back({bold("Total"), "", "", bold(count_cell(kAlexnetParameters))});
  return entry;
}

/// Fraction of test images whose label is not among its top 5.
double top_k_error(const TrainingRun& run) {
  std::size_t missed = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    bool found = false;
    for (std::size_t rank = 0; rank < run.ranks(); ++rank) {
      found |= run.label(image, rank) == run.evaluation.test_labels[image];
    }
    missed += found ? 0 : 1;
  }
  return static_cast<double>(missed) / static_cast<double>(run.test_images);
}

/// Error of the mean of the runs' probabilities, of all classes that a record keeps.
double averaged_error(const Runs& runs) {
  const TrainingRun& first = *runs.front();
  std::size_t wrong = 0;
  for (std::size_t image = 0; image < first.test_images; ++image) {
    std::vector<double> sums(first.classes(), 0);
    for (const TrainingRun* run : runs) {
      for (std::size_t rank = 0; rank < run->ranks(); ++rank) {
        sums[run->label(image, rank)] += run->probability(image, rank);
      }
    }
    const auto best = std::max_element(sums.begin(), sums.end()) - sums.begin();
    wrong += static_cast<std::size_t>(best) == first.evaluation.test_labels[image] ? 0 : 1;
  }
  return static_cast<double>(wrong) / static_cast<double>(first.test_images);
}

/// Whether their labels of every test image are known.
bool are_whole(const Runs& runs) {
  return std::none_of(runs.begin(), runs.end(), [](const auto* run) { return run->by_summary; });
}

/// Whether all runs were judged by the same images, as far as their labels tell.
bool share_test_images(const Runs& runs) {
  return are_whole(runs) && std::all_of(runs.begin(), runs.end(), [&](const TrainingRun* run) {
           return run->evaluation.test_labels == runs.front()->evaluation.test_labels;
         });
}

double mean_of(const Runs& runs, double (*value)(const TrainingRun&)) {
  std::vector<double> values;
  for (const TrainingRun* run : runs) values.push_back(value(*run));
  return spread_of(values).mean;
}

/// Runs that differ in their seeds only, and how the table calls them.
struct Repetitions {
  UntrustedText name;
  Runs runs;
};

/// LeNet-5, and the baseline of each study; runs that several share once.
std::vector<Repetitions> our_groups(const Inputs& inputs, const std::vector<Study>& studies) {
  std::vector<Repetitions> groups;
  if (!inputs.lenet.empty()) groups.push_back({"LeNet-5", pointers(inputs.lenet)});
  if (!inputs.distorted.empty()) {
    groups.push_back({"LeNet-5, distorted images", pointers(inputs.distorted)});
  }
  for (const Study& study : studies) {
    Repetitions group{plain_text("{}: {}", heading_of(study.name), words_of(study.baseline_name)),
                      {}};
    for (const StudyRun& run : study.baseline()->runs) group.runs.push_back(run.run);
    const bool is_new = std::none_of(groups.begin(), groups.end(), [&](const Repetitions& other) {
      return digest_over(other.runs) == digest_over(group.runs);
    });
    if (is_new) groups.push_back(std::move(group));
  }
  return groups;
}

void add_our_rows(const Repetitions& group, Table& table) {
  const TrainingRun& run = *group.runs.front();
  const UntrustedText data =
      data_display_name(run.data_name) + (is_held_out(run) ? ", held out" : ", test");
  table.rows.push_back({group.name, count_cell(std::int64_t{1}), data,
                        percent_cell(mean_of(group.runs, final_test_error), 2),
                        are_whole(group.runs) && run.ranks() < run.classes()
                            ? percent_cell(mean_of(group.runs, top_k_error), 2)
                            : Cell()});
  if (group.runs.size() < 2 || !share_test_images(group.runs)) return;
  table.rows.push_back({group.name, count_cell(group.runs.size()), data,
                        percent_cell(averaged_error(group.runs), 2), Cell()});
}

TableEntry results_table(const std::vector<Repetitions>& groups) {
  TableEntry entry{fixed_table("alexnet_results.csv"), {}};
  Runs all;
  for (const Repetitions& group : groups) {
    add_our_rows(group, entry.table);
    all.insert(all.end(), group.runs.begin(), group.runs.end());
  }
  entry.source = source_of(all);
  return entry;
}

/// What averaging several networks gained: the paper's, and the least and largest of ours.
void add_averaging(const std::vector<Repetitions>& groups, Draft& draft) {
  std::vector<double> gains;
  for (const Repetitions& group : groups) {
    if (group.runs.size() < 2 || !share_test_images(group.runs)) continue;
    gains.push_back(mean_of(group.runs, final_test_error) - averaged_error(group.runs));
  }
  draft.set("has_averaging", !gains.empty());
  draft.set("paper_averaging_gain", points(kAlexnetAveragingGain, 1));
  if (gains.empty()) return;
  const Spread spread = spread_of(gains);
  draft.set("averaging_gain_least", fixed(100 * spread.least, 2));
  draft.set("averaging_gain_most", points(spread.most, 2));
}

}  // namespace

void add_alexnet(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft) {
  draft.add("alexnet_layers", layers_table());
  draft.add("alexnet_new", {fixed_table("alexnet_new.csv"), {}});
  const std::vector<Repetitions> groups = our_groups(inputs, studies);
  draft.add("paper_results", results_table(groups));
  add_averaging(groups, draft);
}

}  // namespace reprise::reports
