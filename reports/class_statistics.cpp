#include "class_statistics.hpp"

#include <algorithm>

namespace reprise::reports {

std::vector<ClassErrors> errors_by_class(const TrainingRun& run) {
  std::vector<ClassErrors> classes(run.classes());
  for (std::size_t truth = 0; truth < run.classes(); ++truth) {
    ClassErrors& errors = classes[truth];
    errors.label = truth;
    for (std::size_t predicted = 0; predicted < run.classes(); ++predicted) {
      const std::size_t count = run.confused(truth, predicted);
      errors.images += count;
      if (predicted == truth) continue;
      errors.errors += count;
      if (count > errors.taken_for_count) {
        errors.taken_for = predicted;
        errors.taken_for_count = count;
      }
    }
  }
  return classes;
}

std::vector<ClassErrors> worst_first(std::vector<ClassErrors> classes) {
  std::stable_sort(classes.begin(), classes.end(), [](const ClassErrors& a, const ClassErrors& b) {
    return a.error() > b.error();
  });
  return classes;
}

std::vector<ConfusedPair> confused_pairs(const TrainingRun& run) {
  std::vector<ConfusedPair> pairs;
  for (std::size_t a = 0; a < run.classes(); ++a) {
    for (std::size_t b = a + 1; b < run.classes(); ++b) {
      const std::size_t count = run.confused(a, b) + run.confused(b, a);
      if (count > 0) pairs.push_back({a, b, count});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const ConfusedPair& x, const ConfusedPair& y) { return x.count > y.count; });
  return pairs;
}

}  // namespace reprise::reports
