/// \file
/// The layers, by the functions that make them. Each file of a layer states its equations.
#pragma once

#include <memory>
#include <vector>

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

struct LocallyConnectedLayerOptions {
  std::size_t filters = 1;  ///< OC
  Extent2d kernel{3, 3};
  Extent2d stride{1, 1};
  Padding2d padding = Padding2d::valid();
  Initializer weight{InitializerKind::he_normal, 0.0};
  Initializer bias{InitializerKind::zeros, 0.0};
};
/// A convolution whose weights and biases are not shared: each position has its own. Parameters
/// weight (OH,OW,KH,KW,IC,OC) and bias (OH,OW,OC). Krizhevsky's cuda-convnet calls it "local".
std::unique_ptr<Layer> locally_connected_layer(const LocallyConnectedLayerOptions& options);

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
  /// A sum's neighbours are the n x n cells around in the same channel instead.
  bool within_maps = false;
};
/// output(i) = input(i) / (k + alpha * sum of input(j)^2)^beta, where j runs over the neighbours of
/// i that exist: the n channels around, or the n x n cells around in the same channel
/// (cuda-convnet's "rnorm", whose scale is n * n times alpha).
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

struct RescaleLayerOptions {
  float low = 0.0F;         ///< what 0 becomes, and the value of padded cells
  float high = 1.0F;        ///< what 1 becomes
  std::size_t padding = 0;  ///< cells on each of the four sides
};
/// output = low + (high - low) input, in a frame of `low`.
std::unique_ptr<Layer> rescale_layer(const RescaleLayerOptions& options);

struct SubsamplingLayerOptions {
  Initializer weight{InitializerKind::fan_in_uniform, 2.4};
  Initializer bias{InitializerKind::zeros, 0.0};
};
/// LeCun et al. 1998, section II.B, layers S2 and S4 before their squashing: output(c) = bias(c) +
/// weight(c) * the sum of 2x2 cells of input(c), which do not overlap; an odd last row or column is
/// left out. Parameters weight (C) and bias (C).
std::unique_ptr<Layer> subsampling_layer(const SubsamplingLayerOptions& options = {});

struct PartialConv2dLayerOptions {
  Extent2d kernel{5, 5};
  /// The input channels that feed each output channel, ascending; their number may not decrease
  /// from one output channel to the next.
  std::vector<std::vector<std::size_t>> connections;
  Initializer weight{InitializerKind::fan_in_uniform, 2.4};
  Initializer bias{InitializerKind::zeros, 0.0};
};
/// A convolution (stride 1, no padding) whose output channels each see some of the input channels:
/// LeCun et al. 1998, layer C3 by Table I. It runs `algorithm` on a whole kernel with zeros where
/// there is no connection, so an infinite or NaN input reaches all outputs.
///
/// Parameters: for each number I of inputs that occurs, "weightI" (KH,KW,I,output channels with I
/// inputs); then bias (OC).
std::unique_ptr<Layer> partial_conv2d_layer(
    const PartialConv2dLayerOptions& options,
    const ConvAlgorithm& algorithm = default_conv_algorithm());

/// Euclidean radial basis functions with fixed centres: output(n, i) = -sum over j of
/// (input(n, j) - codes[i][j])^2, the negative of LeCun et al. 1998, equation 7. Argmax is then the
/// class, and softmax cross-entropy is the MAP criterion of equation 9 without its rubbish class
/// (the constant e^-j). No parameters. Takes flat inputs.
std::unique_ptr<Layer> rbf_layer(std::vector<std::vector<float>> codes);

}  // namespace reprise
