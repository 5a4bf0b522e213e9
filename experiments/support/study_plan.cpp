#include "support/study_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/record/format.hpp"
#include "reprise/run/checkpoint.hpp"
#include "reprise/run/training_record.hpp"
#include "support/set_aside.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// All that a run's record says before its results.
Record head_of(const StudyRun& run, const ImageDataset& data) {
  Record head;
  head.attributes["kind"] = "training";
  head.groups = {{"configuration", to_group(run.configuration)},
                 {"data", to_group(data_record(data))}};
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

/// What keeps a file from being the run's record or summary.
struct Fault {
  std::string what;       ///< "" if nothing does
  bool is_whole = false;  ///< it is the run's, and whole, and cannot be used here
};

/// FileMissing if there is none.
Fault fault_of(const StudyRun& run, const std::string& path, const ImageDataset& data,
               const LoadOptions& loading) {
  try {
    const Record record = load_run(path, loading);
    const std::vector<RecordDifference> different =
        differences(head_of(run, data), head_of(record), 1);
    if (different.empty()) return {};
    return {fmt::format("{} is of another run: {} differs, {}", path, different[0].path,
                        different[0].what),
            run_digest(record) == run.digest};
  } catch (const FileMissing&) {
    throw;
  } catch (const NoRecordReader&) {
    throw;
  } catch (const Error& error) {
    return {error.what(), is_whole_run(path, error, loading)};
  }
}

/// The status that what is in the place of the run's record gives it. FileMissing if it has just
/// been taken away.
RunStatus status_by(const StudyRun& run, const std::string& path, const ImageDataset& data,
                    const LoadOptions& loading) {
  RunStatus status;
  const std::string mark = mark_of(path);
  const Fault fault = fault_of(run, path, data, loading);
  RunTraces traces;
  traces.recorded = fault.what.empty();
  traces.unusable = !traces.recorded && fault.is_whole;
  traces.damaged = !traces.recorded && !fault.is_whole;
  status.state = state_of(traces);
  status.why = fault.what;
  status.by_summary = traces.recorded && path.ends_with(".toml");
  status.would_run_again = traces.damaged;
  if (traces.damaged) {
    status.damaged = path;
    status.mark = mark;
  }
  return status;
}

/// A damaged note of why a run failed is itself the reason: the next try replaces it.
std::optional<RunFailure> failure_of(const StudyRun& run, const RunStore& store) {
  try {
    return store.failure(run.digest);
  } catch (const Error& error) {
    return RunFailure{false, error.what()};
  }
}

}  // namespace

RunStatus status_of(const StudyRun& run, const RunStore& store, const ImageDataset& data,
                    const LoadOptions& loading) {
  RunStatus status;
  if (run.digest.empty()) {
    status.why = "pilots that have not run choose its learning rate";
    return status;
  }
  while (store.has_run(run.digest)) {
    try {
      return status_by(run, store.run_path(run.digest), data, loading);
    } catch (const FileMissing&) {
      continue;  // another process has set it aside
    }
  }
  const std::optional<RunFailure> failure = failure_of(run, store);
  RunTraces traces;
  traces.failure = failure.has_value();
  traces.checkpoint = fs::exists(checkpoint_path(store.path(run_file(run.digest))));
  status.state = state_of(traces);
  if (failure) {
    status.why = failure->reason;
    status.diverged = failure->diverged;
    status.would_run_again = !failure->diverged;
  } else {
    status.why = traces.checkpoint ? "a checkpoint is there; --resume continues it" : "not run yet";
  }
  return status;
}

StudyRuns::StudyRuns(const Study& study, const StudyScope& scope, const ImageDataset& data)
    : study_(study),
      scope_(scope),
      data_(data),
      grids_(study.variants.size(), study.learning_rates),
      rates_(study.variants.size()) {
  const auto images = static_cast<std::int64_t>(data.train.count);
  // The study's own number gives way to a smaller data set; one that was asked for does not.
  const bool own = scope_.scale.train_images == study.settings.train_images;
  if (own && scope_.scale.train_images >= images) scope_.scale.train_images = 0;
  for (const DataFile& file : data.files) data_sha256_.push_back(file.sha256);
  for (std::vector<double>& grid : grids_) std::sort(grid.begin(), grid.end());
  if (scope_.scale.train_images > images) {
    throw Error("setting train_images", std::to_string(scope_.scale.train_images),
                fmt::format("at most the {} training images there are", images));
  }
}

StudyRun StudyRuns::run_of(std::size_t variant, std::int64_t seed, const std::string& role,
                           std::optional<double> rate) const {
  const std::string& name = study_.variants[variant].name;
  StudyRun run;
  run.variant = variant;
  run.role = role;
  if (role == "pilot") {
    run.configuration = pilot_configuration(study_, variant, seed, scope_.scale, *rate);
  } else {
    run.configuration = study_configuration(study_, variant, seed, scope_.scale);
    if (rate) run.configuration.learning_rate = *rate;
  }
  run.label = role == "pilot"
                  ? fmt::format("{}, pilot at learning rate {}, seed {}", name, *rate, seed)
                  : fmt::format("{}, seed {}", name, seed);
  const bool decided = study_.learning_rates.empty() || rate;
  if (decided) run.digest = run_digest(to_group(run.configuration), data_sha256_);
  return run;
}

std::vector<StudyRun> StudyRuns::pilots() const {
  std::vector<StudyRun> runs;
  for (std::size_t v = 0; v < study_.variants.size(); ++v) {
    for (const double rate : grids_[v]) {
      for (const std::int64_t seed : study_.pilot_seeds) {
        runs.push_back(run_of(v, seed, "pilot", rate));
      }
    }
  }
  return runs;
}

std::vector<StudyRun> StudyRuns::measured() const {
  std::vector<StudyRun> runs;
  for (const std::int64_t seed : scope_.seeds) {
    for (std::size_t v = 0; v < study_.variants.size(); ++v) {
      runs.push_back(run_of(v, seed, "measured", rates_[v]));
    }
  }
  return runs;
}

std::vector<StudyRun> StudyRuns::all() const {
  std::vector<StudyRun> runs = pilots();
  const std::vector<StudyRun> more = measured();
  runs.insert(runs.end(), more.begin(), more.end());
  return runs;
}

std::vector<StudyRun> StudyRuns::shared() const {
  std::vector<StudyRun> taken;
  std::map<std::string, std::size_t> places;
  std::size_t runs = 0;
  for (StudyRun& run : all()) {
    std::size_t place = runs;
    if (!run.digest.empty()) place = places.try_emplace(run.digest, runs).first->second;
    if (place == runs) ++runs;
    if (place % scope_.share.count != scope_.share.index - 1) continue;
    if (run.digest.starts_with(scope_.share.run)) taken.push_back(std::move(run));
  }
  return taken;
}

std::vector<StudyRun> StudyRuns::shared(const std::string& role) const {
  std::vector<StudyRun> runs = shared();
  std::erase_if(runs, [&](const StudyRun& run) { return run.role != role; });
  return runs;
}

std::optional<double> StudyRuns::pilot_error(std::size_t variant, double rate,
                                             const RunStore& store,
                                             const LoadOptions& loading) const {
  double sum = 0.0;
  for (const std::int64_t seed : study_.pilot_seeds) {
    const StudyRun run = run_of(variant, seed, "pilot", rate);
    const RunStatus status = status_of(run, store, data_, loading);
    if (status.diverged) {
      sum = std::numeric_limits<double>::infinity();
    } else if (status.state != RunState::done) {
      return std::nullopt;
    } else {
      try {
        const Record record = load_run(store.run_path(run.digest), loading);
        sum += record.values<double>("history/train_error").back();
      } catch (const FileMissing&) {
        return std::nullopt;  // another process has just set it aside
      }
    }
  }
  return sum / static_cast<double>(study_.pilot_seeds.size());
}

std::optional<double> StudyRuns::chosen(std::size_t variant, const RunStore& store,
                                        const LoadOptions& loading) {
  std::vector<double>& grid = grids_[variant];
  const std::string where = study_.name + ", variant " + study_.variants[variant].name;
  while (true) {
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const std::optional<double> error = pilot_error(variant, grid[i], store, loading);
      if (!error) return std::nullopt;
      if (*error >= least) continue;
      least = *error;
      best = i;
    }
    if (least == std::numeric_limits<double>::infinity()) {
      throw Error(where, fmt::format("every pilot diverged, at rates from {}", grid.front()),
                  "smaller learning_rates");
    }
    const bool at_end = best == 0 || best + 1 == grid.size();
    if (!at_end || !scope_.extends_grid || study_.extend_learning_rates == 0) return grid[best];
    const std::size_t added = grid.size() - study_.learning_rates.size();
    if (added >= static_cast<std::size_t>(study_.extend_learning_rates)) {
      throw Error(where,
                  fmt::format("the best learning rate, {}, is still at the end of the grid after "
                              "{} more than its {} were tried",
                              grid[best], added, study_.learning_rates.size()),
                  "learning_rates around it, or a larger extend_learning_rates");
    }
    if (best == 0) {
      grid.insert(grid.begin(), rate_beyond(grid[0], grid[1]));
    } else {
      grid.push_back(rate_beyond(grid[best], grid[best - 1]));
    }
  }
}

bool StudyRuns::choose_rates(const RunStore& store, const LoadOptions& loading) {
  if (study_.learning_rates.empty()) return true;
  for (std::size_t v = 0; v < study_.variants.size(); ++v) {
    if (!rates_[v]) rates_[v] = chosen(v, store, loading);
  }
  return has_rates();
}

bool StudyRuns::has_rates() const {
  return study_.learning_rates.empty() ||
         std::all_of(rates_.begin(), rates_.end(),
                     [](const auto& rate) { return rate.has_value(); });
}

StudyPlan StudyRuns::plan(const std::string& follows) const {
  StudyPlan plan;
  static_cast<StudyQuestion&>(plan) = study_;
  plan.tested_instead = study_.tested_instead;
  plan.rule = rule_of(study_);
  plan.epochs = scope_.scale.epochs;
  plan.train_images = scope_.scale.train_images;
  plan.seeds = scope_.seeds;
  plan.follows = follows;
  plan.data = data_.name;
  plan.data_sha256 = data_sha256_;
  const bool is_first = follows.empty() && !study_.learning_rates.empty();
  if (!study_.learning_rates.empty()) {
    plan.pilot_seeds = study_.pilot_seeds;
    std::set<double> rates(study_.learning_rates.begin(), study_.learning_rates.end());
    if (!is_first) {
      for (const std::vector<double>& grid : grids_) rates.insert(grid.begin(), grid.end());
    }
    plan.learning_rates.assign(rates.begin(), rates.end());
  }
  for (std::size_t v = 0; v < study_.variants.size(); ++v) {
    const Variant& variant = study_.variants[v];
    const double own = study_configuration(study_, v, 1, scope_.scale).learning_rate;
    plan.variants.push_back({variant.name, variant.description, variant.expectation,
                             is_first ? 0.0 : rates_[v].value_or(own)});
  }
  for (const StudyRun& run : is_first ? pilots() : all()) {
    plan.runs.push_back({study_.variants[run.variant].name, run.role, run.configuration.seed,
                         run.configuration.learning_rate, run.digest});
  }
  return plan;
}

std::string rule_of(const Study& study) {
  std::string rule =
      "Paired t-test over the seeds; supported or contradicted if its p, adjusted by Holm over all "
      "claims of one report, is below 0.05, else inconclusive";
  if (!study.learning_rates.empty()) {
    rule +=
        "; each variant at the learning rate of least training error in pilots with other seeds";
  }
  return rule;
}

}  // namespace reprise
