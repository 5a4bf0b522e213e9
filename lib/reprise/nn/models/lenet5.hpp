/// \file
/// The modified LeNet-5 of today's courses: ReLU, maximum pooling and a softmax in place of LeCun
/// et al. 1998's scaled tanh, trainable subsampling and radial basis functions.
#pragma once

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// conv 6 @ 5x5 same, ReLU; max pool 2x2/2; conv 16 @ 5x5 valid, ReLU; max pool 2x2/2; dense 120,
/// ReLU; dense 84, ReLU; dense `classes` (logits). He-normal kernels, zero biases. 61,706
/// parameters on 28x28x1 images with 10 classes. Honours all options but the width. Error if the
/// image is too small for its layers.
Sequential lenet5(const FeatureShape& image = {28, 28, 1}, std::size_t classes = 10,
                  const ConvAlgorithm& algorithm = default_conv_algorithm(),
                  const ModelOptions& options = {});

}  // namespace reprise
