// AlexNet: its size and choices, and one training step at full size (long).
#include <cmath>
#include <tuple>

#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/models/alexnet.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/nn/optimizers.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_arrays.hpp"
#include "support/shape_of.hpp"

using namespace reprise;
using namespace reprise::test;

TEST_CASE("alexnet has 60,965,224 parameters and the paper's layers") {
  const Sequential model = alexnet();
  CHECK(model.parameters().size() == 60965224);
  std::string names;
  for (const Sequential::Entry& entry : model.layers()) names += entry.name + " ";
  CHECK(names ==
        "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 "
        "pool5 flatten dense1 relu6 dropout1 dense2 relu7 dropout2 dense3 ");
  CHECK(shape_of(model, "conv1") == "(None, 55, 55, 96)");
  CHECK(shape_of(model, "pool1") == "(None, 27, 27, 96)");
  CHECK(shape_of(model, "pool2") == "(None, 13, 13, 256)");
  CHECK(shape_of(model, "conv4") == "(None, 13, 13, 384)");
  CHECK(shape_of(model, "pool5") == "(None, 6, 6, 256)");
  CHECK(shape_of(model, "dense3") == "(None, 1000)");
}

TEST_CASE("alexnet_as_coded has the parameters of alexnet, and the layers of its files") {
  const ModelOptions options = default_model_options("alexnet_as_coded");
  Sequential model = make_model("alexnet_as_coded", {67, 67, 3}, 10, options);
  std::string names, kinds;
  for (const Sequential::Entry& entry : model.layers()) {
    names += entry.name + " ";
    if (entry.layer->type() == "local_response_normalization") {
      kinds += std::string(entry.layer->settings()) + "; ";
    }
  }
  CHECK(names ==
        "conv1 norm1 pool1 relu1 conv2 relu2 norm2 pool2 norm3 conv3 relu3 conv4 relu4 conv5 relu5 "
        "pool5 flatten dense1 relu6 dropout1 dense2 relu7 dropout2 dense3 ");
  CHECK(kinds ==
        "k 2, n 5, alpha 2e-05, beta 0.75; k 2, n 5, alpha 2e-05, beta 0.75; "
        "k 1, n 5, alpha 4e-05, beta 0.75, within maps; ");
  CHECK(model.parameters().size() ==
        make_model("alexnet", {67, 67, 3}, 10, alexnet_options()).parameters().size());
  model.initialize(RandomStream(1));
  for (const auto& [layer, deviation, bias] : {std::tuple{"conv1", 0.01, 0.0F},
                                               {"conv2", 0.01, 1.0F},
                                               {"conv3", 0.03, 0.0F},
                                               {"conv4", 0.03, 1.0F},
                                               {"conv5", 0.03, 1.0F},
                                               {"dense1", 0.01, 1.0F},
                                               {"dense2", 0.01, 1.0F},
                                               {"dense3", 0.01, 0.0F}}) {
    CAPTURE(layer);
    double squares = 0.0;
    const auto weights = model.parameter(layer, "weight");
    for (const float w : weights) squares += static_cast<double>(w) * static_cast<double>(w);
    CHECK(std::sqrt(squares / static_cast<double>(weights.size())) ==
          Approx(deviation).epsilon(0.03));
    CHECK(model.parameter(layer, "bias")[0] == bias);
  }
  ModelOptions other = options;
  other.normalization = "none";
  CHECK(is_line_with(error_of([&] {
                       make_model("alexnet_as_coded", {67, 67, 3}, 10, other);
                     }),
                     "normalization \"none\"", "as_coded"));
}

TEST_CASE("alexnet_as_coded at full size has 60,965,224 parameters", "[.long]") {
  const Sequential model = alexnet_as_coded();
  CHECK(model.parameters().size() == 60965224);
  CHECK(shape_of(model, "pool2") == "(None, 13, 13, 256)");
  CHECK(shape_of(model, "norm3") == "(None, 13, 13, 256)");
  CHECK(shape_of(model, "pool5") == "(None, 6, 6, 256)");
}

TEST_CASE("alexnet by name, for other images and classes, with other options") {
  ModelOptions options = default_model_options("alexnet");
  CHECK(options == alexnet_options());
  const FeatureShape small{67, 67, 3};  // pools to 7, 3 and 1 cells
  Sequential model = make_model("alexnet", small, 10, options);
  CHECK(shape_of(model, "pool5") == "(None, 1, 1, 256)");
  CHECK(shape_of(model, "dense3") == "(None, 10)");
  model.initialize(RandomStream(1));
  for (const auto& [layer, bias] : {std::pair{"conv1", 0.0F},
                                    {"conv2", 1.0F},
                                    {"conv3", 0.0F},
                                    {"conv4", 1.0F},
                                    {"conv5", 1.0F},
                                    {"dense1", 1.0F},
                                    {"dense2", 1.0F},
                                    {"dense3", 0.0F}}) {
    CAPTURE(layer);
    CHECK(model.parameter(layer, "bias")[0] == bias);
    CHECK(std::abs(model.parameter(layer, "weight")[0]) < 0.06F);
  }
  options.without = "conv4";
  options.normalization = "none";
  CHECK(shape_of(make_model("alexnet", small, 10, options), "conv4").empty());
  options.width = 8;
  CHECK(is_line_with(error_of([&] { make_model("alexnet", small, 10, options); }), "width 8"));
  CHECK_FALSE(error_of([] { alexnet({20, 20, 3}); }).empty());
}

TEST_CASE("one training step of alexnet on random images; threads cannot show", "[.long]") {
  constexpr std::size_t N = 2;
  Sequential model = alexnet({227, 227, 3}, 1000, conv_algorithm("auto"));
  model.initialize(RandomStream(1));
  const std::size_t size = model.input_shape().size();
  const std::vector<float> images = random_floats(N * size, 1, "images");
  const auto source = [&](std::size_t first, std::size_t count, float* to, std::uint8_t* labels) {
    std::copy_n(images.data() + first * size, count * size, to);
    for (std::size_t i = 0; i < count; ++i) labels[i] = static_cast<std::uint8_t>(first + i);
  };
  const auto gradients = [&](std::size_t threads, double& loss) {
    BatchGradient gradient(model, N, 1, threads, RandomStream(2));
    loss = gradient.run(N, 0, source).loss / N;
    return std::vector<float>(gradient.gradients().begin(), gradient.gradients().end());
  };
  double before = 0.0, again = 0.0;
  const std::vector<float> one = gradients(1, before);
  CHECK(std::isfinite(before));
  CHECK(before == Approx(std::log(1000.0)).epsilon(0.5));
  const bool same = gradients(2, again) == one;
  CHECK(same);
  CHECK(before == again);
  OptimizerOptions sgd;
  sgd.kind = OptimizerKind::sgd;
  sgd.weight_decay = 0.0005;
  OptimizerState state = make_optimizer_state(sgd, one.size());
  optimizer_step(sgd, state, 0.01, model.parameters(), one);
  bool finite = true;
  for (const float value : model.parameters()) finite = finite && std::isfinite(value);
  CHECK(finite);
  double after = 0.0;
  gradients(1, after);
  CHECK(after < before);
}
