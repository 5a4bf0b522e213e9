/// \file
/// The records of a report, read and sorted: runs of LeNet-5, of studies, comparisons.
#pragma once

#include <string>
#include <vector>

#include "comparison.hpp"
#include "run_store.hpp"
#include "training_run.hpp"

namespace reprise::reports {

/// A plan of a store, and how many of its runs are there.
struct PlanCount {
  UntrustedText study;
  std::size_t wanted = 0, found = 0;     ///< pilots included
  std::size_t failed = 0, diverged = 0;  ///< of the others; diverged are pilots alone
  std::size_t interrupted = 0;
};

/// What stores say beside their records.
struct StoreCounts {
  std::vector<PlanCount> plans;
  Compute compute;  ///< of all runs begun, by the journals
  bool has_journal = false;
};

struct Inputs {
  std::vector<TrainingRun> lenet;      ///< without a study, differing in their seeds only
  std::vector<TrainingRun> distorted;  ///< likewise, trained on shifted or distorted images
  std::vector<TrainingRun> studies;    ///< runs of studies, in the order given
  std::vector<Comparison> comparisons;
  StoreCounts stores;
};

/// Reads the record, which is then no longer needed. Error, with its name, if it is neither a
/// training run nor a comparison, is not whole, or is a run without a study that is of another
/// model than LeNet-5 or differs by more than its seed from an earlier one.
void add_record(const NamedRecord& record, Inputs& inputs);

/// A record of a store, which serves each study whose plan has its run; false if none has. Error
/// likewise.
bool add_stored_record(const NamedRecord& record, const StoredRuns& store, Inputs& inputs);

/// Counts the store's runs once all its records are added, and leaves out studies of which the
/// baseline has no run yet, whose names it returns.
std::vector<std::string> finish_store(const StoredRuns& store, Inputs& inputs);

/// Error unless there is at least one training run.
void check_complete(const Inputs& inputs);

/// The record files at a path: itself, or, of a folder, all *.h5 in it and below, and the summaries
/// in stores whose records are not there, in the order of their paths. Error if a folder has none.
struct RecordFile {
  std::string path;
  std::string name;    ///< how the report calls it (record_name); in a folder, the path from there
  bool found = false;  ///< in a folder that was given, not named itself
};
std::vector<RecordFile> record_files(const std::string& path, const std::string& report_folder);

/// Whether a file is a record at all, or was one before it was damaged: an HDF5 file that holds the
/// name of the records' format.
bool looks_like_record(const std::string& path);

}  // namespace reprise::reports
