// A pooling layer: the maximum or average of each window.
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/pool/pool2d.hpp"

namespace reprise {
namespace {

class Pool2dLayer final : public Layer {
 public:
  explicit Pool2dLayer(const Pool2dOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view type() const override {
    return options_.mode == PoolMode::max ? "max_pool2d" : "average_pool2d";
  }
  [[nodiscard]] LayerDescription description() const override {
    return {Pool2dDescription{shape_, options_.mode, options_.count_include_padding}};
  }
  [[nodiscard]] std::string settings() const override {
    std::string text = std::to_string(options_.kernel.h) + "x" + std::to_string(options_.kernel.w) +
                       ", stride " + std::to_string(options_.stride.h) + "x" +
                       std::to_string(options_.stride.w);
    if (options_.dilation != Extent2d{1, 1}) {
      text += ", dilation " + std::to_string(options_.dilation.h) + "x" +
              std::to_string(options_.dilation.w);
    }
    return text;
  }

  [[nodiscard]] bool can_fuse_input_relu() const override { return options_.mode == PoolMode::max; }

  FeatureShape build(const FeatureShape& input) override {
    shape_ = make_pool_shape(1, input.height, input.width, input.channels, options_);
    return {shape_.OH, shape_.OW, shape_.C};
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    if (options_.mode == PoolMode::max) {
      max_pool_forward(for_images(context.N), input, output, context.fuses_input_relu);
    } else {
      average_pool_forward(for_images(context.N), options_.count_include_padding, input, output);
    }
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    if (options_.mode == PoolMode::max) {
      max_pool_backward(for_images(context.N), options_.ties, grad_output, input, grad_input,
                        context.fuses_input_relu);
    } else {
      average_pool_backward(for_images(context.N), options_.count_include_padding, grad_output,
                            grad_input);
    }
  }

 private:
  [[nodiscard]] PoolShape for_images(std::size_t N) const {
    PoolShape shape = shape_;
    shape.N = N;
    return shape;
  }

  Pool2dOptions options_;
  PoolShape shape_;
};

}  // namespace

std::unique_ptr<Layer> pool2d_layer(const Pool2dOptions& options) {
  return std::make_unique<Pool2dLayer>(options);
}

}  // namespace reprise
