#include "support/study_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training_record.hpp"
#include "support/checkpoint_file.hpp"
#include "support/cpu_time.hpp"
#include "support/lease.hpp"
#include "support/program.hpp"
#include "support/set_aside.hpp"
#include "support/study_plan.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Steps done and to do over all runs; told by several threads.
class Progress {
 public:
  /// `steps` are those of all runs from here on.
  Progress(std::size_t runs_done, std::size_t runs, std::size_t steps)
      : runs_(runs), runs_done_(runs_done), steps_(steps) {}

  void count_steps(std::size_t steps) {
    const std::lock_guard<std::mutex> lock(mutex_);
    steps_before_ += steps;
  }
  /// Around the work on a run: what passes while this process waits for others tells nothing of
  /// the time left.
  void begin_work() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (at_work_++ == 0) since_ = steady_seconds();
  }
  void end_work() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--at_work_ == 0) worked_ += steady_seconds() - since_;
  }
  void step(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++steps_here_;
    const double worked = worked_ + steady_seconds() - since_;
    const double each = worked / static_cast<double>(steps_here_);
    const std::size_t left = steps_ - std::min(steps_, steps_before_ + steps_here_);
    line_.show(fmt::format("run {}/{}  {}  {} left", runs_done_ + 1, runs_, what,
                           duration_text(each * static_cast<double>(left))));
  }
  void finished(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    line_.clear();
    print_line(fmt::format("run {}/{}  {}", ++runs_done_, runs_, what));
  }
  void finished_elsewhere(const std::string& what, std::size_t steps) {
    count_steps(steps);
    finished(what);
  }
  void tell(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    line_.clear();
    print_line(what);
  }
  void clear() { line_.clear(); }

 private:
  std::mutex mutex_;
  ProgressLine line_;
  std::size_t runs_, runs_done_;
  std::size_t steps_, steps_before_ = 0, steps_here_ = 0;
  std::size_t at_work_ = 0;
  double worked_ = 0.0;              ///< seconds, until the last time that no run was at work
  double since_ = steady_seconds();  ///< when a run was at work again
};

/// The runs at work side by side.
struct Workers {
  std::size_t count = 1;
  std::atomic<bool> stopped = false;  ///< one of them was stopped, so all shall
  std::mutex mutex;
  std::vector<std::string> failed;  ///< under the mutex, as is the next
  std::exception_ptr error;         ///< of the study, not of a run
};

/// Tells of an attempt at a run that was killed, whose lease was taken. Its process may have told
/// of the end itself, and then have been killed before it gave the lease up.
void note_killed(const RunStore& store, const std::string& digest, const TakenLease& taken) {
  if (!taken.cost) return;
  try {
    if (compute_of(store.journal(), {digest}).untold == 0) return;
  } catch (const Error&) {
    return;  // what cannot be read tells of no attempt
  }
  store.note(digest, "killed", *taken.cost);
}

/// A run at work, from its checkpoint's lock to its record.
class RunAtWork {
 public:
  /// OutputBusy if another process here is working on it. `damaged`: what is in the place of its
  /// record is none of it.
  RunAtWork(const StudyRun& wanted, bool damaged, const ImageDataset& data, const RunStore& store,
            const StudyRunOptions& options, Workers& workers, Progress& progress)
      : wanted_(wanted),
        damaged_(damaged),
        data_(data),
        store_(store),
        options_(options),
        workers_(workers),
        progress_(progress),
        path_(store.path(run_file(wanted.digest))),
        checkpoint_(path_, damaged ? Overwrite::yes : overwrite()) {
    environment_.threads = options.threads / workers.count;
    environment_.runs_at_once = workers.count;
    environment_.command_line = options.command_line;
    environment_.data_folder = options.data_folder;
    if (!options_.force && checkpoint_.exists() && !options_.resume) {
      throw Error(checkpoint_.path(), "a checkpoint of an unfinished run is there",
                  "--resume to continue it, or --force to start again");
    }
  }

  /// Takes the run's lease; false if another host's process has it.
  bool claim(LeaseWatch& watch) {
    TakenLease taken = watch.take(store_.path(lease_file(wanted_.digest)), options_.lease_seconds,
                                  checkpoint_.is_locked(), [this] { return cost(); });
    lease_ = std::move(taken.lease);
    if (!taken.from.empty()) note_killed(store_, wanted_.digest, taken);
    if (!taken.from.empty() && lease_ != nullptr) {
      progress_.tell(wanted_.label + ": taken over from " + taken.from + ", whose lease ended");
    }
    return lease_ != nullptr;
  }

  /// After claim().
  void work() {
    if (damaged_ && !place_is_free()) return;
    store_.note(wanted_.digest, "begun", {});
    do_run();
    if (options_.summaries != nullptr) summarize();
  }

 private:
  /// Sets aside what is damaged in the record's place. False if the run need not or cannot be done.
  bool place_is_free() {
    try {
      while (true) {
        const RunStatus status = status_of(wanted_, store_, data_, options_.loading);
        if (status.state == RunState::done) {
          progress_.finished(wanted_.label + (status.by_summary ? ": its summary stands for it"
                                                                : ": done by another worker"));
          return false;
        }
        if (status.is_unusable()) {
          add_failed(status.why);
          return false;
        }
        if (status.damaged.empty()) return true;
        set_damaged_aside(status.why, status.damaged, status.mark);
      }
    } catch (const Error& error) {
      fail(error.what(), false);
      return false;
    }
  }

  void set_damaged_aside(const std::string& why, const std::string& path, const std::string& mark) {
    const std::string aside = set_aside(path, mark);
    if (aside.empty()) return;
    progress_.tell(fmt::format("{}: {}; set aside as {}", wanted_.label, why, aside));
  }

  void do_run() {
    try {
      if (!train()) workers_.stopped = true;
    } catch (const Diverged& diverged) {
      checkpoint_.remove();
      fail(diverged.what(), true);
    } catch (const std::bad_alloc&) {
      fail("out of memory", false);
    } catch (const Error& error) {
      fail(error.what(), false);
    }
  }

  /// What keeps a run from being summarized is no failure of the run.
  void summarize() {
    try {
      options_.summaries->take_run(store_, wanted_.digest);
      options_.summaries->take_texts(store_);
    } catch (const Error& error) {
      add_failed("its summary: " + std::string(error.what()));
    }
  }

  void add_failed(const std::string& reason) {
    const std::lock_guard<std::mutex> lock(workers_.mutex);
    workers_.failed.push_back(wanted_.label + ": " + reason);
  }

  [[nodiscard]] Overwrite overwrite() const {
    return options_.force ? Overwrite::yes : Overwrite::no;
  }
  [[nodiscard]] RunCost cost() const {
    return {seconds_since_start(environment_) * static_cast<double>(environment_.threads),
            cpu_time_.seconds()};
  }

  /// The end of this attempt. If another process has taken the lease and told of what was used
  /// until then, only the rest is told here.
  void note_end(const std::string& event, const std::string& reason = "") const {
    RunCost rest = cost();
    const bool lost = lease_->is_lost_now();
    if (lost) {
      const RunCost told = lease_->told();
      rest.thread_seconds = std::max(0.0, rest.thread_seconds - told.thread_seconds);
      rest.cpu_seconds = std::max(0.0, rest.cpu_seconds - told.cpu_seconds);
    }
    store_.note(wanted_.digest, event, rest, lost && reason.empty() ? kAfterTakeover : reason);
  }

  /// False if it was stopped.
  bool train() {
    std::optional<TrainingRun> begun;
    begun.emplace(wanted_.configuration, data_, environment_.threads);
    if (!options_.force && checkpoint_.exists() && !restore(*begun)) {
      begun.emplace(wanted_.configuration, data_, environment_.threads);
    }
    TrainingRun& run = *begun;
    if (run.epochs_done() + run.state().step_in_epoch > 0) {
      const std::size_t steps = run.state().step_in_epoch;
      progress_.count_steps(run.epochs_done() * run.steps_per_epoch() + steps);
      progress_.tell(wanted_.label + ": continuing after " + place_text(run.epochs_done(), steps));
    }
    if (!run.train(observer_of(run))) {
      if (is_superseded()) {
        end_as_superseded(" is there by now; this run of it is ended");
        return true;
      }
      if (!lease_->lost()) checkpoint_.save(run);
      note_end("stopped");
      return false;
    }
    RecordLabels labels;
    labels.program = "study";
    if (!save(to_tree(training_record(run, evaluation_of(run), environment_, labels)), run)) {
      return true;
    }
    store_.remove_failure(wanted_.digest);
    note_end("done");
    const EpochResult& last = run.history().back();
    progress_.finished(fmt::format("{}: training error {:.2f}%, test error {:.2f}%, {}",
                                   wanted_.label, 100 * last.train_error, 100 * last.test_error,
                                   duration_text(seconds_since_start(environment_))));
    return true;
  }

  /// False if the checkpoint is damaged or of another run: then it was set aside. Error if it is
  /// whole and cannot be used here.
  bool restore(TrainingRun& run) {
    const std::string& path = checkpoint_.path();
    const std::string mark = mark_of(path);
    std::string fault;
    try {
      const Record record = load_record(path, options_.loading);
      try {
        restore_checkpoint(run, record, path);
        return true;
      } catch (const Error& error) {
        fault = error.what();
      }
    } catch (const FileMissing&) {
      return false;
    } catch (const DamagedRecord& error) {
      fault = error.what();
    }
    set_damaged_aside(fault, path, mark);
    return false;
  }

  /// Whether another process, which took the lease from this one, has finished the run.
  [[nodiscard]] bool is_superseded() const {
    return lease_->lost() && !options_.force && fs::exists(path_);
  }

  void end_as_superseded(const std::string& what) {
    checkpoint_.remove();
    note_end("stopped");
    progress_.finished(wanted_.label + ": another worker's record" + what);
  }

  /// Where the store has a summary of the run, the record must be the one that it tells of.
  void check_summary(const Record& record) const {
    const std::string summary = store_.path(summary_file(wanted_.digest));
    if (!fs::exists(summary)) return;
    const std::string claimed = run_record_digest(load_summary(summary));
    const std::string own = digest_of(record);
    if (claimed == own) return;
    throw Error(summary, "is of a record with the digest " + claimed,
                own + ", which this run of it gave");
  }

  /// False if another process has saved its record of the run before: that one stays.
  bool save(const Record& record, const TrainingRun& run) {
    check_summary(record);
    const auto other_is_there = [this] { return !options_.force && fs::exists(path_); };
    std::optional<std::string> theirs;
    while (!theirs) {
      if (!other_is_there()) {
        try {
          save_record(record, path_, overwrite());
          checkpoint_.remove();
          return true;
        } catch (...) {
          if (!other_is_there()) {
            keep_unsaved(run, checkpoint_);
            throw;
          }
        }
      }
      theirs = digest_of_other();
    }
    const std::string own = digest_of(record);
    if (*theirs != own) {
      throw Error(path_, "another worker's record, with the digest " + *theirs,
                  own + ", which this run of it gave");
    }
    end_as_superseded(" is there, with the same digest; this one is discarded");
    return false;
  }

  /// Of the record that has appeared in this run's place; nullopt if there is none any more.
  std::optional<std::string> digest_of_other() {
    const std::string mark = mark_of(path_);
    try {
      return digest_of(load_record(path_, "training", options_.loading));
    } catch (const FileMissing&) {
      return std::nullopt;
    } catch (const DamagedRecord& error) {
      set_damaged_aside(error.what(), path_, mark);
      return std::nullopt;
    }
  }

  TrainingRun::Observer observer_of(const TrainingRun& run) {
    TrainingRun::Observer observer;
    observer.step = [this, &run](std::size_t step, std::size_t steps) {
      progress_.step(fmt::format("{}: epoch {}/{} step {}/{}", wanted_.label, run.epochs_done() + 1,
                                 wanted_.configuration.epochs, step, steps));
      // The last step of an epoch is saved with the epoch.
      if (step < steps) save_in_time(run);
      return !interrupted() && !workers_.stopped && !is_superseded();
    };
    observer.epoch = [this, &run](const EpochResult& result) {
      environment_.log += fmt::format(
          "epoch {}  train error {:.2f}%  test error {:.2f}%  {:.2f} s\n", run.epochs_done(),
          100 * result.train_error, 100 * result.test_error, result.train_seconds);
      save_in_time(run);
    };
    return observer;
  }

  /// What a kill at any moment may cost is the time between two checkpoints.
  void save_in_time(const TrainingRun& run) {
    if (steady_seconds() - saved_ < static_cast<double>(options_.checkpoint_seconds)) return;
    if (!lease_->lost()) checkpoint_.try_save(run);
    saved_ = steady_seconds();
  }

  void fail(const std::string& reason, bool diverged) {
    if (options_.force) fs::remove(path_);  // what it was to replace
    store_.set_failure(wanted_.digest, {diverged, reason});
    note_end("failed", reason);
    progress_.finished(wanted_.label + (diverged ? ": diverged" : ": failed"));
    if (!diverged || !wanted_.may_diverge()) add_failed(reason);
  }

  const StudyRun& wanted_;
  bool damaged_;
  const ImageDataset& data_;
  const RunStore& store_;
  const StudyRunOptions& options_;
  Workers& workers_;
  Progress& progress_;
  std::string path_;
  CheckpointFile checkpoint_;
  RunEnvironment environment_;
  CpuTimePart cpu_time_;
  double saved_ = steady_seconds();  ///< when the last checkpoint was
  std::unique_ptr<Lease> lease_;     ///< given up before the checkpoint's lock; asks for cost()
};

/// A run that is to be done.
struct MissingRun {
  StudyRun run;
  bool damaged = false;  ///< there is a record or a summary, which is damaged or another run's
  std::string record{};  ///< mark_of() that, if it is in the record's place
};

/// Runs that wait for a thread of this process; told by several threads.
class RunQueue {
 public:
  RunQueue(const std::vector<MissingRun>& runs, const ImageDataset& data, const RunStore& store,
           const StudyRunOptions& options, Workers& workers, Progress& progress)
      : data_(data), store_(store), options_(options), workers_(workers), progress_(progress) {
    for (const MissingRun& run : runs) waiting_.push_back({&run, mark_of(failure_of(run.run))});
  }

  /// The next run for the calling thread. nullptr if none is left, or all shall stop. Where the
  /// runs left are being done elsewhere, it waits until they are done or their workers are dead.
  std::unique_ptr<RunAtWork> next() {
    while (!workers_.stopped) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        const bool stops = interrupted();
        if (std::unique_ptr<RunAtWork> run = take(stops)) return run;
        if (waiting_.empty()) return nullptr;  // so that a signal stops nothing
        if (stops) workers_.stopped = true;
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return nullptr;
  }

 private:
  static constexpr std::chrono::milliseconds kBetweenLooks{200};
  struct Waiting {
    const MissingRun* missing;
    std::string failure;  ///< mark_of() the one from before this process tried
  };

  [[nodiscard]] std::string failure_of(const StudyRun& run) const {
    return store_.path(failure_file(run.digest));
  }

  /// The first run that can be taken, unless none shall be; those that others have done or failed
  /// are struck off.
  std::unique_ptr<RunAtWork> take(bool stops) {
    for (std::size_t i = 0; i < waiting_.size() && !workers_.stopped;) {
      std::unique_ptr<RunAtWork> taken;
      const bool ended = is_ended_elsewhere(waiting_[i]);
      if (!ended && !stops) taken = try_to_take(*waiting_[i].missing);
      if (!ended && taken == nullptr) {
        ++i;
        continue;
      }
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      if (taken != nullptr) return taken;
    }
    return nullptr;
  }

  /// Whether there is a record other than a damaged one that was there before.
  [[nodiscard]] bool has_record(const MissingRun& missing) const {
    const std::string mark = mark_of(store_.path(run_file(missing.run.digest)));
    return !options_.force && !mark.empty() && mark != missing.record;
  }

  bool is_ended_elsewhere(const Waiting& waiting) {
    const StudyRun& run = waiting.missing->run;
    if (options_.force) return false;
    const std::size_t steps = steps_of(run.configuration, data_);
    if (has_record(*waiting.missing)) {
      progress_.finished_elsewhere(run.label + ": done by another worker", steps);
      return true;
    }
    if (mark_of(failure_of(run)) == waiting.failure) return false;
    const std::optional<RunFailure> failure = store_.failure(run.digest);
    if (!failure) return false;
    progress_.finished_elsewhere(run.label + ": failed with another worker", steps);
    if (!failure->diverged || !run.may_diverge()) {
      const std::lock_guard<std::mutex> lock(workers_.mutex);
      workers_.failed.push_back(run.label + ": " + failure->reason);
    }
    return true;
  }

  /// nullptr if another process is working on it. Error if this one is no worker.
  std::unique_ptr<RunAtWork> try_to_take(const MissingRun& missing) {
    const StudyRun& run = missing.run;
    const std::string lease = store_.path(lease_file(run.digest));
    if (const std::optional<LeaseText> holder = leases_.holder(lease, true)) {
      if (!options_.worker && leases_.beats(lease)) {
        throw Error(run.label, holder->worker + " is working on it, by " + lease,
                    "--worker, which leaves it to that one, or to wait until that one ends");
      }
      return nullptr;
    }
    try {
      auto taken = std::make_unique<RunAtWork>(run, missing.damaged, data_, store_, options_,
                                               workers_, progress_);
      if (!taken->claim(leases_)) return nullptr;
      // It may have been finished between the look at its record and the claim.
      if (!has_record(missing)) return taken;
    } catch (const OutputBusy&) {
      if (!options_.worker) throw;
    } catch (const Error&) {
      // Whoever asks for the record's place finds it taken if another one has just finished.
      if (!has_record(missing)) throw;
    }
    return nullptr;
  }

  const ImageDataset& data_;
  const RunStore& store_;
  const StudyRunOptions& options_;
  Workers& workers_;
  Progress& progress_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;  ///< under the mutex, as is the next
  LeaseWatch leases_;
};

/// Removes what is left of a run that has its record: a kill after the record was saved leaves its
/// checkpoint and its lease.
void tidy(const StudyRun& run, const RunStore& store) {
  const std::string record = store.path(run_file(run.digest));
  const std::string lease = store.path(lease_file(run.digest));
  if (!fs::exists(checkpoint_path(record)) && !fs::exists(lease)) return;
  try {
    const OutputLock lock(record);  // whoever is working on it removes them
    fs::remove(checkpoint_path(record));
    if (lock.held() && fs::exists(lease)) {
      LeaseWatch watch;
      note_killed(store, run.digest, watch.take(lease, 1, true));  // and gives it up
    }
  } catch (const OutputBusy&) {
    return;
  }
}

/// The runs that are to be done, each once; what failed for good goes into `outcome`. Of each run
/// one look decides, whatever other processes change meanwhile.
std::vector<MissingRun> not_done(const std::vector<StudyRun>& runs, const ImageDataset& data,
                                 const RunStore& store, const StudyRunOptions& options,
                                 RunsOutcome& outcome) {
  std::vector<MissingRun> missing;
  std::set<std::string> seen;
  std::size_t recorded = 0;
  for (const StudyRun& run : runs) {
    if (!seen.insert(run.digest).second) continue;
    const RunStatus status = status_of(run, store, data, options.loading);
    if (options.force) {
      missing.push_back({run});
    } else if (status.state == RunState::done) {
      ++recorded;
      tidy(run, store);
    } else if (status.would_run_again) {
      const bool by_record = status.damaged == store.path(run_file(run.digest));
      missing.push_back({run, !status.damaged.empty(), by_record ? status.mark : ""});
    } else if (status.is_unusable() || !run.may_diverge()) {
      outcome.failed.push_back(run.label + ": " + status.why);
    }
  }
  if (recorded > 0) {
    print_line(fmt::format("{} of {} already recorded", recorded, count_of(seen.size(), "run")));
  }
  return missing;
}

}  // namespace

std::size_t steps_of(const TrainingConfiguration& c, const ImageDataset& data) {
  const std::size_t images =
      c.train_images == 0 ? data.train.count : static_cast<std::size_t>(c.train_images);
  const auto batch = static_cast<std::size_t>(c.batch_size);
  return static_cast<std::size_t>(c.epochs) * div_ceil(images, batch);
}

RunsOutcome do_runs(const std::vector<StudyRun>& runs, const ImageDataset& data,
                    const RunStore& store, const StudyRunOptions& options, StudyProgress& overall) {
  RunsOutcome outcome;
  const std::vector<MissingRun> missing = not_done(runs, data, store, options, outcome);
  if (missing.empty()) return outcome;
  std::size_t steps = overall.steps_to_come;
  for (const MissingRun& one : missing) steps += steps_of(one.run.configuration, data);
  Progress progress(overall.runs_done, overall.runs_done + missing.size() + overall.runs_to_come,
                    steps);
  overall.runs_done += missing.size();

  // Whole runs side by side waste less than the threads of one run waiting for each other.
  Workers workers;
  workers.count = std::min(options.threads, missing.size());
  RunQueue queue(missing, data, store, options, workers, progress);
  const auto work = [&] {
    try {
      while (const std::unique_ptr<RunAtWork> run = queue.next()) {
        progress.begin_work();
        run->work();
        progress.end_work();
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(workers.mutex);
      if (!workers.error) workers.error = std::current_exception();
      workers.stopped = true;
    }
  };
  std::vector<std::thread> threads;
  try {
    while (threads.size() + 1 < workers.count) threads.emplace_back(work);
  } catch (const std::system_error&) {
    print_error_line(fmt::format("only {} of {} can run side by side here", threads.size() + 1,
                                 count_of(workers.count, "run")));
  }
  work();
  for (std::thread& thread : threads) thread.join();
  progress.clear();
  for (const MissingRun& one : missing) {
    if (!workers.stopped && fs::exists(store.path(run_file(one.run.digest)))) tidy(one.run, store);
  }
  if (workers.error) std::rethrow_exception(workers.error);
  outcome.stopped = workers.stopped;
  outcome.failed.insert(outcome.failed.end(), workers.failed.begin(), workers.failed.end());
  return outcome;
}

}  // namespace reprise
