/// \file
/// AlexNet: Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional
/// Neural Networks", section 3.5.
#pragma once

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// The paper's choices: ReLU, overlapping maximum pooling, response normalization, dropout 0.5,
/// weights N(0, 0.01) and biases of 1 where ModelOptions::initializer says.
ModelOptions alexnet_options();

/// conv 96 @ 11x11 stride 4; conv 256 @ 5x5 in two groups; conv 384 @ 3x3; conv 384 @ 3x3 and 256 @
/// 3x3 in two groups; dense 4096, 4096, `classes` (logits). Normalization after conv1 and conv2,
/// pooling after conv1, conv2 and conv5, dropout after the first two dense layers. 60,965,224
/// parameters on 227x227x3 images (the paper's 224 does not fit its own layers) with 1,000 classes.
/// Honours all options but the width. Error if the image is too small for its layers.
Sequential alexnet(const FeatureShape& image = {227, 227, 3}, std::size_t classes = 1000,
                   const ConvAlgorithm& algorithm = default_conv_algorithm(),
                   const ModelOptions& options = alexnet_options());

/// The choices of alexnet_as_coded, which has no others.
ModelOptions alexnet_as_coded_options();

/// AlexNet as its released layer files have it (layers-145, one network): the convolutions, dense
/// layers, pooling and dropout of alexnet(), and as many parameters, but
///   - conv1 is normalized before its pooling and ReLU: conv1, norm1, pool1, relu1;
///   - normalization's alpha is 1e-4 divided by its 5 maps, 2e-5;
///   - after pool2 stands a second normalization, within each map: 5x5 cells,
///     alpha 0.001 / 25, beta 0.75, and k 1, cuda-convnet's default; the paper does not mention it;
///   - weights of conv3, conv4 and conv5 are N(0, 0.03).
/// That it stands after pool2 is read from a description of the files.
Sequential alexnet_as_coded(const FeatureShape& image = {227, 227, 3}, std::size_t classes = 1000,
                            const ConvAlgorithm& algorithm = default_conv_algorithm());

}  // namespace reprise
