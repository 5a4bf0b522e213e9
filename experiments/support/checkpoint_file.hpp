/// \file
/// A training run's checkpoint while the program goes on: a write that fails loses no run.
#pragma once

#include <string>

#include "reprise/core/file.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// The checkpoint beside a run's record, and the lock that keeps other processes from the record.
class CheckpointFile {
 public:
  /// OutputBusy if another process produces the record `output`; Error if record or checkpoint
  /// could not be written now.
  CheckpointFile(const std::string& output, Overwrite overwrite);

  /// Saves where the run stands. If that fails, says so on standard error, once until it succeeds
  /// again, and returns false: what was saved before stays.
  bool try_save(const TrainingRun& run);
  /// Error if it fails.
  void save(const TrainingRun& run) const;
  /// Removes the file, once the record is there.
  void remove() const;

  [[nodiscard]] bool exists() const;
  /// False on a file system without locks.
  [[nodiscard]] bool is_locked() const { return lock_.held(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  OutputLock lock_;
  std::string path_;
  bool failing_ = false;
};

/// Keeps the checkpoint of a run whose record could not be saved, and says so; if that fails as
/// well, it says nothing.
void keep_unsaved(const TrainingRun& run, const CheckpointFile& checkpoint);

/// Saves the record of a run that is at its end. If that fails, keeps the run's checkpoint, so that
/// --resume can save the record later, and throws on.
void save_finished(const Record& record, const std::string& output, Overwrite overwrite,
                   const TrainingRun& run, CheckpointFile& checkpoint);

}  // namespace reprise
