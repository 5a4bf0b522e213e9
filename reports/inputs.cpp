#include "inputs.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "report_files.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/summary.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

/// Settings that, where they are neither zero, nor empty, nor "none", change the training images.
bool is_distorted(const TrainingRun& run) {
  for (const char* name : {"random_shift", "horizontal_flip", "distortion", "pca_color_noise"}) {
    const auto found = run.settings.find(name);
    if (found == run.settings.end()) continue;
    const UntrustedText value = setting_text(found->second);
    static constexpr std::array<std::string_view, 4> kOff = {"", "0", "none", "false"};
    const auto is_value = [&](std::string_view off) { return value == off; };
    if (std::none_of(kOff.begin(), kOff.end(), is_value)) return true;
  }
  return false;
}

}  // namespace

void add_record(const NamedRecord& record, Inputs& inputs) {
  if (is_comparison(record.record)) {
    inputs.comparisons.push_back(read_comparison(record));
    return;
  }
  if (is_summary(record.record)) {
    throw Error(record.name, "a summary by itself",
                "a record, or a store of runs with its summaries and plans");
  }
  TrainingRun run = read_training_run(record);
  if (run.study) {
    inputs.studies.push_back(std::move(run));
    return;
  }
  const UntrustedText model = setting_text(run.settings, "model");
  if (model != "lenet5") {
    throw Error(record.name, "a run of the model " + terminal_text(model) + " outside a study",
                "lenet5, or a study's run");
  }
  std::vector<TrainingRun>& alike = is_distorted(run) ? inputs.distorted : inputs.lenet;
  for (const TrainingRun& earlier : alike) check_same_experiment(earlier, run);
  alike.push_back(std::move(run));
}

bool add_stored_record(const NamedRecord& record, const StoredRuns& store, Inputs& inputs) {
  if (is_comparison(record.record)) {
    throw Error(record.name, "a comparison", "the record of a training run");
  }
  const std::string digest = run_digest(record.record);
  std::optional<TrainingRun> read;
  for (const StoredPlan& stored : store.plans) {
    for (const PlannedRun& planned : stored.plan.runs) {
      if (planned.digest != digest) continue;
      if (!read) read = read_training_run(record);
      inputs.studies.push_back(*read);
      inputs.studies.back().study = label_of(stored.plan, planned);
    }
  }
  return read.has_value();
}

std::vector<std::string> finish_store(const StoredRuns& store, Inputs& inputs) {
  std::vector<std::string> left_out;
  for (const StoredPlan& stored : store.plans) {
    const StudyPlan& plan = stored.plan;
    PlanCount count{UntrustedText::from_record(plan.name), plan.runs.size()};
    bool has_baseline = false;
    for (const TrainingRun& run : inputs.studies) {
      if (run.study->name != count.study) continue;
      has_baseline |=
          run.study->role == Role::measured && run.study->variant.name == run.study->baseline_name;
    }
    for (const PlannedRun& run : plan.runs) {
      const RunState state = state_of(store, run.digest);
      const auto failure = store.failures.find(run_stem(run.digest));
      const bool diverged = failure != store.failures.end() && failure->second.diverged;
      if (state == RunState::done) ++count.found;
      if (state == RunState::interrupted) ++count.interrupted;
      if (state == RunState::failed) {
        ++(diverged && run.role == "pilot" ? count.diverged : count.failed);
      }
    }
    inputs.stores.plans.push_back(count);
    if (has_baseline) continue;
    left_out.push_back(plan.name);
    std::erase_if(inputs.studies,
                  [&](const TrainingRun& run) { return run.study->name == count.study; });
  }
  inputs.stores.compute += compute_of(store.journal);
  inputs.stores.has_journal |= !store.journal.empty();
  return left_out;
}

void check_complete(const Inputs& inputs) {
  if (inputs.lenet.empty() && inputs.distorted.empty() && inputs.studies.empty()) {
    throw Error("report", "no record of a training run", "at least one");
  }
}

namespace {

/// A summary, DIGITS.toml, that is in a store in place of its record.
bool stands_for_record(const fs::path& path) {
  if (path.extension() != ".toml" || path.parent_path().filename() != kRunsFolder) return false;
  std::error_code none;
  return fs::exists(path.parent_path().parent_path() / kStoreMark, none) &&
         !fs::exists(fs::path(path).replace_extension(".h5"), none);
}

}  // namespace

std::vector<RecordFile> record_files(const std::string& path, const std::string& report_folder) {
  if (!fs::is_directory(path)) return {{path, record_name(path, report_folder), false}};
  std::vector<RecordFile> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    // Links to nothing and folders are named, too.
    if (entry.path().extension() != ".h5" && !stands_for_record(entry.path())) continue;
    const std::string file = entry.path().string();
    const std::string name = record_name(file, report_folder);
    const bool is_bare = name.find('/') == std::string::npos;
    files.push_back(
        {file, is_bare ? entry.path().lexically_relative(path).generic_string() : name, true});
  }
  if (files.empty()) {
    throw Error(path, "a folder without records",
                "files named *.h5 in it, or a store with summaries");
  }
  std::sort(files.begin(), files.end(),
            [](const RecordFile& a, const RecordFile& b) { return a.path < b.path; });
  return files;
}

bool looks_like_record(const std::string& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none)) return false;
  if (path.ends_with(".toml")) return true;  // where summaries are
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  return bytes.starts_with("\x89HDF\r\n\x1a\n") && bytes.find("reprise record ") != bytes.npos;
}

}  // namespace reprise::reports
