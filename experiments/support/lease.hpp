/// \file
/// A worker's claim on a run, in a small file beside the run's record, which workers on other hosts
/// see.
///
/// On one host the lock of the record (OutputLock) decides who is working on a run, and ends with
/// its process. A lease is for hosts between which locks do not count: its holder changes the file
/// again and again (the heartbeat), and an observer who has seen it stay the same for the lease's
/// seconds takes the holder for dead. Only the observer's monotonic clock counts; no time is
/// written to the file, so that a clock that is wrong does no harm. A holder that was stopped for
/// so long may live on and finish the run as well; a record is therefore never replaced.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "reprise/core/file_descriptor.hpp"
#include "reprise/record/store.hpp"

namespace reprise {

/// What a lease's file says.
struct LeaseText {
  std::string worker;             ///< host and process, for people
  std::string host;               ///< the same for all processes of one running system
  bool locked = false;            ///< the holder has the record's lock as well
  std::size_t seconds = 30;       ///< without a change, after which the holder counts as dead
  std::optional<RunCost> cost{};  ///< of the holder's work at its last beat
};

/// What the holder's work has cost so far; asked by another thread, as long as the lease is there.
using CostSoFar = std::function<RunCost()>;

/// A lease that this process holds. A thread changes its file four times in its seconds, and tells
/// there what the work has cost so far.
class Lease {
 public:
  /// Makes the file; nullptr if there is one already. Error if it cannot be written.
  static std::unique_ptr<Lease> take(const std::string& path, std::size_t seconds, bool locked,
                                     CostSoFar cost = {});
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  /// Removes the file, if it is still this lease's.
  ~Lease();

  /// Whether another has taken the file away. It cannot be had back.
  [[nodiscard]] bool lost() const { return lost_; }
  /// The same by a look at the file now.
  bool is_lost_now();
  /// What the file told last; once the lease is lost, for good.
  [[nodiscard]] RunCost told() const;

 private:
  Lease(std::string path, FileDescriptor file, std::string text, double between_beats,
        CostSoFar cost);
  void beat_on();
  [[nodiscard]] bool is_own_file() const;

  std::string path_;
  FileDescriptor file_;
  std::string text_;  ///< of the file, but for its last line
  double between_beats_;
  CostSoFar cost_;
  std::atomic<bool> lost_ = false;
  bool ended_ = false;  ///< under the mutex, as is the next
  RunCost told_;
  mutable std::mutex mutex_;
  std::condition_variable end_;
  std::thread heart_;
};

/// A lease taken, and whose it was before, if a dead holder's.
struct TakenLease {
  std::unique_ptr<Lease> lease;  ///< nullptr if it has a living holder
  std::string from;
  std::optional<RunCost> cost{};  ///< of the dead holder's work, as far as it has told
};

/// Watches the leases of others, for one thread.
class LeaseWatch {
 public:
  /// The holder, if the lease may not be taken: it was seen to change, or has not been watched long
  /// enough; nullopt if there is none or its holder is dead. `has_lock` says that the caller has
  /// the record's lock: then a holder on this host that had it is dead.
  std::optional<LeaseText> holder(const std::string& path, bool has_lock);
  /// Whether the lease was seen to change, so that its holder lives.
  [[nodiscard]] bool beats(const std::string& path) const;
  /// Takes the lease, away from a dead holder if need be.
  TakenLease take(const std::string& path, std::size_t seconds, bool has_lock, CostSoFar cost = {});

 private:
  struct Seen {
    std::string text;
    double unchanged = 0.0;  ///< seconds
    double looked = 0.0;     ///< when, by the monotonic clock
    bool changed = false;
  };
  std::map<std::string, Seen> seen_;
};

/// Who has the lease of the run with this record, and whether its holder lives, as far as one look
/// tells: on this host the record's lock does, elsewhere the lease's age by this host's clock is
/// told, which may be wrong. For people; nothing is decided by it. nullopt if there is none.
std::optional<std::string> lease_note(const std::string& path, const std::string& record);

/// Error if several processes may not share the folder: its file system can neither rename without
/// replacing what is there nor make hard links, so that none could claim anything for itself.
void check_claims(const std::string& folder);

}  // namespace reprise
