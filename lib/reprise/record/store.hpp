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
/// Error, beginning with `where`, if it is not such a text.
RunFailure failure_from(const std::string& where, const std::string& text);

/// How far a run is, by what its store has of it. `study --list` and the report tell the same.
enum class RunState { done, failed, interrupted, missing };
const char* name_of(RunState state);
struct RunTraces {
  bool recorded = false;    ///< its record, or a summary in place of it
  bool unusable = false;    ///< such a file that is whole and cannot be used here
  bool damaged = false;     ///< such a file that is damaged or another run's
  bool failure = false;     ///< why it failed
  bool checkpoint = false;  ///< of it
};
RunState state_of(const RunTraces& traces);

/// What an attempt at a run took.
struct RunCost {
  double thread_seconds = 0.0;  ///< from its beginning, by the clock, times its threads
  double cpu_seconds = 0.0;     ///< that processors worked on it, for the user and the system
};

/// What happened to a run, and what it cost until then. An attempt at a run begins with "begun" and
/// ends with one of the others. "killed" is told by the process that takes the run over, with what
/// the attempt had cost at its last sign of life.
struct JournalEntry {
  std::string time;   ///< "2026-01-31T12:34:56Z"
  std::string event;  ///< "begun", "done", "failed", "stopped", "killed"
  std::string digest;
  double thread_seconds = 0.0;  ///< as in RunCost
  std::string reason;           ///< of "failed", or kAfterTakeover
  /// As in RunCost. Lines of five fields, of programs that did not measure it, have none.
  std::optional<double> cpu_seconds{};
};
/// The reason of a line of an attempt that "killed" has already ended, by mistake: its process was
/// stopped for longer than its lease and went on. The line has what it cost since then.
inline constexpr const char* kAfterTakeover = "after its lease was taken over";
/// A line of tab-separated fields with its newline.
std::string journal_line(const JournalEntry& entry);
/// The entries of a journal, in order; a last line without its newline is not one yet. Error,
/// beginning with `where` and the line, for a line that is not one.
std::vector<JournalEntry> journal_from(const std::string& where, std::string_view text);

/// What a journal says of compute.
struct Compute {
  double cpu_seconds = 0.0;                ///< of attempts for which it was measured
  double thread_seconds = 0.0;             ///< of all attempts
  double unmeasured_thread_seconds = 0.0;  ///< of those whose CPU time was not measured
  std::size_t untold = 0;                  ///< attempts without an end here: at work, or killed
  std::size_t stopped = 0;                 ///< attempts that were stopped before their end
  std::size_t killed = 0;                  ///< attempts that were killed, and the run taken over
};
Compute& operator+=(Compute& sum, const Compute& more);
/// Of the runs with these digests, or of all if there are none.
Compute compute_of(const std::vector<JournalEntry>& journal,
                   const std::vector<std::string>& digests = {});

}  // namespace reprise
