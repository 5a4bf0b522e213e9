#include "support/training_record.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/record/configuration_text.hpp"

namespace reprise::test {
namespace {

constexpr std::size_t kClasses = 10;
constexpr std::size_t kRanks = 5;
constexpr std::size_t kSamples = 12;
constexpr std::size_t kSteps = 63;  // of an epoch

/// About normal, from twelve uniform draws.
double noise(const RandomStream& stream, std::uint64_t counter) {
  double sum = -6;
  for (std::uint64_t i = 0; i < 12; ++i) sum += stream.uniform(12 * counter + i);
  return sum;
}

/// Clothes for the upper body look like one another, and so do shoes.
double likeness(std::size_t truth, std::size_t label) {
  static constexpr int kKind[kClasses] = {0, 1, 0, 0, 0, 2, 0, 2, 3, 2};
  if (truth == label) return 6.0;
  return kKind[truth] == kKind[label] ? 3.2 : 0.0;
}

std::string made_up_digest(std::int64_t number) {
  std::string digest(64, '0');
  const RandomStream stream = RandomStream(7).child(static_cast<std::uint64_t>(number));
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = "0123456789abcdef"[static_cast<std::size_t>(16 * stream.uniform(i))];
  }
  return digest;
}

template <class T>
Dataset array(std::vector<T> values, std::vector<std::size_t> shape,
              std::vector<std::string> dimensions) {
  return {std::move(shape), std::move(values), std::move(dimensions)};
}

Group configuration(const TrainingRecordOptions& options) {
  Group group;
  group.attributes = {{"model", "lenet5"},
                      {"seed", options.seed},
                      {"epochs", options.epochs},
                      {"batch_size", std::int64_t{32}},
                      {"block_size", std::int64_t{8}},
                      {"learning_rate", 0.001},
                      {"optimizer", "adam"},
                      {"momentum", 0.0},
                      {"weight_decay", 0.0},
                      {"conv", "direct"}};
  std::string text;
  for (const auto& [setting, value] : group.attributes) text += setting_line(setting, value);
  group.datasets["toml"] = scalar_text(text);
  return group;
}

Group data_group(const ImageDataset& data) {
  Group group;
  group.attributes = {{"name", data.name},
                      {"train_images", static_cast<std::int64_t>(data.train.count)},
                      {"test_images", static_cast<std::int64_t>(data.test.count)},
                      {"height", static_cast<std::int64_t>(data.test.height)},
                      {"width", static_cast<std::int64_t>(data.test.width)},
                      {"channels", static_cast<std::int64_t>(data.test.channels)}};
  std::vector<std::string> names;
  std::vector<std::string> hashes;
  for (const DataFile& file : data.files) {
    names.push_back(file.name);
    hashes.push_back(file.sha256);
  }
  group.datasets["file_names"] = list(names, "file");
  group.datasets["file_sha256"] = list(hashes, "file");
  group.datasets["class_names"] = list(data.class_names, "class");
  return group;
}

/// Curves that fall, the last test error being the one given.
Group history(std::int64_t epochs, double test_error, double test_loss) {
  std::vector<std::int64_t> epoch;
  std::vector<double> train_loss, train_error, test_losses, test_errors, rates;
  std::vector<double> step_loss, step_error;
  std::vector<std::string> digests;
  for (std::int64_t i = 1; i <= epochs; ++i) {
    const double rest =
        std::exp(-static_cast<double>(i - 1) / 2) - std::exp(-static_cast<double>(epochs - 1) / 2);
    epoch.push_back(i);
    train_loss.push_back(0.25 + 0.6 * rest);
    train_error.push_back(0.08 + 0.2 * rest);
    test_losses.push_back(test_loss + 0.4 * rest);
    test_errors.push_back(test_error + 0.15 * rest);
    rates.push_back(0.001);
    digests.push_back(made_up_digest(i));
    step_loss.insert(step_loss.end(), kSteps, train_loss.back());
    step_error.insert(step_error.end(), kSteps, train_error.back());
  }
  const std::vector<std::size_t> steps = {epoch.size(), kSteps};
  Group group;
  group.datasets["epoch"] = list(epoch, "epoch");
  group.datasets["train_loss"] = list(train_loss, "epoch");
  group.datasets["train_error"] = list(train_error, "epoch");
  group.datasets["test_loss"] = list(test_losses, "epoch");
  group.datasets["test_error"] = list(test_errors, "epoch");
  group.datasets["learning_rate"] = list(rates, "epoch");
  group.datasets["parameters_sha256"] = list(digests, "epoch");
  group.datasets["step_loss"] = array(step_loss, steps, {"epoch", "step"});
  group.datasets["step_error"] = array(step_error, steps, {"epoch", "step"});
  return group;
}

/// The first layer's kernels: six edges and bars at different angles.
std::vector<float> edges() {
  std::vector<float> weights;
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 5; ++column) {
      for (int kernel = 0; kernel < 6; ++kernel) {
        const double angle = 3.14159265 * kernel / 6;
        const double across = (column - 2) * std::cos(angle) + (row - 2) * std::sin(angle);
        weights.push_back(static_cast<float>(0.4 * std::sin(1.2 * across + 0.7 * kernel)));
      }
    }
  }
  return weights;
}

/// Weights and biases; `axes` are those of the weights, the outputs last.
Group layer(std::vector<float> weights, const std::vector<std::size_t>& shape,
            const std::vector<std::string>& axes) {
  Group group;
  group.datasets["weight"] = array(std::move(weights), shape, axes);
  group.datasets["bias"] = list(std::vector<float>(shape.back()), axes.back());
  return group;
}

void add_layers(Group& group) {
  const std::vector<std::string> kernel = {"kernel_height", "kernel_width", "in_channels",
                                           "out_channels"};
  const std::vector<std::string> matrix = {"in_features", "out_features"};
  const auto zeros = [](std::size_t count) { return std::vector<float>(count); };
  group.groups["conv1"] = layer(edges(), {5, 5, 1, 6}, kernel);
  group.groups["conv2"] = layer(zeros(2400), {5, 5, 6, 16}, kernel);
  group.groups["dense1"] = layer(zeros(48000), {400, 120}, matrix);
  group.groups["dense2"] = layer(zeros(10080), {120, 84}, matrix);
  group.groups["dense3"] = layer(zeros(840), {84, 10}, matrix);
}

Group model() {
  Group group;
  group.attributes = {{"parameters", std::int64_t{61706}},
                      {"initial_parameters_sha256", made_up_digest(-1)},
                      {"parameters_sha256", made_up_digest(-2)},
                      {"conv_reproducibility", "portable"}};
  add_layers(group);
  group.datasets["summary"] = scalar_text("Model: lenet5\n");
  group.datasets["layer_names"] =
      list<std::string>({"conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten", "dense1",
                         "relu3", "dense2", "relu4", "dense3"},
                        "layer");
  group.datasets["layer_types"] =
      list<std::string>({"Conv2d", "ReLU", "Pool2d", "Conv2d", "ReLU", "Pool2d", "Flatten", "Dense",
                         "ReLU", "Dense", "ReLU", "Dense"},
                        "layer");
  group.datasets["layer_output_shapes"] = list<std::string>(
      {"(None, 28, 28, 6)", "(None, 28, 28, 6)", "(None, 14, 14, 6)", "(None, 10, 10, 16)",
       "(None, 10, 10, 16)", "(None, 5, 5, 16)", "(None, 400)", "(None, 120)", "(None, 120)",
       "(None, 84)", "(None, 84)", "(None, 10)"},
      "layer");
  group.datasets["layer_parameters"] =
      list<std::int64_t>({156, 0, 0, 2416, 0, 0, 0, 48120, 0, 10164, 0, 850}, "layer");
  group.datasets["layer_settings"] = list<std::string>(
      {"5x5, same padding, direct", "", "max 2x2, stride 2", "5x5, valid padding, direct", "",
       "max 2x2, stride 2", "", "", "", "", "", ""},
      "layer");
  return group;
}

/// The network's answers to one image.
struct Answer {
  std::vector<float> logits;
  std::vector<std::size_t> order;  ///< labels, the likeliest first
  std::vector<double> probabilities;
};

Answer answer(const RandomStream& stream, std::size_t truth) {
  Answer result;
  double sum = 0;
  for (std::size_t label = 0; label < kClasses; ++label) {
    result.logits.push_back(
        static_cast<float>(likeness(truth, label) + 1.5 * noise(stream, label)));
    sum += std::exp(static_cast<double>(result.logits.back()));
  }
  for (const float logit : result.logits) {
    result.probabilities.push_back(std::exp(static_cast<double>(logit)) / sum);
  }
  result.order.resize(kClasses);
  std::iota(result.order.begin(), result.order.end(), std::size_t{0});
  std::stable_sort(result.order.begin(), result.order.end(), [&](std::size_t a, std::size_t b) {
    return result.logits[a] > result.logits[b];
  });
  return result;
}

void add_samples(const ImageSet& test, Group& group) {
  const std::size_t size = test.image_size();
  std::vector<std::int64_t> index(kSamples);
  std::iota(index.begin(), index.end(), std::int64_t{0});
  group.datasets["sample_index"] = list(index, "sample");
  group.datasets["sample_labels"] = list(
      std::vector<std::uint8_t>(test.labels.begin(), test.labels.begin() + kSamples), "sample");
  const auto end = test.pixels.begin() + static_cast<std::ptrdiff_t>(kSamples * size);
  group.datasets["sample_images"] = array(std::vector<std::uint8_t>(test.pixels.begin(), end),
                                          {kSamples, test.height, test.width, test.channels},
                                          {"sample", "height", "width", "channel"});
}

Group evaluation(const ImageSet& test, std::int64_t seed) {
  std::vector<float> logits, probabilities;
  std::vector<std::uint8_t> labels;
  std::vector<std::int64_t> confusion(kClasses * kClasses, 0);
  double loss = 0;
  std::size_t right = 0;
  for (std::size_t image = 0; image < test.count; ++image) {
    const std::size_t truth = test.labels[image];
    const Answer given = answer(RandomStream(static_cast<std::uint64_t>(seed)).child(image), truth);
    logits.insert(logits.end(), given.logits.begin(), given.logits.end());
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      labels.push_back(static_cast<std::uint8_t>(given.order[rank]));
      probabilities.push_back(static_cast<float>(given.probabilities[given.order[rank]]));
    }
    ++confusion[truth * kClasses + given.order[0]];
    right += given.order[0] == truth ? 1 : 0;
    loss -= std::log(given.probabilities[truth]);
  }
  Group group;
  const double count = static_cast<double>(test.count);
  group.attributes = {{"test_loss", loss / count},
                      {"test_accuracy", static_cast<double>(right) / count},
                      {"train_loss", 0.25},
                      {"train_error", 0.08}};
  group.datasets["logits"] = array(logits, {test.count, kClasses}, {"test_image", "class"});
  group.datasets["test_labels"] = list(test.labels, "test_image");
  group.datasets["top5_labels"] = array(labels, {test.count, kRanks}, {"test_image", "rank"});
  group.datasets["top5_probabilities"] =
      array(probabilities, {test.count, kRanks}, {"test_image", "rank"});
  group.datasets["confusion"] =
      array(confusion, {kClasses, kClasses}, {"true_class", "predicted_class"});
  group.datasets["first_layer_kernels"] = array(
      edges(), {5, 5, 1, 6}, {"kernel_height", "kernel_width", "in_channels", "out_channels"});
  add_samples(test, group);
  return group;
}

Group environment(std::int64_t epochs) {
  Group group;
  group.attributes = {{"program", "train_lenet5"},
                      {"git_commit", "0123456789abcdef0123456789abcdef01234567"},
                      {"git_dirty", std::int64_t{1}},
                      {"compiler", "g++ 12.2.0"},
                      {"compiler_flags", "-O3 -DNDEBUG -ffp-contract=off"},
                      {"cpu", "A processor | with a bar"},
                      {"threads", std::int64_t{2}},
                      {"simd", "AVX2"},
                      {"host", "a-host-name"},
                      {"started", "2024-05-01T12:00:00Z"},
                      {"ended", "2024-05-01T12:01:00Z"},
                      {"seconds_total", 60.0},
                      {"library_hdf5", "1.10.8"},
                      {"library_highway", "1.0.3"}};
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < epochs; ++i) seconds.push_back(9.5 + 0.1 * static_cast<double>(i));
  group.datasets["seconds_per_epoch"] = list(seconds, "epoch");
  group.datasets["log"] = scalar_text("epoch 1\n");
  group.datasets["git_diff"] = scalar_text("");
  return group;
}

}  // namespace

Record training_record(const TrainingRecordOptions& options) {
  const ImageDataset data = load_idx_dataset(REPRISE_FIXTURES "/fashion-mnist");
  Record record;
  record.attributes = {{"kind", "training"}};
  record.groups["configuration"] = configuration(options);
  record.groups["data"] = data_group(data);
  record.groups["evaluation"] = evaluation(data.test, options.seed);
  const Group& result = record.groups["evaluation"];
  record.groups["history"] = history(options.epochs, 1 - result.attribute<double>("test_accuracy"),
                                     result.attribute<double>("test_loss"));
  record.groups["model"] = model();
  record.groups["environment"] = environment(options.epochs);
  return record;
}

}  // namespace reprise::test
