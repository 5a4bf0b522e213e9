// Euclidean radial basis functions with fixed centres (LeCun et al. 1998, equation 7), negated.
//
//   output(n, i) = -(long sum (core/long_sum.hpp) over j of d d, d = input(n, j) - code(i, j))
//   grad_input(n, j) = -2 (chain over ascending i of acc + grad_output(n, i) d)
#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

class RbfLayer final : public Layer {
 public:
  explicit RbfLayer(std::vector<std::vector<float>> codes) : codes_(std::move(codes)) {
    if (codes_.empty() || codes_.front().empty()) {
      throw Error("rbf layer", "no codes", "one for each class, of one length");
    }
    inputs_ = codes_.front().size();
    for (const std::vector<float>& code : codes_) {
      if (code.size() != inputs_) {
        throw Error("rbf layer",
                    "codes of " + std::to_string(inputs_) + " and of " +
                        std::to_string(code.size()) + " values",
                    "one length");
      }
    }
  }

  [[nodiscard]] std::string_view type() const override { return "rbf"; }
  [[nodiscard]] LayerDescription description() const override { return {RbfDescription{codes_}}; }

  FeatureShape build(const FeatureShape& input) override {
    if (!input.flat || input.channels != inputs_) {
      throw Error("rbf layer", "an input of shape " + input.text(),
                  "(None, " + std::to_string(inputs_) + "), as the codes have");
    }
    return {1, 1, codes_.size(), true};
  }

  [[nodiscard]] std::size_t connections() const override { return inputs_ * codes_.size(); }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    for (std::size_t n = 0; n < context.N; ++n, input += inputs_) {
      for (const std::vector<float>& code : codes_) {
        *output++ = -long_sum<float>(inputs_, [&](std::size_t j) {
          const float difference = input[j] - code[j];
          return difference * difference;
        });
      }
    }
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    for (std::size_t n = 0; n < context.N; ++n, input += inputs_, grad_input += inputs_) {
      std::fill_n(grad_input, inputs_, 0.0F);
      for (const std::vector<float>& code : codes_) {
        const float grad = *grad_output++;
        for (std::size_t j = 0; j < inputs_; ++j) grad_input[j] += grad * (input[j] - code[j]);
      }
      for (std::size_t j = 0; j < inputs_; ++j) grad_input[j] *= -2.0F;
    }
  }

 private:
  std::vector<std::vector<float>> codes_;  ///< one per class
  std::size_t inputs_ = 0;
};

}  // namespace

std::unique_ptr<Layer> rbf_layer(std::vector<std::vector<float>> codes) {
  return std::make_unique<RbfLayer>(std::move(codes));
}

}  // namespace reprise
