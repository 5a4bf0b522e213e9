// LeNet-5: test accuracy, its interval, and the runs by seed.
#include <fmt/format.h>

#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

std::string accuracy_text(const TrainingRun& run) {
  return percent(run.test_accuracy, percent_decimals(run.test_images));
}

std::string interval_text(const TrainingRun& run) {
  return percent_range(wilson_interval(run.right(), run.test_images),
                       percent_decimals(run.test_images));
}

/// Share of test images whose label is among the likeliest.
double share_among_likeliest(const TrainingRun& run) {
  std::size_t found = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    for (std::size_t rank = 0; rank < run.top_labels.ranks; ++rank) {
      if (run.top_labels.label(image, rank) == run.test_labels[image]) ++found;
    }
  }
  return static_cast<double>(found) / static_cast<double>(run.test_images);
}

TableEntry runs_table(const std::vector<TrainingRun>& runs) {
  TableEntry entry;
  entry.table.columns = {{"Record"},
                         {"Seed", Align::right},
                         {"Test accuracy (%)", Align::right},
                         {interval_end("from (%)"), Align::right},
                         {interval_end("to (%)"), Align::right},
                         {"Digest (SHA-256)"}};
  for (const TrainingRun& run : runs) {
    const Interval interval = wilson_interval(run.right(), run.test_images);
    const int decimals = percent_decimals(run.test_images);
    entry.table.rows.push_back({code_span(run.name), std::to_string(run.seed),
                                percent_cell(run.test_accuracy, decimals),
                                percent_cell(interval.low, decimals),
                                percent_cell(interval.high, decimals), code_span(run.digest)});
  }
  return entry;
}

void add_seeds(const std::vector<TrainingRun>& runs, Draft& draft) {
  std::vector<double> accuracies;
  accuracies.reserve(runs.size());
  for (const TrainingRun& run : runs) accuracies.push_back(run.test_accuracy);
  const Spread spread = spread_of(accuracies);
  const int decimals = percent_decimals(runs.front().test_images);
  draft.set("one_run", runs.size() == 1);
  draft.set("several_runs", runs.size() > 1);
  draft.set("run_count", count_word(static_cast<std::int64_t>(runs.size())));
  draft.set("seeds_mean", percent(spread.mean, decimals));
  draft.set("seeds_deviation", points(spread.standard_deviation, 2));
  draft.set("seeds_least", percent(spread.least, decimals));
  draft.set("seeds_most", percent(spread.most, decimals));
}

}  // namespace

void add_accuracy(const std::vector<TrainingRun>& runs, Draft& draft) {
  const TrainingRun& run = runs.front();
  draft.set("data_name", data_display_name(run.data_name));
  draft.set("seed", std::to_string(run.seed));
  draft.set("epochs", counted(run.epochs, "epoch"));
  draft.set("confidence", percent(kConfidence, 0));
  draft.set("accuracy", accuracy_text(run));
  draft.set("accuracy_interval", interval_text(run));
  draft.set("test_error", percent(1 - run.test_accuracy, percent_decimals(run.test_images)));
  draft.set("right", grouped(static_cast<std::int64_t>(run.right())));
  draft.set("wrong", grouped(static_cast<std::int64_t>(run.test_images - run.right())));
  draft.set("test_loss", fixed(run.test_loss, 3));
  draft.set("has_likeliest", run.top_labels.ranks < run.classes());
  draft.set("ranks", count_word(static_cast<std::int64_t>(run.top_labels.ranks)));
  draft.set("likeliest_share",
            percent(share_among_likeliest(run), percent_decimals(run.test_images)));
  draft.set("record_name", code_span(run.name));
  draft.set("digest", code_span("sha256:" + run.digest));
  draft.add("runs", runs_table(runs));
  add_seeds(runs, draft);
}

}  // namespace reprise::reports
