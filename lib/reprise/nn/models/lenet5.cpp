#include "reprise/nn/models/lenet5.hpp"

#include "reprise/nn/models/chain.hpp"

namespace reprise {
namespace {

Conv2dLayerOptions convolution(std::size_t filters, const Padding2d& padding) {
  Conv2dLayerOptions options;
  options.filters = filters;
  options.kernel = {5, 5};
  options.convolution.padding = padding;
  return options;
}

}  // namespace

Sequential lenet5(const FeatureShape& image, std::size_t classes, const ConvAlgorithm& algorithm,
                  const ModelOptions& options) {
  Chain chain("lenet5", image, options, algorithm);
  chain.convolution(convolution(6, Padding2d::same())).pooling();
  chain.convolution(convolution(16, Padding2d::valid())).pooling();
  chain.flatten().hidden(120).hidden(84);
  return chain.output(classes);
}

}  // namespace reprise
