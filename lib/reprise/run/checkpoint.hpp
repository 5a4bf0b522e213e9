/// \file
/// A run's whole state in a file beside its record, so that a stopped run can go on as if nothing
/// had happened: the parameters after it are the same to the bit.
///
/// A checkpoint is a file in the record's format (so it carries its own digest) with /configuration
/// and /data as in the record, /history, /state (step_in_epoch, the epoch's sums so far, parameters
/// and the optimizer's arrays) and /environment (seconds).
#pragma once

#include <string>

#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// OUTPUT.checkpoint.
std::string checkpoint_path(const std::string& output);

/// Replaces the file at `path` in one step.
void save_checkpoint(const TrainingRun& run, const std::string& path);

/// Takes the run to the state in `path`. Error if the file is missing, damaged, or of another
/// configuration (naming the first setting that differs; the number of epochs may) or other data.
void restore_checkpoint(TrainingRun& run, const std::string& path, const LoadOptions& options = {});

/// What is in the file, and the way back from it; errors name `path`.
Record checkpoint_record(const TrainingRun& run);
void restore_checkpoint(TrainingRun& run, const Record& record, const std::string& path);

}  // namespace reprise
