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

/// Krizhevsky, Sutskever, Hinton 2012, section 3.3.
struct LocalResponseNormalizationOptions {
  double k = 2.0;       ///< above 0
  std::size_t n = 5;    ///< neighbouring channels in a sum, odd
  double alpha = 1e-4;  ///< 0 or more; not divided by n (PyTorch's and Caffe's are: n times this)
  double beta = 0.75;
};
/// output(c) = input(c) / (k + alpha * sum of input(j)^2)^beta, where j runs over the n channels
/// around c that exist.
std::unique_ptr<Layer> local_response_normalization_layer(
    const LocalResponseNormalizationOptions& options = {});

/// In training, each value becomes 0 with probability `rate` (0 to below 1), else it is divided by
/// 1 - rate; at other times the layer changes nothing. Krizhevsky et al. 2012, section 4.2, leave
/// the kept values as they are and multiply all by 1 - rate (by a half) at test time: the same
/// network but for a factor of the next layer's weights.
///
/// Which values are dropped is a function of (stream, step, the image's place in its batch, the
/// value's place in the image).
std::unique_ptr<Layer> dropout_layer(double rate);

}  // namespace reprise
