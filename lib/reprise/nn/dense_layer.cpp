// A dense layer: output(n, o) = sum over i of input(n, i) weight(i, o), plus bias(o).
//
// Each output is one ascending fma chain over i, to which the bias is added last; weight gradients
// are matrix products, each one chain over the images of the call; bias gradients are long sums
// (core/long_sum.hpp) over them.
#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

class DenseLayer final : public Layer {
 public:
  explicit DenseLayer(const DenseLayerOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view type() const override { return "dense"; }
  [[nodiscard]] LayerDescription description() const override {
    return {DenseDescription{inputs_, options_.units}};
  }

  FeatureShape build(const FeatureShape& input) override {
    if (!input.flat) {
      throw Error("dense layer", "an input of shape " + input.text(),
                  "a flat one: put a flatten layer before it");
    }
    if (options_.units == 0) throw Error("dense layer", "0 units", "1 or more");
    inputs_ = input.channels;
    return {1, 1, options_.units, true};
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters() const override {
    const Fans fans{inputs_, options_.units};
    return {{"weight", {inputs_, options_.units}, {"in", "out"}, options_.weight, fans},
            {"bias", {options_.units}, {"out"}, options_.bias, fans}};
  }

  [[nodiscard]] std::size_t connections() const override { return (inputs_ + 1) * options_.units; }

  void forward(const LayerContext& context, const float* input, const float* parameters,
               float* output) const override {
    const std::size_t units = options_.units;
    const float* bias = parameters + inputs_ * units;
    gemm(context.N, units, inputs_, {input, inputs_, 1}, {parameters, units, 1}, output, units,
         false, context.threads);
    for (std::size_t n = 0; n < context.N; ++n) {
      for (std::size_t o = 0; o < units; ++o) output[n * units + o] += bias[o];
    }
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* parameters, float* grad_input,
                float* grad_parameters) const override {
    const std::size_t units = options_.units;
    gemm(inputs_, units, context.N, {input, 1, inputs_}, {grad_output, units, 1}, grad_parameters,
         units, false, context.threads);
    float* grad_bias = grad_parameters + inputs_ * units;
    sum_images(context.N, grad_output, grad_bias);
    if (grad_input != nullptr) {
      gemm(context.N, inputs_, units, {grad_output, units, 1}, {parameters, 1, units}, grad_input,
           inputs_, false, context.threads);
    }
  }

 private:
  /// grad_bias = the sum over N images of grad_output.
  void sum_images(std::size_t N, const float* grad_output, float* grad_bias) const {
    const std::size_t units = options_.units;
    if (N <= kRunTerms) {  // one chain, in vectors
      std::fill_n(grad_bias, units, 0.0F);
      for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t o = 0; o < units; ++o) grad_bias[o] += grad_output[n * units + o];
      }
      return;
    }
    for (std::size_t o = 0; o < units; ++o) {
      grad_bias[o] = long_sum<float>(N, [&](std::size_t n) { return grad_output[n * units + o]; });
    }
  }

  DenseLayerOptions options_;
  std::size_t inputs_ = 0;
};

}  // namespace

std::unique_ptr<Layer> dense_layer(const DenseLayerOptions& options) {
  return std::make_unique<DenseLayer>(options);
}

}  // namespace reprise
