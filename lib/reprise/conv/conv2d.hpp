/// \file
/// 2-D convolution, forward and backward. Notation, formula and layouts: conv_shape.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_shape.hpp"
#include "reprise/core/tensor.hpp"

namespace reprise {

/// input N,IH,IW,IC; weight KH,KW,IC/G,OC; bias OC; returns N,OH,OW,OC. Error if sizes do not
/// match, options make no sense, the algorithm does not offer the shape, or a value, which it names
/// with its place, is outside the algorithm's domain (OperandDomain; naive, direct and auto take
/// all). `threads` changes speed only, unless the algorithm declares threads_may_show ("onednn"
/// alone does).
Tensor<4> conv2d_forward(const Tensor<4>& input, const Tensor<4>& weight, const Tensor<1>& bias,
                         const Conv2dOptions& options = {},
                         const ConvAlgorithm& algorithm = default_conv_algorithm(),
                         std::size_t threads = 1);

struct Conv2dGradients {
  Tensor<4> input;   ///< N,IH,IW,IC
  Tensor<4> weight;  ///< KH,KW,IC/G,OC
  Tensor<1> bias;    ///< OC
};

/// The gradients of a scalar loss with respect to the three operands, given grad_output N,OH,OW,OC.
Conv2dGradients conv2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                                const Tensor<4>& weight, const Conv2dOptions& options = {},
                                const ConvAlgorithm& algorithm = default_conv_algorithm(),
                                std::size_t threads = 1);

/// The shape that an input N,IH,IW,IC and a weight KH,KW,IC/G,OC mean. Error, naming `where`, if
/// they do not match; others as make_conv_shape says.
ConvShape conv2d_shape(std::string_view where, const std::array<std::size_t, 4>& input,
                       const std::array<std::size_t, 4>& weight, const Conv2dOptions& options = {});

/// The same on memory of the caller's, without a copy: dense arrays in the layouts above, whose
/// sizes the shape gives; results are overwritten. Error as above, and if the shape's output is not
/// what its other sizes give (make_conv_shape, conv2d_shape).
void conv2d_forward(const ConvShape& shape, const float* input, const float* weight,
                    const float* bias, float* output,
                    const ConvAlgorithm& algorithm = default_conv_algorithm(),
                    std::size_t threads = 1);

struct Conv2dGradientPlaces {
  float* input;   ///< N,IH,IW,IC
  float* weight;  ///< KH,KW,IC/G,OC
  float* bias;    ///< OC
};
void conv2d_backward(const ConvShape& shape, const float* grad_output, const float* input,
                     const float* weight, const Conv2dGradientPlaces& gradients,
                     const ConvAlgorithm& algorithm = default_conv_algorithm(),
                     std::size_t threads = 1);

/// grad_bias(oc) = sum of grad_output(n, oh, ow, oc) over n, oh, ow: a chain in each image, then a
/// chain over images. For callers that hold raw memory.
void conv2d_grad_bias(const ConvShape& shape, const float* grad_output, float* grad_bias);

}  // namespace reprise
