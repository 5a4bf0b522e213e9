#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

/// A name in the record, how the report calls it, in the order of the table.
struct Known {
  std::string_view name;
  std::string_view meaning;
};

constexpr std::array kSettings = {
    Known{"model", "network"},
    Known{"dataset", "data set"},
    Known{"seed", "root of all random numbers: initial weights, order of the images"},
    Known{"epochs", "passes over the training images"},
    Known{"batch_size", "images between two updates"},
    Known{"optimizer", "rule of the updates"},
    Known{"learning_rate", "size of the updates"},
    Known{"momentum", "share of the last update that the next one keeps (SGD)"},
    Known{"weight_decay", "pull of the weights towards zero"},
    Known{"beta1", "decay of Adam's mean of the gradient"},
    Known{"beta2", "decay of Adam's mean of the squared gradient"},
    Known{"epsilon", "keeps Adam's division away from zero"},
    Known{"conv", "convolution algorithm"},
    Known{"block_size", "images whose gradients are added in one chain; part of the result's bits"},
};

constexpr std::array kMachine = {
    Known{"cpu", "Processor"},
    Known{"simd", "Vector instructions"},
    Known{"threads", "Threads"},
    Known{"compiler", "Compiler"},
    Known{"compiler_flags", "Compiler flags"},
    Known{"started", "Started"},
    Known{"ended", "Ended"},
};

/// The known names in their order, then the others in the alphabet's.
template <std::size_t Count>
std::vector<std::string> in_order(const Attributes& attributes,
                                  const std::array<Known, Count>& known) {
  std::vector<std::string> names;
  for (const Known& entry : known) {
    if (attributes.count(std::string(entry.name)) > 0) names.emplace_back(entry.name);
  }
  for (const auto& [name, value] : attributes) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

template <std::size_t Count>
std::string meaning(const std::string& name, const std::array<Known, Count>& known) {
  for (const Known& entry : known) {
    if (entry.name == name) return std::string(entry.meaning);
  }
  return "";
}

TableEntry settings_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"Setting"}, {"Value"}, {"What it is"}};
  for (const std::string& name : in_order(run.settings, kSettings)) {
    entry.table.rows.push_back({code_span(name),
                                markdown_text(attribute_text(run.settings.at(name))),
                                meaning(name, kSettings)});
  }
  return entry;
}

TableEntry model_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {
      {"Layer"}, {"Type"}, {"Settings"}, {"Output shape"}, {"Parameters", Align::right}};
  for (const LayerRow& layer : run.layers) {
    entry.table.rows.push_back({code_span(layer.name), markdown_text(layer.type),
                                markdown_text(layer.settings), markdown_text(layer.output_shape),
                                grouped(layer.parameters)});
  }
  entry.table.rows.push_back({"**Total**", "", "", "", "**" + grouped(run.parameters) + "**"});
  return entry;
}

TableEntry data_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"File"}, {"SHA-256"}};
  for (const InputFile& file : run.files) {
    entry.table.rows.push_back({code_span(file.name), code_span(file.sha256)});
  }
  return entry;
}

bool is_library(const std::string& name) {
  return name.starts_with("library_");
}

/// Told in the text, or of no use to a reader.
bool is_left_out(const std::string& name) {
  static constexpr std::array kLeftOut = {"git_commit",   "git_dirty",   "host",
                                          "command_line", "data_folder", "seconds_total"};
  return std::find(kLeftOut.begin(), kLeftOut.end(), name) != kLeftOut.end();
}

TableEntry environment_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"What"}, {"Value"}};
  std::vector<std::string> libraries;
  for (const std::string& name : in_order(run.environment, kMachine)) {
    const std::string value = attribute_text(run.environment.at(name));
    if (is_library(name)) {
      libraries.push_back(name.substr(std::string("library_").size()) + " " + value);
    } else if (!is_left_out(name)) {
      const std::string label = meaning(name, kMachine);
      entry.table.rows.push_back({label.empty() ? code_span(name) : label, markdown_text(value)});
    }
  }
  if (!libraries.empty()) {
    std::string text;
    for (const std::string& library : libraries) text += (text.empty() ? "" : ", ") + library;
    entry.table.rows.push_back({"Libraries", markdown_text(text)});
  }
  return entry;
}

std::string text_of(const Attributes& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? "" : attribute_text(found->second);
}

/// Shell commands that make the record and this report again.
std::string commands(const TrainingRun& run, const std::string& commit) {
  const std::string file = std::filesystem::path(run.name).filename().string();
  std::string text;
  if (!commit.empty()) text += fmt::format("git checkout {}\n", commit);
  text += "cmake --preset release && cmake --build --preset release\n";
  text += fmt::format("cat > settings.toml <<'SETTINGS'\n{}{}SETTINGS\n", run.toml,
                      run.toml.ends_with('\n') ? "" : "\n");
  text += fmt::format("build/release/experiments/{} \\\n  --config settings.toml --output {}\n",
                      run.program, file);
  text += fmt::format("build/release/reports/write_report --output report {}\n", file);
  return text;
}

void add_time(const TrainingRun& run, Draft& draft) {
  const bool timed = !run.seconds_per_epoch.empty();
  draft.set("timed", timed);
  const Spread spread = timed ? spread_of(run.seconds_per_epoch) : Spread{};
  draft.set("seconds_mean", fixed(spread.mean, 2));
  draft.set("seconds_least", fixed(spread.least, 2));
  draft.set("seconds_most", fixed(spread.most, 2));
}

}  // namespace

void add_setup(const TrainingRun& run, Draft& draft) {
  draft.add("data", data_table(run));
  draft.add("model", model_table(run));
  draft.add("settings", settings_table(run));
  draft.add("environment", environment_table(run));

  draft.set("train_images", grouped(static_cast<std::int64_t>(run.train_images)));
  draft.set("test_images", grouped(static_cast<std::int64_t>(run.test_images)));
  draft.set("image_size", fmt::format("{}×{}", run.height, run.width));
  draft.set("is_grey", run.channels == 1);
  draft.set("parameters", grouped(run.parameters));
  draft.set("optimizer", text_of(run.settings, "optimizer"));
  draft.set("is_adam", text_of(run.settings, "optimizer") == "adam");
  draft.set("batch_size", text_of(run.settings, "batch_size"));
  draft.set("conv", code_span(text_of(run.settings, "conv")));
  draft.set("program", code_span(run.program));

  const std::string commit = text_of(run.environment, "git_commit");
  draft.set("has_commit", !commit.empty());
  draft.set("commit", code_span(commit));
  draft.set("is_dirty", text_of(run.environment, "git_dirty") == "1");
  draft.set("commands", code_block(commands(run, commit), "sh"));
  add_time(run, draft);
}

}  // namespace reprise::reports
