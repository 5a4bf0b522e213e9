// Layers that map each value by itself: ReLU, tanh; and flatten, which maps none.
#include <fmt/format.h>
#include <algorithm>

#include "reprise/linalg/math.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

/// A layer whose output has its input's shape.
class ElementwiseLayer : public Layer {
 public:
  FeatureShape build(const FeatureShape& input) override {
    size_ = input.size();
    return input;
  }

 protected:
  [[nodiscard]] std::size_t count(const LayerContext& context) const { return context.N * size_; }

 private:
  std::size_t size_ = 0;
};

class ReluLayer final : public ElementwiseLayer {
 public:
  [[nodiscard]] std::string_view type() const override { return "relu"; }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    const std::size_t size = count(context);
    // NaN is not below 0, so it passes.
    for (std::size_t i = 0; i < size; ++i) output[i] = input[i] < 0.0F ? 0.0F : input[i];
  }

  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* output, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    const std::size_t size = count(context);
    for (std::size_t i = 0; i < size; ++i) {
      grad_input[i] = output[i] > 0.0F ? grad_output[i] : 0.0F;
    }
  }
};

class TanhLayer final : public ElementwiseLayer {
 public:
  TanhLayer(float amplitude, float slope) : amplitude_(amplitude), slope_(slope) {}

  [[nodiscard]] std::string_view type() const override { return "tanh"; }
  [[nodiscard]] std::string settings() const override {
    if (amplitude_ == 1.0F && slope_ == 1.0F) return "";
    return fmt::format("{} tanh({} x)", amplitude_, slope_);
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    const std::size_t size = count(context);
    for (std::size_t i = 0; i < size; ++i) output[i] = slope_ * input[i];
    tanh(size, output, output);
    for (std::size_t i = 0; i < size; ++i) output[i] *= amplitude_;
  }

  /// d/dx A tanh(S x) = A S (1 - tanh^2) = A S - (S / A) output^2.
  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* output, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    const std::size_t size = count(context);
    const float most = amplitude_ * slope_;
    const float ratio = slope_ / amplitude_;
    for (std::size_t i = 0; i < size; ++i) {
      grad_input[i] = grad_output[i] * (most - ratio * (output[i] * output[i]));
    }
  }

 private:
  float amplitude_;
  float slope_;
};

class FlattenLayer final : public ElementwiseLayer {
 public:
  [[nodiscard]] std::string_view type() const override { return "flatten"; }

  FeatureShape build(const FeatureShape& input) override {
    ElementwiseLayer::build(input);
    return {1, 1, input.size(), true};
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    std::copy_n(input, count(context), output);
  }

  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input != nullptr) std::copy_n(grad_output, count(context), grad_input);
  }
};

}  // namespace

std::unique_ptr<Layer> relu_layer() {
  return std::make_unique<ReluLayer>();
}

std::unique_ptr<Layer> tanh_layer(float amplitude, float slope) {
  return std::make_unique<TanhLayer>(amplitude, slope);
}

std::unique_ptr<Layer> flatten_layer() {
  return std::make_unique<FlattenLayer>();
}

}  // namespace reprise
