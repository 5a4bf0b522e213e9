#include "support/study_record.hpp"

#include <algorithm>
#include <cmath>

#include "support/training_record.hpp"

namespace reprise::test {
namespace {

constexpr std::size_t kClasses = 10;
constexpr std::size_t kRanks = 5;
constexpr std::size_t kSteps = 63;  // of an epoch
constexpr std::size_t kNeighbours = 6;

template <class T>
std::vector<T>& values_in(Group& group, const std::string& name) {
  return std::get<std::vector<T>>(group.datasets[name].values);
}

Group study(const StudyRecordOptions& options) {
  const bool is_baseline = options.variant == options.baseline;
  Group group;
  group.attributes = {{"name", options.study},
                      {"question", "Does it matter?"},
                      {"section", options.section},
                      {"claim", is_baseline ? "" : "It matters"},
                      {"paper_figure", is_baseline ? "" : options.paper_figure},
                      {"measure", options.measure},
                      {"threshold", options.threshold},
                      {"baseline", options.baseline},
                      {"variant", options.variant},
                      {"variant_description", "made up"},
                      {"variant_order", std::int64_t{is_baseline ? 0 : 1}},
                      {"expectation", is_baseline ? "" : options.expectation},
                      {"margin", options.margin},
                      {"role", options.pilot ? "pilot" : "measured"}};
  return group;
}

/// From 90% by equal factors to 25% after `quarter` epochs, and on.
void add_steps(const StudyRecordOptions& options, Group& history) {
  std::vector<double> errors;
  const auto steps = kSteps * static_cast<std::size_t>(options.epochs);
  for (std::size_t step = 0; step < steps; ++step) {
    const double epochs = static_cast<double>(step + 1) / static_cast<double>(kSteps);
    errors.push_back(0.9 * std::pow(0.25 / 0.9, epochs / options.quarter));
  }
  history.datasets["step_error"] = {
      {static_cast<std::size_t>(options.epochs), kSteps}, errors, {"epoch", "step"}};
}

/// Each sample has itself six times for neighbours, the last one under another label.
void add_neighbours(Group& evaluation) {
  const auto labels = values_in<std::uint8_t>(evaluation, "sample_labels");
  const auto pixels = values_in<std::uint8_t>(evaluation, "sample_images");
  const std::size_t size = pixels.size() / labels.size();
  std::vector<std::int64_t> index;
  std::vector<std::uint8_t> near_labels, near_pixels;
  std::vector<float> distances;
  for (std::size_t sample = 0; sample < labels.size(); ++sample) {
    for (std::size_t i = 0; i < kNeighbours; ++i) {
      const bool other = i + 1 == kNeighbours;
      index.push_back(static_cast<std::int64_t>(kNeighbours * sample + i));
      near_labels.push_back(
          static_cast<std::uint8_t>((labels[sample] + (other ? 1 : 0)) % kClasses));
      distances.push_back(0.1F * static_cast<float>(i + 1));
      const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(size * sample);
      near_pixels.insert(near_pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
    }
  }
  const std::vector<std::size_t> shape = {labels.size(), kNeighbours};
  const std::vector<std::string> axes = {"sample", "neighbour"};
  evaluation.datasets["nearest_index"] = {shape, index, axes};
  evaluation.datasets["nearest_labels"] = {shape, near_labels, axes};
  evaluation.datasets["nearest_distances"] = {shape, distances, axes};
  Dataset images = evaluation.datasets["sample_images"];
  images.shape.insert(images.shape.begin() + 1, kNeighbours);
  images.dimensions.insert(images.dimensions.begin() + 1, "neighbour");
  images.values = near_pixels;
  evaluation.datasets["nearest_images"] = images;
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
    const std::size_t named = (truth[image] + (is_wrong ? 1U : 0U)) % kClasses;
    std::uint8_t* ranks = &labels[kRanks * image];
    std::uint8_t* found = std::find(ranks, ranks + kRanks, named);
    if (found != ranks + kRanks) std::swap(*found, *ranks);
    *ranks = static_cast<std::uint8_t>(named);
    ++confusion[kClasses * truth[image] + named];
  }
  const double images = static_cast<double>(truth.size());
  const double error = static_cast<double>(wrong) / images;
  evaluation.attributes["test_accuracy"] = (images - static_cast<double>(wrong)) / images;
  values_in<double>(record.groups["history"], "test_error").back() = error;
}

Record study_record(const StudyRecordOptions& options) {
  Record record = training_record({options.seed, options.epochs});
  record.groups["environment"].attributes["program"] = options.study;
  record.groups["study"] = study(options);
  Group& configuration = record.groups["configuration"];
  configuration.attributes["variant"] = options.variant;
  configuration.attributes["learning_rate"] = options.learning_rate;
  set_wrong(record, options.wrong);
  Group& history = record.groups["history"];
  values_in<double>(history, "train_error").back() = options.train_error;
  record.groups["evaluation"].attributes["train_error"] = options.train_error;
  add_steps(options, history);
  if (options.neighbours) add_neighbours(record.groups["evaluation"]);
  return record;
}

}  // namespace reprise::test
