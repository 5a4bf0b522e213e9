/// \file
/// LeNet-5 as published: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to
/// Document Recognition", section II.B.
#pragma once

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// For images of 28x28x1 with pixels in [0, 1] and ten classes, the digits; Error for others.
///
///   the paper's    layers here           trainable  connections
///   input 32x32    rescale                                         -0.1 to 1.175, frame of 2
///   C1             conv1, tanh1                156      122,304    6 @ 5x5
///   S2             subsampling1, tanh2          12        5,880
///   C3             conv2, tanh3              1,516      151,600    16 @ 5x5 by Table I
///   S4             subsampling2, tanh4          32        2,000
///   C5             conv3, tanh5, flatten    48,120       48,120    120 @ 5x5
///   F6             dense1, tanh6            10,164       10,164
///   output         rbf                                      840    codes of digit_codes.hpp
///   sum                                     60,000      340,908
///
/// Every squashing is 1.7159 tanh(2a/3). Weights start uniform in +-2.4 / fan_in (section III.B),
/// biases at 0. The output is minus the distance of equation 7, so that argmax is the class and
/// softmax cross-entropy the MAP criterion, equation 9, without the rubbish class. The paper trains
/// it by stochastic diagonal Levenberg-Marquardt; here plain SGD serves (optimizer sgd, momentum
/// 0): that method's per-weight learning rates are not implemented.
Sequential lenet5_1998(const FeatureShape& image = {28, 28, 1}, std::size_t classes = 10,
                       const ConvAlgorithm& algorithm = default_conv_algorithm());

}  // namespace reprise
