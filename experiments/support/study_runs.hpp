/// \file
/// Training runs side by side, each to its record in a store, with one progress line over all. Any
/// number of processes on any hosts may do the runs of one store at the same time (lease.hpp).
#pragma once

#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/configuration.hpp"
#include "support/run_store.hpp"
#include "support/summary_folder.hpp"

namespace reprise {

/// A run of a study.
struct StudyRun {
  std::string label;        ///< for people: "tanh, seed 3"
  std::size_t variant = 0;  ///< its place in the study
  std::string role;         ///< "measured" or "pilot"
  TrainingConfiguration configuration;
  std::string digest;  ///< run_digest(), by which the store keeps it; "" if that is not known yet

  /// A pilot whose loss overflows says that its rate is too large, and is no failure of the study.
  [[nodiscard]] bool may_diverge() const { return role == "pilot"; }
};

struct StudyRunOptions {
  std::size_t threads = 1;  ///< shared out among the runs at work
  bool force = false;       ///< run again what is recorded, failed or begun
  bool resume = false;      ///< go on from checkpoints
  bool worker = false;  ///< leave to other processes what they are working on, and wait for them
  std::size_t lease_seconds = 30;            ///< after which other hosts take this process for dead
  std::size_t checkpoint_seconds = 30;       ///< at least, from a run's checkpoint to its next
  std::string data_folder;                   ///< for the records
  std::string command_line;                  ///< for the records
  LoadOptions loading;                       ///< of records and checkpoints that are there already
  const SummaryFolder* summaries = nullptr;  ///< takes each run when it has ended
};

/// Optimizer steps of a whole run.
std::size_t steps_of(const TrainingConfiguration& configuration, const ImageDataset& data);

/// What the progress line counts beside the runs at hand.
struct StudyProgress {
  std::size_t runs_done = 0;                        ///< by earlier calls; kept up to date
  std::size_t runs_to_come = 0, steps_to_come = 0;  ///< after the runs at hand
};

/// How a call of do_runs ended.
struct RunsOutcome {
  bool stopped = false;             ///< by Ctrl-C, each run at work with a checkpoint
  bool waits = false;               ///< other shares' pilots are not done, on which runs depend
  std::vector<std::string> failed;  ///< a line for each run that failed, here or earlier
};

/// Does the runs that have neither a record nor a summary yet; two that have one digest are one
/// run. One that fails leaves its reason in the store and ends no other; one that diverged is not
/// tried again. A record that is damaged or of another run is set aside (set_aside.hpp) and its run
/// is done; so is a checkpoint that cannot be restored. A whole record that cannot be used here
/// stays, and its run has failed. Error if a checkpoint is there and nobody asked to go on, or if
/// another process is working on a run and this one is no worker.
///
/// On one host no run is computed twice at once. On several it may be, where a process was stopped
/// for longer than its lease: the first to finish saves the record, and the other one discards its
/// own.
RunsOutcome do_runs(const std::vector<StudyRun>& runs, const ImageDataset& data,
                    const RunStore& store, const StudyRunOptions& options, StudyProgress& overall);

}  // namespace reprise
