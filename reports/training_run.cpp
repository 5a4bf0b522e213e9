#include "training_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "reading.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/summary.hpp"

namespace reprise::reports {
namespace {

constexpr std::string_view kExpected = "the whole record of a finished training run";

void read_configuration(const Group& group, TrainingRun& run) {
  const Attributes full = settings_in_full(group, format_settings("training"));
  run.recorded_settings = settings_of(group.attributes);
  Attributes today;
  for (const auto& [name, value] : group.attributes) {
    today[name_today(name, format_settings("training"))] = value;
  }
  run.settings = settings_of(today);
  run.seed = std::get<std::int64_t>(full.at("seed"));
}

void read_data(const DataRecord& data, TrainingRun& run) {
  run.data_name = text(data.name);
  run.offered_images = static_cast<std::size_t>(data.train_images);
  run.train_images = run.offered_images;
  const std::int64_t chosen = setting_number(run.settings, "train_images").value_or(0);
  if (chosen > 0) run.train_images = std::min(run.train_images, static_cast<std::size_t>(chosen));
  run.test_images = static_cast<std::size_t>(data.test_images);
  run.height = static_cast<std::size_t>(data.height);
  run.width = static_cast<std::size_t>(data.width);
  run.channels = static_cast<std::size_t>(data.channels);
  require(run.channels == 1 || run.channels == 3, fmt::format("{} channels", run.channels));
  run.class_names = texts(data.class_names);
  for (std::size_t i = 0; i < data.file_names.size(); ++i) {
    run.files.push_back({text(data.file_names[i]), text(data.file_sha256[i])});
  }
}

void read_history(const std::vector<EpochResult>& epochs, TrainingRun& run) {
  History& history = run.history;
  for (const EpochResult& epoch : epochs) {
    history.epoch.push_back(static_cast<std::int64_t>(history.epoch.size() + 1));
    history.train_loss.push_back(epoch.train_loss);
    history.train_error.push_back(epoch.train_error);
    history.test_loss.push_back(epoch.test_loss);
    history.test_error.push_back(epoch.test_error);
    history.learning_rate.push_back(epoch.learning_rate);
    history.parameters_sha256.push_back(text(epoch.parameters_sha256));
    history.step_error.insert(history.step_error.end(), epoch.step_errors.begin(),
                              epoch.step_errors.end());
    run.seconds_per_epoch.push_back(epoch.train_seconds);
  }
  history.steps_per_epoch = epochs.front().step_errors.size();
  run.epochs = static_cast<std::int64_t>(epochs.size());
}

void read_model(const ModelRecord& model, TrainingRun& run) {
  run.parameters = model.parameters;
  run.initial_parameters_sha256 = text(model.initial_parameters_sha256);
  run.parameters_sha256 = text(model.parameters_sha256);
  run.conv_reproducibility = text(model.conv_reproducibility);
  for (const LayerRecord& layer : model.layers) {
    run.layers.push_back({text(layer.name), text(layer.type), text(layer.output_shape),
                          text(layer.settings), layer.parameters});
  }
}

void check_samples(const EvaluationRecord& evaluation) {
  for (std::size_t i = 0; i < evaluation.sample_index.size(); ++i) {
    const auto image = static_cast<std::size_t>(evaluation.sample_index[i]);
    require(evaluation.test_labels[image] == evaluation.sample_labels[i],
            fmt::format("sample {} is not test image {}", i, evaluation.sample_index[i]));
  }
}

void read_kernels(const EvaluationRecord& evaluation, TrainingRun& run) {
  require(evaluation.first_layer_kernels.has_value(), "no first_layer_kernels");
  const std::vector<std::size_t>& shape = evaluation.first_layer_kernels->shape;
  run.kernels = {shape[0], shape[1], shape[2], shape[3], evaluation.first_layer_kernels->values};
}

void check_neighbours(const EvaluationRecord& evaluation) {
  if (!evaluation.nearest_index) return;
  require(evaluation.nearest_labels.has_value(), "no nearest_labels");
  require(evaluation.nearest_distances.has_value(), "no nearest_distances");
  require(evaluation.nearest_images.has_value(), "no nearest_images");
  require(columns(*evaluation.nearest_index) > 0, "nearest_index without neighbours");
}

/// Throws unless the confusion matrix is the one that the labels and the most probable labels give.
/// Where the two most probable labels have the same probability, either may have been counted.
void check_confusion(const TrainingRun& run) {
  std::vector<std::int64_t> confusion(run.classes() * run.classes(), 0);
  std::int64_t ties = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    const std::size_t truth = run.evaluation.test_labels[image];
    const std::size_t predicted = run.label(image, 0);
    require(truth < run.classes() && predicted < run.classes(),
            fmt::format("test image {} has a label beyond the classes", image));
    ++confusion[truth * run.classes() + predicted];
    ties += run.probability(image, 0) == run.probability(image, 1) ? 1 : 0;
  }
  std::int64_t differences = 0;
  for (std::size_t i = 0; i < confusion.size(); ++i) {
    differences += std::abs(confusion[i] - run.evaluation.confusion.values[i]);
  }
  require(differences <= 2 * ties,
          "a confusion matrix that is not that of test_labels and top5_labels");
}

/// Of a record; a summary's schema has checked its own.
void check_evaluation(TrainingRun& run) {
  const EvaluationRecord& evaluation = run.evaluation;
  check_confusion(run);
  const double accuracy = static_cast<double>(run.right()) / static_cast<double>(run.test_images);
  require(std::abs(accuracy - evaluation.test_accuracy) < 1e-6,
          fmt::format("test_accuracy {}, but {} by the confusion matrix", evaluation.test_accuracy,
                      accuracy));
  check_samples(evaluation);
  read_kernels(evaluation, run);
  check_neighbours(evaluation);
}

void read_environment(const Group& group, TrainingRun& run) {
  run.environment = environment_of(group);
  const auto commit = run.environment.find("git_commit");
  const bool unknown =
      commit != run.environment.end() && commit->second == Setting(UntrustedText("unknown"));
  if (unknown) run.environment.erase(commit);  // nothing to name or check out
}

/// Settings under today's names, and with their defaults those that a record of an earlier release
/// does not have.
Settings with_defaults(Settings settings) {
  Attributes defaults;
  for (const FormatSetting& row : format_settings("training")) {
    defaults[name_today(row.setting, format_settings("training"))] = row.format_value;
  }
  settings.merge(settings_of(defaults));
  return settings;
}

void read_all(const Record& tree, const TrainingRecord& record, TrainingRun& run) {
  run.program = text(program_of(tree));
  read_configuration(tree.group("configuration"), run);
  read_data(record.data, run);
  read_history(record.history, run);
  read_model(record.model, run);
  run.evaluation = record.evaluation;
  run.evaluation.logits = {};
  if (!run.by_summary) check_evaluation(run);
  read_environment(record.environment, run);
  if (record.study) run.study = read_study_label(*record.study);
}

}  // namespace

std::size_t TrainingRun::right() const {
  std::size_t sum = 0;
  for (std::size_t label = 0; label < classes(); ++label) sum += confused(label, label);
  return sum;
}

TrainingRun read_training_run(const NamedRecord& source) {
  TrainingRun run;
  run.name = source.name;
  run.by_summary = is_summary(source.record);
  const TrainingRecord record = run.by_summary ? training_from_summary(source.record, source.name)
                                               : training_from(source.record, source.name);
  try {
    run.digest = run_record_digest(source.record);
    read_all(source.record, record, run);
  } catch (const std::runtime_error& problem) {
    throw Error(source.name, problem.what(), kExpected);
  }
  return run;
}

void check_same_experiment(const TrainingRun& first, const TrainingRun& other) {
  if (first.seed == other.seed) {
    throw Error(terminal_text(other.name),
                fmt::format("seed {}, which {} has too", other.seed, terminal_text(first.name)),
                "runs that differ in their seeds");
  }
  const std::string expected = "the same experiment as in " + terminal_text(first.name);
  const auto same_file = [](const InputFile& a, const InputFile& b) {
    return a.sha256 == b.sha256;
  };
  if (!std::equal(first.files.begin(), first.files.end(), other.files.begin(), other.files.end(),
                  same_file)) {
    throw Error(terminal_text(other.name), "other data files", expected);
  }
  const UntrustedText setting = differing_setting(first, other);
  if (!setting.empty()) {
    throw Error(terminal_text(other.name), "another " + terminal_text(setting), expected);
  }
}

UntrustedText differing_setting(const TrainingRun& first, const TrainingRun& other) {
  const Settings a = with_defaults(first.settings);
  const Settings b = with_defaults(other.settings);
  for (const Settings* settings : {&a, &b}) {
    for (const auto& [name, value] : *settings) {
      const auto in_a = a.find(name);
      const auto in_b = b.find(name);
      const bool same = in_a != a.end() && in_b != b.end() && in_a->second == in_b->second;
      if (name != "seed" && !same) return name;
    }
  }
  return "";
}

}  // namespace reprise::reports
