#include "reprise/nn/models/lenet5.hpp"

#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

Conv2dLayerOptions convolution(std::size_t filters, const Padding2d& padding) {
  Conv2dLayerOptions options;
  options.filters = filters;
  options.kernel = {5, 5};
  options.convolution.padding = padding;
  return options;
}

DenseLayerOptions dense(std::size_t units) {
  DenseLayerOptions options;
  options.units = units;
  return options;
}

}  // namespace

Sequential lenet5(const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm) {
  Sequential model("lenet5", image);
  model.add("conv1", conv2d_layer(convolution(6, Padding2d::same()), algorithm))
      .add("relu1", relu_layer())
      .add("pool1", pool2d_layer({}))
      .add("conv2", conv2d_layer(convolution(16, Padding2d::valid()), algorithm))
      .add("relu2", relu_layer())
      .add("pool2", pool2d_layer({}))
      .add("flatten", flatten_layer())
      .add("dense1", dense_layer(dense(120)))
      .add("relu3", relu_layer())
      .add("dense2", dense_layer(dense(84)))
      .add("relu4", relu_layer())
      .add("dense3", dense_layer(dense(classes)));
  return model;
}

}  // namespace reprise
