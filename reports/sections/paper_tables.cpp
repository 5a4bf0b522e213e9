// AlexNet in tables; the paper's results with ours below; LeNet-5 beside the paper of 1998.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alexnet.hpp"
#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"

namespace reprise::reports {
namespace {

TableEntry layers_table() {
  TableEntry entry;
  entry.table.columns = {{"Layer"}, {"What"}, {"Output"}, {"Parameters", Align::right}};
  std::int64_t sum = 0;
  for (const AlexNetLayer& layer : alexnet_layers()) {
    entry.table.rows.push_back({std::string(layer.name), std::string(layer.what),
                                std::string(layer.output), std::to_string(layer.parameters())});
    sum += layer.parameters();
  }
  entry.table.rows.push_back(
      {Markdown::format("**Total**"), "", "", Markdown::format("**{}**", sum)});
  return entry;
}

TableEntry novelties_table() {
  TableEntry entry;
  entry.table.columns = {{"Section"}, {"What was new"}, {"What it brought, by the paper"}};
  for (const AlexNetNovelty& novelty : alexnet_novelties()) {
    entry.table.rows.push_back(
        {std::string(novelty.section), std::string(novelty.what), std::string(novelty.brought)});
  }
  return entry;
}

/// Share of test images whose label is not among the likeliest.
double error_among_likeliest(const TrainingRun& run) {
  std::size_t missed = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    bool found = false;
    for (std::size_t rank = 0; rank < run.top_labels.ranks; ++rank) {
      found |= run.top_labels.label(image, rank) == run.test_labels[image];
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
      for (std::size_t rank = 0; rank < run->top_labels.ranks; ++rank) {
        sums[run->top_labels.label(image, rank)] += run->top_labels.probability(image, rank);
      }
    }
    const auto best = std::max_element(sums.begin(), sums.end()) - sums.begin();
    wrong += static_cast<std::size_t>(best) == first.test_labels[image] ? 0 : 1;
  }
  return static_cast<double>(wrong) / static_cast<double>(first.test_images);
}

double mean_of(const Runs& runs, double (*value)(const TrainingRun&)) {
  std::vector<double> values;
  for (const TrainingRun* run : runs) values.push_back(value(*run));
  return spread_of(values).mean;
}

/// Runs that differ in their seeds only, and how the table calls them.
struct Group {
  UntrustedText name;
  Runs runs;
};

Runs pointers(const std::vector<TrainingRun>& runs) {
  Runs all;
  for (const TrainingRun& run : runs) all.push_back(&run);
  return all;
}

/// LeNet-5, and the baseline of each study with a network of its own.
std::vector<Group> our_groups(const Inputs& inputs, const std::vector<Study>& studies) {
  std::vector<Group> groups;
  if (!inputs.lenet.empty()) groups.push_back({"LeNet-5", pointers(inputs.lenet)});
  if (!inputs.distorted.empty()) {
    groups.push_back({"LeNet-5, distorted images", pointers(inputs.distorted)});
  }
  for (const Study& study : studies) {
    Group group{plain_text("{}: {}", heading_of(study.name), words_of(study.baseline_name)), {}};
    for (const StudyRun& run : study.baseline()->runs) group.runs.push_back(run.run);
    groups.push_back(std::move(group));
  }
  return groups;
}

void add_our_rows(const Group& group, Table& table) {
  const TrainingRun& run = *group.runs.front();
  const UntrustedText data = data_display_name(run.data_name) + ", test";
  const bool top5 = run.top_labels.ranks < run.classes();
  const double five = top5 ? mean_of(group.runs, error_among_likeliest) : std::nan("");
  table.rows.push_back({group.name + ", 1 CNN", data,
                        percent_cell(mean_of(group.runs, final_test_error), 2),
                        or_dash(five, percent_cell(five, 2))});
  if (group.runs.size() < 2) return;
  table.rows.push_back({plain_text("{}, {} CNNs", group.name, group.runs.size()), data,
                        percent_cell(averaged_error(group.runs), 2), "–"});
}

TableEntry results_table(const std::vector<Group>& groups) {
  TableEntry entry;
  entry.table.columns = {
      {"Model"}, {"Images"}, {"Top-1 error (%)", Align::right}, {"Top-5 error (%)", Align::right}};
  for (const AlexNetResult& result : alexnet_results()) {
    const double top5 = std::isnan(result.top5) ? result.top5_test : result.top5;
    entry.table.rows.push_back({std::string(result.model), std::string(result.data),
                                or_dash(result.top1, percent_cell(result.top1, 1)),
                                or_dash(top5, percent_cell(top5, 1))});
  }
  Runs all;
  for (const Group& group : groups) {
    add_our_rows(group, entry.table);
    all.insert(all.end(), group.runs.begin(), group.runs.end());
  }
  entry.source = source_of(all);
  return entry;
}

/// What averaging several networks gained: the paper's, and the largest and smallest of ours.
void add_averaging(const std::vector<Group>& groups, Draft& draft) {
  const auto find = [](int networks) {
    const auto& results = alexnet_results();
    return std::find_if(
               results.rbegin(), results.rend(),
               [&](const AlexNetResult& r) { return r.networks == networks && !r.pretrained; })
        ->top1;
  };
  draft.set("paper_averaging_gain", points(find(1) - find(5), 1));
  draft.set("paper_averaged", count_word(5));
  draft.set("first_table", "1");
  draft.set("second_table", "2");
  std::vector<double> gains;
  for (const Group& group : groups) {
    if (group.runs.size() < 2) continue;
    gains.push_back(mean_of(group.runs, final_test_error) - averaged_error(group.runs));
  }
  draft.set("has_averaging", !gains.empty());
  if (gains.empty()) return;
  const Spread spread = spread_of(gains);
  draft.set("averaging_gain_least", points(spread.least, 2));
  draft.set("averaging_gain_most", points(spread.most, 2));
  draft.set("one_averaging", gains.size() == 1);
}

void add_1998_row(const std::string& name, const std::vector<TrainingRun>& runs, double published,
                  Table& table) {
  std::vector<double> errors;
  for (const TrainingRun& run : runs) errors.push_back(final_test_error(run));
  if (errors.empty()) return;
  const Spread spread = spread_of(errors);
  const PairedTest mean = paired_t_test(errors);
  const bool several = errors.size() > 1;
  const auto if_several = [&](double share) { return several ? percent_cell(share, 2) : "–"; };
  table.rows.push_back({name, percent_cell(spread.mean, 2), if_several(spread.standard_deviation),
                        if_several(mean.interval.low), if_several(mean.interval.high),
                        percent_cell(spread.least, 2), percent_cell(spread.most, 2),
                        std::to_string(errors.size()), percent_cell(published, 2)});
}

/// "below", "above" or, where the interval over seeds or Wilson's over the test images holds it,
/// "not to be told apart from".
std::string against(const std::vector<TrainingRun>& runs, double published) {
  std::vector<double> errors;
  for (const TrainingRun& run : runs) errors.push_back(final_test_error(run));
  const PairedTest mean = paired_t_test(errors);
  const auto images = static_cast<double>(runs.empty() ? 0 : runs.front().test_images);
  const auto wrong =
      static_cast<std::size_t>(whole_number(std::round(std::max(0.0, mean.mean * images))));
  const bool held = mean.interval.contains(published) ||
                    wilson_interval(wrong, static_cast<std::size_t>(images)).contains(published);
  if (errors.size() < 2 || held) return "not to be told apart from";
  return mean.mean < published ? "below" : "above";
}

void add_1998(const Inputs& inputs, Draft& draft) {
  const TrainingRun& run = inputs.lenet.empty() ? inputs.distorted.front() : inputs.lenet.front();
  TableEntry entry;
  entry.table.columns = {{"Training images"},
                         {"Test error (%)", Align::right},
                         {"SD (points)", Align::right},
                         {interval_end("from (%)"), Align::right},
                         {interval_end("to (%)"), Align::right},
                         {"Least (%)", Align::right},
                         {"Largest (%)", Align::right},
                         {"Seeds", Align::right},
                         {"The paper of 1998, MNIST (%)", Align::right}};
  add_1998_row("as they are", inputs.lenet, kLenetTestError, entry.table);
  add_1998_row("shifted or distorted", inputs.distorted, kLenetDistortedTestError, entry.table);
  Runs all = pointers(inputs.lenet);
  for (const TrainingRun& one : inputs.distorted) all.push_back(&one);
  entry.source = source_of(all);
  draft.add("lenet_1998", std::move(entry));
  draft.set("is_mnist", data_display_name(run.data_name) == "MNIST");
  draft.set("has_plain_lenet", !inputs.lenet.empty());
  draft.set("has_distorted_lenet", !inputs.distorted.empty());
  draft.set("plain_against", inputs.lenet.empty() ? "" : against(inputs.lenet, kLenetTestError));
  draft.set("distorted_against",
            inputs.distorted.empty() ? "" : against(inputs.distorted, kLenetDistortedTestError));
}

}  // namespace

void add_alexnet_tables(Draft& draft) {
  draft.add("alexnet_layers", layers_table());
  draft.add("alexnet_new", novelties_table());
}

void add_paper_tables(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft) {
  if (!inputs.lenet.empty() || !inputs.distorted.empty()) add_1998(inputs, draft);
  if (studies.empty()) return;
  const std::vector<Group> groups = our_groups(inputs, studies);
  draft.add("paper_results", results_table(groups));
  add_averaging(groups, draft);
}

}  // namespace reprise::reports
