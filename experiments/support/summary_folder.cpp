#include "support/summary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record/summary.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// The names in a folder that end so, sorted; none if there is no such folder.
std::vector<std::string> names_with(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(ending)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The summary of a run, and the path that it is from.
struct FoundSummary {
  Record summary;
  std::string path;
};

/// What is at a path, a record or a summary, under the name of its run.
FoundSummary summary_at(const std::string& path, const LoadOptions& loading) {
  Record run = load_run(path, loading);
  const std::string stem = fs::path(run_file(run_digest(run))).stem().string();
  if (fs::path(path).stem() != stem) {
    throw Error(path, "is of another run: its configuration and data belong to " + stem,
                "a run under its own name");
  }
  if (is_summary(run)) return {std::move(run), path};
  return {errors_naming(path, [&] { return summary_of(run); }), path};
}

/// Error unless the two tell of one result.
void check_same_result(const FoundSummary& found, const std::string& kept) {
  const Record there = load_summary(kept);
  const std::string own = run_record_digest(found.summary);
  const std::string other = run_record_digest(there);
  if (own != other) {
    throw Error(kept, "is of a record with the digest " + other,
                own + ", which " + found.path + " has for the same configuration and data");
  }
  const std::vector<RecordDifference> different = differences(there, found.summary, 1);
  if (different.empty()) return;
  throw Error(kept, different[0].path + " is " + different[0].what, "what " + found.path + " has");
}

}  // namespace

SummaryFolder::SummaryFolder(const std::string& folder, LoadOptions loading)
    : to_(folder), loading_(std::move(loading)) {
  to_.make();
}

void SummaryFolder::take_run(const RunStore& store, const std::string& digest) const {
  if (store.has_run(digest)) take_file(store, store.run_path(digest));
}

void SummaryFolder::take_file(const RunStore& store, const std::string& path) const {
  const FoundSummary found = summary_at(path, loading_);
  const std::string digest = run_digest(found.summary);
  const std::string kept = to_.path(summary_file(digest));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (fs::exists(kept)) {
    check_same_result(found, kept);
  } else {
    const std::string text = errors_naming(path, [&] { return summary_text(found.summary); });
    write_file(kept, std::as_bytes(std::span(text)), Overwrite::yes);
  }
  if (!fs::exists(store.path(failure_file(digest)))) to_.remove_failure(digest);
}

std::vector<std::string> SummaryFolder::take_texts(const RunStore& store) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> faults;
  for (const std::string& name : names_with(store.path(kPlansFolder), ".toml")) {
    const std::string file = (fs::path(kPlansFolder) / name).string();
    to_.keep_plan(file, *store.plan(file));
  }
  for (const std::string& name : names_with(store.path(kRunsFolder), ".failed")) {
    const std::string digits = fs::path(name).stem().string();
    try {
      const std::optional<RunFailure> failure = store.failure(digits);
      if (failure && !to_.has_run(digits)) to_.set_failure(digits, *failure);
    } catch (const Error& error) {
      faults.emplace_back(error.what());
    }
  }
  to_.add_to_journal(store.journal());
  return faults;
}

std::vector<std::string> SummaryFolder::take_all(const RunStore& store) const {
  std::vector<std::string> faults;
  const auto take = [&](const auto& what) {
    try {
      what();
    } catch (const Error& error) {
      faults.emplace_back(error.what());
    }
  };
  take([&] { faults = take_texts(store); });
  std::set<std::string> taken;
  for (const char* ending : {".h5", ".toml"}) {  // a record before its summary
    for (const std::string& name : names_with(store.path(kRunsFolder), ending)) {
      if (!taken.insert(fs::path(name).stem().string()).second) continue;
      take([&] { take_file(store, store.path((fs::path(kRunsFolder) / name).string())); });
    }
  }
  return faults;
}

}  // namespace reprise
