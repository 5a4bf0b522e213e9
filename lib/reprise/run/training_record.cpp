#include "reprise/run/training_record.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/record/format.hpp"
#include "reprise/run/evaluation.hpp"

namespace reprise {
namespace {

constexpr std::size_t kSamples = 12;    ///< test images shown in reports
constexpr std::size_t kNeighbours = 6;  ///< training images shown beside each

Group history_group(const std::vector<EpochResult>& history) {
  std::vector<std::int64_t> epochs(history.size());
  std::iota(epochs.begin(), epochs.end(), 1);
  Group group;
  group.datasets["epoch"] = list(epochs, "epoch");
  const auto column = [&](const std::string& name, auto member) {
    std::vector<std::decay_t<decltype(history[0].*member)>> values;
    for (const EpochResult& result : history) values.push_back(result.*member);
    group.datasets[name] = list(std::move(values), "epoch");
  };
  column("train_loss", &EpochResult::train_loss);
  column("train_error", &EpochResult::train_error);
  column("test_loss", &EpochResult::test_loss);
  column("test_error", &EpochResult::test_error);
  column("learning_rate", &EpochResult::learning_rate);
  column("parameters_sha256", &EpochResult::parameters_sha256);
  const auto rows = [&](const std::string& name, auto member) {
    std::vector<double> values;
    for (const EpochResult& result : history) {
      values.insert(values.end(), (result.*member).begin(), (result.*member).end());
    }
    const std::size_t steps = history.empty() ? 0 : (history[0].*member).size();
    group.datasets[name] = {{history.size(), steps}, values, {"epoch", "step"}, {}};
  };
  rows("step_loss", &EpochResult::step_losses);
  rows("step_error", &EpochResult::step_errors);
  return group;
}

Group model_group(const TrainingRun& run) {
  const Sequential& model = run.model();
  Group group;
  group.attributes["parameters"] = static_cast<std::int64_t>(model.parameters().size());
  group.attributes["initial_parameters_sha256"] = run.initial_parameters_sha256();
  group.attributes["parameters_sha256"] = parameters_sha256(model.parameters());
  group.attributes["conv_reproducibility"] =
      std::string(name_of(conv_algorithm(run.configuration().conv).reproducibility));
  group.datasets["summary"] = scalar_text(model.summary());

  std::vector<std::string> names, types, shapes, settings;
  std::vector<std::int64_t> counts;
  for (const Sequential::Entry& entry : model.layers()) {
    names.push_back(entry.name);
    types.emplace_back(entry.layer->type());
    shapes.push_back(entry.output.text());
    settings.push_back(entry.layer->settings());
    counts.push_back(static_cast<std::int64_t>(entry.parameter_count()));
    std::size_t offset = entry.parameter_offset;
    for (const ParameterSpec& spec : entry.parameters) {
      const auto values = model.parameters().subspan(offset, spec.size());
      group.groups[entry.name].datasets[spec.name] = {
          spec.shape, std::vector<float>(values.begin(), values.end()), spec.dimensions, {}};
      offset += spec.size();
    }
  }
  group.datasets["layer_names"] = list(std::move(names), "layer");
  group.datasets["layer_types"] = list(std::move(types), "layer");
  group.datasets["layer_output_shapes"] = list(std::move(shapes), "layer");
  group.datasets["layer_settings"] = list(std::move(settings), "layer");
  group.datasets["layer_parameters"] = list(std::move(counts), "layer");
  return group;
}

/// The `ranks` likeliest labels of each image, likeliest first (the lower label on ties), with
/// their probabilities.
void add_top_labels(Group& group, const ImageSet& images, std::size_t classes,
                    const std::vector<float>& logits) {
  const std::size_t ranks = std::min<std::size_t>(5, classes);
  std::vector<float> probabilities(logits.size());
  std::vector<float> losses(images.count);
  softmax_cross_entropy_forward(images.count, classes, logits.data(), images.labels.data(),
                                probabilities.data(), losses.data());
  std::vector<std::uint8_t> labels;
  std::vector<float> shares;
  std::vector<std::size_t> order(classes);
  for (std::size_t n = 0; n < images.count; ++n) {
    const float* p = probabilities.data() + n * classes;
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    if (std::isnan(p[0])) {  // all are: the class that the confusion matrix counts comes first
      const auto best =
          order.begin() + static_cast<std::ptrdiff_t>(argmax(classes, logits.data() + n * classes));
      std::rotate(order.begin(), best, best + 1);
    }
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      labels.push_back(static_cast<std::uint8_t>(order[rank]));
      shares.push_back(p[order[rank]]);
    }
  }
  group.datasets["top5_labels"] = {{images.count, ranks}, labels, {"test_image", "rank"}, {}};
  group.datasets["top5_probabilities"] = {
      {images.count, ranks}, shares, {"test_image", "rank"}, {}};
}

Dataset confusion(const ImageSet& images, std::size_t classes, const std::vector<float>& logits) {
  std::vector<std::int64_t> counts(classes * classes);
  for (std::size_t n = 0; n < images.count; ++n) {
    ++counts[images.labels[n] * classes + argmax(classes, logits.data() + n * classes)];
  }
  return {{classes, classes}, counts, {"true_class", "predicted_class"}, {}};
}

/// The first `count` images of a set.
ImageSet first_images(const ImageSet& images, std::size_t count) {
  const auto part = [](const std::vector<std::uint8_t>& values, std::size_t size) {
    return std::vector<std::uint8_t>(values.begin(),
                                     values.begin() + static_cast<std::ptrdiff_t>(size));
  };
  ImageSet first = {count, images.height, images.width, images.channels, {}, {}};
  first.pixels = part(images.pixels, count * images.image_size());
  first.labels = part(images.labels, count);
  return first;
}

/// The first images of the test set, so that every run on the same data shows the same ones.
void add_samples(Group& group, const ImageSet& images) {
  const ImageSet first = first_images(images, std::min(kSamples, images.count));
  std::vector<std::int64_t> indices(first.count);
  std::iota(indices.begin(), indices.end(), 0);
  group.datasets["sample_index"] = list(std::move(indices), "sample");
  group.datasets["sample_images"] = {{first.count, images.height, images.width, images.channels},
                                     first.pixels,
                                     {"sample", "height", "width", "channel"},
                                     {}};
  group.datasets["sample_labels"] = list(first.labels, "sample");
}

/// The images trained on that lie nearest to each sample in the last hidden layer's space, as in
/// Figure 4 of Krizhevsky et al. 2012.
void add_neighbours(Group& group, const TrainingRun& run, const ImageSet& train) {
  const std::size_t samples = std::min(kSamples, run.data().test.count);
  const std::size_t count = std::min(kNeighbours, train.count);
  const std::size_t features = run.model().layers().back().input.size();
  const auto features_of = [&](const ImageSet& images) {
    return last_hidden_features(run.model(), images, run.threads());
  };
  const Neighbours nearest = nearest_neighbours(features_of(first_images(run.data().test, samples)),
                                                features_of(train), features, count, run.threads());
  std::vector<std::uint8_t> labels, pixels;
  for (const std::int64_t index : nearest.index) {
    labels.push_back(train.labels[static_cast<std::size_t>(index)]);
    const auto begin =
        train.pixels.begin() + index * static_cast<std::ptrdiff_t>(train.image_size());
    pixels.insert(pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(train.image_size()));
  }
  const std::vector<std::string> axes = {"sample", "neighbour"};
  group.datasets["nearest_index"] = {{samples, count}, nearest.index, axes, {}};
  group.datasets["nearest_labels"] = {{samples, count}, labels, axes, {}};
  group.datasets["nearest_distances"] = {{samples, count}, nearest.distance, axes, {}};
  group.datasets["nearest_images"] = {{samples, count, train.height, train.width, train.channels},
                                      pixels,
                                      {"sample", "neighbour", "height", "width", "channel"},
                                      {}};
}

/// The weights of the first layer that has a kernel.
void add_first_layer_kernels(Group& group, const Sequential& model) {
  for (const Sequential::Entry& entry : model.layers()) {
    if (entry.layer->type() != "conv2d") continue;
    const ParameterSpec& weight = entry.parameters.front();
    const auto values = model.parameters().subspan(entry.parameter_offset, weight.size());
    group.datasets["first_layer_kernels"] = {
        weight.shape, std::vector<float>(values.begin(), values.end()), weight.dimensions, {}};
    return;
  }
}

/// The trained network on the test images, and on those it was trained on, as they are.
Group evaluation_group(const TrainingRun& run) {
  const ImageSet& images = run.data().test;
  const std::size_t classes = run.model().output_shape().size();
  const Evaluation evaluation = evaluate(run.model(), images, run.threads());
  Group group;
  group.attributes["test_loss"] = evaluation.loss;
  group.attributes["test_accuracy"] = 1.0 - evaluation.error;
  group.datasets["logits"] = {
      {images.count, classes}, evaluation.logits, {"test_image", "class"}, {}};
  group.datasets["test_labels"] = list(images.labels, "test_image");
  group.datasets["confusion"] = confusion(images, classes, evaluation.logits);
  add_top_labels(group, images, classes, evaluation.logits);
  add_samples(group, images);
  const ImageSet trained = first_images(run.data().train, run.train_images());
  const Evaluation training = evaluate(run.model(), trained, run.threads());
  group.attributes["train_loss"] = training.loss;
  group.attributes["train_error"] = training.error;
  add_neighbours(group, run, trained);
  add_first_layer_kernels(group, run.model());
  return group;
}

}  // namespace

Group data_group(const ImageDataset& data) {
  Group group;
  group.attributes = {
      {"name", data.name},
      {"train_images", static_cast<std::int64_t>(data.train.count)},
      {"test_images", static_cast<std::int64_t>(data.test.count)},
      {"height", static_cast<std::int64_t>(data.train.height)},
      {"width", static_cast<std::int64_t>(data.train.width)},
      {"channels", static_cast<std::int64_t>(data.train.channels)},
  };
  std::vector<std::string> names, digests;
  for (const DataFile& file : data.files) {
    names.push_back(file.name);
    digests.push_back(file.sha256);
  }
  group.datasets["file_names"] = list(std::move(names), "file");
  group.datasets["file_sha256"] = list(std::move(digests), "file");
  group.datasets["class_names"] = list(data.class_names, "class");
  return group;
}

RecordLabels labels_of(const Record& record) {
  RecordLabels labels;
  labels.program = program_of(record);
  const auto study = record.groups.find("study");
  if (study != record.groups.end()) labels.study = study->second;
  return labels;
}

Record unevaluated_record(const TrainingRun& run) {
  Record record;
  record.attributes["kind"] = std::string("training");
  record.groups["configuration"] = to_group(run.configuration());
  record.groups["data"] = data_group(run.data());
  record.groups["history"] = history_group(run.history());
  record.groups["model"].attributes["initial_parameters_sha256"] = run.initial_parameters_sha256();
  return record;
}

Record training_record(const TrainingRun& run, const RunEnvironment& environment,
                       const RecordLabels& labels) {
  Record record = unevaluated_record(run);
  if (labels.study) record.groups["study"] = *labels.study;
  record.groups["model"] = model_group(run);
  record.groups["evaluation"] = evaluation_group(run);
  Group& made = record.groups["environment"];
  made = environment_group(environment);
  made.attributes["program"] = labels.program;
  std::vector<double> seconds;
  for (const EpochResult& result : run.history()) seconds.push_back(result.train_seconds);
  made.datasets["seconds_per_epoch"] = list(std::move(seconds), "epoch");
  return record;
}

}  // namespace reprise
