/// \file
/// What may differ between variants of a model.
#pragma once

#include <cstdint>
#include <string>

namespace reprise {

/// A model that has no such choice refuses others than its own (default_model_options) with Error.
struct ModelOptions {
  std::string activation = "relu";  ///< relu, tanh, scaled_tanh (1.7159 tanh(2x/3))
  std::string pooling = "max";      ///< max, average
  std::int64_t pool_kernel = 2;     ///< 2 or 3, at stride 2, so 3 overlaps
  /// halve: sizes halve, rounded down, so that variants have the same shapes: a window of 3 that
  /// hangs over the edge counts, one of 2 does not. floor: windows that fit whole. ceil: until the
  /// image is covered.
  std::string pool_rounding = "halve";
  /// none, local_response: after the first two convolutions' activations, before their pooling.
  std::string normalization = "none";
  /// Rate in the hidden dense layers' outputs (four_layer_cnn, which has none, and cuda-convnet's
  /// networks: before the output layer); 0 to below 1.
  double dropout = 0.0;
  /// he_normal; glorot_uniform; or alexnet: weights N(0, 0.01), biases 1 in the second, fourth and
  /// fifth convolution and the hidden dense layers, else 0.
  std::string initializer = "he_normal";
  std::int64_t width = 16;  ///< filters of four_layer_cnn's first layer
  /// A layer left out, e.g. conv2 or dense1, with its activation, normalization and dropout; its
  /// pooling stays. Any convolution or hidden dense layer; "" for none.
  std::string without;

  bool operator==(const ModelOptions&) const = default;
};

}  // namespace reprise
