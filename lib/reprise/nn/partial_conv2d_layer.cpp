// A convolution whose output channels each see some of the input channels.
//
// The parameters hold the connections' weights alone. For each pass they are spread out into a
// whole kernel (KH,KW,IC,OC) with zeros elsewhere, or the whole kernel's gradient is picked from:
// KH*KW*IC*OC copies, little beside the convolution itself.
#include <algorithm>

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/nn/layer_convolution.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

class PartialConv2dLayer final : public Layer {
 public:
  PartialConv2dLayer(const PartialConv2dLayerOptions& options, const ConvAlgorithm& algorithm)
      : options_(options), algorithm_(algorithm) {}

  [[nodiscard]] std::string_view type() const override { return "partial_conv2d"; }
  [[nodiscard]] LayerDescription description() const override {
    return {PartialConv2dDescription{shape_, options_.connections}};
  }
  [[nodiscard]] std::string settings() const override {
    return std::to_string(shape_.KH) + "x" + std::to_string(shape_.KW) + ", " +
           std::to_string(pair_count()) + " of " + std::to_string(shape_.IC * shape_.OC) +
           " pairs of channels, " + std::string(algorithm_.name);
  }

  FeatureShape build(const FeatureShape& input) override {
    check_connections(input.channels);
    shape_ = make_conv_shape(1, input.height, input.width, input.channels,
                             options_.connections.size(), options_.kernel.h, options_.kernel.w);
    convolution().check_offered("partial conv2d layer");
    settle_places();
    return {shape_.OH, shape_.OW, shape_.OC};
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters() const override {
    std::vector<ParameterSpec> specs;
    const std::size_t cells = shape_.KH * shape_.KW;
    for (const Group& group : groups()) {
      specs.push_back({"weight" + std::to_string(group.inputs),
                       {shape_.KH, shape_.KW, group.inputs, group.count},
                       {"kernel_height", "kernel_width", "in_channels", "out_channels"},
                       options_.weight,
                       {cells * group.inputs, cells * shape_.OC}});
    }
    specs.push_back({"bias", {shape_.OC}, {"out_channels"}, options_.bias, {1, 1}});
    return specs;
  }

  [[nodiscard]] std::size_t connections() const override {
    return shape_.OH * shape_.OW * (places_.size() + shape_.OC);
  }

  [[nodiscard]] std::size_t workspace_bytes(std::size_t N, std::size_t threads) const override {
    return kernel_bytes() + convolution().workspace_bytes(N, threads);
  }

  void forward(const LayerContext& context, const float* input, const float* parameters,
               float* output) const override {
    convolution().algorithm().forward(convolution().for_images(context.N), input,
                                      whole_kernel(context, parameters),
                                      parameters + places_.size(), output, resources(context));
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* parameters, float* grad_input,
                float* grad_parameters) const override {
    const ConvShape shape = convolution().for_images(context.N);
    float* const kernel = reinterpret_cast<float*>(context.workspace.data());
    convolution().algorithm().grad_weight(shape, grad_output, input, kernel, resources(context));
    for (std::size_t i = 0; i < places_.size(); ++i) grad_parameters[i] = kernel[places_[i]];
    conv2d_grad_bias(shape, grad_output, grad_parameters + places_.size());
    if (grad_input == nullptr) return;
    convolution().algorithm().grad_input(shape, grad_output, whole_kernel(context, parameters),
                                         grad_input, resources(context));
  }

 private:
  /// Output channels first .. first + count - 1, each with so many inputs.
  struct Group {
    std::size_t first, count, inputs;
  };

  void check_connections(std::size_t channels) const {
    const char* const where = "partial conv2d layer";
    std::size_t before = 1;
    for (const std::vector<std::size_t>& inputs : options_.connections) {
      if (inputs.size() < before) {
        throw Error(where, "an output channel with " + std::to_string(inputs.size()) + " inputs",
                    std::to_string(before) + " or more, as the one before it");
      }
      before = inputs.size();
      const bool ascending = std::is_sorted(inputs.begin(), inputs.end()) &&
                             std::adjacent_find(inputs.begin(), inputs.end()) == inputs.end();
      if (!ascending || inputs.back() >= channels) {
        throw Error(where, "connections that descend or are outside the input's channels",
                    "ascending channels below " + std::to_string(channels));
      }
    }
  }

  [[nodiscard]] std::vector<Group> groups() const {
    std::vector<Group> all;
    for (std::size_t oc = 0; oc < options_.connections.size(); ++oc) {
      const std::size_t inputs = options_.connections[oc].size();
      if (all.empty() || all.back().inputs != inputs) all.push_back({oc, 0, inputs});
      ++all.back().count;
    }
    return all;
  }

  [[nodiscard]] std::size_t pair_count() const { return places_.size() / (shape_.KH * shape_.KW); }

  /// Fills places_: where each parameter stands in the whole kernel.
  void settle_places() {
    places_.clear();
    for (const Group& group : groups()) {
      for (std::size_t cell = 0; cell < shape_.KH * shape_.KW; ++cell) {
        for (std::size_t i = 0; i < group.inputs; ++i) {
          for (std::size_t oc = group.first; oc < group.first + group.count; ++oc) {
            const std::size_t ic = options_.connections[oc][i];
            places_.push_back((cell * shape_.IC + ic) * shape_.OC + oc);
          }
        }
      }
    }
  }

  /// Bytes of the whole kernel at the workspace's front, so that the rest is aligned.
  [[nodiscard]] std::size_t kernel_bytes() const {
    return round_up(shape_.weight_size() * sizeof(float), 64);
  }

  [[nodiscard]] ConvResources resources(const LayerContext& context) const {
    return {context.workspace.subspan(kernel_bytes()), context.threads};
  }

  /// The weights with zeros between them, in the workspace.
  const float* whole_kernel(const LayerContext& context, const float* parameters) const {
    float* const kernel = reinterpret_cast<float*>(context.workspace.data());
    std::fill_n(kernel, shape_.weight_size(), 0.0F);
    for (std::size_t i = 0; i < places_.size(); ++i) kernel[places_[i]] = parameters[i];
    return kernel;
  }

  [[nodiscard]] LayerConvolution convolution() const { return {shape_, algorithm_}; }

  PartialConv2dLayerOptions options_;
  const ConvAlgorithm& algorithm_;
  ConvShape shape_;
  std::vector<std::size_t> places_;
};

}  // namespace

std::unique_ptr<Layer> partial_conv2d_layer(const PartialConv2dLayerOptions& options,
                                            const ConvAlgorithm& algorithm) {
  return std::make_unique<PartialConv2dLayer>(options, algorithm);
}

}  // namespace reprise
