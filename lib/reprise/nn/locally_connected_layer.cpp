// A locally connected layer: a convolution that has weights of its own at each position.
//
//   output(n, oh, ow, oc) = bias(oh, ow, oc)
//     + sum over kh, kw, ic of input(n, oh*stride - pad + kh, ..., ic) * weight(oh, ow, kh, kw, ic,
//     oc)
// Cells outside the image are left out. The chains are those of `direct`
// (docs/numeric_contract.md): with the same weights and biases at all positions the outputs and
// grad_input have its bits. grad_weight of a position is one chain over the images of the call, as
// a dense layer's.
//
// A position's taps of one row of the kernel are neighbours in the input and in the weights, so
// that each pass is one matrix product for each position and row of the kernel, on the tensors
// where they are; a product goes on with the chains of the one before.
#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

/// What a position reads in one row of the kernel, for image 0; images are image_size() apart.
struct Taps {
  std::size_t position;  ///< of the output, row-major
  std::size_t input;     ///< the first value
  std::size_t weight;    ///< its row of the position's weights, each of OC
  std::size_t count;     ///< values, and rows of weights
};

class LocallyConnectedLayer final : public Layer {
 public:
  explicit LocallyConnectedLayer(const LocallyConnectedLayerOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view type() const override { return "locally_connected"; }
  [[nodiscard]] LayerDescription description() const override {
    return {LocallyConnectedDescription{shape_}};
  }
  [[nodiscard]] std::string settings() const override {
    std::string text = std::to_string(shape_.KH) + "x" + std::to_string(shape_.KW);
    if (options_.stride != Extent2d{1, 1}) {
      text += ", stride " + std::to_string(shape_.stride_h) + "x" + std::to_string(shape_.stride_w);
    }
    return text + ", weights of its own at each position";
  }

  FeatureShape build(const FeatureShape& input) override {
    Conv2dOptions options;
    options.stride = options_.stride;
    options.padding = options_.padding;
    shape_ = make_conv_shape(1, input.height, input.width, input.channels, options_.filters,
                             options_.kernel.h, options_.kernel.w, options);
    if (shape_.OH * shape_.OW > kMaxElements / shape_.weight_size()) {
      throw Error("locally connected layer",
                  std::to_string(shape_.OH * shape_.OW) + " positions of " +
                      std::to_string(shape_.weight_size()) + " weights each",
                  "at most 2^" + std::to_string(kMaxElementBits) + " weights");
    }
    settle_taps();
    return {shape_.OH, shape_.OW, shape_.OC};
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters() const override {
    const Fans fans{shape_.KH * shape_.KW * shape_.IC, shape_.KH * shape_.KW * shape_.OC};
    return {{"weight",
             {shape_.OH, shape_.OW, shape_.KH, shape_.KW, shape_.IC, shape_.OC},
             {"out_height", "out_width", "kernel_height", "kernel_width", "in_channels",
              "out_channels"},
             options_.weight,
             fans},
            {"bias",
             {shape_.OH, shape_.OW, shape_.OC},
             {"out_height", "out_width", "out_channels"},
             options_.bias,
             fans}};
  }

  [[nodiscard]] std::size_t connections() const override {
    return shape_.OH * shape_.OW * (shape_.weight_size() + shape_.OC);
  }

  void forward(const LayerContext& context, const float* input, const float* parameters,
               float* output) const override {
    const std::size_t OC = shape_.OC;
    const float* const bias = parameters + weights();
    for (std::size_t n = 0; n < context.N; ++n)
      std::copy_n(bias, image_out(), output + n * image_out());
    for (const Taps& taps : taps_) {
      gemm(context.N, OC, taps.count, {input + taps.input, image_in(), 1},
           {parameters + taps.weight * OC, OC, 1}, output + taps.position * OC, image_out(), true,
           context.threads);
    }
    drop_signs_of_zeros(context.N * image_out(), output);
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* parameters, float* grad_input,
                float* grad_parameters) const override {
    const std::size_t OC = shape_.OC;
    std::fill_n(grad_parameters, weights(), 0.0F);  // taps outside the image have no gradient
    for (const Taps& taps : taps_) {
      gemm(taps.count, OC, context.N, {input + taps.input, 1, image_in()},
           {grad_output + taps.position * OC, image_out(), 1}, grad_parameters + taps.weight * OC,
           OC, false, context.threads);
    }
    for (std::size_t i = 0; i < image_out(); ++i) {
      grad_parameters[weights() + i] = long_sum<float>(
          context.N, [&](std::size_t n) { return grad_output[n * image_out() + i]; });
    }
    if (grad_input == nullptr) return;
    std::fill_n(grad_input, context.N * image_in(), 0.0F);
    // Positions in descending order are a cell's taps in ascending order.
    for (std::size_t last = taps_.size(); last > 0;) {
      std::size_t first = last - 1;
      while (first > 0 && taps_[first - 1].position == taps_[first].position) --first;
      for (std::size_t i = first; i < last; ++i) {
        const Taps& taps = taps_[i];
        gemm(context.N, taps.count, OC, {grad_output + taps.position * OC, image_out(), 1},
             {parameters + taps.weight * OC, 1, OC}, grad_input + taps.input, image_in(), true,
             context.threads);
      }
      last = first;
    }
    drop_signs_of_zeros(context.N * image_in(), grad_input);
  }

 private:
  [[nodiscard]] std::size_t weights() const { return shape_.OH * shape_.OW * shape_.weight_size(); }
  [[nodiscard]] std::size_t image_in() const { return shape_.IH * shape_.IW * shape_.IC; }
  [[nodiscard]] std::size_t image_out() const { return shape_.OH * shape_.OW * shape_.OC; }

  static void drop_signs_of_zeros(std::size_t size, float* values) {
    for (std::size_t i = 0; i < size; ++i) values[i] += 0.0F;
  }

  /// The taps inside the image of every position, row-major, and of every row of the kernel.
  void settle_taps() {
    taps_.clear();
    const std::size_t per_position = shape_.KH * shape_.KW * shape_.IC;
    for (std::size_t position = 0; position < shape_.OH * shape_.OW; ++position) {
      const std::size_t h = position / shape_.OW * shape_.stride_h;  // counted from the padding
      const std::size_t w = position % shape_.OW * shape_.stride_w;
      const std::size_t begin = shape_.pad_left > w ? shape_.pad_left - w : 0;
      const std::size_t room = shape_.IW + shape_.pad_left;
      const std::size_t end = std::min(shape_.KW, room > w ? room - w : 0);
      for (std::size_t kh = 0; kh < shape_.KH && begin < end; ++kh) {
        if (h + kh < shape_.pad_top || h + kh >= shape_.IH + shape_.pad_top) continue;
        const std::size_t ih = h + kh - shape_.pad_top;
        const std::size_t iw = w + begin - shape_.pad_left;
        taps_.push_back({position, (ih * shape_.IW + iw) * shape_.IC,
                         position * per_position + (kh * shape_.KW + begin) * shape_.IC,
                         (end - begin) * shape_.IC});
      }
    }
  }

  LocallyConnectedLayerOptions options_;
  ConvShape shape_;
  std::vector<Taps> taps_;
};

}  // namespace

std::unique_ptr<Layer> locally_connected_layer(const LocallyConnectedLayerOptions& options) {
  return std::make_unique<LocallyConnectedLayer>(options);
}

}  // namespace reprise
