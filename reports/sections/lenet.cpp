// LeNet-5: accuracy, course of training, mistakes, and the paper of 1998 beside it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "class_statistics.hpp"
#include "format.hpp"
#include "published.hpp"
#include "reprise/core/integer.hpp"
#include "sections/curves.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kEpochRows = 20;  // of the table of epochs
constexpr std::size_t kParameterDigits = 8;
constexpr std::size_t kPairs = 3;
constexpr std::size_t kMistakes = 5;
constexpr double kConfident = 0.9;

int decimals_of(const TrainingRun& run) {
  return percent_decimals(run.test_images);
}

// ---- Course of training

/// Of both sets of images, in the order of the other studies' colours.
Panel course_panel(const std::string& name, const char* quantity, const char* unit, double scale,
                   const std::vector<double>& train, const std::vector<double>& test) {
  CurvePlot plot{name, quantity, unit, {330, 242}, "", {{"test", {}}, {"training", {}}}};
  const std::array values = {&test, &train};
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const double fraction : *values[i]) {
      std::vector<CurvePoint>& points = plot.curves[i].points;
      const double value = scale * fraction;
      points.push_back({static_cast<double>(points.size() + 1), {value, 0, value, value}});
    }
  }
  return curves_panel(plot);
}

Table history_table(const TrainingRun& run) {
  const History& history = run.history;
  Table table{{"Epoch", "Training loss", "Test loss", "Training error (%)", "Test error (%)",
               "Learning rate", "Parameters (SHA-256)"},
              {}};
  for (std::size_t i = 0; i < history.epoch.size(); ++i) {
    Cell rate = number_cell(history.learning_rate[i], 0);
    if (std::isfinite(history.learning_rate[i])) rate.shown = shortest(history.learning_rate[i]);
    Cell digest = code_cell(history.parameters_sha256[i]);
    digest.shown = code_span(history.parameters_sha256[i].substr(0, kParameterDigits) + "…");
    table.rows.push_back({count_cell(history.epoch[i]), number_cell(history.train_loss[i], 3),
                          number_cell(history.test_loss[i], 3),
                          percent_cell(history.train_error[i], decimals_of(run)),
                          percent_cell(history.test_error[i], decimals_of(run)), rate, digest});
  }
  return table;
}

/// At most kEpochRows of the rows, the last among them.
Table thinned(const Table& table) {
  const std::size_t rows = table.rows.size();
  const std::size_t step = div_ceil(rows, kEpochRows);
  Table some{table.titles, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    if ((i + 1) % step == 0 || i + 1 == rows) some.rows.push_back(table.rows[i]);
  }
  return some;
}

void add_course(const TrainingRun& run, Draft& draft) {
  const History& history = run.history;
  const Table table = history_table(run);
  const std::string source = short_digest(run.digest);
  draft.add(
      "course",
      Figure{{course_panel("loss", "Loss", "nats", 1, history.train_loss, history.test_loss),
              course_panel("error", "Error", "%", 100, history.train_error, history.test_error)},
             source,
             table});
  draft.add("epochs", {thinned(table), source, table});
  const auto least = std::min_element(history.test_loss.begin(), history.test_loss.end());
  draft.set(
      "least_loss_epoch",
      std::to_string(history.epoch[static_cast<std::size_t>(least - history.test_loss.begin())]));
  draft.set("least_is_last", least + 1 == history.test_loss.end());
  draft.set("last_epoch", std::to_string(history.epoch.back()));
  draft.set("least_test_loss", fixed(*least, 3));
  const double gap = final_test_error(run) - final_train_error(run);
  draft.set("train_error", percent(final_train_error(run), decimals_of(run)));
  draft.set("generalization_gap", points(gap, 2));
  std::size_t rises = 0;
  const std::vector<double>& error = history.test_error;
  for (std::size_t i = 1; i < error.size(); ++i) rises += error[i] > error[i - 1] ? 1 : 0;
  draft.set("has_rises", rises > 0);
  draft.set("rises", std::to_string(rises));
  draft.set("steps", std::to_string(error.size() - 1));
}

// ---- Accuracy

TableEntry runs_table(const std::vector<TrainingRun>& runs) {
  TableEntry entry{
      {{"Record", "Seed", "Test error (%)", "CI from (%)", "CI to (%)", "Digest (SHA-256)"}, {}},
      source_of(pointers(runs))};
  for (const TrainingRun& run : runs) {
    const Interval interval = wilson_interval(run.test_images - run.right(), run.test_images);
    const int decimals = decimals_of(run);
    entry.table.rows.push_back({code_cell(run.name), count_cell(run.seed),
                                percent_cell(final_test_error(run), decimals),
                                percent_cell(interval.low, decimals),
                                percent_cell(interval.high, decimals), code_cell(run.digest)});
  }
  return entry;
}

void add_accuracy(const std::vector<TrainingRun>& runs, Draft& draft) {
  const TrainingRun& run = runs.front();
  const int decimals = decimals_of(run);
  const Interval interval = wilson_interval(run.test_images - run.right(), run.test_images);
  std::vector<double> errors;
  for (const TrainingRun& one : runs) errors.push_back(final_test_error(one));
  const Spread spread = spread_of(errors);
  draft.set("data_name", data_display_name(run.data_name));
  draft.set("seed", std::to_string(run.seed));
  draft.set("epochs", counted(run.epochs, "epoch"));
  draft.set("accuracy", percent(run.evaluation.test_accuracy, decimals));
  draft.set("test_error", percent(final_test_error(run), decimals));
  draft.set("test_error_interval", percent_range(interval, decimals));
  draft.set("test_loss", fixed(run.evaluation.test_loss, 3));
  draft.set("wrong", grouped(run.test_images - run.right()));
  draft.set("test_images", grouped(run.test_images));
  draft.set("train_images", grouped(run.train_images));
  draft.set("parameters", grouped(run.parameters));
  draft.set("several_runs", runs.size() > 1);
  draft.set("lenet_seeds", counted(runs.size(), "seed"));
  draft.set("seeds_mean", percent(spread.mean, 2));
  draft.set("seeds_deviation", points(spread.standard_deviation, 2));
  draft.add("runs", runs_table(runs));
}

// ---- The paper of 1998

void add_1998_row(const char* name, const std::vector<TrainingRun>& runs, double published,
                  Table& table) {
  std::vector<double> errors;
  for (const TrainingRun& run : runs) errors.push_back(final_test_error(run));
  if (errors.empty()) return;
  const Spread spread = spread_of(errors);
  const PairedTest mean = paired_t_test(errors);
  table.rows.push_back({plain_text("{}, {}", grouped(runs.front().train_images), name),
                        percent_cell(spread.mean, 2),
                        errors.size() > 1 ? percent_cell(spread.standard_deviation, 2) : Cell(),
                        if_finite(mean.interval.low, percent_cell(mean.interval.low, 2)),
                        if_finite(mean.interval.high, percent_cell(mean.interval.high, 2)),
                        percent_cell(spread.least, 2), percent_cell(spread.most, 2),
                        count_cell(errors.size()), percent_cell(published, 2)});
}

void add_1998(const Inputs& inputs, Draft& draft) {
  Runs all = pointers(inputs.lenet);
  for (const TrainingRun& run : inputs.distorted) all.push_back(&run);
  TableEntry entry{{{"Training images", "Test error (%)", "SD (points)", "CI from (%)", "CI to (%)",
                     "Least (%)", "Largest (%)", "Seeds", "1998, MNIST (%)"},
                    {}},
                   source_of(all)};
  add_1998_row("as they are", inputs.lenet, kLenetTestError, entry.table);
  add_1998_row("distorted", inputs.distorted, kLenetDistortedTestError, entry.table);
  draft.add("lenet_1998", std::move(entry));
}

// ---- Mistakes

/// Test images named wrong, the most confident first; ties by index.
std::vector<std::size_t> mistakes_by_confidence(const TrainingRun& run) {
  std::vector<std::size_t> mistakes;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    if (run.label(image, 0) != run.evaluation.test_labels[image]) mistakes.push_back(image);
  }
  const auto confidence = [&](std::size_t image) {
    const double probability = run.probability(image, 0);
    return std::isfinite(probability) ? probability : 0.0;
  };
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [&](std::size_t a, std::size_t b) { return confidence(a) > confidence(b); });
  return mistakes;
}

/// Two decimals, and as many as it takes where these would make a certainty of it.
Cell probability_cell(double probability) {
  const bool is_extreme = probability > 0.9999 || probability < 0.0001;
  return percent_cell(probability, is_extreme && probability != 1 && probability != 0 ? 6 : 2);
}

TableEntry mistakes_table(const TrainingRun& run, const std::vector<std::size_t>& mistakes) {
  TableEntry entry{{{"Test image", "True class", "Predicted", "Probability (%)",
                     "Probability of the true class (%)"},
                    {}},
                   short_digest(run.digest)};
  for (std::size_t i = 0; i < std::min(kMistakes, mistakes.size()); ++i) {
    const std::size_t image = mistakes[i];
    const std::size_t truth = run.evaluation.test_labels[image];
    Cell of_truth;
    for (std::size_t rank = 1; rank < run.ranks(); ++rank) {
      if (run.label(image, rank) == truth) {
        of_truth = probability_cell(run.probability(image, rank));
      }
    }
    entry.table.rows.push_back({count_cell(image), run.class_names[truth],
                                run.class_names[run.label(image, 0)],
                                probability_cell(run.probability(image, 0)), of_truth});
  }
  return entry;
}

void add_mistakes(const TrainingRun& run, Draft& draft) {
  const std::vector<std::size_t> mistakes = mistakes_by_confidence(run);
  draft.set("has_errors", !mistakes.empty());
  if (mistakes.empty()) return;
  draft.add("mistakes", mistakes_table(run, mistakes));
  const auto confident = std::count_if(mistakes.begin(), mistakes.end(), [&](std::size_t image) {
    return run.probability(image, 0) > kConfident;
  });
  draft.set("confident", percent(kConfident, 0));
  draft.set("confident_mistakes", grouped(confident));
  double sum = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    sum += run.probability(image, 0);
  }
  draft.set("mean_confidence", percent(sum / static_cast<double>(run.test_images), 1));
  const std::vector<ConfusedPair> pairs = confused_pairs(run);
  std::vector<UntrustedText> names;
  std::size_t covered = 0;
  for (std::size_t i = 0; i < std::min(kPairs, pairs.size()); ++i) {
    covered += pairs[i].count;
    names.push_back(plain_text("between {} and {} ({})", run.class_names[pairs[i].a],
                               run.class_names[pairs[i].b], pairs[i].count));
  }
  draft.set("pairs", listed(names));
  draft.set("pair_fraction",
            percent(static_cast<double>(covered) / static_cast<double>(mistakes.size()), 0));
}

}  // namespace

void add_lenet(const Inputs& inputs, Draft& draft) {
  const std::vector<TrainingRun>& runs = lenet_runs(inputs);
  draft.set("has_lenet", !runs.empty());
  if (runs.empty()) return;
  add_accuracy(runs, draft);
  add_course(runs.front(), draft);
  add_1998(inputs, draft);
  add_classes(runs.front(), draft);
  add_mistakes(runs.front(), draft);
  draft.set("lenet_distorted_error", percent(kLenetDistortedTestError, 1));
}

}  // namespace reprise::reports
