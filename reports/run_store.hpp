/// \file
/// A store of runs as the report and the audit read it: its plans, what failed, and the compute it
/// took. Nothing in it is trusted.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reprise/record/plan.hpp"
#include "reprise/record/store.hpp"
#include "study_label.hpp"

namespace reprise::reports {

/// A plan and the file that it is in, relative to the store.
struct StoredPlan {
  std::string file;
  std::string sha256;  ///< of its text
  StudyPlan plan;
};

struct StoredRuns {
  std::string folder;
  std::vector<StoredPlan> plans;  ///< by file: of each study the plan of all runs, or, if pilots
                                  ///< have not chosen the rates yet, that of the pilots
  std::vector<StoredPlan> first_plans;         ///< those that the pilots of other plans were run by
  std::map<std::string, RunFailure> failures;  ///< by the file's name in runs/, without its ending
  std::map<std::string, RunTraces> traces;  ///< likewise; of records, what their reader has found
  std::vector<JournalEntry> journal;
};

/// The stores at a path: the folder itself, or those below it. None for a file.
std::vector<std::string> store_folders(const std::string& path);

/// Error in one line, which names the file, if a plan, its SHA-256, a failure or the journal is not
/// what it should be, or the store is one of another version.
StoredRuns read_store(const std::string& folder);

/// The name of a run's files in runs/, without their endings.
std::string run_stem(const std::string& digest);
/// How far a run is, once all records of the store were read.
RunState state_of(const StoredRuns& store, const std::string& digest);

/// What the plan says of one of its runs.
StudyLabel label_of(const StudyPlan& plan, const PlannedRun& run);

}  // namespace reprise::reports
