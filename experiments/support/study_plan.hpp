/// \file
/// The runs of a study: which there are, what each is called in a store, how far they are, and
/// which learning rates the pilots choose.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/run_store.hpp"
#include "support/study.hpp"
#include "support/study_runs.hpp"

namespace reprise {

/// Every count-th run of a plan, beginning with the index-th, or one run alone.
struct StudyShare {
  std::size_t index = 1;  ///< 1 to count
  std::size_t count = 1;
  std::string run{};  ///< the first 16 digits of the one run's digest; "" for all of the share

  /// Whether others are to do other runs of the same plan.
  [[nodiscard]] bool is_part() const { return count > 1 || !run.empty(); }
};

/// What the command line leaves open in a study's file.
struct StudyScope {
  std::vector<std::int64_t> seeds;
  StudyScale scale;
  bool extends_grid = true;  ///< not so in a short run, whose rates are nobody's result
  StudyShare share{};        ///< of all runs that the plan has
};

/// How far a run is.
struct RunStatus {
  RunState state = RunState::missing;
  std::string why{};            ///< of all but done, a line
  bool by_summary = false;      ///< of a run that is done: its record is not here
  bool would_run_again = true;  ///< of a run that is not done: if the study is run
  bool diverged = false;        ///< of a run that failed
  std::string damaged{};  ///< path of what is in the record's place and is damaged or another run's
  std::string mark{};     ///< mark_of() that

  /// It has failed because what is in the record's place is whole and cannot be used here.
  [[nodiscard]] bool is_unusable() const {
    return state == RunState::failed && !would_run_again && !diverged;
  }
};

/// What is there of the run, by one look, and why it is not done. A damaged record or summary under
/// its name, or one of another run, is why it is missing; one that is whole and cannot be used
/// here, such as a later release's, is why it has failed. NoRecordReader if no record can be read.
RunStatus status_of(const StudyRun& run, const RunStore& store, const ImageDataset& data,
                    const LoadOptions& loading);

class StudyRuns {
 public:
  /// They refer to the study and the data. The number of training images that is the study's own
  /// gives way to a smaller data set. Error if a setting does not fit.
  StudyRuns(const Study& study, const StudyScope& scope, const ImageDataset& data);

  [[nodiscard]] const Study& study() const { return study_; }
  /// The pilots of all rates that are tried so far: a run per variant, rate and pilot seed.
  [[nodiscard]] std::vector<StudyRun> pilots() const;
  /// A run per seed and variant; seeds outside, so that a study that is stopped has whole pairs.
  /// Where pilots choose the rates and have not done so, the runs have no digest.
  [[nodiscard]] std::vector<StudyRun> measured() const;
  /// pilots(), then measured().
  [[nodiscard]] std::vector<StudyRun> all() const;
  /// Those of all() that are in the share; runs with one digest count once, and are in one share.
  [[nodiscard]] std::vector<StudyRun> shared() const;
  [[nodiscard]] std::vector<StudyRun> shared(const std::string& role) const;
  [[nodiscard]] const StudyShare& share() const { return scope_.share; }

  /// Takes the rates that the pilots' records choose: of each variant the one with the least mean
  /// training error after the last epoch, the smaller one on ties. Where the best is the smallest
  /// or the largest that was tried, the next one by the ratio of the last two is to be tried as
  /// well. True if all are chosen; false if there are more pilots() to run than before, or some are
  /// not done yet. Error if a grid cannot be extended any more, or every pilot of a variant failed.
  bool choose_rates(const RunStore& store, const LoadOptions& loading);
  [[nodiscard]] bool has_rates() const;

  /// The plan of the pilots, or, once rates are chosen (`follows` is the SHA-256 of the first), of
  /// all runs. Without a grid of rates there is the one of all runs alone.
  [[nodiscard]] StudyPlan plan(const std::string& follows) const;

 private:
  [[nodiscard]] StudyRun run_of(std::size_t variant, std::int64_t seed, const std::string& role,
                                std::optional<double> rate) const;
  /// Of a variant's pilots at this rate; nullopt if one is not done yet, infinite if one diverged.
  [[nodiscard]] std::optional<double> pilot_error(std::size_t variant, double rate,
                                                  const RunStore& store,
                                                  const LoadOptions& loading) const;
  /// The variant's best rate; nullopt if there are pilots to run.
  std::optional<double> chosen(std::size_t variant, const RunStore& store,
                               const LoadOptions& loading);

  const Study& study_;
  StudyScope scope_;
  const ImageDataset& data_;
  std::vector<std::string> data_sha256_;
  std::vector<std::vector<double>> grids_;    ///< of each variant, rising
  std::vector<std::optional<double>> rates_;  ///< that pilots chose
};

/// The rule of the verdict, for a plan.
std::string rule_of(const Study& study);

}  // namespace reprise
