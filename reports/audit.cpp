#include "audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <sstream>

#include "gather.hpp"
#include "report.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/summary.hpp"
#include "run_store.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

/// What the checks need of a record; the rest is let go.
struct AuditedRun {
  std::string file, digest;  ///< relative to the store; run_digest()
  std::int64_t seed = 0;
  double last_train_error = 0;  ///< of /history
  std::string parameters, commit;
  bool dirty = false, portable = true;
  bool by_summary = false;
};

/// A store with its records read.
struct AuditedStore {
  StoredRuns store;
  std::vector<AuditedRun> runs;

  [[nodiscard]] const AuditedRun* run(const std::string& digest) const {
    for (const AuditedRun& run : runs) {
      if (run.digest == digest) return &run;
    }
    return nullptr;
  }
  [[nodiscard]] std::string path(const std::string& file) const {
    return (fs::path(store.folder) / file).string();
  }
  [[nodiscard]] const RunFailure* failure(const std::string& digest) const {
    const auto found = store.failures.find(fs::path(run_file(digest)).stem().string());
    return found == store.failures.end() ? nullptr : &found->second;
  }
};

std::string run_name(const StudyPlan& plan, const PlannedRun& run) {
  return run.role == "pilot" ? fmt::format("{}: {}, pilot at {}, seed {}", plan.name, run.variant,
                                           run.learning_rate, run.seed)
                             : fmt::format("{}: {}, seed {}", plan.name, run.variant, run.seed);
}

std::string text_attribute(const Group& group, const std::string& name) {
  const auto found = group.attributes.find(name);
  const auto* text =
      found == group.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

AuditedRun run_from(const Record& record, const std::string& file) {
  AuditedRun run;
  run.file = file;
  run.by_summary = is_summary(record);
  const TrainingRecord training =
      run.by_summary ? training_from_summary(record, file) : training_from(record, file);
  run.digest = run_digest(record);
  run.seed = std::get<std::int64_t>(
      settings_in_full(record.group("configuration"), format_settings("training")).at("seed"));
  run.last_train_error = training.history.back().train_error;
  run.parameters = training.model.parameters_sha256;
  run.portable = training.model.conv_reproducibility == "portable";
  run.commit = text_attribute(training.environment, "git_commit");
  const auto dirty = training.environment.attributes.find("git_dirty");
  run.dirty = dirty != training.environment.attributes.end() &&
              dirty->second != AttributeValue(std::int64_t{0});
  return run;
}

/// The digests of all runs that a plan of the store has.
std::set<std::string> planned_digests(const AuditedStore& store) {
  std::set<std::string> digests;
  for (const auto* plans : {&store.store.plans, &store.store.first_plans}) {
    for (const StoredPlan& stored : *plans) {
      for (const PlannedRun& run : stored.plan.runs) digests.insert(run.digest);
    }
  }
  return digests;
}

/// Error unless a summary that lies beside its record is that record's.
void check_own_summary(const Record& record, const fs::path& path) {
  const std::string beside = fs::path(path).replace_extension(".toml").string();
  if (is_summary(record) || !fs::exists(beside)) return;
  const std::vector<RecordDifference> different =
      differences(summary_of(record), load_summary(beside), 1);
  if (different.empty()) return;
  throw Error(beside, different[0].path + " is not the record's: " + different[0].what,
              "the summary of " + path.filename().string());
}

/// Reads every record in runs/, and every summary that stands for one; faults for those that are
/// damaged, not what their name says, or in no plan.
AuditCheck check_records(AuditedStore& store, const LoadOptions& loading,
                         std::vector<std::string>& notes) {
  AuditCheck check{"records", "", {}};
  const std::set<std::string> planned = planned_digests(store);
  std::size_t summaries = 0;
  std::error_code none;
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(store.path(kRunsFolder), none)) {
    const bool is_record = entry.path().extension() == ".h5";
    const bool stands = entry.path().extension() == ".toml" &&
                        !fs::exists(fs::path(entry.path()).replace_extension(".h5"));
    if (is_record || stands) files.insert(entry.path());
    summaries += stands ? 1 : 0;
  }
  for (const fs::path& path : files) {
    const std::string file = (fs::path(kRunsFolder) / path.filename()).string();
    try {
      const Record record = load_run(path.string(), loading);
      check_own_summary(record, path);
      AuditedRun run = run_from(record, file);
      if (fs::path(run_file(run.digest)).stem() != path.stem()) {
        check.faults.push_back(file + " is of another run: its configuration and data belong to " +
                               fs::path(run_file(run.digest)).stem().string());
      } else if (planned.count(run.digest) == 0) {
        check.faults.push_back(file + " is in no plan");
      }
      store.runs.push_back(std::move(run));
    } catch (const Error& error) {
      check.faults.emplace_back(error.what());
    }
  }
  check.subject = fmt::format("{} whole and of the run that its name says, in a plan",
                              count_of(files.size(), "record"));
  if (summaries > 0) {
    check.subject += fmt::format("; {} of them told by a summary", summaries);
    notes.push_back(
        fmt::format("records: {} not here but told by a summary, whose numbers agree with each "
                    "other and whose digest is a claim until verify runs it",
                    summaries == 1 ? "1 is" : fmt::format("{} are", summaries)));
  }
  return check;
}

/// Every variant with every seed, and no other.
void check_seeds_of(const StudyPlan& plan, std::vector<std::string>& faults) {
  std::set<std::pair<std::string, std::int64_t>> wanted;
  std::set<std::pair<std::string, std::int64_t>> planned;
  for (const PlannedVariant& variant : plan.variants) {
    for (const std::int64_t seed : plan.seeds) wanted.emplace(variant.name, seed);
  }
  for (const PlannedRun& run : plan.runs) {
    if (run.role == "measured") {
      planned.emplace(run.variant, run.seed);
    } else if (std::find(plan.seeds.begin(), plan.seeds.end(), run.seed) != plan.seeds.end()) {
      faults.push_back(run_name(plan, run) + " has a seed that is measured");
    }
  }
  if (planned.empty()) {
    faults.push_back(plan.name + ": its pilots have not chosen the learning rates");
    return;
  }
  for (const auto& [variant, seed] : wanted) {
    if (planned.count({variant, seed}) > 0) continue;
    faults.push_back(fmt::format("{}: {}, seed {} is not in the plan", plan.name, variant, seed));
  }
  for (const auto& [variant, seed] : planned) {
    if (wanted.count({variant, seed}) > 0) continue;
    faults.push_back(fmt::format("{}: {}, seed {} is extra", plan.name, variant, seed));
  }
}

AuditCheck check_seeds(const AuditedStore& store) {
  AuditCheck check{"seeds", "", {}};
  std::size_t runs = 0;
  for (const StoredPlan& stored : store.store.plans) {
    check_seeds_of(stored.plan, check.faults);
    runs += stored.plan.runs.size();
  }
  check.subject = fmt::format("{} of {}, each variant with each seed", count_of(runs, "run"),
                              count_of(store.store.plans.size(), "plan"));
  return check;
}

/// Every planned run has its record; a pilot may have diverged.
AuditCheck check_complete_runs(const AuditedStore& store) {
  AuditCheck check{
      "runs", "every run of the plans has its record, or is a pilot that diverged", {}};
  std::set<std::string> told;
  for (const StoredPlan& stored : store.store.plans) {
    for (const PlannedRun& run : stored.plan.runs) {
      if (store.run(run.digest) != nullptr || !told.insert(run.digest).second) continue;
      const RunFailure* failure = store.failure(run.digest);
      if (failure != nullptr && failure->diverged && run.role == "pilot") continue;
      const std::string name = run_name(stored.plan, run);
      const RunState state = state_of(store.store, run.digest);
      if (state == RunState::failed) {
        check.faults.push_back(name + " failed: " + failure->reason);
      } else if (state == RunState::interrupted) {
        check.faults.push_back(name + " was interrupted");
      } else {
        check.faults.push_back(name + " is missing");
      }
    }
  }
  return check;
}

/// What the journal says was begun must be there, however it ended.
AuditCheck check_journal(const AuditedStore& store, std::vector<std::string>& notes) {
  AuditCheck check{"journal", "", {}};
  std::map<std::string, JournalEntry> begun;
  std::set<std::string> done;
  for (const JournalEntry& entry : store.store.journal) {
    if (entry.event == "begun") begun.emplace(entry.digest, entry);
    if (entry.event == "done") done.insert(entry.digest);
  }
  const std::set<std::string> planned = planned_digests(store);
  for (const auto& [digest, entry] : begun) {
    const std::string what = digest.substr(0, 16) + ", begun at " + entry.time + ",";
    const bool is_there = store.run(digest) != nullptr || store.failure(digest) != nullptr ||
                          fs::exists(store.path(run_file(digest) + ".checkpoint"));
    if (!is_there) check.faults.push_back("the run " + what + " has vanished");
    if (planned.count(digest) == 0) check.faults.push_back("the run " + what + " is in no plan");
  }
  std::size_t foreign = 0;
  for (const AuditedRun& run : store.runs) foreign += done.count(run.digest) == 0 ? 1 : 0;
  if (foreign > 0) {
    notes.push_back(
        fmt::format("{} not made in this store, as its journal has no end of {}: what "
                    "else was run there is not known",
                    count_of(foreign, "record"), foreign == 1 ? "it" : "them"));
  }
  if (store.store.journal.empty() && !store.runs.empty()) {
    check.faults.push_back(store.path(kJournal) + " is missing or empty");
  }
  check.subject = fmt::format("{} begun, all of them there", count_of(begun.size(), "run"));
  return check;
}

/// All runs of a study, shared ones included, are of one commit.
AuditCheck check_commits(const AuditedStore& store, std::vector<std::string>& notes) {
  AuditCheck check{"code", "each study's runs of one commit, without changes", {}};
  const auto is_known = [](const AuditedRun& run) {
    return !run.commit.empty() && run.commit != "unknown";
  };
  std::set<std::string> all;
  std::size_t unknown = 0;
  for (const AuditedRun& run : store.runs) {
    if (!is_known(run)) {
      ++unknown;
      continue;
    }
    all.insert(run.commit);
    if (run.dirty) check.faults.push_back(run.file + " is of a commit with uncommitted changes");
  }
  for (const StoredPlan& stored : store.store.plans) {
    std::map<std::string, std::string> first;  // by commit, a record
    for (const PlannedRun& planned : stored.plan.runs) {
      const AuditedRun* run = store.run(planned.digest);
      if (run != nullptr && is_known(*run)) first.emplace(run->commit, run->file);
    }
    if (first.size() < 2) continue;
    std::vector<std::string> commits;
    for (const auto& [commit, file] : first) {
      commits.push_back(commit.substr(0, 12) + " (" + file + ")");
    }
    check.faults.push_back(
        fmt::format("{}: {} commits: {}", stored.plan.name, first.size(), join(commits)));
  }
  if (all.size() > 1) {
    notes.push_back(
        fmt::format("code: the store's runs are of {} commits; verify tells whether the code "
                    "that is here gives what theirs gave",
                    all.size()));
  }
  if (unknown > 0) {
    notes.push_back(
        fmt::format("code: {} not name a commit",
                    unknown == 1 ? "1 record does" : fmt::format("{} records do", unknown)));
  }
  return check;
}

/// Other seeds give other networks.
AuditCheck check_copies(const AuditedStore& store) {
  AuditCheck check{"copies", "no two seeds with the same trained parameters", {}};
  std::map<std::string, const AuditedRun*> seen;
  for (const AuditedRun& run : store.runs) {
    const auto [other, is_first] = seen.emplace(run.parameters, &run);
    if (is_first || other->second->seed == run.seed) continue;
    check.faults.push_back(fmt::format("{} and {} have the same parameters, and seeds {} and {}",
                                       other->second->file, run.file, other->second->seed,
                                       run.seed));
  }
  return check;
}

/// The rate with the least mean training error of a variant's pilots; nullopt if one is missing.
std::optional<double> best_rate(const AuditedStore& store, const StudyPlan& plan,
                                const std::string& variant) {
  std::map<double, double> errors;  // sums over the pilots' seeds
  for (const PlannedRun& run : plan.runs) {
    if (run.role != "pilot" || run.variant != variant) continue;
    const AuditedRun* found = store.run(run.digest);
    const RunFailure* failure = store.failure(run.digest);
    if (found == nullptr && (failure == nullptr || !failure->diverged)) return std::nullopt;
    errors[run.learning_rate] +=
        found == nullptr ? std::numeric_limits<double>::infinity() : found->last_train_error;
  }
  const auto best =
      std::min_element(errors.begin(), errors.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == errors.end() ? std::optional<double>() : best->first;
}

AuditCheck check_rates(const AuditedStore& store) {
  AuditCheck check{"rates", "learning rates are those that the pilots' records choose", {}};
  for (const StoredPlan& stored : store.store.plans) {
    const StudyPlan& plan = stored.plan;
    if (plan.learning_rates.empty()) continue;
    for (const PlannedVariant& variant : plan.variants) {
      const std::optional<double> best = best_rate(store, plan, variant.name);
      if (!best || *best == variant.learning_rate) continue;
      check.faults.push_back(fmt::format("{}: {} has the rate {}, and its pilots choose {}",
                                         plan.name, variant.name, variant.learning_rate, *best));
    }
    for (const PlannedRun& run : plan.runs) {
      if (run.role != "measured") continue;
      for (const PlannedVariant& variant : plan.variants) {
        if (variant.name != run.variant || variant.learning_rate == run.learning_rate) continue;
        check.faults.push_back(fmt::format("{} has the rate {} in place of {}", run_name(plan, run),
                                           run.learning_rate, variant.learning_rate));
      }
    }
  }
  return check;
}

/// Records that nobody could foresee when the plans were written, the same for everyone.
std::vector<const AuditedRun*> sample_of(const AuditedStore& store, std::size_t count) {
  std::string salt;
  for (const StoredPlan& stored : store.store.plans) salt += stored.sha256;
  std::map<std::string, const AuditedRun*> order;
  for (const AuditedRun& run : store.runs) {
    const std::string text = salt + run.digest;
    if (run.portable) order.emplace(sha256_hex(std::as_bytes(std::span(text))), &run);
  }
  std::vector<const AuditedRun*> sample;
  for (const auto& [key, run] : order) {
    if (sample.size() < count) sample.push_back(run);
  }
  return sample;
}

AuditCheck check_sample(const AuditedStore& store, const AuditOptions& options,
                        std::vector<std::string>& notes) {
  AuditCheck check{"verify", "", {}};
  const std::vector<const AuditedRun*> sample = sample_of(store, options.sample);
  for (const AuditedRun* run : sample) {
    const std::string said = options.verify(store.path(run->file));
    if (!said.empty()) check.faults.push_back(said);
  }
  check.subject = fmt::format("{} of {} run again, to the bit", sample.size(),
                              count_of(store.runs.size(), "record"));
  if (sample.size() < store.runs.size()) {
    notes.push_back(fmt::format("verify: {} not run again (--sample)",
                                count_of(store.runs.size() - sample.size(), "record")));
  }
  return check;
}

std::string file_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The report's numbers, computed again from the records below the folder.
AuditCheck check_report(const std::string& folder, const std::string& report,
                        const AuditOptions& options) {
  AuditCheck check{
      "report", "report.md, supplement.md, data and verdicts.toml as the records give them", {}};
  try {
    LeftOut left_out;
    const auto ignore = [](const std::string&) {};
    const Inputs inputs = gather({folder}, report, options.loading, ignore, left_out);
    const std::string paper = file_text(fs::path(report) / "report.md");
    const bool has_page = paper.find("](run_again.html)") != std::string::npos;
    const Report again =
        make_report(inputs, ReportOptions{.notes = options.notes, .links_run_again = has_page},
                    [](const auto&) { return Svg(); });
    const auto compare = [&](const std::string& name, const std::string& expected) {
      const std::string difference = first_difference(file_text(fs::path(report) / name), expected);
      if (!difference.empty()) check.faults.push_back(name + ", " + difference);
    };
    compare("report.md", again.markdown);
    compare("supplement.md", again.supplement_markdown);
    for (const auto& [path, text] : again.data) compare(path, text);
    compare("verdicts.toml", again.verdicts);
  } catch (const Error& error) {
    check.faults.emplace_back(error.what());
  }
  return check;
}

void audit_store(const std::string& folder, const AuditOptions& options, Audit& result) {
  AuditedStore store;
  try {
    store.store = read_store(folder);
  } catch (const Error& error) {
    result.checks.push_back({"plans", folder, {error.what()}});
    return;
  }
  result.checks.push_back({"plans",
                           fmt::format("{}: {}, as their SHA-256 say", folder,
                                       count_of(store.store.plans.size(), "plan")),
                           store.store.plans.empty() ? std::vector<std::string>{"no plan"}
                                                     : std::vector<std::string>{}});
  result.checks.push_back(check_records(store, options.loading, result.notes));
  result.checks.push_back(check_seeds(store));
  result.checks.push_back(check_complete_runs(store));
  result.checks.push_back(check_journal(store, result.notes));
  result.checks.push_back(check_commits(store, result.notes));
  result.checks.push_back(check_copies(store));
  result.checks.push_back(check_rates(store));
  if (options.sample > 0) {
    result.checks.push_back(check_sample(store, options, result.notes));
  } else {
    result.notes.emplace_back("verify: no record was run again (--sample 0)");
  }
}

}  // namespace

bool Audit::passed() const {
  return std::all_of(checks.begin(), checks.end(),
                     [](const AuditCheck& check) { return check.faults.empty(); });
}

Audit audit(const std::string& folder, const AuditOptions& options) {
  if (!fs::is_directory(folder)) throw Error(folder, "no folder", "one with a store of runs");
  Audit result;
  const std::vector<std::string> stores = store_folders(folder);
  if (stores.empty()) result.checks.push_back({"plans", folder, {"no store of runs in " + folder}});
  for (const std::string& store : stores) audit_store(store, options, result);
  const std::string report = options.report.empty() ? folder : options.report;
  if (fs::exists(fs::path(report) / "report.md")) {
    result.checks.push_back(check_report(folder, report, options));
    result.notes.emplace_back("report: its figures and its pages of HTML");
  } else {
    result.notes.emplace_back("report: there is none in " + report + " (--report)");
  }
  result.notes.emplace_back(
      "records outside a store: runs without a plan, and comparisons of convolutions");
  return result;
}

const std::vector<std::string>& audit_limits() {
  static const std::vector<std::string> lines = {
      "whether other stores, plans or runs were discarded, or seeds chosen by their results",
      "whether the journal, which is no more than a file, was edited",
      "when anything was written, and whether the plan came before the question was looked at",
      "where and with what a record was made: /environment is as its author reports it",
      "whether the code is right; verify runs the code that is here"};
  return lines;
}

}  // namespace reprise::reports
