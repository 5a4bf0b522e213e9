// Which sentences of the conclusion hold. The rules:
// - Range: the test accuracy is inside, above or below the published range, or its interval reaches
//   into the range; no verdict if fewer images were trained on than the range is for.
// - Fit: no gap if the training error is not below the test error's interval. Else, if the test
//   loss has risen by more than kRise over its least value, the network overfits; else there is a
//   gap, but more training has not yet done harm.
// - Classes: a class stands out if its interval lies wholly above the error over all classes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "class_statistics.hpp"
#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kRise = 0.02;
constexpr std::size_t kPairs = 3;
constexpr std::size_t kWholeTrainingSet = 60000;  // of MNIST and Fashion-MNIST

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

void add_range(const TrainingRun& run, Draft& draft) {
  const auto known = known_accuracy(data_display_name(run.data_name));
  const bool comparable = known && run.train_images >= kWholeTrainingSet;
  const Interval interval = wilson_interval(run.right(), run.test_images);
  const double accuracy = run.test_accuracy;
  const Interval range{known ? known->low : 0, known ? known->high : 1};
  const bool inside = range.contains(accuracy);
  const bool touches = interval.low <= range.high && interval.high >= range.low;
  draft.set("range_known", known.has_value());
  draft.set("range", percent_range(range, 2));
  draft.set("range_basis", known ? std::string(known->basis) : "");
  draft.set("whole_training_set", grouped(kWholeTrainingSet));
  draft.set("range_not_comparable", known.has_value() && !comparable);
  draft.set("range_inside", comparable && inside);
  draft.set("range_touched", comparable && !inside && touches);
  draft.set("range_above", comparable && !touches && accuracy > range.high);
  draft.set("range_below", comparable && !touches && accuracy < range.low);
}

void add_fit(const TrainingRun& run, Draft& draft) {
  const History& history = run.history;
  const bool finite = all_finite(history.train_loss) && all_finite(history.test_loss);
  const auto least = std::min_element(history.test_loss.begin(), history.test_loss.end());
  const std::size_t best = static_cast<std::size_t>(least - history.test_loss.begin());
  const double last_loss = history.test_loss.back();
  const Interval interval = wilson_interval(run.test_images - run.right(), run.test_images);
  const double gap = history.test_error.back() - history.train_error.back();
  const bool has_gap = history.train_error.back() < interval.low;
  const bool risen = last_loss > (1 + kRise) * *least;
  const int decimals = percent_decimals(run.test_images);
  draft.set("diverged", !finite);
  draft.set("fit_without_gap", finite && !has_gap);
  draft.set("fit_with_gap", finite && has_gap && !risen);
  draft.set("least_is_last", best + 1 == history.epoch.size());
  draft.set("overfits", finite && has_gap && risen);
  draft.set("gap", points(gap, decimals));
  draft.set("rise_rule", percent(kRise, 0));
  draft.set("rise", percent(last_loss / *least - 1, 0));
  draft.set("least_test_loss", fixed(*least, 3));
  draft.set("least_test_loss_epoch", std::to_string(history.epoch[best]));
  draft.set("last_test_loss", fixed(last_loss, 3));
}

void add_pairs(const TrainingRun& run, Draft& draft) {
  const std::vector<ConfusedPair> pairs = confused_pairs(run);
  const std::size_t shown = std::min(kPairs, pairs.size());
  std::size_t covered = 0;
  std::vector<UntrustedText> names;
  for (std::size_t i = 0; i < shown; ++i) {
    covered += pairs[i].count;
    names.push_back(plain_text("{} with {} ({})", run.class_names[pairs[i].a],
                               run.class_names[pairs[i].b], pairs[i].count));
  }
  const std::size_t wrong = run.test_images - run.right();
  draft.set("has_errors", wrong > 0);
  draft.set("one_pair", shown == 1);
  draft.set("several_pairs", shown > 1);
  draft.set("pair_count_capital", capitalized(count_word(static_cast<std::int64_t>(shown))));
  draft.set("pairs", listed(names));
  const double all_pairs = static_cast<double>(run.classes() * (run.classes() - 1)) / 2;
  draft.set("pair_share_even", percent(static_cast<double>(shown) / all_pairs, 0));
  draft.set("pair_share", percent(static_cast<double>(covered) /
                                      static_cast<double>(std::max<std::size_t>(wrong, 1)),
                                  0));
}

void add_standing_out(const TrainingRun& run, Draft& draft) {
  std::vector<UntrustedText> names;
  for (const ClassErrors& errors : worst_first(errors_by_class(run))) {
    if (errors.interval().low <= 1 - run.test_accuracy) continue;
    names.push_back(run.class_names[errors.label]);
  }
  draft.set("classes_stand_out", !names.empty());
  draft.set("one_stands_out", names.size() == 1);
  draft.set("several_stand_out", names.size() > 1);
  draft.set("standing_out", listed(names));
}

}  // namespace

void add_conclusion(const TrainingRun& run, Draft& draft) {
  add_range(run, draft);
  add_fit(run, draft);
  add_pairs(run, draft);
  add_standing_out(run, draft);
}

}  // namespace reprise::reports
