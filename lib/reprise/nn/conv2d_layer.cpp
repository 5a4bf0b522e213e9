// A convolution layer: output = conv(input, weight) + bias.

#include "reprise/conv/conv2d.hpp"
#include "reprise/nn/layer_convolution.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

std::string_view text_of(Padding2d::Kind kind) {
  switch (kind) {
    case Padding2d::Kind::valid:
      return "valid";
    case Padding2d::Kind::same:
      return "same";
    case Padding2d::Kind::keep_size:
      return "keep-size";
    case Padding2d::Kind::sides:
      return "explicit";
  }
  return "";
}

class Conv2dLayer final : public Layer {
 public:
  Conv2dLayer(const Conv2dLayerOptions& options, const ConvAlgorithm& algorithm)
      : options_(options), algorithm_(algorithm) {}

  [[nodiscard]] std::string_view type() const override { return "conv2d"; }
  [[nodiscard]] LayerDescription description() const override {
    return {Conv2dDescription{shape_}};
  }

  [[nodiscard]] std::string settings() const override {
    const Conv2dOptions& o = options_.convolution;
    std::string text = std::to_string(options_.kernel.h) + "x" + std::to_string(options_.kernel.w);
    if (o.stride != Extent2d{1, 1}) {
      text += ", stride " + std::to_string(o.stride.h) + "x" + std::to_string(o.stride.w);
    }
    if (o.dilation != Extent2d{1, 1}) {
      text += ", dilation " + std::to_string(o.dilation.h) + "x" + std::to_string(o.dilation.w);
    }
    if (o.groups != 1) text += ", " + std::to_string(o.groups) + " groups";
    return text + ", " + std::string(text_of(o.padding.kind())) + " padding, " + algorithms();
  }

  FeatureShape build(const FeatureShape& input) override {
    shape_ = make_conv_shape(1, input.height, input.width, input.channels, options_.filters,
                             options_.kernel.h, options_.kernel.w, options_.convolution);
    convolution().check_offered("conv2d layer");
    return {shape_.OH, shape_.OW, shape_.OC};
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters() const override {
    const Fans fans{shape_.KH * shape_.KW * (shape_.IC / shape_.G),
                    shape_.KH * shape_.KW * (shape_.OC / shape_.G)};
    return {{"weight",
             {shape_.KH, shape_.KW, shape_.IC / shape_.G, shape_.OC},
             {"kernel_height", "kernel_width", "in_channels", "out_channels"},
             options_.weight,
             fans},
            {"bias", {shape_.OC}, {"out_channels"}, options_.bias, fans}};
  }

  [[nodiscard]] std::size_t connections() const override {
    return shape_.OH * shape_.OW * (shape_.weight_size() + shape_.OC);
  }

  [[nodiscard]] std::size_t workspace_bytes(std::size_t N, std::size_t threads) const override {
    return convolution().workspace_bytes(N, threads);
  }

  void forward(const LayerContext& context, const float* input, const float* parameters,
               float* output) const override {
    convolution().algorithm().forward(convolution().for_images(context.N), input, parameters,
                                      parameters + shape_.weight_size(), output,
                                      {context.workspace, context.threads});
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* parameters, float* grad_input,
                float* grad_parameters) const override {
    const ConvShape shape = convolution().for_images(context.N);
    const ConvResources resources{context.workspace, context.threads};
    convolution().algorithm().grad_weight(shape, grad_output, input, grad_parameters, resources);
    conv2d_grad_bias(shape, grad_output, grad_parameters + shape.weight_size());
    if (grad_input != nullptr) {
      convolution().algorithm().grad_input(shape, grad_output, parameters, grad_input, resources);
    }
  }

 private:
  [[nodiscard]] LayerConvolution convolution() const { return {shape_, algorithm_}; }

  /// "direct", or, where `auto` chose differently per pass, "auto: direct, direct, fft".
  [[nodiscard]] std::string algorithms() const {
    if (algorithm_.name != "auto") return std::string(algorithm_.name);
    std::string text = "auto: ";
    for (const ConvPass pass : kConvPasses) {
      if (pass != ConvPass::forward) text += ", ";
      text += convolution().algorithm_for(pass).name;
    }
    return text;
  }

  Conv2dLayerOptions options_;
  const ConvAlgorithm& algorithm_;
  ConvShape shape_;
};

}  // namespace

std::unique_ptr<Layer> conv2d_layer(const Conv2dLayerOptions& options,
                                    const ConvAlgorithm& algorithm) {
  return std::make_unique<Conv2dLayer>(options, algorithm);
}

}  // namespace reprise
