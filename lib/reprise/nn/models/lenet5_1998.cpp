#include "reprise/nn/models/lenet5_1998.hpp"

#include "reprise/core/error.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/models/digit_codes.hpp"

namespace reprise {
namespace {

/// Table I: the maps of S2 that feed each map of C3.
const std::vector<std::vector<std::size_t>>& table_1() {
  static const std::vector<std::vector<std::size_t>> table = {
      {0, 1, 2},    {1, 2, 3},    {2, 3, 4},    {3, 4, 5},         {0, 4, 5},    {0, 1, 5},
      {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5},      {0, 1, 4, 5}, {0, 1, 2, 5},
      {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};
  return table;
}

constexpr Initializer kWeights{InitializerKind::fan_in_uniform, 2.4};

std::unique_ptr<Layer> convolution(std::size_t filters, const ConvAlgorithm& algorithm) {
  Conv2dLayerOptions options;
  options.filters = filters;
  options.kernel = {5, 5};
  options.weight = kWeights;
  return conv2d_layer(options, algorithm);
}

std::unique_ptr<Layer> convolution_by_table_1(const ConvAlgorithm& algorithm) {
  PartialConv2dLayerOptions options;
  options.connections = table_1();
  options.weight = kWeights;
  return partial_conv2d_layer(options, algorithm);
}

std::unique_ptr<Layer> squashing() {
  return tanh_layer(1.7159F, 2.0F / 3.0F);
}

void check_images(const FeatureShape& image, std::size_t classes) {
  if (image.height != 28 || image.width != 28 || image.channels != 1) {
    throw Error("model lenet5_1998", "images of " + image.text(), "(None, 28, 28, 1)");
  }
  if (classes != 10) {
    throw Error("model lenet5_1998", std::to_string(classes) + " classes", "10, the digits");
  }
}

}  // namespace

Sequential lenet5_1998(const FeatureShape& image, std::size_t classes,
                       const ConvAlgorithm& algorithm) {
  check_images(image, classes);
  Sequential model("lenet5_1998", image);
  model.add("rescale", rescale_layer({-0.1F, 1.175F, 2}))
      .add("conv1", convolution(6, algorithm))
      .add("tanh1", squashing())
      .add("subsampling1", subsampling_layer())
      .add("tanh2", squashing())
      .add("conv2", convolution_by_table_1(algorithm))
      .add("tanh3", squashing())
      .add("subsampling2", subsampling_layer())
      .add("tanh4", squashing())
      .add("conv3", convolution(120, algorithm))
      .add("tanh5", squashing())
      .add("flatten", flatten_layer())
      .add("dense1", dense_layer({84, kWeights, {InitializerKind::zeros, 0.0}}))
      .add("tanh6", squashing())
      .add("rbf", rbf_layer(digit_codes()));
  return model;
}

}  // namespace reprise
