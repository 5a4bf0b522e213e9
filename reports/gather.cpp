#include "gather.hpp"

#include <filesystem>
#include <optional>
#include <utility>

#include "reprise/core/error.hpp"
#include "run_store.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;
using Complain = std::function<void(const std::string&)>;

/// What the store has of the run that the file's name says; nullptr if the file is in none.
RunTraces* traces_of(const RecordFile& file, StoredRuns* store) {
  return store == nullptr ? nullptr : &store->traces[fs::path(file.path).stem().string()];
}

/// A record that was found in a folder and cannot be read is named and left out.
std::optional<Record> read(const RecordFile& file, const LoadOptions& loading,
                           const Complain& complain, RunTraces* traces, LeftOut& left_out) {
  try {
    return file.path.ends_with(".toml") ? load_summary(file.path) : load_record(file.path, loading);
  } catch (const Error& error) {
    if (!file.found) throw;
    if (traces != nullptr) {
      (is_whole_run(file.path, error, loading) ? traces->unusable : traces->damaged) = true;
    }
    ++(looks_like_record(file.path) ? left_out.damaged : left_out.foreign);
    complain(error.what());
    return std::nullopt;
  }
}

/// The store whose runs/ the file is in; nullptr if there is none.
StoredRuns* store_of(const std::string& path, std::vector<StoredRuns>& stores) {
  const fs::path folder = fs::path(path).parent_path();
  for (StoredRuns& store : stores) {
    std::error_code none;
    if (fs::equivalent(folder, fs::path(store.folder) / kRunsFolder, none)) return &store;
  }
  return nullptr;
}

/// A comparison is refused elsewhere.
bool is_of_another_run(const Record& record, const std::string& path) {
  return !is_comparison(record) && fs::path(path).stem() != run_stem(run_digest(record));
}

void take(const std::string& path, const std::string& report_folder, const LoadOptions& loading,
          const Complain& complain, Inputs& inputs, LeftOut& left_out) {
  std::vector<StoredRuns> stores;
  for (const std::string& folder : store_folders(path)) stores.push_back(read_store(folder));
  for (const RecordFile& file : record_files(path, report_folder)) {
    StoredRuns* store = store_of(file.path, stores);
    RunTraces* traces = traces_of(file, store);
    std::optional<Record> record = read(file, loading, complain, traces, left_out);
    if (!record) continue;
    if (store == nullptr) {
      add_record({file.name, std::move(*record)}, inputs);
      continue;
    }
    if (is_of_another_run(*record, file.path)) {
      traces->damaged = true;
      ++left_out.foreign;
      complain(file.path + ": is of another run than its name says");
      continue;
    }
    traces->recorded = true;
    if (!add_stored_record({file.name, std::move(*record)}, *store, inputs)) {
      complain(file.path + ": no plan of the store has this run");
    }
  }
  for (const StoredRuns& store : stores) {
    for (const std::string& study : finish_store(store, inputs)) {
      complain("study " + study + ": its baseline has no run yet");
    }
  }
}

}  // namespace

Inputs gather(const std::vector<std::string>& paths, const std::string& report_folder,
              const LoadOptions& loading, const Complain& complain, LeftOut& left_out) {
  Inputs inputs;
  for (const std::string& path : paths) {
    take(path, report_folder, loading, complain, inputs, left_out);
  }
  return inputs;
}

}  // namespace reprise::reports
