#include <fmt/format.h>

#include <algorithm>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

std::string conv_of(const TrainingRun& run) {
  const auto found = run.settings.find("conv");
  return found == run.settings.end() ? "" : attribute_text(found->second);
}

/// As the run's record says, else as a comparison says of the algorithm; "" if none does.
std::string class_of(const TrainingRun& run, const std::vector<Comparison>& comparisons) {
  if (!run.conv_reproducibility.empty()) return run.conv_reproducibility;
  for (const Comparison& comparison : comparisons) {
    for (const ComparisonRow& row : comparison.rows) {
      if (row.algorithm == conv_of(run)) return row.reproducibility;
    }
  }
  return "";
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "–" : code_span(text);
}

TableEntry digests_table(const std::vector<TrainingRun>& runs,
                         const std::vector<Comparison>& comparisons) {
  TableEntry entry;
  if (runs.size() == 1) entry.source = short_digest(runs.front().digest);
  entry.table.columns = {
      {"Seed", Align::right}, {"Initial parameters"}, {"Trained parameters"}, {"Class"}};
  for (const TrainingRun& run : runs) {
    const std::string reproducibility = class_of(run, comparisons);
    entry.table.rows.push_back({std::to_string(run.seed), or_dash(run.initial_parameters_sha256),
                                or_dash(run.parameters_sha256),
                                reproducibility.empty() ? "–" : markdown_text(reproducibility)});
  }
  return entry;
}

/// A word of a shell's command line.
std::string shell_word(const std::string& text) {
  static constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string verify_commands(const std::vector<TrainingRun>& runs) {
  std::string text = "build/release/experiments/verify";
  for (const TrainingRun& run : runs) text += " " + shell_word(run.name);
  return text + "\n";
}

}  // namespace

void add_reproducibility(const std::vector<TrainingRun>& runs,
                         const std::vector<Comparison>& comparisons, Draft& draft) {
  const std::string reproducibility = class_of(runs.front(), comparisons);
  draft.add("digests", digests_table(runs, comparisons));
  draft.set("has_class", !reproducibility.empty());
  draft.set("is_portable", reproducibility == "portable");
  draft.set("verify_commands", code_block(verify_commands(runs), "sh"));
}

}  // namespace reprise::reports
