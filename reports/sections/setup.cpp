// Data files, network, settings and machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

/// Names in a record with what each means, in the order of a table.
using Meanings = std::vector<std::vector<std::string>>;

const Meanings& settings_meanings() {
  static const Meanings rows = fixed_rows("settings.csv");
  return rows;
}

/// What the environments of two runs share if the machine and the program are the same.
constexpr std::array kSameMachine = {"cpu", "simd", "compiler", "git_commit"};

/// The known names in their order, then the others in the alphabet's.
std::vector<UntrustedText> in_order(const Settings& attributes, const Meanings& known) {
  std::vector<UntrustedText> names;
  for (const std::vector<std::string>& row : known) {
    if (attributes.count(row[0]) > 0) names.emplace_back(row[0]);
  }
  for (const auto& [name, value] : attributes) add_once(name, names);
  return names;
}

std::string meaning(const UntrustedText& name, const Meanings& known) {
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& row) { return name == row[0]; });
  return found == known.end() ? "" : (*found)[1];
}

TableEntry settings_table(const TrainingRun& run) {
  TableEntry entry{{{"Setting", "Value", "Meaning"}, {}}, short_digest(run.digest)};
  for (const UntrustedText& name : in_order(run.settings, settings_meanings())) {
    const UntrustedText value = setting_text(run.settings, name);
    entry.table.rows.push_back(
        {code_cell(name), value.empty() ? "none" : value, meaning(name, settings_meanings())});
  }
  return entry;
}

TableEntry model_table(const TrainingRun& run) {
  TableEntry entry{{{"Layer", "Type", "Settings", "Output shape", "Parameters"}, {}},
                   short_digest(run.digest)};
  for (const LayerRow& layer : run.layers) {
    entry.table.rows.push_back({code_cell(layer.name), layer.type, layer.settings,
                                layer.output_shape, count_cell(layer.parameters)});
  }
  entry.table.rows.push_back({bold("Total"), "", "", "", bold(count_cell(run.parameters))});
  return entry;
}

/// The files of all runs, each once.
TableEntry data_table(const Runs& runs) {
  TableEntry entry{{{"Data set", "File", "SHA-256"}, {}}, {}};
  std::set<UntrustedText> known;
  Runs sources;
  for (const TrainingRun* run : runs) {
    bool is_new = false;
    for (const InputFile& file : run->files) {
      if (!known.insert(file.sha256).second) continue;
      is_new = true;
      entry.table.rows.push_back(
          {data_display_name(run->data_name), code_cell(file.name), code_cell(file.sha256)});
    }
    if (is_new) sources.push_back(run);
  }
  entry.source = source_of(sources);
  return entry;
}

std::string image_counts(const TrainingRun& run, bool held_out) {
  const std::string training = grouped(run.offered_images);
  const std::string test = grouped(run.test_images);
  return held_out ? fmt::format(
                        "{} training images and {} others held out of the training set, which "
                        "take the place of the test images; the data set's own test images are "
                        "not read",
                        training, test)
                  : fmt::format("{} training and {} test images", training, test);
}

/// "Fashion-MNIST: 28×28 grey pixels, 10 classes, 60,000 training and 10,000 test images", each
/// once. What is held out of a data set whose test images another run reads is told with the
/// studies.
UntrustedText data_sets(const Runs& runs) {
  std::vector<UntrustedText> sets;
  std::set<UntrustedText> tested;
  for (const TrainingRun* run : runs) {
    if (!is_held_out(*run)) tested.insert(run->data_name);
  }
  for (const TrainingRun* run : runs) {
    const bool held_out = is_held_out(*run);
    if (run->study && run->study->role == Role::pilot) continue;
    if (held_out && tested.count(run->data_name) > 0) continue;
    const UntrustedText text =
        plain_text("{}: {}×{} {} pixels, {} classes, {}", data_display_name(run->data_name),
                   run->height, run->width, run->channels == 1 ? "grey" : "colour", run->classes(),
                   image_counts(*run, held_out));
    add_once(text, sets);
  }
  return joined(sets, "; ");
}

constexpr std::string_view kLibrary = "library_";

/// Told in the text, or of no use to a reader.
bool is_left_out(const UntrustedText& name) {
  static constexpr std::array kLeftOut = {"git_commit",   "git_dirty",    "host",
                                          "source_tree",  "command_line", "data_folder",
                                          "seconds_total"};
  return std::any_of(kLeftOut.begin(), kLeftOut.end(),
                     [&](const char* left_out) { return name == left_out; });
}

/// As a reader reads it: bytes with their unit, lines in one.
UntrustedText environment_text(const UntrustedText& name, const Setting& setting) {
  if (const auto* whole = std::get_if<std::int64_t>(&setting); whole && name.ends_with("_bytes")) {
    return bytes_text(static_cast<double>(*whole));
  }
  const auto* text = std::get_if<UntrustedText>(&setting);
  if (text == nullptr || (name != "packages" && name != "variables")) return setting_text(setting);
  const UntrustedText lines = joined(text->split("\n"), ", ");
  return lines.empty() ? "none" : lines.shortened();
}

TableEntry environment_table(const TrainingRun& run) {
  TableEntry entry{{{"Property", "Value, as reported"}, {}}, short_digest(run.digest)};
  const Meanings known = fixed_rows("environment.csv");
  std::vector<UntrustedText> libraries;
  for (const UntrustedText& name : in_order(run.environment, known)) {
    const UntrustedText value = environment_text(name, run.environment.at(name));
    if (name.starts_with(kLibrary)) {
      libraries.push_back(plain_text("{} {}", name.substr(kLibrary.size()), value));
    } else if (!is_left_out(name)) {
      const std::string label = meaning(name, known);
      entry.table.rows.push_back({label.empty() ? code_cell(name) : Cell(label), value});
    }
  }
  if (!libraries.empty()) entry.table.rows.push_back({"Libraries", joined(libraries, ", ")});
  return entry;
}

/// Runs of another machine or program than the first.
std::int64_t made_elsewhere(const Runs& runs, const TrainingRun& first) {
  return std::count_if(runs.begin(), runs.end(), [&](const TrainingRun* run) {
    return std::any_of(kSameMachine.begin(), kSameMachine.end(), [&](const char* name) {
      return setting_text(run->environment, name) != setting_text(first.environment, name);
    });
  });
}

/// "from 2026-11-20 to 2026-11-26", "on 2026-11-26": the days on which the runs began, by the
/// clocks of their machines; "" if a run has none.
UntrustedText days(const Runs& runs) {
  std::set<UntrustedText> begun;
  for (const TrainingRun* run : runs) {
    const UntrustedText day = setting_text(run->environment, "started").substr(0, 10);
    if (day.size() != 10 || !day.consists_of("0123456789-")) return "";
    begun.insert(day);
  }
  if (begun.size() == 1) return plain_text("on {}", *begun.begin());
  return plain_text("from {} to {}", *begun.begin(), *begun.rbegin());
}

/// "; 18 others are pilots and 5 are outside the studies": the runs that no study compares; "" for
/// none.
std::string other_runs(const Runs& runs) {
  const auto pilots = std::count_if(runs.begin(), runs.end(), [](const TrainingRun* run) {
    return run->study && run->study->role == Role::pilot;
  });
  const auto outside =
      std::count_if(runs.begin(), runs.end(), [](const TrainingRun* run) { return !run->study; });
  if (pilots == 0 && outside == 0) return "";
  if (pilots == 0) return fmt::format("; {} others are outside the studies", grouped(outside));
  if (outside == 0) return fmt::format("; {} others are pilots", grouped(pilots));
  return fmt::format("; {} others are pilots and {} are outside the studies", grouped(pilots),
                     grouped(outside));
}

/// "one process", "2 ranks", "1 to 4 ranks": what computed each run.
std::string ranks_used(const Runs& runs) {
  std::set<std::int64_t> ranks;
  for (const TrainingRun* run : runs) {  // a record of an earlier release does not say
    ranks.insert(std::max<std::int64_t>(1, setting_number(run->environment, "ranks").value_or(1)));
  }
  return *ranks.rbegin() == 1 ? "one process" : range_text(ranks) + " ranks";
}

}  // namespace

std::string setting_meaning(const UntrustedText& name) {
  return meaning(name, settings_meanings());
}

void add_setup(const Inputs& inputs, Draft& draft) {
  const Runs runs = all_runs(inputs);
  const TrainingRun& first = *runs.front();
  if (!lenet_runs(inputs).empty()) {
    draft.add("model", model_table(first));
    draft.add("settings", settings_table(first));
    draft.set("batch_size", setting_text(first.settings, "batch_size"));
    draft.set("optimizer", words_of(setting_text(first.settings, "optimizer")));
  }
  draft.add("data", data_table(runs));
  draft.add("environment", environment_table(first));
  draft.set("data_sets", data_sets(runs));
  draft.set("has_held_out", std::any_of(runs.begin(), runs.end(),
                                        [](const TrainingRun* run) { return is_held_out(*run); }));
  const UntrustedText cpu = setting_text(first.environment, "cpu");
  draft.set("cpu", cpu.empty() ? "not recorded" : cpu);
  const UntrustedText made = days(runs);
  draft.set("has_days", !made.empty());
  draft.set("days", made);
  const UntrustedText commit = setting_text(first.environment, "git_commit");
  draft.set("has_commit", !commit.empty());
  draft.set("commit", code_span(commit));
  draft.set("is_dirty", setting_text(first.environment, "git_dirty") == "1");
  const std::int64_t elsewhere = made_elsewhere(distinct(runs), first);
  draft.set("has_elsewhere", elsewhere > 0);
  draft.set("made_elsewhere", grouped(elsewhere));
  draft.set("ranks_used", ranks_used(runs));
  draft.set("other_runs", other_runs(distinct(runs)));
  draft.set("trainings", counted(distinct(runs).size(), "training run"));
}

}  // namespace reprise::reports
