/// \file
/// A four-layer convolutional network like that of Krizhevsky, Sutskever, Hinton 2012, Fig. 1.
#pragma once

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// Three times conv 5x5 same, activation, pooling at stride 2, with `width`, `width` and 2 `width`
/// filters; then dense `classes` (logits), before which dropout stands if asked for. The paper does
/// not list the layers; these are in the manner of the author's cuda-convnet for CIFAR-10. For
/// images of 8x8 or more, e.g. 28x28x1 and 32x32x3.
Sequential four_layer_cnn(const FeatureShape& image = {32, 32, 3}, std::size_t classes = 10,
                          const ConvAlgorithm& algorithm = default_conv_algorithm(),
                          const ModelOptions& options = {});

}  // namespace reprise
