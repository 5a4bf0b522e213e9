#include "training_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "reading.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema.hpp"

namespace reprise::reports {
namespace {

constexpr std::string_view kExpected = "the whole record of a finished training run";

UntrustedText text_or_none(const Group& group, const std::string& name) {
  return setting_text(settings_of(group.attributes), name);
}

void read_configuration(const Group& group, TrainingRun& run) {
  run.settings = settings_of(group.attributes);
  texts_of_length(group, "toml", 1);
  run.seed = group.attribute<std::int64_t>("seed");
  run.epochs = group.attribute<std::int64_t>("epochs");
}

void read_data(const Group& group, TrainingRun& run) {
  run.data_name = text(group, "name");
  run.offered_images = count(group, "train_images");
  run.train_images = run.offered_images;
  const auto chosen = run.settings.find("train_images");  // 0 or none: all
  const auto* number =
      chosen == run.settings.end() ? nullptr : std::get_if<std::int64_t>(&chosen->second);
  if (number != nullptr && *number > 0) {
    run.train_images = std::min(run.train_images, static_cast<std::size_t>(*number));
  }
  run.test_images = count(group, "test_images");
  run.height = count(group, "height");
  run.width = count(group, "width");
  run.channels = count(group, "channels");
  require(run.channels == 1 || run.channels == 3, fmt::format("{} channels", run.channels));
  run.class_names = texts(group, "class_names");
  require(run.classes() >= 2, "fewer than two classes");
  const auto names = texts(group, "file_names");
  const auto hashes = texts_of_length(group, "file_sha256", names.size());
  for (std::size_t i = 0; i < names.size(); ++i) run.files.push_back({names[i], hashes[i]});
}

void read_history(const Group& group, TrainingRun& run) {
  History& history = run.history;
  history.epoch = group.values<std::int64_t>("epoch");
  const std::size_t epochs = history.epoch.size();
  require(epochs > 0 && std::is_sorted(history.epoch.begin(), history.epoch.end()),
          "/history without epochs in order");
  require(history.epoch.back() == run.epochs,
          fmt::format("/history ends after {} of {} epochs", history.epoch.back(), run.epochs));
  history.train_loss = values_of_length<double>(group, "train_loss", epochs);
  history.train_error = values_of_length<double>(group, "train_error", epochs);
  history.test_loss = values_of_length<double>(group, "test_loss", epochs);
  history.test_error = values_of_length<double>(group, "test_error", epochs);
  history.learning_rate = values_of_length<double>(group, "learning_rate", epochs);
  history.parameters_sha256 = texts_of_length(group, "parameters_sha256", epochs);
  const auto steps = group.datasets.find("step_error");
  if (steps == group.datasets.end()) return;
  const std::vector<std::size_t>& shape = steps->second.shape;
  require(shape.size() == 2 && shape[0] == epochs && shape[1] > 0,
          "step_error that is not (epoch, step)");
  history.steps_per_epoch = shape[1];
  history.step_error = values_of_length<double>(group, "step_error", epochs * shape[1]);
}

void read_model(const Group& group, TrainingRun& run) {
  const auto names = texts(group, "layer_names");
  const std::size_t layers = names.size();
  const auto types = texts_of_length(group, "layer_types", layers);
  const auto shapes = texts_of_length(group, "layer_output_shapes", layers);
  const auto parameters = values_of_length<std::int64_t>(group, "layer_parameters", layers);
  const auto settings = texts_of_length(group, "layer_settings", layers);
  run.parameters = group.attribute<std::int64_t>("parameters");
  run.initial_parameters_sha256 = text_or_none(group, "initial_parameters_sha256");
  run.parameters_sha256 = text_or_none(group, "parameters_sha256");
  run.conv_reproducibility = text_or_none(group, "conv_reproducibility");
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < layers; ++i) {
    run.layers.push_back({names[i], types[i], shapes[i], settings[i], parameters[i]});
    sum += parameters[i];
  }
  require(sum == run.parameters,
          fmt::format("{} parameters in all, but {} by layer", run.parameters, sum));
}

void read_samples(const Group& group, TrainingRun& run) {
  Samples& samples = run.samples;
  samples.index = group.values<std::int64_t>("sample_index");
  const std::size_t size = samples.index.size();
  samples.labels = values_of_length<std::uint8_t>(group, "sample_labels", size);
  samples.pixels = values_of_length<std::uint8_t>(group, "sample_images",
                                                  size * run.height * run.width * run.channels);
  for (std::size_t i = 0; i < size; ++i) {
    const auto image = static_cast<std::size_t>(samples.index[i]);
    require(image < run.test_images && run.test_labels[image] == samples.labels[i],
            fmt::format("sample {} is not test image {}", i, samples.index[i]));
  }
}

void read_kernels(const Group& group, TrainingRun& run) {
  const Dataset& dataset = group.dataset("first_layer_kernels");
  require(dataset.shape.size() == 4, "first_layer_kernels without four axes");
  Kernels& kernels = run.kernels;
  kernels.height = dataset.shape[0];
  kernels.width = dataset.shape[1];
  kernels.in_channels = dataset.shape[2];
  kernels.out_channels = dataset.shape[3];
  kernels.weights = values_of_length<float>(
      group, "first_layer_kernels",
      kernels.height * kernels.width * kernels.in_channels * kernels.out_channels);
}

void read_neighbours(const Group& group, TrainingRun& run) {
  const auto found = group.datasets.find("nearest_index");
  if (found == group.datasets.end()) return;
  const std::vector<std::size_t>& shape = found->second.shape;
  const std::size_t samples = run.samples.index.size();
  require(shape.size() == 2 && shape[0] == samples && shape[1] > 0,
          "nearest_index that is not (sample, neighbour)");
  Neighbours& nearest = run.neighbours;
  nearest.per_sample = shape[1];
  const std::size_t size = samples * shape[1];
  nearest.index = values_of_length<std::int64_t>(group, "nearest_index", size);
  nearest.labels = values_of_length<std::uint8_t>(group, "nearest_labels", size);
  nearest.distances = values_of_length<float>(group, "nearest_distances", size);
  nearest.pixels = values_of_length<std::uint8_t>(group, "nearest_images",
                                                  size * run.height * run.width * run.channels);
  for (const std::uint8_t label : nearest.labels) {
    require(label < run.classes(), "nearest_labels beyond the classes");
  }
}

/// Throws unless the confusion matrix is the one that the labels and the likeliest labels give.
/// Where the two likeliest labels have the same probability, either may have been counted.
void check_confusion(const TrainingRun& run) {
  std::vector<std::int64_t> confusion(run.classes() * run.classes(), 0);
  std::int64_t ties = 0;
  for (std::size_t image = 0; image < run.test_images; ++image) {
    const std::size_t truth = run.test_labels[image];
    const std::size_t predicted = run.likeliest.label(image, 0);
    require(truth < run.classes() && predicted < run.classes(),
            fmt::format("test image {} has a label beyond the classes", image));
    ++confusion[truth * run.classes() + predicted];
    ties += run.likeliest.probability(image, 0) == run.likeliest.probability(image, 1) ? 1 : 0;
  }
  std::int64_t differences = 0;
  for (std::size_t i = 0; i < confusion.size(); ++i) {
    differences += std::abs(confusion[i] - run.confusion[i]);
  }
  require(differences <= 2 * ties,
          "a confusion matrix that is not that of test_labels and top5_labels");
}

void read_evaluation(const Group& group, TrainingRun& run) {
  run.test_loss = number(group, "test_loss");
  run.test_accuracy = number(group, "test_accuracy");
  run.train_error = number(group, "train_error");
  run.test_labels = values_of_length<std::uint8_t>(group, "test_labels", run.test_images);
  const std::size_t ranks = std::min<std::size_t>(5, run.classes());
  run.likeliest.ranks = ranks;
  run.likeliest.labels =
      values_of_length<std::uint8_t>(group, "top5_labels", run.test_images * ranks);
  run.likeliest.probabilities =
      values_of_length<float>(group, "top5_probabilities", run.test_images * ranks);
  for (const std::uint8_t label : run.likeliest.labels) {
    require(label < run.classes(), "top5_labels beyond the classes");
  }
  run.confusion = values_of_length<std::int64_t>(group, "confusion", run.classes() * run.classes());
  check_confusion(run);
  const double accuracy = static_cast<double>(run.right()) / static_cast<double>(run.test_images);
  require(
      std::abs(accuracy - run.test_accuracy) < 1e-6,
      fmt::format("test_accuracy {}, but {} by the confusion matrix", run.test_accuracy, accuracy));
  read_samples(group, run);
  read_kernels(group, run);
  read_neighbours(group, run);
}

void read_environment(const Group& group, TrainingRun& run) {
  run.environment = settings_of(group.attributes);
  const auto commit = run.environment.find("git_commit");
  const bool unknown =
      commit != run.environment.end() && commit->second == Setting(UntrustedText("unknown"));
  if (unknown) run.environment.erase(commit);  // nothing to name or check out
  run.seconds_per_epoch = group.values<double>("seconds_per_epoch");
}

void read_all(const Record& record, TrainingRun& run) {
  const auto kind = record.attributes.find("kind");
  require(kind != record.attributes.end(), "a record without a kind");
  require(kind->second == AttributeValue(std::string("training")),
          fmt::format("a record of the kind \"{}\"", terminal_text(text_or_none(record, "kind"))));
  run.program = UntrustedText::from_record(program_of(record));
  read_configuration(record.group("configuration"), run);
  read_data(record.group("data"), run);
  read_history(record.group("history"), run);
  read_model(record.group("model"), run);
  read_evaluation(record.group("evaluation"), run);
  read_environment(record.group("environment"), run);
  const auto study = record.groups.find("study");
  if (study != record.groups.end()) run.study = read_study_label(study->second);
}

}  // namespace

std::size_t TrainingRun::right() const {
  std::size_t sum = 0;
  for (std::size_t label = 0; label < classes(); ++label) sum += confused(label, label);
  return sum;
}

TrainingRun read_training_run(const NamedRecord& source) {
  check_schema(source.record, "training", source.name);
  TrainingRun run;
  run.name = source.name;
  try {
    run.digest = digest_of(source.record);
    read_all(source.record, run);
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
  for (const auto& settings : {first.settings, other.settings}) {
    for (const auto& [name, value] : settings) {
      const auto a = first.settings.find(name);
      const auto b = other.settings.find(name);
      const bool same =
          a != first.settings.end() && b != other.settings.end() && a->second == b->second;
      if (name != "seed" && !same) return name;
    }
  }
  return "";
}

}  // namespace reprise::reports
