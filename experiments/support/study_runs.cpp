#include "support/study_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/evaluation.hpp"
#include "support/checkpoint_file.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// All that the run's record says before its results.
Record head_of(const StudyRun& run, const ImageDataset& data) {
  Record head;
  head.attributes["kind"] = "training";
  head.groups = {{"configuration", to_group(run.configuration)},
                 {"data", to_group(data_record(data))}};
  if (run.labels.study) head.groups["study"] = to_group(*run.labels.study);
  return head;
}

/// The same of a record that is there.
Record head_of(const Record& record) {
  Record head;
  head.attributes["kind"] = "training";
  for (const char* name : {"configuration", "data", "study"}) {
    const auto found = record.groups.find(name);
    if (found != record.groups.end()) head.groups.insert(*found);
  }
  return head;
}

/// True if the record of this very run is there. Error if another's is.
bool is_recorded(const StudyRun& run, const ImageDataset& data, const LoadOptions& loading) {
  if (!fs::exists(run.path)) return false;
  const Record record = load_record(run.path, "training", loading);
  const std::vector<RecordDifference> different =
      differences(head_of(run, data), head_of(record), 1);
  if (different.empty()) return true;
  throw Error(run.path,
              "the record of another run: " + different[0].path + " differs, " + different[0].what,
              "--output with another folder, or --force to repeat all runs");
}

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
  void step(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++steps_here_;
    const double each = (steady_seconds() - started_) / static_cast<double>(steps_here_);
    const std::size_t left = steps_ - std::min(steps_, steps_before_ + steps_here_);
    line_.show(fmt::format("run {}/{}  {}  {} left", runs_done_ + 1, runs_, what,
                           duration_text(each * static_cast<double>(left))));
  }
  void finished(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    line_.clear();
    print_line(fmt::format("run {}/{}  {}", ++runs_done_, runs_, what));
  }
  void clear() { line_.clear(); }

 private:
  std::mutex mutex_;
  ProgressLine line_;
  std::size_t runs_, runs_done_;
  std::size_t steps_, steps_before_ = 0, steps_here_ = 0;
  double started_ = steady_seconds();
};

/// Where the run stands if it was begun before. Error if it was, and nobody asked to go on.
void take_up(TrainingRun& run, const CheckpointFile& checkpoint, const StudyRunOptions& options,
             Progress& progress) {
  if (options.force || !checkpoint.exists()) return;
  if (!options.resume) {
    throw Error(checkpoint.path(), "a checkpoint of an unfinished run is there",
                "--resume to continue it, or --force to start again");
  }
  restore_checkpoint(run, checkpoint.path(), options.loading);
  progress.count_steps(run.epochs_done() * run.steps_per_epoch() + run.state().step_in_epoch);
}

/// The runs at work side by side.
struct Workers {
  std::size_t count = 1;
  std::atomic<bool> stopped = false;  ///< one of them stopped or failed, so all shall
};

/// One run from begin to end; false if it was stopped.
bool do_run(const StudyRun& wanted, const ImageDataset& data, const StudyRunOptions& options,
            const Workers& workers, Progress& progress) {
  const std::size_t threads = options.threads / workers.count;
  RunEnvironment environment;
  environment.threads = threads;
  environment.runs_at_once = workers.count;
  environment.command_line = options.command_line;
  environment.data_folder = options.data_folder;
  const Overwrite overwrite = options.force ? Overwrite::yes : Overwrite::no;
  CheckpointFile checkpoint(wanted.path, overwrite);
  TrainingRun run(wanted.configuration, data, threads);
  take_up(run, checkpoint, options, progress);
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t step, std::size_t steps) {
    progress.step(fmt::format("{}: epoch {}/{} step {}/{}", wanted.label, run.epochs_done() + 1,
                              wanted.configuration.epochs, step, steps));
    return !interrupted() && !workers.stopped;
  };
  observer.epoch = [&](const EpochResult& result) {
    environment.log += fmt::format("epoch {}  train error {:.2f}%  test error {:.2f}%  {:.2f} s\n",
                                   run.epochs_done(), 100 * result.train_error,
                                   100 * result.test_error, result.train_seconds);
  };
  try {
    if (!run.train(observer)) {
      checkpoint.save(run);
      return false;
    }
  } catch (const Diverged&) {
    if (!wanted.may_diverge) throw;
    checkpoint.remove();
    if (options.force) fs::remove(wanted.path);
    progress.finished(wanted.label + ": diverged");
    return true;
  }
  save_finished(to_tree(training_record(run, evaluation_of(run), environment, wanted.labels)),
                wanted.path, overwrite, run, checkpoint);
  const EpochResult& last = run.history().back();
  progress.finished(fmt::format("{}: training error {:.2f}%, test error {:.2f}%, {}", wanted.label,
                                100 * last.train_error, 100 * last.test_error,
                                duration_text(seconds_since_start(environment))));
  return true;
}

std::vector<StudyRun> not_recorded(const std::vector<StudyRun>& runs, const ImageDataset& data,
                                   const StudyRunOptions& options) {
  std::vector<StudyRun> missing;
  for (const StudyRun& run : runs) {
    if (options.force || !is_recorded(run, data, options.loading)) missing.push_back(run);
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

bool do_runs(const std::vector<StudyRun>& runs, const ImageDataset& data,
             const StudyRunOptions& options, StudyProgress& overall) {
  const std::vector<StudyRun> missing = not_recorded(runs, data, options);
  if (missing.size() < runs.size()) {
    print_line(fmt::format("{} of {} already recorded", runs.size() - missing.size(),
                           count_of(runs.size(), "run")));
  }
  if (missing.empty()) return true;
  std::size_t steps = overall.steps_to_come;
  for (const StudyRun& run : missing) steps += steps_of(run.configuration, data);
  Progress progress(overall.runs_done, overall.runs_done + missing.size() + overall.runs_to_come,
                    steps);
  overall.runs_done += missing.size();

  // Whole runs side by side waste less than the threads of one run waiting for each other.
  Workers workers;
  workers.count = std::min(options.threads, missing.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    while (!workers.stopped) {
      const std::size_t i = next++;
      if (i >= missing.size()) return;
      try {
        if (!do_run(missing[i], data, options, workers, progress)) workers.stopped = true;
      } catch (...) {
        const std::lock_guard<std::mutex> lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        workers.stopped = true;
      }
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
  if (failure) std::rethrow_exception(failure);
  return !workers.stopped;
}

}  // namespace reprise
