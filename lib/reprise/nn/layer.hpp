/// \file
/// What a layer is: a pure function of its input and parameters, with the gradients of both.
///
/// Layers keep no state between calls: parameters, activations and gradients belong to the caller,
/// so any number of threads may run the same layer on different blocks of images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/random.hpp"
#include "reprise/nn/initializers.hpp"

namespace reprise {

/// The shape of one image's activation. `flat` ones are 1 x 1 x channels and print as (channels).
struct FeatureShape {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;
  bool flat = false;

  [[nodiscard]] std::size_t size() const { return height * width * channels; }
  /// As Keras prints it: "(None, 28, 28, 6)" or "(None, 84)".
  [[nodiscard]] std::string text() const;
};

/// A parameter that a layer asks for.
struct ParameterSpec {
  std::string name;                     ///< "weight", "bias"
  std::vector<std::size_t> shape;       ///< e.g. KH,KW,IC/G,OC
  std::vector<std::string> dimensions;  ///< the axes' names
  Initializer initializer;
  Fans fans;

  [[nodiscard]] std::size_t size() const;
};

/// layer_description.hpp
struct LayerDescription;

/// What a call may know and use besides its tensors.
struct LayerContext {
  std::size_t N = 0;               ///< images in this call
  bool training = false;           ///< dropout and the like are active
  std::uint64_t step = 0;          ///< optimizer steps before this one
  std::uint64_t first_image = 0;   ///< place in its batch of the call's first image
  RandomStream stream{0};          ///< this layer's own
  std::span<std::byte> workspace;  ///< workspace_bytes(N or more, threads), 64-byte aligned
  std::size_t threads = 1;
  /// `input` is that of the preceding ReLU, which this layer fuses: can_fuse_input_relu().
  bool fuses_input_relu = false;
};

class Layer {
 public:
  virtual ~Layer() = default;

  /// "conv2d", "relu", ...
  [[nodiscard]] virtual std::string_view type() const = 0;
  /// What a table says of it, e.g. "5x5, same padding, direct".
  [[nodiscard]] virtual std::string settings() const { return ""; }

  /// What it computes, once it is built: layer_description.hpp. Layers of others may leave it out.
  [[nodiscard]] virtual LayerDescription description() const;

  /// Settles the layer for this input shape, once, before any other call; returns the output shape.
  /// Error if the layer cannot take such an input.
  virtual FeatureShape build(const FeatureShape& input) = 0;

  [[nodiscard]] virtual std::vector<ParameterSpec> parameters() const { return {}; }
  /// Connections per image as LeCun et al. 1998 count them: every use of a weight, padding
  /// included, and of a bias; 0 for layers without weights.
  [[nodiscard]] virtual std::size_t connections() const { return 0; }
  /// What LayerContext::workspace must hold for every call of at most N images. Does not decrease
  /// with N: a layer whose need may decrease reports the maximum over 1 to N
  /// (workspace_bytes_up_to()).
  [[nodiscard]] virtual std::size_t workspace_bytes(std::size_t /*N*/,
                                                    std::size_t /*threads*/) const {
    return 0;
  }

  /// Whether the layer is max(x, 0), and whether it fuses the preceding ReLU where its context says
  /// so: then `input` below is the ReLU's input, grad_input the gradient of that.
  [[nodiscard]] virtual bool is_relu() const { return false; }
  [[nodiscard]] virtual bool can_fuse_input_relu() const { return false; }

  /// input N,(input shape); parameters as listed, one after the other; output N,(output shape),
  /// overwritten.
  virtual void forward(const LayerContext& context, const float* input, const float* parameters,
                       float* output) const = 0;

  /// Given grad_output and what forward saw and gave, overwrites grad_input (unless null: nobody
  /// asks for it) and grad_parameters.
  virtual void backward(const LayerContext& context, const float* grad_output, const float* input,
                        const float* output, const float* parameters, float* grad_input,
                        float* grad_parameters) const = 0;
};

}  // namespace reprise
