#include "reprise/nn/models/four_layer_cnn.hpp"

#include "reprise/core/error.hpp"
#include "reprise/nn/models/chain.hpp"

namespace reprise {

Sequential four_layer_cnn(const FeatureShape& image, std::size_t classes,
                          const ConvAlgorithm& algorithm, const ModelOptions& options) {
  if (options.width < 1 || options.width > 4096) {
    throw Error("model four_layer_cnn", "width " + std::to_string(options.width), "1 to 4096");
  }
  const auto width = static_cast<std::size_t>(options.width);
  Chain chain("four_layer_cnn", image, options, algorithm);
  for (const std::size_t filters : {width, width, 2 * width}) {
    Conv2dLayerOptions convolution;
    convolution.filters = filters;
    convolution.kernel = {5, 5};
    convolution.convolution.padding = Padding2d::same();
    chain.convolution(convolution).pooling();
  }
  return chain.flatten().dropout_before_dense().output(classes);
}

}  // namespace reprise
