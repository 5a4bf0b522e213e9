#include "reprise/nn/models/alexnet.hpp"

#include <memory>
#include <string>

#include "reprise/nn/layers.hpp"
#include "reprise/nn/models/chain.hpp"

namespace reprise {
namespace {

Conv2dLayerOptions convolution(std::size_t filters, std::size_t kernel, std::size_t stride,
                               std::size_t groups) {
  Conv2dLayerOptions options;
  options.filters = filters;
  options.kernel = {kernel, kernel};
  options.convolution.stride = {stride, stride};
  options.convolution.groups = groups;
  options.convolution.padding = stride == 1 ? Padding2d::same() : Padding2d::valid();
  return options;
}

/// Normalization across 5 maps as the program has it.
LocalResponseNormalizationOptions across_maps() {
  LocalResponseNormalizationOptions options;
  options.alpha = 1e-4 / 5.0;
  return options;
}

LocalResponseNormalizationOptions within_maps() {
  LocalResponseNormalizationOptions options;
  options.k = 1.0;
  options.alpha = 0.001 / 25.0;
  options.within_maps = true;
  return options;
}

Initializer constant(double value) {
  return {value == 0.0 ? InitializerKind::zeros : InitializerKind::constant, value};
}

/// A convolution that starts with weights N(0, deviation) and this bias.
std::unique_ptr<Layer> started(Conv2dLayerOptions options, double deviation, double bias,
                               const ConvAlgorithm& algorithm) {
  options.weight = {InitializerKind::normal, deviation};
  options.bias = constant(bias);
  return conv2d_layer(options, algorithm);
}

std::unique_ptr<Layer> overlapping_pool() {
  Pool2dOptions options;
  options.kernel = {3, 3};
  options.rounding = Rounding::ceil;
  return pool2d_layer(options);
}

void add_hidden(std::size_t number, Sequential& model) {
  const std::string n = std::to_string(number);
  model.add("dense" + n, dense_layer({4096, {InitializerKind::normal, 0.01}, constant(1.0)}));
  model.add("relu" + std::to_string(number + 5), relu_layer());
  model.add("dropout" + n, dropout_layer(0.5));
}

}  // namespace

ModelOptions alexnet_options() {
  ModelOptions options;
  options.pool_kernel = 3;
  options.normalization = "local_response";
  options.dropout = 0.5;
  options.initializer = "alexnet";
  return options;
}

Sequential alexnet(const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm,
                   const ModelOptions& options) {
  Chain chain("alexnet", image, options, algorithm);
  chain.convolution(convolution(96, 11, 4, 1)).pooling();
  chain.convolution(convolution(256, 5, 1, 2)).pooling();
  chain.convolution(convolution(384, 3, 1, 1));
  chain.convolution(convolution(384, 3, 1, 2));
  chain.convolution(convolution(256, 3, 1, 2)).pooling();
  chain.flatten().hidden(4096).hidden(4096);
  return chain.output(classes);
}

ModelOptions alexnet_as_coded_options() {
  ModelOptions options = alexnet_options();
  options.normalization = "as_coded";
  options.initializer = "alexnet_as_coded";
  return options;
}

Sequential alexnet_as_coded(const FeatureShape& image, std::size_t classes,
                            const ConvAlgorithm& algorithm) {
  Sequential model("alexnet_as_coded", image);
  model.add("conv1", started(convolution(96, 11, 4, 1), 0.01, 0.0, algorithm))
      .add("norm1", local_response_normalization_layer(across_maps()))
      .add("pool1", overlapping_pool())
      .add("relu1", relu_layer());
  model.add("conv2", started(convolution(256, 5, 1, 2), 0.01, 1.0, algorithm))
      .add("relu2", relu_layer())
      .add("norm2", local_response_normalization_layer(across_maps()))
      .add("pool2", overlapping_pool())
      .add("norm3", local_response_normalization_layer(within_maps()));
  model.add("conv3", started(convolution(384, 3, 1, 1), 0.03, 0.0, algorithm))
      .add("relu3", relu_layer());
  model.add("conv4", started(convolution(384, 3, 1, 2), 0.03, 1.0, algorithm))
      .add("relu4", relu_layer());
  model.add("conv5", started(convolution(256, 3, 1, 2), 0.03, 1.0, algorithm))
      .add("relu5", relu_layer())
      .add("pool5", overlapping_pool())
      .add("flatten", flatten_layer());
  add_hidden(1, model);
  add_hidden(2, model);
  model.add("dense3", dense_layer({classes, {InitializerKind::normal, 0.01}, constant(0.0)}));
  return model;
}

}  // namespace reprise
