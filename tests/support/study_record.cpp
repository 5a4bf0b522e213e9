#include "support/study_record.hpp"

#include <algorithm>
#include <cmath>

#include "reprise/record/contents.hpp"
#include "support/training_record.hpp"

namespace reprise::test {
namespace {

constexpr std::size_t kStudyClasses = 10;
constexpr std::size_t kStudyRanks = 5;
constexpr std::size_t kNeighbours = 6;

template <class T>
std::vector<T>& values_in(Group& group, const std::string& name) {
  return std::get<std::vector<T>>(group.datasets[name].values);
}

StudyRecord study(const StudyRecordOptions& options) {
  const bool is_baseline = options.variant == options.baseline;
  StudyRecord result;
  result.name = options.study;
  result.question = "Does it matter?";
  result.section = options.section;
  if (!is_baseline) {
    result.claim = "It matters";
    result.paper_figure = options.paper_figure;
    result.expectation = options.expectation;
    result.variant_order = 1;
  }
  result.measure = options.measure;
  result.threshold = options.threshold;
  result.margin = options.margin;
  result.baseline = options.baseline;
  result.variant = options.variant;
  result.variant_description = "made up";
  result.role = options.pilot ? "pilot" : "measured";
  return result;
}

/// From 90% by equal factors to 25% after `quarter` epochs, and on.
void set_steps(const StudyRecordOptions& options, std::vector<EpochResult>& history) {
  std::size_t done = 0;
  for (EpochResult& epoch : history) {
    for (double& error : epoch.step_errors) {
      const double epochs =
          static_cast<double>(++done) / static_cast<double>(epoch.step_errors.size());
      error = 0.9 * std::pow(0.25 / 0.9, epochs / options.quarter);
    }
  }
}

/// Each sample has itself six times for neighbours, the last one under another label.
void add_neighbours(EvaluationRecord& evaluation) {
  const std::vector<std::uint8_t>& labels = evaluation.sample_labels;
  const std::vector<std::uint8_t>& pixels = evaluation.sample_images.values;
  const std::size_t size = pixels.size() / labels.size();
  const std::vector<std::size_t> shape = {labels.size(), kNeighbours};
  auto& index = evaluation.nearest_index.emplace(Array<std::int64_t>{shape, {}}).values;
  auto& near_labels = evaluation.nearest_labels.emplace(Array<std::uint8_t>{shape, {}}).values;
  auto& distances = evaluation.nearest_distances.emplace(Array<float>{shape, {}}).values;
  auto& images = evaluation.nearest_images.emplace();
  images.shape = evaluation.sample_images.shape;
  images.shape.insert(images.shape.begin() + 1, kNeighbours);
  for (std::size_t sample = 0; sample < labels.size(); ++sample) {
    for (std::size_t i = 0; i < kNeighbours; ++i) {
      const bool other = i + 1 == kNeighbours;
      index.push_back(static_cast<std::int64_t>(kNeighbours * sample + i));
      near_labels.push_back(
          static_cast<std::uint8_t>((labels[sample] + (other ? 1 : 0)) % kStudyClasses));
      distances.push_back(0.1F * static_cast<float>(i + 1));
      const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(size * sample);
      images.values.insert(images.values.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
    }
  }
}

}  // namespace

void set_wrong(Record& record, std::int64_t wrong) {
  Group& evaluation = record.groups["evaluation"];
  const auto& truth = values_in<std::uint8_t>(evaluation, "test_labels");
  auto& labels = values_in<std::uint8_t>(evaluation, "top5_labels");
  auto& confusion = values_in<std::int64_t>(evaluation, "confusion");
  std::fill(confusion.begin(), confusion.end(), 0);
  for (std::size_t image = 0; image < truth.size(); ++image) {
    const bool is_wrong = image < static_cast<std::size_t>(wrong);
    const std::size_t named = (truth[image] + (is_wrong ? 1U : 0U)) % kStudyClasses;
    std::uint8_t* ranks = &labels[kStudyRanks * image];
    std::uint8_t* found = std::find(ranks, ranks + kStudyRanks, named);
    if (found != ranks + kStudyRanks) std::swap(*found, *ranks);
    *ranks = static_cast<std::uint8_t>(named);
    ++confusion[kStudyClasses * truth[image] + named];
  }
  const double images = static_cast<double>(truth.size());
  const double error = static_cast<double>(wrong) / images;
  evaluation.attributes["test_accuracy"] = (images - static_cast<double>(wrong)) / images;
  values_in<double>(record.groups["history"], "test_error").back() = error;
}

Record study_record(const StudyRecordOptions& options) {
  TrainingRecord run =
      training_from(training_record({options.seed, options.epochs}), "made-up record");
  run.environment.attributes["program"] = options.study;
  run.study = study(options);
  run.configuration.settings["variant"] = options.variant;
  run.configuration.settings["learning_rate"] = options.learning_rate;
  run.history.back().train_error = options.train_error;
  run.evaluation.train_error = options.train_error;
  set_steps(options, run.history);
  if (options.neighbours) add_neighbours(run.evaluation);
  Record record = to_tree(run);
  set_wrong(record, options.wrong);
  return record;
}

}  // namespace reprise::test
