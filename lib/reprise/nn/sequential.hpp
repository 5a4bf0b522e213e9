/// \file
/// A model that is a chain of layers, and one block of images going through it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/aligned_buffer.hpp"
#include "reprise/core/tensor.hpp"
#include "reprise/nn/layer.hpp"

namespace reprise {

class Sequential {
 public:
  /// A model for images of this shape; no layers yet.
  Sequential(std::string name, FeatureShape input);

  /// Appends a layer, whose name must be new; Error if it cannot take what comes before it.
  Sequential& add(const std::string& name, std::unique_ptr<Layer> layer);

  /// How a parameter is to start in place of what its layer asks for; Error if there is none.
  void set_initializer(std::string_view layer, std::string_view parameter,
                       const Initializer& initializer);
  /// Sets every parameter from its own stream, stream / layer / parameter.
  void initialize(const RandomStream& stream);

  struct Entry {
    std::string name;
    std::unique_ptr<Layer> layer;
    FeatureShape input, output;
    std::size_t parameter_offset = 0;  ///< in parameters()
    std::vector<ParameterSpec> parameters;
    [[nodiscard]] std::size_t parameter_count() const;
  };
  [[nodiscard]] const std::vector<Entry>& layers() const { return layers_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const FeatureShape& input_shape() const { return input_; }
  [[nodiscard]] const FeatureShape& output_shape() const;

  /// All parameters, layer by layer, in one array.
  [[nodiscard]] std::span<float> parameters() { return parameters_; }
  [[nodiscard]] std::span<const float> parameters() const { return parameters_; }
  /// The values of one parameter, e.g. ("conv1", "weight"); Error if there is none.
  [[nodiscard]] std::span<float> parameter(std::string_view layer, std::string_view name);

  /// Layers, output shapes and parameters as Keras's summary() prints them.
  [[nodiscard]] std::string summary() const;

  /// The outputs for a batch N,H,W,C of images, without training-time effects: N,H',W',C'.
  [[nodiscard]] Tensor<4> predict(const Tensor<4>& images, std::size_t threads = 1) const;

 private:
  std::string name_;
  FeatureShape input_;
  std::vector<Entry> layers_;
  std::vector<float> parameters_;
};

/// Memory for one block of at most `capacity` images on its way through a model, forward and back.
/// Nothing is allocated after construction. A ReLU before a layer that takes it is computed in the
/// same pass as that layer.
class BlockWorkspace {
 public:
  /// Layers draw random numbers from `stream`, each from its child by the layer's name.
  BlockWorkspace(const Sequential& model, std::size_t capacity, std::size_t threads = 1,
                 const RandomStream& stream = RandomStream(0));

  /// Where the caller puts the block's images, capacity x input shape.
  [[nodiscard]] float* input() { return activations_.front().get(); }
  /// What forward left, capacity x output shape.
  [[nodiscard]] const float* output() const { return activations_.back().get(); }
  /// What forward gave to the last layer, capacity x that layer's input shape.
  [[nodiscard]] const float* last_hidden() const { return activations_.end()[-2].get(); }
  /// Where the caller puts the gradient of the output before backward.
  [[nodiscard]] float* grad_output() { return gradients_[steps_.size() % 2].get(); }

  struct Call {
    std::size_t N = 0;  ///< images in the block, at most the capacity
    bool training = false;
    std::uint64_t step = 0;
    std::uint64_t first_image = 0;  ///< the block's place in its batch
  };
  void forward(const Call& call);
  /// Overwrites grad_parameters, which is laid out as the model's parameters().
  void backward(const Call& call, std::span<float> grad_parameters);

 private:
  using Buffer = AlignedBuffer<float>;
  /// A layer that is computed; with it the ReLU before it, where it takes that.
  struct Step {
    const Sequential::Entry& entry;
    RandomStream stream;  ///< the layer's own
    bool fuses_input_relu;
  };
  [[nodiscard]] LayerContext context_for(const Call& call, const Step& step);

  const Sequential& model_;
  std::size_t threads_;
  std::vector<Step> steps_;
  std::vector<Buffer> activations_;  ///< input of each step, then the last one's output
  Buffer gradients_[2];              ///< of a step's output and input, in turn
  AlignedBuffer<std::byte> workspace_;
  std::size_t workspace_bytes_ = 0;
};

}  // namespace reprise
