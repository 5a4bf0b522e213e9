// Layers that map each value by itself: ReLU, tanh; and flatten, which maps none.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/nn/elementwise_layers.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <fmt/format.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// NaN is not below 0, so it passes, and so does -0. Of "below 0, then 0" clang makes a maximum
/// where the machine has one, which may take +0 for -0: what is below 0 is at most the largest
/// negative number.
void relu_forward(std::size_t size, const float* input, float* output) {
  for_each_vector(size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto x = hn::LoadU(d, input + i);
    const auto below = hn::Le(x, hn::Set(d, -std::numeric_limits<float>::denorm_min()));
    hn::StoreU(hn::IfThenZeroElse(below, x), d, output + i);
  });
}

/// NaN is not 0 or below either, and passes the gradient.
void relu_backward(std::size_t size, const float* grad_output, const float* output,
                   float* grad_input) {
  for_each_vector(size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto cut_off = hn::Le(hn::LoadU(d, output + i), hn::Zero(d));
    hn::StoreU(hn::IfThenZeroElse(cut_off, hn::LoadU(d, grad_output + i)), d, grad_input + i);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(relu_forward);
HWY_EXPORT(relu_backward);

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
  [[nodiscard]] LayerDescription description() const override { return {ReluDescription{}}; }
  [[nodiscard]] bool is_relu() const override { return true; }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    REPRISE_DISPATCH(relu_forward)(count(context), input, output);
  }

  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* output, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    REPRISE_DISPATCH(relu_backward)(count(context), grad_output, output, grad_input);
  }
};

class TanhLayer final : public ElementwiseLayer {
 public:
  TanhLayer(float amplitude, float slope) : amplitude_(amplitude), slope_(slope) {}

  [[nodiscard]] std::string_view type() const override { return "tanh"; }
  [[nodiscard]] LayerDescription description() const override {
    return {TanhDescription{amplitude_, slope_}};
  }
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
  [[nodiscard]] LayerDescription description() const override { return {FlattenDescription{}}; }

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
#endif  // HWY_ONCE
