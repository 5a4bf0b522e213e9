// Digests of the records, and the commands that make and verify them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "format.hpp"
#include "sections/sections.hpp"
#include "shell.hpp"

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

std::string file_name(const std::string& path) {
  return shell_file(std::filesystem::path(path).filename().string());
}

/// Whether a program can have this name; what a record says may be anything.
bool is_program_name(const std::string& name) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.find_first_not_of(kLetters) == std::string::npos;
}

/// A command, or a comment where the record names a program that cannot be.
std::string command_of(const std::string& folder, const std::string& program,
                       const std::string& arguments) {
  if (!is_program_name(program)) return "# a record names a program that does not exist\n";
  return "build/release/experiments/" + folder + program + arguments + "\n";
}

/// The arguments of compare_convolutions that decide what is compared; others, such as those that
/// name files to write, are left out.
std::string arguments_of(const std::string& command_line) {
  static constexpr std::array<std::string_view, 9> kKept = {"--shapes",
                                                            "--algorithms",
                                                            "--passes",
                                                            "--threads",
                                                            "--seed",
                                                            "--simd",
                                                            "--benchmark_filter",
                                                            "--benchmark_repetitions",
                                                            "--benchmark_min_time"};
  const std::vector<std::string> words = words_of_shell(command_line);
  std::string arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (std::find(kKept.begin(), kKept.end(), name) == kKept.end()) continue;
    if (equals != std::string::npos) {
      arguments += " " + name + "=" + shell_word(words[i].substr(equals + 1));
    } else if (i + 1 < words.size()) {
      arguments += " " + name + "=" + shell_word(words[++i]);
    }
  }
  return arguments;
}

std::string text_of(const Attributes& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? "" : attribute_text(found->second);
}

/// Shell commands that make the records of LeNet-5 again. The settings are written anew, a line for
/// each, so that none of them can end the here-document.
std::string lenet_commands(const std::vector<TrainingRun>& runs, const std::string& settings) {
  if (runs.empty()) return "";
  const TrainingRun& first = runs.front();
  std::string text =
      fmt::format("cat > {} <<'SETTINGS'\n{}SETTINGS\n", settings, toml_text(first.settings));
  for (const TrainingRun& run : runs) {
    const std::string seed = &run == &first ? "" : fmt::format(" --seed {}", run.seed);
    text += command_of(
        "", run.program,
        fmt::format(" \\\n  --config {}{} --output {}", settings, seed, file_name(run.name)));
  }
  return text;
}

/// One command for each study, with the seeds that its records have.
std::string study_commands(const std::vector<Study>& studies) {
  std::string text;
  for (const Study& study : studies) {
    std::set<std::int64_t> seeds;
    for (const TrainingRun* run : study.runs()) seeds.insert(run->seed);
    text += command_of("study ", study.runs().front()->program,
                       fmt::format(" --seeds {}", fmt::join(seeds, ",")));
  }
  return text;
}

bool is_commit(const std::string& text) {
  return text.size() >= 7 && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string make_commands(const Inputs& inputs, const std::vector<Study>& studies) {
  const std::vector<const TrainingRun*> runs = all_runs(inputs);
  const std::string commit = text_of(runs.front()->environment, "git_commit");
  std::string text;
  if (is_commit(commit)) text += fmt::format("git checkout {}\n", commit);
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
                     ? shell_file(run->name)
                     : (folder.empty() ? "./" : shell_file(folder) + "/") + "*.h5");
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
