/// \file
/// A folder of summaries: a store of runs with a summary in place of each record
/// (record/summary.hpp), and the plans, failures and journal of the store that they come from. It
/// is small and all text, so that it can be kept under version control; a study, a report and an
/// audit take it for a store.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "reprise/record_file/record_file.hpp"
#include "support/run_store.hpp"

namespace reprise {

class SummaryFolder {
 public:
  /// Makes the folder. Error if it is one of another version, or has files that belong to no store.
  explicit SummaryFolder(const std::string& folder, LoadOptions loading = {});

  [[nodiscard]] const std::string& folder() const { return to_.folder(); }

  /// Writes the summary of a run that the store has, by its record or its summary there; nothing if
  /// it has none. One that is here stays as it is. Error if that tells of another result, or if the
  /// store's is damaged or of another run. Any number of threads may call this and the next.
  void take_run(const RunStore& store, const std::string& digest) const;
  /// Takes plans, failures and the journal; a line for each failure that is damaged and stays
  /// where it is. Error if another plan of a study is here.
  std::vector<std::string> take_texts(const RunStore& store) const;
  /// Takes all that the store has; a line for each thing that could not be taken.
  [[nodiscard]] std::vector<std::string> take_all(const RunStore& store) const;

 private:
  void take_file(const RunStore& store, const std::string& file) const;

  RunStore to_;
  LoadOptions loading_;
  mutable std::mutex mutex_;
};

}  // namespace reprise
