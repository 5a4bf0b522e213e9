// The reviewer's appendix: what each claim takes to check, and what identifies the source.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kCores = 2;                // that durations are told for
constexpr std::size_t kMaxIdentifiers = 8;  // shown; more are in the data

/// What runs took, by their own records; nothing where one of them does not say.
struct Cost {
  std::optional<double> core_seconds, peak_bytes;
};

/// A number of a record that is finite and positive.
std::optional<double> positive(const Settings& environment, const char* name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return std::nullopt;
  const auto* whole = std::get_if<std::int64_t>(&found->second);
  const auto* real = std::get_if<double>(&found->second);
  const double value = whole != nullptr ? static_cast<double>(*whole) : real == nullptr ? 0 : *real;
  return std::isfinite(value) && value > 0 ? std::optional(value) : std::nullopt;
}

Cost cost_of(const Settings& environment) {
  const std::optional<double> seconds = positive(environment, "seconds_total");
  const std::optional<double> threads = positive(environment, "threads");  // of each rank
  const double ranks = positive(environment, "ranks").value_or(1);
  return {seconds && threads ? std::optional(*seconds * *threads * ranks) : std::nullopt,
          positive(environment, "peak_memory_bytes")};
}

/// A run that went on from a checkpoint counts with all its epochs: its record has the seconds of
/// the last attempt.
Cost cost_of(const TrainingRun& run) {
  Cost cost = cost_of(run.environment);
  const std::optional<double> threads = positive(run.environment, "threads");
  const double ranks = positive(run.environment, "ranks").value_or(1);
  const double epochs =
      std::accumulate(run.seconds_per_epoch.begin(), run.seconds_per_epoch.end(), 0.0);
  if (cost.core_seconds && threads && std::isfinite(epochs)) {
    cost.core_seconds = std::max(*cost.core_seconds, epochs * *threads * ranks);
  }
  return cost;
}

Cost cost_of(const Runs& runs) {
  Cost all{0, 0};
  for (const TrainingRun* run : distinct(runs)) {
    const Cost one = cost_of(*run);
    if (all.core_seconds && one.core_seconds) *all.core_seconds += *one.core_seconds;
    if (!one.core_seconds) all.core_seconds.reset();
    if (all.peak_bytes && one.peak_bytes)
      all.peak_bytes = std::max(*all.peak_bytes, *one.peak_bytes);
    if (!one.peak_bytes) all.peak_bytes.reset();
  }
  return all;
}

Cell minutes_cell(const Cost& cost) {
  return cost.core_seconds ? significant_cell(*cost.core_seconds / kCores / 60) : Cell();
}

Cell memory_cell(const Cost& cost) {
  return cost.peak_bytes ? number_cell(*cost.peak_bytes / (1024 * 1024), 0) : Cell();
}

bool are_portable(const Runs& runs) {
  return std::all_of(runs.begin(), runs.end(), [](const TrainingRun* run) {
    return run->conv_reproducibility == "portable";
  });
}

std::string tolerance(bool portable) {
  return portable ? "0 bits" : "0 bits, same processor";
}

/// A row of the table of claims.
std::vector<Cell> claim_row(const UntrustedText& claim, const ShellCommands& command,
                            const std::string& digest, const std::string& tolerance,
                            std::size_t runs, const Cost& cost) {
  Cell digest_cell = code_cell(digest);
  digest_cell.shown = code_span(short_digest(digest));
  return {claim,
          code_cell(command.str()),
          digest_cell,
          tolerance,
          count_cell(runs),
          minutes_cell(cost),
          memory_cell(cost)};
}

/// The runs of both sides with seeds that both have.
Runs runs_of(const Contrast& contrast) {
  Runs runs;
  for (const Variant* side : {contrast.baseline, contrast.variant}) {
    for (const std::int64_t seed : contrast.seeds) runs.push_back(side->with_seed(seed)->run);
  }
  return runs;
}

TableEntry claims_table(const Inputs& inputs, const std::vector<Contrast>& contrasts) {
  TableEntry entry{
      {{"Result", "Command", "Expected digest", "Tolerance", "Runs", "Minutes", "Memory (MiB)"},
       {}},
      {}};
  for (const Contrast& contrast : contrasts) {
    if (contrast.seeds.empty()) continue;
    const Runs runs = runs_of(contrast);
    Runs made = contrast.study->runs();  // by the command
    made.insert(made.end(), contrast.study->pilots.begin(), contrast.study->pilots.end());
    const bool timed = contrast.study->measure == Measure::seconds_per_epoch;
    entry.table.rows.push_back(
        claim_row(contrast_name(contrast).capitalized(), study_command(*contrast.study),
                  digest_over(runs), tolerance(are_portable(runs)) + (timed ? "; times vary" : ""),
                  distinct(made).size(), cost_of(made)));
  }
  for (const auto* runs : {&inputs.lenet, &inputs.distorted}) {
    if (runs->empty()) continue;
    const Runs all = pointers(*runs);
    entry.table.rows.push_back(claim_row(
        runs == &inputs.lenet ? "LeNet-5: test error" : "LeNet-5, distorted images: test error",
        verify_command(all, true), digest_over(all), tolerance(are_portable(all)), all.size(),
        cost_of(all)));
  }
  for (const Comparison& comparison : inputs.comparisons) {
    const bool portable = std::all_of(comparison.rows.begin(), comparison.rows.end(),
                                      [](const ComparisonRow& row) { return row.is_portable(); });
    entry.table.rows.push_back(claim_row(
        "Convolution algorithms: errors", comparison_command(comparison), comparison.digest,
        tolerance(portable) + "; times vary", 1, cost_of(comparison.environment)));
  }
  return entry;
}

bool is_hexadecimal(const UntrustedText& text) {
  return text.size() == 40 && text.consists_of("0123456789abcdef");
}

/// Identifiers of Software Heritage that the records give, by how many runs each has.
TableEntry identifiers_table(const Runs& runs) {
  std::map<UntrustedText, std::size_t> folders;
  std::map<UntrustedText, std::size_t> commits;
  constexpr std::string_view kFolder = "swh:1:dir:";
  for (const TrainingRun* run : runs) {
    const UntrustedText tree = setting_text(run->environment, "source_tree");
    if (tree.starts_with(kFolder) && is_hexadecimal(tree.substr(kFolder.size()))) ++folders[tree];
    const UntrustedText commit = setting_text(run->environment, "git_commit");
    const bool clean = setting_text(run->environment, "git_dirty") == "0";
    if (clean && is_hexadecimal(commit)) ++commits[plain_text("swh:1:rev:{}", commit)];
  }
  TableEntry entry{{{"Identifier", "Of", "Runs"}, {}}, {}};
  const auto add = [&](const auto& identifiers, const char* what) {
    for (const auto& [identifier, count] : identifiers) {
      entry.data.rows.push_back({code_cell(identifier), what, count_cell(count)});
    }
  };
  add(folders, "the source folder as it was built");
  add(commits, "a commit without changes");
  entry.data.titles = entry.table.titles;
  entry.table.rows = entry.data.rows;
  if (entry.table.rows.size() > kMaxIdentifiers) entry.table.rows.resize(kMaxIdentifiers);
  return entry;
}

/// The run that took the least; nullptr if no record says what it took.
const TrainingRun* cheapest(const Runs& runs) {
  const TrainingRun* least = nullptr;
  for (const TrainingRun* run : runs) {
    const std::optional<double> took = cost_of(*run).core_seconds;
    if (took && (least == nullptr || *took < *cost_of(*least).core_seconds)) least = run;
  }
  return least;
}

}  // namespace

void add_appendix(const Inputs& inputs, const std::vector<Contrast>& contrasts, Draft& draft) {
  const Runs runs = all_runs(inputs);
  draft.add("claims", claims_table(inputs, contrasts));
  TableEntry identifiers = identifiers_table(distinct(runs));
  draft.set("has_identifiers", !identifiers.table.rows.empty());
  if (!identifiers.table.rows.empty()) draft.add("identifiers", std::move(identifiers));

  const Cost cost = cost_of(runs);
  draft.set("has_cost", cost.core_seconds.has_value());
  draft.set("all_minutes", duration(cost.core_seconds.value_or(0) / kCores));
  draft.set("has_memory", cost.peak_bytes.has_value());
  draft.set("most_memory", bytes_text(cost.peak_bytes.value_or(0)));
  const TrainingRun* least = cheapest(runs);
  draft.set("has_cheapest", least != nullptr);
  const TrainingRun& shown = least == nullptr ? *runs.front() : *least;
  draft.set("cheapest_command", code_block(verify_command({&shown}).str(), "sh"));
  draft.set("cheapest_took", duration(cost_of(shown).core_seconds.value_or(0)));
  draft.set("cheapest_digest", code_span(shown.digest));
}

}  // namespace reprise::reports
