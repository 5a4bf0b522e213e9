// Personal Notes on LeNet-5: what its data show beside the question.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kConfident = 0.9;
constexpr std::size_t kMistakes = 5;

/// Test images named wrong, the most confident first; ties by index.
std::vector<std::size_t> mistakes_by_confidence(const TrainingRun& run) {
  std::vector<std::size_t> mistakes;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    if (run.top_labels.label(image, 0) != run.test_labels[image]) mistakes.push_back(image);
  }
  const auto confidence = [&](std::size_t image) {
    const double probability = run.top_labels.probability(image, 0);
    return std::isfinite(probability) ? probability : 0.0;
  };
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [&](std::size_t a, std::size_t b) { return confidence(a) > confidence(b); });
  return mistakes;
}

/// In percent: two decimals, and as many as it takes where these would make a certainty of it.
std::string probability_cell(double probability) {
  const bool is_extreme = probability > 0.9999 || probability < 0.0001;
  return percent_cell(probability, is_extreme && probability != 1 && probability != 0 ? 6 : 2);
}

TableEntry mistakes_table(const TrainingRun& run, const std::vector<std::size_t>& mistakes) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"Test image", Align::right},
                         {"True class"},
                         {"Named"},
                         {"Probability (%)", Align::right},
                         {"Probability of the true class (%)", Align::right}};
  for (std::size_t i = 0; i < std::min(kMistakes, mistakes.size()); ++i) {
    const std::size_t image = mistakes[i];
    const std::size_t truth = run.test_labels[image];
    std::string of_truth = "below those of the likeliest";
    for (std::size_t rank = 1; rank < run.top_labels.ranks; ++rank) {
      if (run.top_labels.label(image, rank) == truth) {
        of_truth = probability_cell(run.top_labels.probability(image, rank));
      }
    }
    entry.table.rows.push_back({std::to_string(image), run.class_names[truth],
                                run.class_names[run.top_labels.label(image, 0)],
                                probability_cell(run.top_labels.probability(image, 0)), of_truth});
  }
  return entry;
}

void add_mistakes(const TrainingRun& run, Draft& draft) {
  const std::vector<std::size_t> mistakes = mistakes_by_confidence(run);
  const auto confident = std::count_if(mistakes.begin(), mistakes.end(), [&](std::size_t image) {
    return run.top_labels.probability(image, 0) > kConfident;
  });
  if (!mistakes.empty()) draft.add("mistakes", mistakes_table(run, mistakes));
  draft.set("mistake_rows",
            count_word(static_cast<std::int64_t>(std::min(kMistakes, mistakes.size()))));
  draft.set("confident", percent(kConfident, 0));
  draft.set("confident_mistakes", grouped(confident));
  const double share = static_cast<double>(confident) /
                       static_cast<double>(std::max<std::size_t>(1, mistakes.size()));
  draft.set("confident_share", percent(share, 0));
}

/// Mean probability of the named label against the share that was right. Within one point they are
/// called equal.
void add_calibration(const TrainingRun& run, Draft& draft) {
  double sum = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    sum += run.top_labels.probability(image, 0);
  }
  const double confidence = sum / static_cast<double>(run.test_images);
  const double excess = confidence - run.test_accuracy;
  const double tolerance = 0.01;
  draft.set("mean_confidence", percent(confidence, 1));
  draft.set("excess_confidence", points(std::abs(excess), 1));
  draft.set("overconfident", excess > tolerance);
  draft.set("underconfident", excess < -tolerance);
  draft.set("well_calibrated", std::abs(excess) <= tolerance);
}

void add_course_of_training(const TrainingRun& run, Draft& draft) {
  const std::vector<double>& error = run.history.test_error;
  std::size_t rises = 0;
  for (std::size_t i = 1; i < error.size(); ++i) rises += error[i] > error[i - 1] ? 1 : 0;
  const double chance = 1 - 1.0 / static_cast<double>(run.classes());
  const double gained = chance - error.front();
  const double gained_in_all = chance - error.back();
  const bool told = error.size() > 1 && gained > 0 && gained_in_all > 0;
  const double share = std::min(1.0, gained / std::max(gained_in_all, 1e-9));
  draft.set("first_epoch_told", told);
  draft.set("first_epoch_most", share > 0.5);
  draft.set("first_epoch_share", percent(share, 0));
  draft.set("one_later_epoch", error.size() == 2);
  draft.set("chance_error", percent(chance, 0));
  draft.set("has_rises", rises > 0);
  draft.set("rises", times_word(static_cast<std::int64_t>(rises)));
  draft.set("later_epochs", count_word(static_cast<std::int64_t>(error.size()) - 1));
}

}  // namespace

void add_notes(const std::vector<TrainingRun>& runs, Draft& draft) {
  const TrainingRun& run = runs.front();
  add_mistakes(run, draft);
  add_calibration(run, draft);
  add_course_of_training(run, draft);
  const Interval interval = wilson_interval(run.right(), run.test_images);
  draft.set("interval_half_width", points((interval.high - interval.low) / 2, 1));
}

}  // namespace reprise::reports
