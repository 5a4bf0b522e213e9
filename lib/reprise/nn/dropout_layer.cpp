// Dropout (Hinton et al. 2012; Krizhevsky, Sutskever, Hinton 2012, section 4.2), inverted: what is
// kept in training is scaled up, so that nothing is left to do at test time.
//
// Value e of image i is kept if word e % 4 of counter i * ceil(size / 4) + e / 4 of the stream
// numbered by the step is at least rate * 2^32.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

namespace reprise {
namespace {

/// The value or 0, without a branch, which would be mispredicted for half of them.
float kept_or_zero(float value, bool keep) {
  const std::uint32_t mask = 0U - static_cast<std::uint32_t>(keep);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & mask);
}

double checked_rate(double rate) {
  if (rate >= 0.0 && rate < 1.0) return rate;
  throw Error("dropout layer", fmt::format("rate {}", rate), "0 to below 1");
}

class DropoutLayer final : public Layer {
 public:
  explicit DropoutLayer(double rate)
      : rate_(checked_rate(rate)),
        threshold_(static_cast<std::uint64_t>(std::nearbyint(rate * 0x1p32))),
        scale_(static_cast<float>(1.0 / (1.0 - rate))) {}

  [[nodiscard]] std::string_view type() const override { return "dropout"; }
  [[nodiscard]] LayerDescription description() const override {
    return {DropoutDescription{rate_}};
  }
  [[nodiscard]] std::string settings() const override { return fmt::format("rate {}", rate_); }

  FeatureShape build(const FeatureShape& input) override {
    size_ = input.size();
    return input;
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    apply(context, input, output);
  }

  void backward(const LayerContext& context, const float* grad_output, const float* /*input*/,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input != nullptr) apply(context, grad_output, grad_input);
  }

 private:
  /// The layer is linear, and its own transpose: to = mask * scale * from.
  void apply(const LayerContext& context, const float* from, float* to) const {
    if (!context.training || threshold_ == 0) {
      std::copy_n(from, context.N * size_, to);
      return;
    }
    const RandomStream stream = context.stream.child(context.step);
    const std::uint64_t counters = div_ceil<std::uint64_t>(size_, 4);
    for (std::size_t n = 0; n < context.N; ++n, from += size_, to += size_) {
      const std::uint64_t first = (context.first_image + n) * counters;
      for (std::size_t e = 0; e < size_; e += 4) {
        const auto words = stream.words(first + e / 4);
        const std::size_t count = std::min<std::size_t>(4, size_ - e);
        for (std::size_t i = 0; i < count; ++i) {
          to[e + i] = kept_or_zero(from[e + i] * scale_, words[i] >= threshold_);
        }
      }
    }
  }

  double rate_;
  std::uint64_t threshold_;
  float scale_;
  std::size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Layer> dropout_layer(double rate) {
  return std::make_unique<DropoutLayer>(rate);
}

}  // namespace reprise
