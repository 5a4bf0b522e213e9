/// \file
/// What is left of a study, for people: its runs one by one, what they take, and whether there is
/// room for them.
#pragma once

#include "support/study_plan.hpp"

namespace reprise {

/// A line for each run of the share: its state, the beginning of its digest, what it is, why it is
/// not done, and whose process is working on it.
void print_plan(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                const LoadOptions& loading);

/// Runs done and left, time left, disk needed, compute used, and each failure with its reason.
void print_status(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                  const StudyRunOptions& options);

/// Error, before anything is run, if the records that are missing do not fit on the disk, or the
/// memory is too small for what the runs at work take at least.
void check_resources(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                     const StudyRunOptions& options);

/// What a run takes, in bytes.
struct RunNeeds {
  double record = 0.0;      ///< about
  double checkpoint = 0.0;  ///< about
  double memory = 0.0;      ///< at least, without the data set
};
RunNeeds needs_of(const TrainingConfiguration& configuration, const ImageDataset& data,
                  std::size_t threads);

/// "340 kB", "2.1 GB".
std::string bytes_text(double bytes);

}  // namespace reprise
