#include "support/training_record.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reprise/core/random.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/run/training_record.hpp"

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

ConfigurationRecord configuration(const TrainingRecordOptions& options) {
  ConfigurationRecord result;
  result.settings = {{"model", "lenet5"},
                     {"seed", options.seed},
                     {"epochs", options.epochs},
                     {"batch_size", std::int64_t{32}},
                     {"block_size", std::int64_t{8}},
                     {"learning_rate", 0.001},
                     {"optimizer", "adam"},
                     {"momentum", 0.0},
                     {"weight_decay", 0.0},
                     {"conv", "direct"}};
  for (const auto& [setting, value] : result.settings) result.toml += setting_line(setting, value);
  return result;
}

/// Curves that fall, the last test error being the one given.
std::vector<EpochResult> history(std::int64_t epochs, double test_error, double test_loss) {
  std::vector<EpochResult> result;
  for (std::int64_t i = 1; i <= epochs; ++i) {
    const double rest =
        std::exp(-static_cast<double>(i - 1) / 2) - std::exp(-static_cast<double>(epochs - 1) / 2);
    EpochResult epoch;
    epoch.train_loss = 0.25 + 0.6 * rest;
    epoch.train_error = 0.08 + 0.2 * rest;
    epoch.test_loss = test_loss + 0.4 * rest;
    epoch.test_error = test_error + 0.15 * rest;
    epoch.learning_rate = 0.001;
    epoch.parameters_sha256 = made_up_digest(i);
    epoch.step_losses.assign(kSteps, epoch.train_loss);
    epoch.step_errors.assign(kSteps, epoch.train_error);
    epoch.train_seconds = 9.4 + 0.1 * static_cast<double>(i);
    result.push_back(std::move(epoch));
  }
  return result;
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

using Tensors = std::map<std::string, Dataset>;

/// Weights and biases; `axes` are those of the weights, the outputs last.
Tensors tensors(std::vector<float> weights, const std::vector<std::size_t>& shape,
                const std::vector<std::string>& axes) {
  return {{"weight", {shape, std::move(weights), axes, {}}},
          {"bias", list(std::vector<float>(shape.back()), axes.back())}};
}

std::vector<LayerRecord> layer_records() {
  const std::vector<std::string> kernel = {"kernel_height", "kernel_width", "in_channels",
                                           "out_channels"};
  const std::vector<std::string> matrix = {"in_features", "out_features"};
  const auto zeros = [](std::size_t count) { return std::vector<float>(count); };
  const std::string max = "max 2x2, stride 2";
  return {{"conv1", "Conv2d", "(None, 28, 28, 6)", "5x5, same padding, direct", 156,
           tensors(edges(), {5, 5, 1, 6}, kernel)},
          {"relu1", "ReLU", "(None, 28, 28, 6)", "", 0, {}},
          {"pool1", "Pool2d", "(None, 14, 14, 6)", max, 0, {}},
          {"conv2", "Conv2d", "(None, 10, 10, 16)", "5x5, valid padding, direct", 2416,
           tensors(zeros(2400), {5, 5, 6, 16}, kernel)},
          {"relu2", "ReLU", "(None, 10, 10, 16)", "", 0, {}},
          {"pool2", "Pool2d", "(None, 5, 5, 16)", max, 0, {}},
          {"flatten", "Flatten", "(None, 400)", "", 0, {}},
          {"dense1", "Dense", "(None, 120)", "", 48120, tensors(zeros(48000), {400, 120}, matrix)},
          {"relu3", "ReLU", "(None, 120)", "", 0, {}},
          {"dense2", "Dense", "(None, 84)", "", 10164, tensors(zeros(10080), {120, 84}, matrix)},
          {"relu4", "ReLU", "(None, 84)", "", 0, {}},
          {"dense3", "Dense", "(None, 10)", "", 850, tensors(zeros(840), {84, 10}, matrix)}};
}

ModelRecord model() {
  ModelRecord result;
  result.parameters = 61706;
  result.initial_parameters_sha256 = made_up_digest(-1);
  result.parameters_sha256 = made_up_digest(-2);
  result.conv_reproducibility = "portable";
  result.summary = "Model: lenet5\n";
  result.layers = layer_records();
  return result;
}

/// The network's answers to one image.
struct Answer {
  std::vector<float> logits;
  std::vector<std::size_t> order;  ///< labels, the most probable first
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

void add_samples(const ImageSet& test, EvaluationRecord& result) {
  result.sample_index.resize(kSamples);
  std::iota(result.sample_index.begin(), result.sample_index.end(), std::int64_t{0});
  result.sample_labels.assign(test.labels.begin(), test.labels.begin() + kSamples);
  const auto end = test.pixels.begin() + static_cast<std::ptrdiff_t>(kSamples * test.image_size());
  result.sample_images = {{kSamples, test.height, test.width, test.channels},
                          {test.pixels.begin(), end}};
}

EvaluationRecord evaluation(const ImageSet& test, std::int64_t seed) {
  EvaluationRecord result;
  result.logits.shape = {test.count, kClasses};
  result.top5_labels.shape = result.top5_probabilities.shape = {test.count, kRanks};
  result.confusion = {{kClasses, kClasses}, std::vector<std::int64_t>(kClasses * kClasses)};
  result.test_labels.assign(test.labels.begin(), test.labels.end());
  double loss = 0;
  std::size_t right = 0;
  for (std::size_t image = 0; image < test.count; ++image) {
    const std::size_t truth = test.labels[image];
    const Answer given = answer(RandomStream(static_cast<std::uint64_t>(seed)).child(image), truth);
    result.logits.values.insert(result.logits.values.end(), given.logits.begin(),
                                given.logits.end());
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      const std::size_t label = given.order[rank];
      result.top5_labels.values.push_back(static_cast<std::uint8_t>(label));
      result.top5_probabilities.values.push_back(static_cast<float>(given.probabilities[label]));
    }
    ++result.confusion.values[truth * kClasses + given.order[0]];
    right += given.order[0] == truth ? 1 : 0;
    loss -= std::log(given.probabilities[truth]);
  }
  const double count = static_cast<double>(test.count);
  result.test_loss = loss / count;
  result.test_accuracy = static_cast<double>(right) / count;
  result.train_loss = 0.25;
  result.train_error = 0.08;
  result.first_layer_kernels = {{5, 5, 1, 6}, edges()};
  add_samples(test, result);
  return result;
}

Group environment() {
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
                      {"system", "A system 12"},
                      {"kernel", "Linux 6.1.0 x86_64"},
                      {"libc", "glibc 2.36"},
                      {"memory_bytes", std::int64_t{8'000'000'000}},
                      {"peak_memory_bytes", std::int64_t{150'000'000}},
                      {"source_tree", "swh:1:dir:fedcba9876543210fedcba9876543210fedcba98"},
                      {"command_line", "train_lenet5 --epochs 2"},
                      {"library_hdf5", "1.10.8"},
                      {"library_highway", "1.0.3"}};
  group.datasets["packages"] = scalar_text("g++ 4:12.2.0-3\nlibfmt-dev 9.1.0\n");
  group.datasets["variables"] = scalar_text("OMP_NUM_THREADS=2\n");
  group.datasets["log"] = scalar_text("epoch 1\n");
  group.datasets["git_diff"] = scalar_text("");
  return group;
}

}  // namespace

Record training_record(const TrainingRecordOptions& options) {
  const ImageDataset data = load_idx_dataset(REPRISE_FIXTURES "/fashion-mnist");
  TrainingRecord record;
  record.configuration = configuration(options);
  record.data = data_record(data);
  record.evaluation = evaluation(data.test, options.seed);
  record.history =
      history(options.epochs, 1 - record.evaluation.test_accuracy, record.evaluation.test_loss);
  record.model = model();
  record.environment = environment();
  return to_tree(record);
}

}  // namespace reprise::test
