/// \file
/// Studies as the report uses them: the runs of several records, grouped by variant and checked to
/// be what a table of them claims.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training_run.hpp"

namespace reprise::reports {

/// A run's value of its study's measure.
struct Measured {
  double value = 0;  ///< a fraction, epochs or seconds
  /// The run never reached the threshold: it counts as its whole length.
  bool censored = false;
};

struct StudyRun {
  const TrainingRun* run = nullptr;
  Measured measured;
};

/// Runs that differ in their seeds only, in the order of these.
struct Variant : VariantFacts {
  std::vector<StudyRun> runs;

  [[nodiscard]] std::vector<double> values() const;
  [[nodiscard]] std::size_t censored() const;
  /// The run with this seed; nullptr if there is none.
  [[nodiscard]] const StudyRun* with_seed(std::int64_t seed) const;
};

struct Study : StudyFacts {
  std::string key;                ///< letters, digits and underscores; no two studies have the same
  std::vector<Variant> variants;  ///< by their order, at least one run in each
  std::vector<const TrainingRun*> pilots;

  /// nullptr if it has no run.
  [[nodiscard]] const Variant* baseline() const;
  [[nodiscard]] const Variant* variant(const UntrustedText& wanted) const;
  /// Of measured runs, in the order of variants and seeds.
  [[nodiscard]] std::vector<const TrainingRun*> runs() const;
};

/// By section of the paper (those without one last), then by name. The runs must outlive the
/// result. Error, with a record's name, if two runs of a study contradict one another in what the
/// study is; if two runs of a variant differ in a setting other than the seed or have the same
/// seed; if a study's runs used other data; if its measure needs what a record lacks; if its
/// baseline has no run.
std::vector<Study> group_studies(const std::vector<TrainingRun>& runs);

/// What the report takes as a run's test and training error at the end.
double final_test_error(const TrainingRun& run);
double final_train_error(const TrainingRun& run);
/// NaN if the record has no times.
double median_seconds(const TrainingRun& run);

/// Steps that the mean training error of epochs_to_train_error is taken over: a tenth of an epoch,
/// but at least ten.
std::size_t smoothing_steps(std::size_t steps_per_epoch);

/// The mean of step_error over the last smoothing_steps, from the first step that has so many
/// before it (it included); element i belongs to step smoothing_steps - 1 + i.
std::vector<double> smoothed_error(const TrainingRun& run);

/// The standard deviation of the rounding of a difference between two runs' values: of shares of
/// images and of epochs counted in steps; 0 for times.
double resolution_of(const TrainingRun& run, Measure measure);

/// std::runtime_error if the record has not what the measure needs.
Measured measure_of(const TrainingRun& run, Measure measure, double threshold);

}  // namespace reprise::reports
