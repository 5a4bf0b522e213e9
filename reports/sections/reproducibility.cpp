// Digests of the records, and the commands that make and verify them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "format.hpp"
#include "sections/sections.hpp"
#include "shell.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kNamedRecords = 12;  // more are named by their folders

UntrustedText conv_of(const TrainingRun& run) {
  return setting_text(run.settings, "conv_algorithm");
}

/// As the run's record says, else as a comparison says of the algorithm; "" if none does.
UntrustedText class_of(const TrainingRun& run, const std::vector<Comparison>& comparisons) {
  if (!run.conv_reproducibility.empty()) return run.conv_reproducibility;
  for (const Comparison& comparison : comparisons) {
    for (const ComparisonRow& row : comparison.rows) {
      if (row.algorithm == conv_of(run)) return row.reproducibility;
    }
  }
  return "";
}

/// "" for a name without a folder.
UntrustedText folder_of(const UntrustedText& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

ShellCommands file_name(const UntrustedText& path) {
  const std::size_t slash = path.rfind('/');
  return shell_file(slash == std::string::npos ? path : path.substr(slash + 1));
}

/// Whether a program can have this name; what a record says may be anything.
bool is_program_name(const UntrustedText& name) {
  return !name.empty() && name.consists_of("abcdefghijklmnopqrstuvwxyz0123456789_");
}

/// A command, or a comment where the record names a program that cannot be.
ShellCommands command_of(Literal before, const UntrustedText& program,
                         const ShellCommands& arguments) {
  if (!is_program_name(program)) {
    return ShellCommands::format("# a record names a program that does not exist");
  }
  return ShellCommands::format("build/release/experiments/{}{}{}", ShellCommands::literal(before),
                               program, arguments);
}

/// Options of programs that decide what is computed; others, such as those that name files to
/// write, are left out of commands.
constexpr std::array<std::string_view, 9> kOfComparisons = {"--shapes",
                                                            "--algorithms",
                                                            "--passes",
                                                            "--threads",
                                                            "--seed",
                                                            "--simd",
                                                            "--benchmark_filter",
                                                            "--benchmark_repetitions",
                                                            "--benchmark_min_time"};
constexpr std::array<std::string_view, 2> kOfStudies = {"--epochs", "--train-images"};

/// Whole, since a part of one is no command; "" if the record has none, or too much.
UntrustedText command_line_of(const Settings& environment) {
  constexpr std::size_t kMaxBytes = 20'000;  // bytes
  const auto found = environment.find("command_line");
  const auto* text =
      found == environment.end() ? nullptr : std::get_if<UntrustedText>(&found->second);
  return text == nullptr || text->size() > kMaxBytes ? "" : *text;
}

/// Those of these options that a command line has, with their values.
template <std::size_t Count>
ShellCommands arguments_of(const UntrustedText& command_line,
                           const std::array<std::string_view, Count>& kept) {
  const std::vector<UntrustedText> words = words_of_shell(command_line);
  ShellCommands arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find("=");
    const UntrustedText name = words[i].substr(0, equals);
    if (std::find(kept.begin(), kept.end(), name) == kept.end()) continue;
    if (equals != std::string::npos) {
      arguments += ShellCommands::format(" {}={}", name, words[i].substr(equals + 1));
    } else if (i + 1 < words.size()) {
      arguments += ShellCommands::format(" {}={}", name, words[++i]);
    }
  }
  return arguments;
}

/// Where the commands put a record that is named so.
ShellCommands in_records(const UntrustedText& name) {
  return ShellCommands::format("records/{}", file_name(name));
}

/// Shell commands that make the records of LeNet-5 again. The settings are written anew, a line for
/// each, so that none of them can end the here-document.
ShellCommands lenet_commands(const std::vector<TrainingRun>& runs, const std::string& settings) {
  if (runs.empty()) return {};
  const TrainingRun& first = runs.front();
  ShellCommands text = write_toml(settings, toml_text(first.recorded_settings));
  for (const TrainingRun& run : runs) {
    const ShellCommands seed =
        &run == &first ? ShellCommands() : ShellCommands::format(" --seed {}", run.seed);
    const ShellCommands arguments = ShellCommands::format(" \\\n  --config {}{} --output {}",
                                                          settings, seed, in_records(run.name));
    text += ShellCommands::format("{}\n", command_of("", run.program, arguments));
  }
  return text;
}

bool is_commit(const UntrustedText& text) {
  return text.size() >= 7 && text.size() <= 64 && text.consists_of("0123456789abcdef");
}

ShellCommands commands_for(const Inputs& inputs, const std::vector<Study>& studies) {
  const Runs runs = all_runs(inputs);
  const UntrustedText commit = setting_text(runs.front()->environment, "git_commit");
  ShellCommands text;
  if (is_commit(commit)) text += ShellCommands::format("git checkout {}\n", commit);
  text += ShellCommands::format("cmake --preset release && cmake --build --preset release\n");
  text += ShellCommands::format("mkdir -p records\n");
  text += lenet_commands(inputs.lenet, "settings.toml");
  text += lenet_commands(inputs.distorted, "distorted.toml");
  for (const Study& study : studies) text += ShellCommands::format("{}\n", study_command(study));
  for (const Comparison& comparison : inputs.comparisons) {
    if (command_line_of(comparison.environment).empty()) continue;
    text += ShellCommands::format("{}\n", comparison_command(comparison));
  }
  text += ShellCommands::format("{}\n", report_command(""));
  return text;
}

TableEntry records_table(const Runs& runs, const std::vector<Comparison>& comparisons) {
  TableEntry entry{{{"Record", "Study", "Variant", "Seed", "Digest"}, {}}, {}};
  const auto digest_cell = [](const std::string& digest) {
    Cell made = code_cell(digest);
    made.shown = code_span(short_digest(digest));
    return made;
  };
  for (const TrainingRun* run : runs) {
    std::vector<Cell> row = {code_cell(run->name), Cell(), Cell(), count_cell(run->seed),
                             digest_cell(run->digest)};
    if (run->study) {
      const bool pilot = run->study->role == Role::pilot;
      row[1] = words_of(run->study->name);
      row[2] = words_of(run->study->variant.name) + (pilot ? " (pilot)" : "");
    }
    entry.table.rows.push_back(std::move(row));
  }
  for (const Comparison& comparison : comparisons) {
    entry.table.rows.push_back({code_cell(comparison.name), "comparison of convolutions", Cell(),
                                Cell(), digest_cell(comparison.digest)});
  }
  return entry;
}

/// "direct (portable), onednn (machine)": the algorithms of the training runs with their classes.
UntrustedText classes_of(const Inputs& inputs) {
  std::vector<UntrustedText> classes;
  for (const TrainingRun* run : all_runs(inputs)) {
    const UntrustedText reproducibility = class_of(*run, inputs.comparisons);
    const UntrustedText text =
        plain_text("{} ({})", words_of(conv_of(*run)),
                   reproducibility.empty() ? "class not recorded" : reproducibility);
    add_once(text, classes);
  }
  return listed(classes);
}

}  // namespace

ShellCommands study_command(const Study& study) {
  std::set<std::int64_t> seeds;
  for (const TrainingRun* run : study.runs()) seeds.insert(run->seed);
  const TrainingRun& run = *study.runs().front();
  const UntrustedText line = command_line_of(run.environment);
  const std::vector<UntrustedText> words = words_of_shell(line);
  const bool quick = std::find(words.begin(), words.end(), "--quick") != words.end();
  // What study takes without --data; --quick takes the part of it that comes with the project.
  const bool usual_data = run.data_name.substr(0, quick ? run.data_name.find(" (")
                                                        : std::string::npos) == "Fashion-MNIST";
  const ShellCommands arguments = ShellCommands::format(
      "{}{} --seeds {}{} --store records",
      quick ? ShellCommands::literal(" --quick") : ShellCommands(), arguments_of(line, kOfStudies),
      fmt::format("{}", fmt::join(seeds, ",")),
      usual_data ? ShellCommands() : ShellCommands::literal(" --data DIR"));
  // The studies that hold images of CIFAR-10 out, and no others, are in a folder of their own,
  // named by the file, which every version of the code takes.
  return run.data_name == "CIFAR-10" && is_held_out(run)
             ? command_of("study experiments/studies/cifar10/", study.name,
                          ShellCommands::format(".toml{}", arguments))
             : command_of("study ", study.name, arguments);
}

ShellCommands report_command(const std::string& only) {
  const ShellCommands part =
      only.empty() ? ShellCommands() : ShellCommands::format(" --only {}", only);
  return ShellCommands::format("build/release/reports/write_report{} --output {} records", part,
                               only.empty() ? "report" : "again");
}

ShellCommands comparison_command(const Comparison& comparison) {
  return ShellCommands::format(
      "build/release/experiments/compare_convolutions{} --record {}",
      arguments_of(command_line_of(comparison.environment), kOfComparisons),
      in_records(comparison.name));
}

ShellCommands verify_command(const Runs& runs, bool on_one_line) {
  std::set<ShellCommands> words;
  for (const TrainingRun* run : runs) {
    if (runs.size() <= kNamedRecords) {
      words.insert(shell_file(run->name));
      continue;
    }
    const UntrustedText folder = folder_of(run->name);
    const ShellCommands files =
        run->by_summary ? ShellCommands::literal("*.toml") : ShellCommands::literal("*.h5");
    words.insert(ShellCommands::format("{}/{}", folder.empty() ? "." : shell_file(folder), files));
  }
  ShellCommands text = ShellCommands::format("build/release/experiments/verify");
  const bool usual_data = std::all_of(runs.begin(), runs.end(), [](const TrainingRun* run) {
    return run->data_name == "Fashion-MNIST";  // what verify takes without --data
  });
  if (!usual_data) text += ShellCommands::format(" --data DIR");
  for (const ShellCommands& word : words) {
    text += words.size() > 2 && !on_one_line ? ShellCommands::format(" \\\n  ")
                                             : ShellCommands::format(" ");
    text += word;
  }
  return text;
}

Markdown make_commands(const Inputs& inputs, const std::vector<Study>& studies) {
  return code_block(commands_for(inputs, studies).str(), "sh");
}

void add_reproducibility(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft) {
  const Runs runs = all_runs(inputs);
  draft.add("records", records_table(runs, inputs.comparisons));
  const Runs all = distinct(runs);
  const auto summaries =
      std::count_if(all.begin(), all.end(), [](const auto* run) { return run->by_summary; });
  draft.set("has_summaries", summaries > 0);
  const std::string number = fmt::format("{} {}", summaries, summaries == 1 ? "is" : "are");
  draft.set("summaries", number);
  draft.set("summary_count", grouped(summaries));
  draft.set("conv_classes", classes_of(inputs));
  draft.set("commands", make_commands(inputs, studies));
  draft.set("verify_commands", code_block(verify_command(runs).str(), "sh"));
}

}  // namespace reprise::reports
