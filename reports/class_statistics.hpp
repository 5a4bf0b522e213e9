/// \file
/// What a confusion matrix says about classes and pairs of classes.
#pragma once

#include <cstddef>
#include <vector>

#include "statistics.hpp"
#include "training_run.hpp"

namespace reprise::reports {

struct ClassErrors {
  std::size_t label = 0;
  std::size_t images = 0;
  std::size_t errors = 0;
  std::size_t taken_for = 0;        ///< the wrong class that most of its images went to
  std::size_t taken_for_count = 0;  ///< 0 if none went wrong
  [[nodiscard]] double error() const {
    return images == 0 ? 0.0 : static_cast<double>(errors) / static_cast<double>(images);
  }
  [[nodiscard]] Interval interval() const { return wilson_interval(errors, images); }
};

/// By label.
std::vector<ClassErrors> errors_by_class(const TrainingRun& run);

/// The largest error first; ties by label.
std::vector<ClassErrors> worst_first(std::vector<ClassErrors> classes);

/// Two classes taken for one another, in either direction.
struct ConfusedPair {
  std::size_t a = 0;
  std::size_t b = 0;
  std::size_t count = 0;
};

/// Pairs with at least one confusion, the most frequent first; ties by label.
std::vector<ConfusedPair> confused_pairs(const TrainingRun& run);

}  // namespace reprise::reports
