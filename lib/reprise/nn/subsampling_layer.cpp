// Trainable subsampling (LeCun et al. 1998, section II.B).
//
//   sum(c) = ((a + b) + d) + e over a window's cells in row-major order
//   output(c) = weight(c) sum(c) + bias(c), two roundings
// Parameter gradients are long sums (core/long_sum.hpp) over the call's windows in row-major order.
// Loops over channels are innermost, for the compiler to put into vectors: no operation crosses
// channels.
#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

class SubsamplingLayer final : public Layer {
 public:
  explicit SubsamplingLayer(const SubsamplingLayerOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view type() const override { return "subsampling"; }
  [[nodiscard]] LayerDescription description() const override { return {SubsamplingDescription{}}; }
  [[nodiscard]] std::string settings() const override { return "2x2, stride 2x2"; }

  FeatureShape build(const FeatureShape& input) override {
    if (input.height < 2 || input.width < 2) {
      throw Error("subsampling layer", "an input of shape " + input.text(), "2x2 cells or more");
    }
    input_ = input;
    return output_ = {input.height / 2, input.width / 2, input.channels};
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters() const override {
    const Fans fans{4, 1};
    return {{"weight", {input_.channels}, {"channels"}, options_.weight, fans},
            {"bias", {input_.channels}, {"channels"}, options_.bias, fans}};
  }

  [[nodiscard]] std::size_t connections() const override { return 5 * output_.size(); }

  [[nodiscard]] std::size_t workspace_bytes(std::size_t N, std::size_t /*threads*/) const override {
    return ArrayRunTree::memory_floats(run_count(windows(N)), 2 * input_.channels) * sizeof(float);
  }

  void forward(const LayerContext& context, const float* input, const float* parameters,
               float* output) const override {
    const std::size_t C = input_.channels;
    for_each_window(context.N, [&](const Window& window, std::size_t out) {
      for (std::size_t c = 0; c < C; ++c) {
        output[out + c] = parameters[c] * window.sum(input + c) + parameters[C + c];
      }
    });
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* parameters, float* grad_input,
                float* grad_parameters) const override {
    const std::size_t C = input_.channels;
    ArrayRunTree tree(run_count(windows(context.N)), 2 * C, grad_parameters,
                      reinterpret_cast<float*>(context.workspace.data()));
    float* sums = tree.next();
    std::fill_n(sums, 2 * C, 0.0F);
    std::size_t left = kRunTerms;
    for_each_window(context.N, [&](const Window& window, std::size_t out) {
      if (left == 0) {
        tree.add(1);
        sums = tree.next();
        std::fill_n(sums, 2 * C, 0.0F);
        left = kRunTerms;
      }
      for (std::size_t c = 0; c < C; ++c) {
        sums[c] += grad_output[out + c] * window.sum(input + c);
        sums[C + c] += grad_output[out + c];
      }
      --left;
    });
    tree.add(1);
    if (grad_input == nullptr) return;
    if (input_.height % 2 != 0 || input_.width % 2 != 0) {
      std::fill_n(grad_input, context.N * input_.size(), 0.0F);
    }
    for_each_window(context.N, [&](const Window& window, std::size_t out) {
      for (std::size_t c = 0; c < C; ++c) {
        const float grad = parameters[c] * grad_output[out + c];
        for (const std::size_t cell : window.cells) grad_input[cell + c] = grad;
      }
    });
  }

 private:
  /// Where the four cells of a window are, in row-major order.
  struct Window {
    std::size_t cells[4];
    [[nodiscard]] float sum(const float* input) const {
      return ((input[cells[0]] + input[cells[1]]) + input[cells[2]]) + input[cells[3]];
    }
  };

  /// Of N images.
  [[nodiscard]] std::size_t windows(std::size_t N) const {
    return N * output_.height * output_.width;
  }

  /// Calls body(window, place of its output).
  template <class Body>
  void for_each_window(std::size_t N, const Body& body) const {
    const std::size_t C = input_.channels;
    const std::size_t row = input_.width * C;
    std::size_t out = 0;
    for (std::size_t n = 0; n < N; ++n) {
      for (std::size_t oh = 0; oh < output_.height; ++oh) {
        for (std::size_t ow = 0; ow < output_.width; ++ow, out += C) {
          const std::size_t first = n * input_.size() + 2 * oh * row + 2 * ow * C;
          body(Window{{first, first + C, first + row, first + row + C}}, out);
        }
      }
    }
  }

  SubsamplingLayerOptions options_;
  FeatureShape input_, output_;
};

}  // namespace

std::unique_ptr<Layer> subsampling_layer(const SubsamplingLayerOptions& options) {
  return std::make_unique<SubsamplingLayer>(options);
}

}  // namespace reprise
