// Digests of the records, and the commands that make and verify them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kNamedRecords = 12;  // more are named by their folders

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

std::string file_name(const std::string& path) {
  return shell_word(std::filesystem::path(path).filename().string());
}

/// The arguments of a program's command line, but for its record's place.
std::string arguments_of(const std::string& command_line) {
  std::istringstream words(command_line);
  std::string arguments;
  std::string word;
  words >> word;  // the program
  while (words >> word) {
    if (word == "--record") {
      words >> word;
    } else if (word != "--force" && !word.starts_with("--record=")) {
      arguments += " " + shell_word(word);
    }
  }
  return arguments;
}

std::string text_of(const Attributes& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? "" : attribute_text(found->second);
}

/// Shell commands that make the records of LeNet-5 again.
std::string lenet_commands(const std::vector<TrainingRun>& runs, const std::string& settings) {
  if (runs.empty()) return "";
  const TrainingRun& first = runs.front();
  std::string text = fmt::format("cat > {} <<'SETTINGS'\n{}{}SETTINGS\n", settings, first.toml,
                                 first.toml.ends_with('\n') ? "" : "\n");
  for (const TrainingRun& run : runs) {
    const std::string seed = &run == &first ? "" : fmt::format(" --seed {}", run.seed);
    text += fmt::format("build/release/experiments/{} \\\n  --config {}{} --output {}\n",
                        shell_word(run.program), settings, seed, file_name(run.name));
  }
  return text;
}

/// One command for each study, with the seeds that its records have.
std::string study_commands(const std::vector<Study>& studies) {
  std::string text;
  for (const Study& study : studies) {
    std::set<std::int64_t> seeds;
    for (const TrainingRun* run : study.runs()) seeds.insert(run->seed);
    text += fmt::format("build/release/experiments/study {} --seeds {}\n",
                        shell_word(study.runs().front()->program), fmt::join(seeds, ","));
  }
  return text;
}

std::string make_commands(const Inputs& inputs, const std::vector<Study>& studies) {
  const std::vector<const TrainingRun*> runs = all_runs(inputs);
  const std::string commit = text_of(runs.front()->environment, "git_commit");
  std::string text;
  if (!commit.empty()) text += fmt::format("git checkout {}\n", shell_word(commit));
  text += "cmake --preset release && cmake --build --preset release\n";
  text += lenet_commands(inputs.lenet, "settings.toml");
  text += lenet_commands(inputs.distorted, "distorted.toml");
  text += study_commands(studies);
  for (const Comparison& comparison : inputs.comparisons) {
    if (comparison.command_line.empty()) continue;
    text += fmt::format("build/release/experiments/compare_convolutions{} \\\n  --record {}\n",
                        arguments_of(comparison.command_line), file_name(comparison.name));
  }
  std::string records;
  if (studies.empty()) {
    for (const TrainingRun* run : runs) records += " " + file_name(run->name);
    for (const Comparison& one : inputs.comparisons) records += " " + file_name(one.name);
  } else {
    records = " records";
  }
  return text + fmt::format("build/release/reports/write_report --output report{}\n", records);
}

/// Many records are named by their folders.
std::string verify_commands(const std::vector<const TrainingRun*>& runs) {
  std::string text = "build/release/experiments/verify";
  std::set<std::string> words;
  for (const TrainingRun* run : runs) {
    const std::string folder = std::filesystem::path(run->name).parent_path().string();
    words.insert(runs.size() <= kNamedRecords
                     ? shell_word(run->name)
                     : (folder.empty() ? "" : shell_word(folder) + "/") + "*.h5");
  }
  for (const std::string& word : words) text += (words.size() > 2 ? " \\\n  " : " ") + word;
  return text + "\n";
}

TableEntry records_table(const std::vector<const TrainingRun*>& runs,
                         const std::vector<Comparison>& comparisons) {
  TableEntry entry;
  entry.table.columns = {{"Record"}, {"Study"}, {"Variant"}, {"Seed", Align::right}, {"Digest"}};
  for (const TrainingRun* run : runs) {
    const bool pilot = run->study && run->study->role == Role::pilot;
    entry.table.rows.push_back(
        {code_span(run->name), run->study ? markdown_text(words_of(run->study->name)) : "–",
         run->study ? markdown_text(words_of(run->study->variant)) + (pilot ? " (pilot)" : "")
                    : "–",
         std::to_string(run->seed), code_span(short_digest(run->digest))});
  }
  for (const Comparison& comparison : comparisons) {
    entry.table.rows.push_back({code_span(comparison.name), "comparison of convolutions", "–", "–",
                                code_span(short_digest(comparison.digest))});
  }
  return entry;
}

/// Of LeNet-5, where there is one, else of the studies' runs as far as they agree.
void add_class(const Inputs& inputs, Draft& draft) {
  const std::vector<const TrainingRun*> runs = all_runs(inputs);
  const std::string first = class_of(*runs.front(), inputs.comparisons);
  const bool agreed = std::all_of(runs.begin(), runs.end(), [&](const TrainingRun* run) {
    return class_of(*run, inputs.comparisons) == first && conv_of(*run) == conv_of(*runs.front());
  });
  const bool lenet = !inputs.lenet.empty() || !inputs.distorted.empty();
  draft.set("has_class", !first.empty() && (lenet || agreed));
  draft.set("is_portable", first == "portable");
  draft.set("class_conv", code_span(conv_of(*runs.front())));
}

}  // namespace

void add_reproducibility(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft) {
  const std::vector<const TrainingRun*> runs = all_runs(inputs);
  const std::vector<TrainingRun>& lenet = inputs.lenet.empty() ? inputs.distorted : inputs.lenet;
  if (!lenet.empty()) draft.add("digests", digests_table(lenet, inputs.comparisons));
  draft.add("records", records_table(runs, inputs.comparisons));
  add_class(inputs, draft);
  draft.set("commands", code_block(make_commands(inputs, studies), "sh"));
  draft.set("verify_commands", code_block(verify_commands(runs), "sh"));
}

}  // namespace reprise::reports
