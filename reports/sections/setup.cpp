// Data files, network, settings and machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "format.hpp"
#include "published.hpp"
#include "sections/sections.hpp"
#include "sections/study_text.hpp"
#include "templates.hpp"

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
    Known{"lr_milestones", "epochs after which the learning rate drops"},
    Known{"lr_gamma", "what the learning rate is multiplied with then"},
    Known{"activation", "what follows each hidden layer"},
    Known{"pooling", "mode of the pooling layers"},
    Known{"pool_kernel", "side of a pooling window"},
    Known{"pool_rounding", "whether pooling windows hang over the edge"},
    Known{"normalization", "normalization between layers"},
    Known{"dropout", "share of hidden values set to zero in training"},
    Known{"without", "layer left out"},
    Known{"initializer", "how the weights start"},
    Known{"initial_sha256", "SHA-256 of the weights that it starts from, if not from the seed"},
    Known{"width", "maps of the first convolution of the four-layer network"},
    Known{"train_images", "images trained on"},
    Known{"holdout", "last training images, held out to judge by in place of the test set"},
    Known{"subtract", "what is subtracted from each image"},
    Known{"pixel_max", "what a pixel of 255 counts as"},
    Known{"crop", "side of the square that the network sees"},
    Known{"test_views", "views of a test image that are averaged"},
    Known{"random_shift", "largest random shift of training images, pixels"},
    Known{"horizontal_flip", "training images reflected at random"},
    Known{"distortion", "random distortion of training images"},
    Known{"pca_color_noise", "random colour change of training images"},
    Known{"layers", "rates, decay, schedules and initial values of single layers"},
    Known{"conv_algorithm", "convolution algorithm"},
    Known{"block_size", "images whose gradients are added in one chain; part of the result's bits"},
};

/// What the environments of two runs share if the machine and the program are the same.
constexpr std::array kSameMachine = {"cpu", "simd", "compiler", "git_commit"};

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
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"Setting"}, {"Value"}, {"What it is"}};
  for (const UntrustedText& name : in_order(run.settings, kSettings)) {
    entry.table.rows.push_back(
        {code_span(name), setting_text(run.settings, name), meaning(name, kSettings)});
  }
  return entry;
}

TableEntry model_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {
      {"Layer"}, {"Type"}, {"Settings"}, {"Output shape"}, {"Parameters", Align::right}};
  for (const LayerRow& layer : run.layers) {
    entry.table.rows.push_back({code_span(layer.name), layer.type, layer.settings,
                                layer.output_shape, std::to_string(layer.parameters)});
  }
  entry.table.rows.push_back(
      {Markdown::format("**Total**"), "", "", "", Markdown::format("**{}**", run.parameters)});
  return entry;
}

/// The files of all runs, each once.
TableEntry data_table(const std::vector<const TrainingRun*>& runs) {
  TableEntry entry;
  entry.table.columns = {{"Data set"}, {"File"}, {"SHA-256"}};
  std::set<UntrustedText> known;
  std::vector<const TrainingRun*> sources;
  for (const TrainingRun* run : runs) {
    bool is_new = false;
    for (const InputFile& file : run->files) {
      if (!known.insert(file.sha256).second) continue;
      is_new = true;
      entry.table.rows.push_back(
          {data_display_name(run->data_name), code_span(file.name), code_span(file.sha256)});
    }
    if (is_new) sources.push_back(run);
  }
  entry.source = source_of(sources);
  return entry;
}

/// A sentence for each data set, and one on runs that used a part of it.
Markdown data_sentence(const std::vector<const TrainingRun*>& runs) {
  std::vector<Markdown> sentences;
  for (const TrainingRun* run : runs) {
    if (run->study && run->study->role == Role::pilot) continue;
    Draft part;
    part.set("name", data_display_name(run->data_name));
    part.set("offered", grouped(static_cast<std::int64_t>(run->offered_images)));
    part.set("test", grouped(static_cast<std::int64_t>(run->test_images)));
    part.set("size", fmt::format("{}×{}", run->height, run->width));
    part.set("grey", run->channels == 1);
    const UntrustedText held_out = setting_text(run->settings, "holdout");
    part.set("held_out", !held_out.empty() && held_out != "0");
    part.set("classes", count_word(static_cast<std::int64_t>(run->classes())));
    const Markdown text = one_line(render_template("data_set.md.mustache", part));
    if (std::find(sentences.begin(), sentences.end(), text) == sentences.end()) {
      sentences.push_back(text);
    }
  }
  std::set<std::size_t> parts;
  for (const TrainingRun* run : runs) {
    if (run->train_images < run->offered_images) parts.insert(run->train_images);
  }
  if (!parts.empty()) {
    std::vector<std::string> counts;
    for (const std::size_t part : parts) {
      counts.push_back(grouped(static_cast<std::int64_t>(part)));
    }
    Draft part;
    part.set("counts", listed(counts));
    sentences.push_back(one_line(render_template("data_parts.md.mustache", part)));
  }
  return joined(sentences, " ");
}

constexpr std::string_view kLibrary = "library_";

/// Told in the text, or of no use to a reader.
bool is_left_out(const UntrustedText& name) {
  static constexpr std::array kLeftOut = {"git_commit",   "git_dirty",   "host",
                                          "command_line", "data_folder", "seconds_total"};
  return std::any_of(kLeftOut.begin(), kLeftOut.end(),
                     [&](const char* left_out) { return name == left_out; });
}

TableEntry environment_table(const TrainingRun& run) {
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"What"}, {"Value, as reported"}};
  std::vector<UntrustedText> libraries;
  for (const UntrustedText& name : in_order(run.environment, kMachine)) {
    const UntrustedText value = setting_text(run.environment, name);
    if (name.starts_with(kLibrary)) {
      libraries.push_back(plain_text("{} {}", name.substr(kLibrary.size()), value));
    } else if (!is_left_out(name)) {
      const std::string label = meaning(name, kMachine);
      entry.table.rows.push_back({label.empty() ? code_span(name) : label, value});
    }
  }
  if (!libraries.empty()) entry.table.rows.push_back({"Libraries", joined(libraries, ", ")});
  return entry;
}

void add_time(const TrainingRun& run, Draft& draft) {
  const bool timed = !run.seconds_per_epoch.empty();
  draft.set("timed", timed);
  const Spread spread = timed ? spread_of(run.seconds_per_epoch) : Spread{};
  draft.set("seconds_mean", fixed(spread.mean, 2));
  draft.set("seconds_least", fixed(spread.least, 2));
  draft.set("seconds_most", fixed(spread.most, 2));
}

/// Runs of another machine or program than the first.
std::int64_t made_elsewhere(const std::vector<const TrainingRun*>& runs, const TrainingRun& first) {
  return std::count_if(runs.begin(), runs.end(), [&](const TrainingRun* run) {
    return std::any_of(kSameMachine.begin(), kSameMachine.end(), [&](const char* name) {
      return setting_text(run->environment, name) != setting_text(first.environment, name);
    });
  });
}

}  // namespace

std::string setting_meaning(const UntrustedText& name) {
  return meaning(name, kSettings);
}

std::vector<const TrainingRun*> all_runs(const Inputs& inputs) {
  std::vector<const TrainingRun*> all;
  for (const auto* runs : {&inputs.lenet, &inputs.distorted, &inputs.studies}) {
    for (const TrainingRun& run : *runs) all.push_back(&run);
  }
  return all;
}

void add_lenet_setup(const TrainingRun& run, Draft& draft) {
  draft.add("model", model_table(run));
  draft.add("settings", settings_table(run));
  draft.set("train_images", grouped(static_cast<std::int64_t>(run.train_images)));
  draft.set("test_images", grouped(static_cast<std::int64_t>(run.test_images)));
  draft.set("parameters", grouped(run.parameters));
  draft.set("optimizer", setting_text(run.settings, "optimizer"));
  draft.set("is_adam", setting_text(run.settings, "optimizer") == "adam");
  draft.set("batch_size", setting_text(run.settings, "batch_size"));
  draft.set("conv", code_span(setting_text(run.settings, "conv_algorithm")));
  add_time(run, draft);
}

void add_setup(const Inputs& inputs, const TrainingRun& first, Draft& draft) {
  const std::vector<const TrainingRun*> runs = all_runs(inputs);
  draft.add("data", data_table(runs));
  draft.set("data_sentence", data_sentence(runs));
  draft.add("environment", environment_table(first));
  const UntrustedText commit = setting_text(first.environment, "git_commit");
  draft.set("has_commit", !commit.empty());
  draft.set("commit", code_span(commit));
  draft.set("is_dirty", setting_text(first.environment, "git_dirty") == "1");
  const std::int64_t elsewhere = made_elsewhere(runs, first);
  draft.set("several_records", runs.size() > 1);
  draft.set("made_elsewhere", elsewhere > 0);
  draft.set("made_elsewhere_count", count_word(elsewhere));
  draft.set("run_records", count_word(static_cast<std::int64_t>(runs.size())));
}

}  // namespace reprise::reports
