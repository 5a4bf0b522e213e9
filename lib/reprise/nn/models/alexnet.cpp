#include "reprise/nn/models/alexnet.hpp"

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

}  // namespace reprise
