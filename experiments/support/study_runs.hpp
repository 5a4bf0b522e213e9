/// \file
/// Training runs side by side, each to a record of its own, with one progress line over all.
#pragma once

#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training_record.hpp"

namespace reprise {

/// A run to be done: `path` is its record.
struct StudyRun {
  std::string label;  ///< for people: "tanh, seed 3"
  std::string path;
  TrainingConfiguration configuration;
  RecordLabels labels;
  bool may_diverge =
      false;  ///< then a run whose loss overflows leaves no record, and is no failure
};

struct StudyRunOptions {
  std::size_t threads = 1;   ///< shared out among the runs at work
  bool force = false;        ///< run again what is recorded or begun
  bool resume = false;       ///< go on from checkpoints
  std::string data_folder;   ///< for the records
  std::string command_line;  ///< for the records
  LoadOptions loading;       ///< of records and checkpoints that are there already
};

/// Optimizer steps of a whole run.
std::size_t steps_of(const TrainingConfiguration& configuration, const ImageDataset& data);

/// What the progress line counts beside the runs at hand.
struct StudyProgress {
  std::size_t runs_done = 0;                        ///< by earlier calls; kept up to date
  std::size_t runs_to_come = 0, steps_to_come = 0;  ///< after the runs at hand
};

/// Does the runs that have no record yet; false if Ctrl-C stopped them, each with a checkpoint.
/// Error if a record or checkpoint there is of another run, or a run fails.
bool do_runs(const std::vector<StudyRun>& runs, const ImageDataset& data,
             const StudyRunOptions& options, StudyProgress& overall);

}  // namespace reprise
