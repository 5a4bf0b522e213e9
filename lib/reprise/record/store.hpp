/// \file
/// The layout of a store of runs, and its small text files. Files are read and written elsewhere.
///
///   store.toml            the line `format = "reprise store 1"`
///   plans/STUDY.toml      a study's plan (plan.hpp); STUDY+rates.toml: the one that follows pilots
///   plans/*.toml.sha256   of each plan, as sha256sum writes it
///   runs/DIGITS.h5        the record of a run; DIGITS are the first 16 of its run_digest()
///   runs/DIGITS.toml      its summary (summary.hpp), beside the record or in place of it
///   runs/DIGITS.h5.checkpoint  of a run that was interrupted
///   runs/DIGITS.failed    why a run failed
///   runs/DIGITS.lease     whose process is working on a run, for other hosts
///   journal.tsv           a line whenever a run begins or ends, however it ends; only ever longer
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

inline constexpr const char* kStoreMark = "store.toml";
inline constexpr const char* kJournal = "journal.tsv";
inline constexpr const char* kRunsFolder = "runs";
inline constexpr const char* kPlansFolder = "plans";
inline constexpr const char* kStoreText = "format = \"reprise store 1\"\n";
inline constexpr std::size_t kMaxJournalBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxFailureBytes = 4096;

/// Paths within the store.
std::string run_file(std::string_view digest);
std::string summary_file(std::string_view digest);
std::string failure_file(std::string_view digest);
std::string lease_file(std::string_view digest);
std::string plan_file(const std::string& study);
std::string rates_plan_file(const std::string& study);

/// Why a run failed. One whose loss overflowed does so again, whenever it is run.
struct RunFailure {
  bool diverged = false;
  std::string reason;  ///< a line
};
std::string failure_text(const RunFailure& failure);
/// Error, beginning with `where`, if it is no such text.
RunFailure failure_from(const std::string& where, const std::string& text);

/// What happened to a run, and what it cost until then.
struct JournalEntry {
  std::string time;   ///< "2026-01-31T12:34:56Z"
  std::string event;  ///< "begun", "done", "failed", "stopped"
  std::string digest;
  double thread_seconds = 0.0;  ///< seconds since it was begun or continued, times its threads
  std::string reason;           ///< of "failed"
};
/// A line of tab-separated fields with its newline.
std::string journal_line(const JournalEntry& entry);
/// The entries of a journal, in order; a last line without its newline is not one yet. Error,
/// beginning with `where` and the line, for a line that is none.
std::vector<JournalEntry> journal_from(const std::string& where, std::string_view text);

/// What a journal says of compute.
struct Compute {
  double thread_seconds = 0.0;
  std::size_t untold =
      0;  ///< times that a run was begun and its end is not told: killed, or at work
  std::size_t stopped = 0;  ///< times that a run was stopped before its end
};
/// Of the runs with these digests, or of all if there are none.
Compute compute_of(const std::vector<JournalEntry>& journal,
                   const std::vector<std::string>& digests = {});

}  // namespace reprise
