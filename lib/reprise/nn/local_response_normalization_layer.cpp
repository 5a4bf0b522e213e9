// Local response normalization (Krizhevsky, Sutskever, Hinton 2012, section 3.3).
//
//   s(c) = k + alpha * sum over j of a(j)^2,  j from c - n/2 to c + n/2 where such channels are
//   b(c) = a(c) s(c)^-beta
//   grad_a(c) = grad_b(c) s(c)^-beta - 2 alpha beta a(c) * sum over j of t(j),
//   t(j) = grad_b(j) b(j) / s(j)
// A sum is one chain in ascending j in which channels that do not exist count 0. Vector lanes hold
// neighbouring channels; a row of an image is worked at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/nn/local_response_normalization_layer.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <fmt/format.h>
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/nn/layers.hpp"

// NOLINTNEXTLINE(llvm-header-guard): once, not once per target.
#ifndef REPRISE_NN_NORMALIZATION_ROW
#define REPRISE_NN_NORMALIZATION_ROW
namespace reprise {
namespace {

/// A row of pixels, each with C channels, and the constants of the formula.
struct NormalizationRow {
  std::size_t pixels, C, neighbours;
  float k, alpha, beta;
  /// (pixels, C + neighbours - 1), of which the first and last (neighbours - 1) / 2 of each pixel
  /// are zeros. A row's values are all stored before they are loaded: loads that straddle stores
  /// have to wait for them.
  float* padded;
};

}  // namespace
}  // namespace reprise
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls finish(tag, i, sum) for vectors of the row's elements i, where sum adds value(tag, j) over
/// the neighbours j of each.
template <class Value, class Finish>
HWY_INLINE void for_each_window_sum(const NormalizationRow& row, const Value& value,
                                    const Finish& finish) {
  const std::size_t stride = row.C + row.neighbours - 1;
  for (std::size_t p = 0; p < row.pixels; ++p) {
    float* const to = row.padded + p * stride + row.neighbours / 2;
    for_each_vector(row.C, [&](auto d, std::size_t c)
                               HWY_ATTR { hn::StoreU(value(d, p * row.C + c), d, to + c); });
  }
  for (std::size_t p = 0; p < row.pixels; ++p) {
    const float* const from = row.padded + p * stride;
    for_each_vector(row.C, [&](auto d, std::size_t c) HWY_ATTR {
      auto sum = hn::LoadU(d, from + c);
      for (std::size_t j = 1; j < row.neighbours; ++j) {
        sum = hn::Add(sum, hn::LoadU(d, from + c + j));
      }
      finish(d, p * row.C + c, sum);
    });
  }
}

/// scales = s of every element.
void row_scales(const NormalizationRow& row, const float* input, float* scales) {
  for_each_window_sum(
      row,
      [&](auto d, std::size_t i) HWY_ATTR {
        const auto a = hn::LoadU(d, input + i);
        return hn::Mul(a, a);
      },
      [&](auto d, std::size_t i, auto sum) HWY_ATTR {
        hn::StoreU(hn::MulAdd(hn::Set(d, row.alpha), sum, hn::Set(d, row.k)), d, scales + i);
      });
}

/// output = input * powers.
void row_output(const NormalizationRow& row, const float* input, const float* powers,
                float* output) {
  for_each_vector(row.pixels * row.C, [&](auto d, std::size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, input + i), hn::LoadU(d, powers + i)), d, output + i);
  });
}

/// grad_input from s in `scales` and s^-beta in `powers`.
void row_grad_input(const NormalizationRow& row, const float* grad_output, const float* input,
                    const float* scales, const float* powers, float* grad_input) {
  const float factor = -2.0F * row.alpha * row.beta;
  for_each_window_sum(
      row,
      [&](auto d, std::size_t i) HWY_ATTR {
        const auto b = hn::Mul(hn::LoadU(d, input + i), hn::LoadU(d, powers + i));
        return hn::Div(hn::Mul(hn::LoadU(d, grad_output + i), b), hn::LoadU(d, scales + i));
      },
      [&](auto d, std::size_t i, auto sum) HWY_ATTR {
        const auto direct = hn::Mul(hn::LoadU(d, grad_output + i), hn::LoadU(d, powers + i));
        const auto scaled = hn::Mul(hn::Set(d, factor), hn::LoadU(d, input + i));
        hn::StoreU(hn::MulAdd(scaled, sum, direct), d, grad_input + i);
      });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
namespace {
HWY_EXPORT(row_scales);
HWY_EXPORT(row_output);
HWY_EXPORT(row_grad_input);

class LocalResponseNormalizationLayer final : public Layer {
 public:
  explicit LocalResponseNormalizationLayer(const LocalResponseNormalizationOptions& options)
      : options_(options) {
    if (options.n % 2 == 0 || options.n >= kRunTerms) {  // a sum is one chain
      throw Error("local response normalization", std::to_string(options.n) + " neighbours",
                  "an odd number below " + std::to_string(kRunTerms));
    }
    if (!(options.k > 0.0) || !(options.alpha >= 0.0)) {
      throw Error("local response normalization",
                  fmt::format("k = {}, alpha = {}", options.k, options.alpha),
                  "k above 0 and alpha of 0 or more");
    }
  }

  [[nodiscard]] std::string_view type() const override { return "local_response_normalization"; }
  [[nodiscard]] std::string settings() const override {
    return fmt::format("k {}, n {}, alpha {}, beta {}", options_.k, options_.n, options_.alpha,
                       options_.beta);
  }

  FeatureShape build(const FeatureShape& input) override { return shape_ = input; }

  [[nodiscard]] std::size_t workspace_bytes(std::size_t /*N*/,
                                            std::size_t /*threads*/) const override {
    return (padded_size() + 2 * row_size()) * sizeof(float);
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    for_each_row(context, [&](const Row& row, std::size_t first) {
      scale(row, input + first);
      HWY_DYNAMIC_DISPATCH(row_output)(row.sizes, input + first, row.powers, output + first);
    });
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    for_each_row(context, [&](const Row& row, std::size_t first) {
      scale(row, input + first);
      HWY_DYNAMIC_DISPATCH(row_grad_input)
      (row.sizes, grad_output + first, input + first, row.scales, row.powers, grad_input + first);
    });
  }

 private:
  /// A row of an image and the arrays it needs, in the workspace.
  struct Row {
    NormalizationRow sizes;
    float* scales;
    float* powers;
  };

  [[nodiscard]] std::size_t padded_size() const {
    return shape_.width * (shape_.channels + options_.n - 1);
  }
  [[nodiscard]] std::size_t row_size() const { return shape_.width * shape_.channels; }

  /// Fills the row's scales and powers.
  static void scale(const Row& row, const float* input) {
    HWY_DYNAMIC_DISPATCH(row_scales)(row.sizes, input, row.scales);
    inverse_power(row.sizes.pixels * row.sizes.C, row.sizes.beta, row.scales, row.powers);
  }

  /// Calls body(row, index of its first element).
  template <class Body>
  void for_each_row(const LayerContext& context, const Body& body) const {
    auto* const memory = reinterpret_cast<float*>(context.workspace.data());
    std::fill_n(memory, padded_size(), 0.0F);
    const Row row{{shape_.width, shape_.channels, options_.n, static_cast<float>(options_.k),
                   static_cast<float>(options_.alpha), static_cast<float>(options_.beta), memory},
                  memory + padded_size(),
                  memory + padded_size() + row_size()};
    const std::size_t rows = context.N * shape_.height;
    for (std::size_t r = 0; r < rows; ++r) body(row, r * row_size());
  }

  LocalResponseNormalizationOptions options_;
  FeatureShape shape_;
};

}  // namespace

std::unique_ptr<Layer> local_response_normalization_layer(
    const LocalResponseNormalizationOptions& options) {
  return std::make_unique<LocalResponseNormalizationLayer>(options);
}

}  // namespace reprise
#endif  // HWY_ONCE
