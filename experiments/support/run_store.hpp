/// \file
/// A folder of runs, each kept by the digest of its configuration and data, with the plans of the
/// studies that want them (record/store.hpp has the layout).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reprise/record/store.hpp"

namespace reprise {

class RunStore {
 public:
  /// A folder that is missing or has no files is a store without runs. Error if it is one of
  /// another version, or has files that belong to no store.
  explicit RunStore(std::string folder);

  /// Makes the folders and the mark, whoever else does so at the same time. Error if that fails.
  void make() const;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// A path in the store.
  [[nodiscard]] std::string path(const std::string& file) const;

  /// Whether a run has its record or a summary that stands for it.
  [[nodiscard]] bool has_run(const std::string& digest) const;
  /// The path of a run's record; where there is none but a summary, that of the summary.
  [[nodiscard]] std::string run_path(const std::string& digest) const;

  [[nodiscard]] std::optional<RunFailure> failure(const std::string& digest) const;
  /// Replaces an earlier one.
  void set_failure(const std::string& digest, const RunFailure& failure) const;
  void remove_failure(const std::string& digest) const;

  /// Adds a line to the journal, whatever other processes add: in one write, and under a lock where
  /// there are locks. What a killed process has left of a line is removed first.
  void note(const std::string& digest, const std::string& event, const RunCost& cost,
            const std::string& reason = "") const;
  /// Adds those of another journal's entries that this one does not have.
  void add_to_journal(const std::vector<JournalEntry>& entries) const;
  /// All its entries; none if there is no journal.
  [[nodiscard]] std::vector<JournalEntry> journal() const;

  /// Keeps a plan in `file`, with its SHA-256 beside it, also where another process keeps the same
  /// one. Error if another plan is there, which names the first line that differs.
  void keep_plan(const std::string& file, const std::string& text) const;
  /// The plan in `file`; nullopt if there is none. Error if its SHA-256 is not the one beside it.
  [[nodiscard]] std::optional<std::string> plan(const std::string& file) const;

 private:
  std::string folder_;
};

}  // namespace reprise
