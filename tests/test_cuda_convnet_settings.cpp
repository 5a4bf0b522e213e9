// experiments/settings: cuda-convnet's own training settings, by parameter, and a run of each.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "reprise/core/random.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/run/layer_settings.hpp"
#include "reprise/run/training.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kSettings = REPRISE_SOURCE_DIR "/experiments/settings/";

TrainingConfiguration settings_of_file(const std::string& name) {
  TrainingConfiguration c;
  read_toml(kSettings + "cuda_convnet_" + name + ".toml", c);
  c.model_options = default_model_options(c.model);
  read_toml(kSettings + "cuda_convnet_" + name + ".toml", c);
  check(c);
  return c;
}

/// What a layer's parameters are trained with, as the layer parameter files name it.
struct LayerParameters {
  std::string layer;
  double initW, wc;
};
struct Network {
  std::string name;
  std::size_t parameters;
  std::int64_t crop;
  std::vector<LayerParameters> layers;
};

/// initW and wc as published with the networks; epsW 0.001 and epsB 0.002, and no decay of biases,
/// in all of them.
const std::vector<Network>& networks() {
  static const std::vector<Network> all = {
      {"80sec",
       145578,
       0,
       {{"conv1", 1e-4, 0.004},
        {"conv2", 0.01, 0.004},
        {"conv3", 0.01, 0.004},
        {"dense1", 0.1, 0.03},
        {"dense2", 0.1, 0.03}}},
      {"19pct",
       89578,
       0,
       {{"conv1", 1e-4, 0.004},
        {"conv2", 0.01, 0.004},
        {"conv3", 0.01, 0.004},
        {"dense1", 0.01, 3}}},
      {"18pct",
       89578,
       0,
       {{"conv1", 1e-4, 0.004},
        {"conv2", 0.01, 0.004},
        {"conv3", 0.01, 0.004},
        {"dense1", 0.01, 1}}},
      {"13pct",
       1116490,
       24,
       {{"conv1", 1e-4, 0},
        {"conv2", 0.01, 0},
        {"local3", 0.04, 0.004},
        {"local4", 0.04, 0.004},
        {"dense1", 0.01, 0.004}}},
      {"11pct",
       2112970,
       24,
       {{"conv1", 1e-4, 0},
        {"conv2", 0.01, 0},
        {"local3", 0.04, 0.004},
        {"local4", 0.04, 0.004},
        {"dense1", 0.01, 0.01}}},
  };
  return all;
}

const ParameterGroup& group_at(const std::vector<ParameterGroup>& groups, std::size_t place) {
  for (const ParameterGroup& group : groups) {
    if (group.begin <= place && place < group.end) return group;
  }
  throw std::runtime_error("no group");
}

double deviation_of(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// CIFAR-10's files with `count` random images each.
void write_cifar(const TemporaryFolder& folder, std::size_t count) {
  for (std::size_t batch = 1; batch <= 5; ++batch) {
    FileBytes bytes(count * 3073);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const RandomStream stream = RandomStream(batch).child("bytes");
      bytes[i] = static_cast<std::uint8_t>(stream.below(i % 3073 == 0 ? 10 : 256, i));
    }
    write_bytes(folder / ("data_batch_" + std::to_string(batch) + ".bin"), bytes);
  }
  write_file(folder / "batches.meta.txt",
             "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n");
}

}  // namespace

TEST_CASE("each network starts and is trained as its layer parameter file says") {
  for (const Network& network : networks()) {
    CAPTURE(network.name);
    const TrainingConfiguration c = settings_of_file(network.name);
    CHECK(c.model == "cuda_convnet_" + network.name);
    CHECK(c.batch_size == 128);
    CHECK(c.optimizer == "sgd");
    CHECK(c.momentum == 0.9);
    CHECK(c.subtract == "mean_image");
    CHECK(c.pixel_max == 255);
    CHECK(c.crop == network.crop);
    CHECK(c.test_views == (network.crop > 0 ? 10 : 1));
    CHECK(c.horizontal_flip == (network.crop > 0 ? 1 : 0));
    Sequential model = make_model(c, {32, 32, 3}, 10);
    CHECK(model.parameters().size() == network.parameters);
    model.initialize(RandomStream(1));
    const std::vector<ParameterGroup> groups = parameter_groups(c, model, 0);
    const std::vector<ParameterGroup> last =
        parameter_groups(c, model, static_cast<std::size_t>(c.epochs - 1));
    std::size_t values = 0;
    for (const LayerParameters& layer : network.layers) {
      CAPTURE(layer.layer);
      const auto weight = model.parameter(layer.layer, "weight");
      const auto bias = model.parameter(layer.layer, "bias");
      values += weight.size() + bias.size();
      const auto place = [&](std::span<float> span) {
        return static_cast<std::size_t>(span.data() - model.parameters().data());
      };
      CHECK(group_at(groups, place(weight)).learning_rate == 0.001);
      CHECK(group_at(groups, place(weight)).weight_decay == layer.wc);
      CHECK(group_at(groups, place(bias)).learning_rate == 0.002);
      CHECK(group_at(groups, place(bias)).weight_decay == 0.0);
      const double tenths = network.name == "80sec" ? 0.1 : 0.01;
      CHECK(group_at(last, place(weight)).learning_rate == Approx(0.001 * tenths));
      CHECK(deviation_of(weight) == Approx(layer.initW).epsilon(0.1));
      CHECK(std::count(bias.begin(), bias.end(), 0.0F) == static_cast<std::ptrdiff_t>(bias.size()));
    }
    CHECK(values == model.parameters().size());
  }
}

TEST_CASE("train_lenet5 runs each file with images held out, and no test set there") {
  const TemporaryFolder folder;
  write_cifar(folder, 2);
  for (const Network& network : networks()) {
    const CommandResult result = run_command(
        REPRISE_BINARY_DIR "/experiments/train_lenet5 --config " + kSettings + "cuda_convnet_" +
        network.name + ".toml --data " + folder.path() +
        " --holdout 2 --batch-size 4 --epochs 1 --output " + (folder / (network.name + ".h5")));
    INFO(network.name << result.err);
    CHECK(result.status == 0);
    CHECK_THAT(result.out, Catch::Contains("CIFAR-10: 8 training and 2 held-out images") &&
                               Catch::Contains("cuda_convnet_" + network.name));
  }
}
