// Brings pixels from [0, 1] into another range and puts a frame of background around them.
#include <fmt/format.h>

#include <algorithm>

#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

class RescaleLayer final : public Layer {
 public:
  explicit RescaleLayer(const RescaleLayerOptions& options)
      : options_(options), factor_(options.high - options.low) {}

  [[nodiscard]] std::string_view type() const override { return "rescale"; }
  [[nodiscard]] LayerDescription description() const override { return {options_}; }
  [[nodiscard]] std::string settings() const override {
    return fmt::format("to {} .. {}, padding {}", options_.low, options_.high, options_.padding);
  }

  FeatureShape build(const FeatureShape& input) override {
    input_ = output_ = input;
    output_.height += 2 * options_.padding;
    output_.width += 2 * options_.padding;
    return output_;
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    std::fill_n(output, context.N * output_.size(), options_.low);
    for_each_row(context.N, [&](std::size_t inside, std::size_t framed, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        output[framed + i] = options_.low + factor_ * input[inside + i];
      }
    });
  }

  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    for_each_row(context.N, [&](std::size_t inside, std::size_t framed, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        grad_input[inside + i] = factor_ * grad_output[framed + i];
      }
    });
  }

 private:
  /// Calls body(first element in the input, first element in the output, elements in the row).
  template <class Body>
  void for_each_row(std::size_t N, const Body& body) const {
    const std::size_t count = input_.width * input_.channels;
    const std::size_t framed_row = output_.width * output_.channels;
    const std::size_t corner = options_.padding * (framed_row + output_.channels);
    for (std::size_t n = 0; n < N; ++n) {
      for (std::size_t h = 0; h < input_.height; ++h) {
        body(n * input_.size() + h * count, n * output_.size() + corner + h * framed_row, count);
      }
    }
  }

  RescaleLayerOptions options_;
  float factor_;
  FeatureShape input_, output_;
};

}  // namespace

std::unique_ptr<Layer> rescale_layer(const RescaleLayerOptions& options) {
  return std::make_unique<RescaleLayer>(options);
}

}  // namespace reprise
