/// \file
/// The layers, by the functions that make them. Each file of a layer states its equations.
#pragma once

#include <memory>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/nn/layer.hpp"
#include "reprise/pool/pool_shape.hpp"

namespace reprise {

struct Conv2dLayerOptions {
  std::size_t filters = 1;  ///< OC
  Extent2d kernel{3, 3};
  Conv2dOptions convolution;
  Initializer weight{InitializerKind::he_normal, 0.0};
  Initializer bias{InitializerKind::zeros, 0.0};
};
/// Convolution with bias (conv_shape.hpp); parameters weight (KH,KW,IC/G,OC) and bias (OC).
std::unique_ptr<Layer> conv2d_layer(const Conv2dLayerOptions& options,
                                    const ConvAlgorithm& algorithm = default_conv_algorithm());

/// Maximum or average pooling (pool2d.hpp).
std::unique_ptr<Layer> pool2d_layer(const Pool2dOptions& options);

struct DenseLayerOptions {
  std::size_t units = 1;
  Initializer weight{InitializerKind::he_normal, 0.0};
  Initializer bias{InitializerKind::zeros, 0.0};
};
/// output(n, o) = bias(o) + sum over i of input(n, i) weight(i, o); parameters weight (in,out) and
/// bias (out). Takes flat inputs.
std::unique_ptr<Layer> dense_layer(const DenseLayerOptions& options);

/// N,H,W,C as N,(H*W*C), in that order.
std::unique_ptr<Layer> flatten_layer();

/// max(x, 0); its gradient at 0 is 0.
std::unique_ptr<Layer> relu_layer();
/// amplitude * tanh(slope * x): (1, 1) is tanh, (1.7159, 2/3) that of LeCun et al. 1998,
/// equation 6.
std::unique_ptr<Layer> tanh_layer(float amplitude = 1.0F, float slope = 1.0F);

}  // namespace reprise
