#include "support/study_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/nn/model_size.hpp"
#include "reprise/run/training.hpp"
#include "support/lease.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using State = RunState;

/// A run of the plan and how far it is.
struct Row {
  StudyRun run;
  RunStatus status;
};

/// Runs that two variants or two pilots share are one.
std::vector<Row> rows_of(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                         const LoadOptions& loading) {
  std::vector<Row> rows;
  for (StudyRun& run : runs.shared()) {
    RunStatus status = status_of(run, store, data, loading);
    rows.push_back({std::move(run), std::move(status)});
  }
  return rows;
}

std::vector<Row> different(const std::vector<Row>& rows) {
  std::set<std::string> seen;
  std::vector<Row> result;
  for (const Row& row : rows) {
    if (row.run.digest.empty() || seen.insert(row.run.digest).second) result.push_back(row);
  }
  return result;
}

std::vector<Row> left_of(const std::vector<Row>& rows) {
  std::vector<Row> left;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(left),
               [](const Row& row) { return row.status.would_run_again; });
  return left;
}

/// What finished runs took for an optimizer step, in seconds times threads, by variant.
class StepTimes {
 public:
  StepTimes(const std::vector<Row>& rows, const std::vector<JournalEntry>& journal,
            const ImageDataset& data) {
    for (const Row& row : rows) {
      if (row.status.state != State::done) continue;
      const Compute compute = compute_of(journal, {row.run.digest});
      if (compute.thread_seconds <= 0.0) continue;
      const auto steps = static_cast<double>(steps_of(row.run.configuration, data));
      for (Sum* sum : {&by_variant_[row.run.variant], &all_}) {
        sum->seconds += compute.thread_seconds;
        sum->steps += steps;
      }
    }
  }

  [[nodiscard]] bool known() const { return all_.steps > 0.0; }
  [[nodiscard]] double of_step(std::size_t variant) const {
    const auto found = by_variant_.find(variant);
    const Sum& sum = found != by_variant_.end() && found->second.steps > 0.0 ? found->second : all_;
    return sum.seconds / sum.steps;
  }

 private:
  struct Sum {
    double seconds = 0.0, steps = 0.0;
  };
  std::map<std::size_t, Sum> by_variant_;
  Sum all_;
};

std::string time_left(const std::vector<Row>& rows, const std::vector<JournalEntry>& journal,
                      const ImageDataset& data, std::size_t threads) {
  const StepTimes times(rows, journal, data);
  const std::vector<Row> left = left_of(rows);
  if (left.empty()) return "none";
  if (!times.known()) return "unknown until a run is finished";
  double seconds = 0.0;
  for (const Row& row : left) {
    seconds +=
        times.of_step(row.run.variant) * static_cast<double>(steps_of(row.run.configuration, data));
  }
  return fmt::format("about {} with {}, if every run takes its whole number of epochs",
                     duration_text(seconds / static_cast<double>(threads)),
                     count_of(threads, "thread"));
}

/// Of the runs left, and of the checkpoints of those at work.
double disk_needed(const std::vector<Row>& rows, const ImageDataset& data,
                   const StudyRunOptions& options) {
  const std::vector<Row> left = left_of(rows);
  double bytes = 0.0, checkpoint = 0.0;
  for (const Row& row : left) {
    const RunNeeds needs = needs_of(row.run.configuration, data, 1);
    bytes += needs.record;
    checkpoint = std::max(checkpoint, needs.checkpoint);
  }
  // A file is written beside the one that it replaces.
  return bytes + 2.0 * checkpoint * static_cast<double>(std::min(left.size(), options.threads));
}

double disk_free(const std::string& folder) {
  std::error_code error;
  fs::path place = fs::absolute(folder);
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  const fs::space_info space = fs::space(place, error);
  return error ? 0.0 : static_cast<double>(space.available);
}

/// Memory that programs may still take; 0 if the system does not say.
double memory_free() {
  std::ifstream info("/proc/meminfo");
  std::string name, unit;
  for (double kilobytes = 0.0; info >> name >> kilobytes;) {
    if (name == "MemAvailable:") return 1024.0 * kilobytes;
    std::getline(info, unit);
  }
  return 0.0;
}

/// What the journal says of all attempts: pilots, runs that failed or were stopped included.
void print_compute(const Compute& compute) {
  const bool by_cpu = compute.cpu_seconds > 0.0 || compute.unmeasured_thread_seconds == 0.0;
  if (by_cpu) {
    print_line(
        fmt::format("compute so far: {:.3f} CPU hours, pilots, failed and stopped runs included",
                    compute.cpu_seconds / 3600.0));
  }
  if (compute.unmeasured_thread_seconds > 0.0) {
    print_line(
        fmt::format("compute {}: {:.3f} thread hours (seconds times threads) of attempts "
                    "whose CPU time was not measured",
                    by_cpu ? "in addition" : "so far", compute.unmeasured_thread_seconds / 3600.0));
  }
  if (compute.killed > 0) {
    print_line(fmt::format(
        "{} killed: counted to the last sign of life",
        compute.killed == 1 ? "1 attempt was" : fmt::format("{} attempts were", compute.killed)));
  }
  if (compute.untold > 0) {
    print_line(fmt::format(
        "{} no recorded end (running or killed); not counted",
        compute.untold == 1 ? "1 attempt has" : fmt::format("{} attempts have", compute.untold)));
  }
}

std::size_t count_state(const std::vector<Row>& rows, State state) {
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [&](const Row& row) { return row.status.state == state; }));
}

}  // namespace

RunNeeds needs_of(const TrainingConfiguration& c, const ImageDataset& data, std::size_t threads) {
  const auto [parameters, activations] = model_size([&] { return make_model(c, data); });
  constexpr double kFloat = sizeof(float);
  const auto test_images = static_cast<double>(data.test.count);
  const auto classes = static_cast<double>(data.class_names.size());
  const auto steps = static_cast<double>(steps_of(c, data));
  const auto batch = static_cast<std::size_t>(c.batch_size);
  const auto block = static_cast<double>(std::min(c.batch_size, c.block_size));
  const auto blocks = div_ceil(batch, static_cast<std::size_t>(block));
  constexpr double kSamplesAndText = 1e6;
  const double history = 2.0 * sizeof(double) * steps;
  RunNeeds needs;
  needs.record =
      kFloat * parameters + test_images * (kFloat * classes + 26.0) + history + kSamplesAndText;
  needs.checkpoint = 3.0 * kFloat * parameters + history;
  const auto sums = static_cast<double>(std::min(blocks, 4 * threads));
  needs.memory =
      kFloat * (parameters * (2.0 + sums) + static_cast<double>(threads) * block * activations);
  return needs;
}

std::string bytes_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit < 4) {
    bytes /= 1000.0;
    ++unit;
  }
  return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

void print_plan(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                const LoadOptions& loading) {
  for (const Row& row : rows_of(runs, store, data, loading)) {
    const std::string digest = row.run.digest.empty() ? "-" : row.run.digest.substr(0, 16);
    std::string line =
        fmt::format("{:<11} {:<16} {}", name_of(row.status.state), digest, row.run.label);
    if (row.status.by_summary) line += " (summary)";
    if (!row.status.why.empty()) line += ": " + row.status.why;
    if (!row.status.damaged.empty()) line += "; would be set aside, and the run be done";
    if (row.status.state == State::failed) {
      line += row.status.would_run_again ? "; would run again" : "; would not run again";
    }
    if (!row.run.digest.empty()) {
      const std::string record = store.path(run_file(row.run.digest));
      const auto note = lease_note(store.path(lease_file(row.run.digest)), record);
      if (note) line += "; " + *note;
    }
    print_line(line);
  }
}

void print_status(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                  const StudyRunOptions& options) {
  const std::vector<Row> all = rows_of(runs, store, data, options.loading);
  const std::vector<Row> rows = different(all);
  const std::vector<JournalEntry> journal = store.journal();
  const std::size_t done = count_state(rows, State::done);
  print_line(fmt::format("{}: {} of {} done, {} failed, {} interrupted, {} missing",
                         runs.study().name, done, count_of(rows.size(), "run"),
                         count_state(rows, State::failed), count_state(rows, State::interrupted),
                         count_state(rows, State::missing)));
  const auto by_summary = static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [](const Row& row) { return row.status.by_summary; }));
  if (by_summary > 0) {
    print_line(fmt::format("{} of those done {} without a record, told by a summary", by_summary,
                           by_summary == 1 ? "is" : "are"));
  }
  print_line("time left: " + time_left(rows, journal, data, options.threads));
  print_line(fmt::format("disk: about {} more; {} are free",
                         bytes_text(disk_needed(rows, data, options)),
                         bytes_text(disk_free(store.folder()))));
  std::vector<std::string> digests;
  for (const Row& row : rows) {
    if (!row.run.digest.empty()) digests.push_back(row.run.digest);
  }
  const Compute compute = compute_of(journal, digests);
  print_compute(compute);
  for (const Row& row : rows) {
    if (row.status.state != State::failed) continue;
    print_line("failed: " + row.run.label + ": " + row.status.why);
  }
}

void check_resources(const StudyRuns& runs, const RunStore& store, const ImageDataset& data,
                     const StudyRunOptions& options) {
  std::vector<Row> rows = different(rows_of(runs, store, data, options.loading));
  if (options.force) {
    for (Row& row : rows) row.status.would_run_again = true;
  }
  const std::vector<Row> left = left_of(rows);
  if (left.empty()) return;
  const double disk = disk_needed(rows, data, options);
  const double free = disk_free(store.folder());
  if (disk > free) {
    throw Error(store.folder(), bytes_text(free) + " are free on its disk",
                fmt::format("about {}, for {}", bytes_text(disk), count_of(left.size(), "record")));
  }
  const std::size_t at_once = std::min(options.threads, left.size());
  double most = 0.0;
  for (const Row& row : left) {
    most = std::max(most, needs_of(row.run.configuration, data, options.threads / at_once).memory);
  }
  const double memory = most * static_cast<double>(at_once);
  const double available = memory_free();
  if (available > 0.0 && memory > available) {
    throw Error("memory", bytes_text(available) + " are free",
                fmt::format("at least {} for {} side by side, or fewer --threads",
                            bytes_text(memory), count_of(at_once, "run")));
  }
}

}  // namespace reprise
