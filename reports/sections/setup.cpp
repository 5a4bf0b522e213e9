// Data files, network, settings and machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>

#include "format.hpp"
#include "published.hpp"
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
    Known{"seed", "seed of all random numbers: initial weights, order of the images"},
    Known{"parameters_seed", "seed of the initial weights alone; -1: seed"},
    Known{"order_seed", "seed of the order of the images alone; -1: seed"},
    Known{"augmentation_seed", "seed of augmentation alone; -1: seed"},
    Known{"dropout_seed", "seed of dropout alone; -1: seed"},
    Known{"holdout_seed", "seed of the images held out alone; -1: seed"},
    Known{"epochs", "passes over the training images"},
    Known{"batch_size", "images per update"},
    Known{"optimizer", "method of optimization"},
    Known{"learning_rate", "step size of the optimizer"},
    Known{"momentum", "momentum of SGD"},
    Known{"weight_decay", "coefficient of weight decay"},
    Known{"beta1", "decay rate of Adam's mean of the gradient"},
    Known{"beta2", "decay rate of Adam's mean of the squared gradient"},
    Known{"epsilon", "added to Adam's denominator"},
    Known{"lr_milestones", "epochs after which the learning rate drops"},
    Known{"lr_gamma", "factor by which it drops"},
    Known{"activation", "activation function of the hidden layers"},
    Known{"pooling", "kind of pooling"},
    Known{"pool_kernel", "side of a pooling window"},
    Known{"pool_rounding", "whether pooling windows may extend beyond the edge"},
    Known{"normalization", "normalization between layers"},
    Known{"dropout", "fraction of hidden values set to zero in training"},
    Known{"without", "layer left out"},
    Known{"initializer", "distribution of the initial weights"},
    Known{"initial_sha256", "SHA-256 of the initial weights, if they do not come from the seed"},
    Known{"width", "maps of the first convolution of the four-layer network"},
    Known{"train_images", "training images used; 0 for all"},
    Known{"holdout", "training images held out for validation in place of the test set"},
    Known{"holdout_draw", "whether those are the last training images or drawn at random"},
    Known{"subtract", "what is subtracted from each image"},
    Known{"pixel_max", "value of a pixel of 255"},
    Known{"crop", "side of the square that the network sees"},
    Known{"test_views", "views of a test image whose outputs are averaged"},
    Known{"random_shift", "largest random shift of training images, pixels"},
    Known{"horizontal_flip", "training images reflected at random"},
    Known{"distortion", "random distortion of training images"},
    Known{"pca_color_noise", "noise along the principal components of colour"},
    Known{"layers", "rates, decay, schedules and initial values of single layers"},
    Known{"conv_algorithm", "convolution algorithm"},
    Known{"block_size", "images whose gradients are added in one chain; affects the result's bits"},
    Known{"stop_train_error", "training error at which training ends; 0 for none"},
    Known{"stop_flat_epochs", "epochs over which a flat training error ends training; 0 for none"},
};

/// What the environments of two runs share if the machine and the program are the same.
constexpr std::array kSameMachine = {"cpu", "simd", "compiler", "git_commit"};

constexpr std::array kMachine = {
    Known{"cpu", "Processor"},
    Known{"simd", "Vector instructions"},
    Known{"threads", "Threads"},
    Known{"ranks", "Ranks"},
    Known{"ranks_transport", "Messages between ranks by"},
    Known{"rank_bytes_per_step", "Bytes that rank 0 sent in a step"},
    Known{"rank_bytes_per_step_largest", "Bytes that a rank sent in a step, at most"},
    Known{"rank_bytes_per_step_sum", "Bytes that all ranks sent in a step"},
    Known{"compiler", "Compiler"},
    Known{"compiler_flags", "Compiler flags"},
    Known{"packages", "Packages"},
    Known{"system", "Operating system"},
    Known{"kernel", "Kernel"},
    Known{"libc", "C library"},
    Known{"memory_bytes", "Memory"},
    Known{"peak_memory_bytes", "Peak memory"},
    Known{"variables", "Variables"},
    Known{"started", "Started"},
    Known{"ended", "Ended"},
};

/// The known names in their order, then the others in the alphabet's.
template <std::size_t Count>
std::vector<UntrustedText> in_order(const Settings& attributes,
                                    const std::array<Known, Count>& known) {
  std::vector<UntrustedText> names;
  for (const Known& entry : known) {
    if (attributes.count(entry.name) > 0) names.emplace_back(entry.name);
  }
  for (const auto& [name, value] : attributes) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

template <std::size_t Count>
std::string meaning(const UntrustedText& name, const std::array<Known, Count>& known) {
  for (const Known& entry : known) {
    if (name == entry.name) return std::string(entry.meaning);
  }
  return "";
}

TableEntry settings_table(const TrainingRun& run) {
  TableEntry entry{{{"Setting", "Value", "Meaning"}, {}}, short_digest(run.digest)};
  for (const UntrustedText& name : in_order(run.settings, kSettings)) {
    const UntrustedText value = setting_text(run.settings, name);
    entry.table.rows.push_back(
        {code_cell(name), value.empty() ? "none" : value, meaning(name, kSettings)});
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
                        "{} training images and {} held out of them, the data set's own test "
                        "images not read",
                        training, test)
                  : fmt::format("{} training and {} test images", training, test);
}

/// "Fashion-MNIST: 60,000 training and 10,000 test images, 28×28 grey pixels, 10 classes", each
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
        plain_text("{}: {}, {}×{} {} pixels, {} classes", data_display_name(run->data_name),
                   image_counts(*run, held_out), run->height, run->width,
                   run->channels == 1 ? "grey" : "colour", run->classes());
    if (std::find(sets.begin(), sets.end(), text) == sets.end()) sets.push_back(text);
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
  std::vector<UntrustedText> libraries;
  for (const UntrustedText& name : in_order(run.environment, kMachine)) {
    const UntrustedText value = environment_text(name, run.environment.at(name));
    if (name.starts_with(kLibrary)) {
      libraries.push_back(plain_text("{} {}", name.substr(kLibrary.size()), value));
    } else if (!is_left_out(name)) {
      const std::string label = meaning(name, kMachine);
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

/// "one process", "2 ranks", "1 to 4 ranks": what computed each run.
std::string ranks_used(const Runs& runs) {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = 1;
  for (const TrainingRun* run : runs) {
    std::int64_t ranks = 1;  // a record of an earlier release does not say
    const auto found = run->environment.find("ranks");
    if (found != run->environment.end()) {
      const auto* number = std::get_if<std::int64_t>(&found->second);
      if (number != nullptr) ranks = std::max<std::int64_t>(1, *number);
    }
    least = std::min(least, ranks);
    most = std::max(most, ranks);
  }
  if (most == 1) return "one process";
  return least < most ? fmt::format("{} to {} ranks", least, most) : fmt::format("{} ranks", most);
}

}  // namespace

std::string setting_meaning(const UntrustedText& name) {
  return meaning(name, kSettings);
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
  draft.set("trainings", counted(distinct(runs).size(), "training run"));
}

}  // namespace reprise::reports
