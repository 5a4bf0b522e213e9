#include "study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "fragment.hpp"
#include "reading.hpp"
#include "reprise/core/error.hpp"
#include "statistics.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kMinSmoothing = 10;        // steps
constexpr std::size_t kSmoothingsPerEpoch = 10;  // a tenth of an epoch

[[noreturn]] void refuse(const TrainingRun& run, const std::string& problem,
                         const TrainingRun& other) {
  throw Error(terminal_text(run.name), problem,
              "what the same study has in " + terminal_text(other.name));
}

/// What all runs of a study must have in common.
void check_same_study(const TrainingRun& first, const TrainingRun& other) {
  const StudyLabel& a = *first.study;
  const StudyLabel& b = *other.study;
  const auto check = [&](bool same, const char* what) {
    if (!same) refuse(other, fmt::format("another {} of {}", what, terminal_text(b.name)), first);
  };
  check(a.question == b.question, "question");
  check(a.section == b.section, "section");
  check(a.measure == b.measure, "measure");
  check(a.threshold == b.threshold, "threshold");
  check(a.baseline_name == b.baseline_name, "baseline");
  const auto same_file = [](const InputFile& x, const InputFile& y) {
    return x.sha256 == y.sha256;
  };
  check(std::equal(first.files.begin(), first.files.end(), other.files.begin(), other.files.end(),
                   same_file),
        "data");
}

/// What all measured runs of a variant must have in common.
void check_same_variant(const TrainingRun& first, const TrainingRun& other) {
  const VariantFacts& a = first.study->variant;
  const VariantFacts& b = other.study->variant;
  const std::string name = terminal_text(plain_text("{}, {}", other.study->name, b.name));
  if (first.seed == other.seed) {
    throw Error(
        terminal_text(other.name),
        fmt::format("seed {} of {}, which {} has too", other.seed, name, terminal_text(first.name)),
        "runs that differ in their seeds");
  }
  const auto check = [&](bool same, const std::string& what) {
    if (!same) refuse(other, fmt::format("another {} of {}", what, name), first);
  };
  check(a.description == b.description, "description");
  check(a.order == b.order, "order");
  check(a.claim == b.claim, "claim");
  check(a.paper_figure == b.paper_figure, "paper_figure");
  check(a.expectation == b.expectation, "expectation");
  check(a.margin == b.margin, "margin");
  check(first.layers.size() == other.layers.size() && first.parameters == other.parameters,
        "network");
  const UntrustedText setting = differing_setting(first, other);
  check(setting.empty(), terminal_text(setting));
}

Variant& variant_of(Study& study, const StudyLabel& label) {
  for (Variant& variant : study.variants) {
    if (variant.name == label.variant.name) return variant;
  }
  study.variants.push_back({label.variant, {}});
  return study.variants.back();
}

void add_run(Study& study, const TrainingRun& run) {
  if (run.study->role == Role::pilot) {
    study.pilots.push_back(&run);
    return;
  }
  Variant& variant = variant_of(study, *run.study);
  for (const StudyRun& earlier : variant.runs) check_same_variant(*earlier.run, run);
  try {
    variant.runs.push_back({&run, measure_of(run, study.measure, study.threshold)});
  } catch (const std::runtime_error& problem) {
    throw Error(terminal_text(run.name), problem.what(), "what the measure of its study needs");
  }
}

void check_pilots(const Study& study) {
  const auto rate = [](const TrainingRun& run) {
    return setting_text(run.settings, "learning_rate");
  };
  for (std::size_t i = 0; i < study.pilots.size(); ++i) {
    const TrainingRun& run = *study.pilots[i];
    if (rate(run).empty()) {
      throw Error(terminal_text(run.name), "a pilot without a learning_rate",
                  "one in /configuration");
    }
    for (std::size_t j = 0; j < i; ++j) {
      const TrainingRun& other = *study.pilots[j];
      if (other.study->variant.name == run.study->variant.name && other.seed == run.seed &&
          rate(other) == rate(run)) {
        throw Error(terminal_text(run.name),
                    terminal_text(plain_text(
                        "a pilot of {}, {} with seed {} and learning rate {}, as in {}", study.name,
                        run.study->variant.name, run.seed, rate(run), other.name)),
                    "each pilot once");
      }
    }
  }
}

/// Pilots may make do with fewer images; the runs that are compared may not differ in them.
void check_images(const Study& study) {
  const std::vector<const TrainingRun*> runs = study.runs();
  for (const TrainingRun* run : runs) {
    if (run->train_images != runs.front()->train_images ||
        run->test_images != runs.front()->test_images) {
      refuse(*run, "another number of images of " + terminal_text(study.name), *runs.front());
    }
  }
}

void finish(Study& study) {
  std::stable_sort(study.variants.begin(), study.variants.end(),
                   [&](const Variant& a, const Variant& b) {
                     return std::pair(a.order, a.name) < std::pair(b.order, b.name);
                   });
  for (Variant& variant : study.variants) {
    std::stable_sort(
        variant.runs.begin(), variant.runs.end(),
        [](const StudyRun& a, const StudyRun& b) { return a.run->seed < b.run->seed; });
  }
  check_pilots(study);
  check_images(study);
  if (study.baseline() == nullptr) {
    throw Error("study " + terminal_text(study.name),
                "no measured run of its baseline " + terminal_text(study.baseline_name),
                "at least one");
  }
}

/// Names may differ in other characters than letters and digits alone.
std::string unused_key(const UntrustedText& name, std::set<std::string>& keys) {
  constexpr std::size_t longest = 60;
  const std::string first = name.identifier().substr(0, longest);
  std::string key = first;
  for (int number = 2; !keys.insert(key).second; ++number) {
    key = fmt::format("{}_{}", first, number);
  }
  return key;
}

}  // namespace

std::vector<double> Variant::values() const {
  std::vector<double> values;
  for (const StudyRun& run : runs) values.push_back(run.measured.value);
  return values;
}

std::size_t Variant::censored() const {
  return static_cast<std::size_t>(std::count_if(
      runs.begin(), runs.end(), [](const StudyRun& run) { return run.measured.censored; }));
}

const StudyRun* Variant::with_seed(std::int64_t seed) const {
  for (const StudyRun& run : runs) {
    if (run.run->seed == seed) return &run;
  }
  return nullptr;
}

const Variant* Study::variant(const UntrustedText& wanted) const {
  for (const Variant& candidate : variants) {
    if (candidate.name == wanted) return &candidate;
  }
  return nullptr;
}

const Variant* Study::baseline() const {
  return variant(baseline_name);
}

std::vector<const TrainingRun*> Study::runs() const {
  std::vector<const TrainingRun*> all;
  for (const Variant& variant : variants) {
    for (const StudyRun& run : variant.runs) all.push_back(run.run);
  }
  return all;
}

std::vector<Study> group_studies(const std::vector<TrainingRun>& runs) {
  std::map<UntrustedText, Study> by_name;
  std::map<UntrustedText, const TrainingRun*> firsts;
  for (const TrainingRun& run : runs) {
    const StudyLabel& label = *run.study;
    const auto [first, is_new] = firsts.emplace(label.name, &run);
    Study& study = by_name[label.name];
    if (is_new) study = {label, {}, {}, {}};
    check_same_study(*first->second, run);
    add_run(study, run);
  }
  std::vector<Study> studies;
  std::set<std::string> keys;
  for (auto& [name, study] : by_name) {
    finish(study);
    study.key = unused_key(study.name, keys);
    studies.push_back(std::move(study));
  }
  std::stable_sort(studies.begin(), studies.end(), [](const Study& a, const Study& b) {
    return std::pair(a.section.empty(), a.section) < std::pair(b.section.empty(), b.section);
  });
  return studies;
}

double final_test_error(const TrainingRun& run) {
  return 1 - run.evaluation.test_accuracy;
}

double final_train_error(const TrainingRun& run) {
  return run.evaluation.train_error;
}

double median_seconds(const TrainingRun& run) {
  return median_of(run.seconds_per_epoch);
}

std::size_t smoothing_steps(std::size_t steps_per_epoch) {
  const std::size_t tenth = (steps_per_epoch + kSmoothingsPerEpoch / 2) / kSmoothingsPerEpoch;
  return std::max(kMinSmoothing, tenth);
}

std::vector<double> smoothed_error(const TrainingRun& run) {
  const std::vector<double>& errors = run.history.step_error;
  const std::size_t width = smoothing_steps(run.history.steps_per_epoch);
  if (errors.size() < width) return {};
  // Cut into blocks of `width` steps, a window is the end of one block and the beginning of the
  // next: sums within blocks from either side give each mean by one addition, without drift.
  std::vector<double> from_here(errors.size()), before_here(errors.size() + 1);
  for (std::size_t i = errors.size(); i-- > 0;) {
    const bool ends_block = (i + 1) % width == 0 || i + 1 == errors.size();
    from_here[i] = errors[i] + (ends_block ? 0 : from_here[i + 1]);
  }
  for (std::size_t i = 0; i < errors.size(); ++i) {
    before_here[i + 1] = (i % width == 0 ? 0 : before_here[i]) + errors[i];
  }
  std::vector<double> means(errors.size() - width + 1);
  for (std::size_t begin = 0; begin < means.size(); ++begin) {
    const double rest = begin % width == 0 ? 0 : before_here[begin + width];
    means[begin] = (from_here[begin] + rest) / static_cast<double>(width);
  }
  return means;
}

double resolution_of(const TrainingRun& run, Measure measure) {
  const auto step_of = [](std::size_t parts) {
    return parts == 0 ? 0 : 1 / static_cast<double>(parts);
  };
  const double test = step_of(run.test_images);
  const double train = step_of(run.train_images);
  double step = 0;
  if (measure == Measure::test_error) step = test;
  if (measure == Measure::train_error) step = train;
  if (measure == Measure::generalization_gap) step = std::hypot(test, train);
  if (measure == Measure::epochs_to_train_error) step = step_of(run.history.steps_per_epoch);
  return step /
         std::sqrt(6.0);  // a step's rounding is uniform, step / sqrt(12); twice that variance
}

Measured measure_of(const TrainingRun& run, Measure measure, double threshold) {
  switch (measure) {
    case Measure::test_error:
      return {final_test_error(run)};
    case Measure::train_error:
      return {final_train_error(run)};
    case Measure::generalization_gap:
      return {final_test_error(run) - final_train_error(run)};
    case Measure::seconds_per_epoch:
      require(!run.seconds_per_epoch.empty(), "no seconds_per_epoch");
      return {median_seconds(run)};
    case Measure::epochs_to_train_error:
      break;
  }
  require(run.history.steps_per_epoch > 0, "no step_error");
  const double steps_per_epoch = static_cast<double>(run.history.steps_per_epoch);
  const std::vector<double> means = smoothed_error(run);
  const auto reached =
      std::find_if(means.begin(), means.end(), [&](double mean) { return mean <= threshold; });
  const std::size_t steps = static_cast<std::size_t>(reached - means.begin()) +
                            smoothing_steps(run.history.steps_per_epoch);
  if (reached == means.end()) return {static_cast<double>(run.epochs), true};
  return {static_cast<double>(steps) / steps_per_epoch};
}

}  // namespace reprise::reports
