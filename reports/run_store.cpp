#include "run_store.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>

#include "reading.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/record/contents.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLine = 4096;  // bytes of a file of one line

std::string text_of(const fs::path& path, std::size_t most) {
  const std::vector<std::byte> bytes = read_file(path.string(), most);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The files in a folder whose names end so, sorted; none if there is no such folder.
std::vector<fs::path> files_in(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

StoredPlan read_plan(const fs::path& path) {
  const std::string text = text_of(path, kMaxPlanBytes);
  StoredPlan stored;
  stored.file = (fs::path(kPlansFolder) / path.filename()).string();
  stored.sha256 = sha256_hex(std::as_bytes(std::span(text)));
  const std::string beside = path.string() + ".sha256";
  if (text_of(beside, kMaxLine) != stored.sha256 + "  " + path.filename().string() + "\n") {
    throw Error(path.string(), "is not the plan that " + beside + " was made for",
                "the plan as it was written");
  }
  stored.plan = plan_from(path.string(), text);
  if (stored.file != plan_file(stored.plan.name) &&
      stored.file != rates_plan_file(stored.plan.name)) {
    throw Error(path.string(), "the plan of \"" + stored.plan.name + "\"",
                "that of the study of the file's name");
  }
  return stored;
}

/// Error unless each plan that follows another follows the one that is here.
void check_succession(const StoredRuns& store) {
  for (const StoredPlan& plan : store.plans) {
    if (plan.plan.follows.empty()) continue;
    const auto is_first = [&](const StoredPlan& first) {
      return first.plan.name == plan.plan.name && first.sha256 == plan.plan.follows;
    };
    if (std::any_of(store.first_plans.begin(), store.first_plans.end(), is_first)) continue;
    throw Error(plan.file, "follows a plan of SHA-256 " + plan.plan.follows + ", which is not here",
                plan_file(plan.plan.name) + " as it was");
  }
}

void read_plans(StoredRuns& store) {
  std::vector<StoredPlan> all;
  for (const fs::path& path : files_in(fs::path(store.folder) / kPlansFolder, ".toml")) {
    all.push_back(read_plan(path));
  }
  std::set<std::string> superseded;
  for (const StoredPlan& plan : all) {
    if (!plan.plan.follows.empty()) superseded.insert(plan.plan.name);
  }
  for (StoredPlan& plan : all) {
    const bool first = plan.plan.follows.empty() && superseded.count(plan.plan.name) > 0;
    (first ? store.first_plans : store.plans).push_back(std::move(plan));
  }
  check_succession(store);
}

}  // namespace

std::vector<std::string> store_folders(const std::string& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return {};
  std::vector<std::string> folders;
  if (fs::exists(fs::path(path) / kStoreMark)) folders.push_back(path);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path, none)) {
    if (entry.is_directory(none) && fs::exists(entry.path() / kStoreMark)) {
      folders.push_back(entry.path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

StoredRuns read_store(const std::string& folder) {
  StoredRuns store;
  store.folder = folder;
  const fs::path mark = fs::path(folder) / kStoreMark;
  const std::string text = text_of(mark, kMaxLine);
  if (text != kStoreText) {
    throw Error(mark.string(), "\"" + text.substr(0, text.find('\n')) + "\"",
                "a store of this version");
  }
  read_plans(store);
  for (const fs::path& path : files_in(fs::path(folder) / kRunsFolder, ".failed")) {
    const std::string stem = path.stem().string();
    store.failures[stem] = failure_from(path.string(), text_of(path, kMaxFailureBytes));
    store.traces[stem].failure = true;
  }
  for (const fs::path& path : files_in(fs::path(folder) / kRunsFolder, ".h5.checkpoint")) {
    store.traces[path.stem().stem().string()].checkpoint = true;
  }
  const fs::path journal = fs::path(folder) / kJournal;
  if (fs::exists(journal)) {
    store.journal = journal_from(journal.string(), text_of(journal, kMaxJournalBytes));
  }
  return store;
}

std::string run_stem(const std::string& digest) {
  return fs::path(run_file(digest)).stem().string();
}

RunState state_of(const StoredRuns& store, const std::string& digest) {
  const auto found = store.traces.find(run_stem(digest));
  return reprise::state_of(found == store.traces.end() ? RunTraces() : found->second);
}

StudyLabel label_of(const StudyPlan& plan, const PlannedRun& run) {
  StudyRecord record;
  static_cast<StudyQuestion&>(record) = plan;
  record.baseline = plan.variants.front().name;
  record.variant = run.variant;
  record.role = run.role;
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    if (plan.variants[v].name != run.variant) continue;
    record.variant_description = plan.variants[v].description;
    record.variant_order = static_cast<std::int64_t>(v);
    record.expectation = plan.variants[v].expectation;
  }
  StudyLabel label = read_study_label(record);
  label.tested_instead = text(plan.tested_instead);
  return label;
}

}  // namespace reprise::reports
