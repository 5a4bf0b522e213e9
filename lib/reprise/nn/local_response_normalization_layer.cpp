// Local response normalization (Krizhevsky, Sutskever, Hinton 2012, section 3.3).
//
//   s(i) = k + alpha * sum over the neighbours j of i of a(j)^2
//   b(i) = a(i) s(i)^-beta
//   grad_a(i) = grad_b(i) s(i)^-beta - 2 alpha beta a(i) * sum over the neighbours j of i of t(j),
//   t(j) = grad_b(j) b(j) / s(j)
// Neighbours are n channels of a pixel or, within maps, n x n pixels of a channel; i is in the
// middle. A sum is one chain in their order in memory, in which neighbours that do not exist count
// 0. Vector lanes hold values that are neighbours in memory. A part of an image is processed at a
// time, from a copy with zeros around: a row across channels, all of it within maps.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/nn/local_response_normalization_layer.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <fmt/format.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/nn/layer_description.hpp"
#include "reprise/nn/layers.hpp"

// NOLINTNEXTLINE(llvm-header-guard): once, not once per target.
#ifndef REPRISE_NN_NORMALIZATION_ROW
#define REPRISE_NN_NORMALIZATION_ROW
namespace reprise {
namespace {

/// A part of an image, in runs of values whose neighbours lie at the same offsets, and the
/// constants of the formula. Across channels a run is a pixel, within maps it is a row.
struct NormalizationPart {
  std::size_t runs, length;
  std::size_t stride;                       ///< from run to run of the copy
  std::size_t middle;                       ///< where the copy has the first run's values
  const std::vector<std::size_t>* offsets;  ///< of a value's neighbours, from the first one's place
  float k, alpha, beta;
  /// The copy; what does not belong to a run is 0. All values are stored before they are loaded:
  /// loads that straddle stores have to wait for them.
  float* padded;

  [[nodiscard]] std::size_t size() const { return runs * length; }
};

}  // namespace
}  // namespace reprise
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls finish(tag, i, sum) for vectors of the part's elements i, where sum adds value(tag, j)
/// over the neighbours j of each.
template <class Value, class Finish>
HWY_INLINE void for_each_window_sum(const NormalizationPart& part, const Value& value,
                                    const Finish& finish) {
  for (std::size_t r = 0; r < part.runs; ++r) {
    float* const to = part.padded + part.middle + r * part.stride;
    for_each_vector(part.length, [&](auto d, std::size_t i) HWY_ATTR {
      hn::StoreU(value(d, r * part.length + i), d, to + i);
    });
  }
  const std::size_t* const offsets = part.offsets->data();
  const std::size_t neighbours = part.offsets->size();
  for (std::size_t r = 0; r < part.runs; ++r) {
    const float* const from = part.padded + r * part.stride;
    for_each_vector(part.length, [&](auto d, std::size_t i) HWY_ATTR {
      auto sum = hn::LoadU(d, from + i);
      for (std::size_t j = 1; j < neighbours; ++j) {
        sum = hn::Add(sum, hn::LoadU(d, from + i + offsets[j]));
      }
      finish(d, r * part.length + i, sum);
    });
  }
}

/// scales = s of every element.
void part_scales(const NormalizationPart& part, const float* input, float* scales) {
  for_each_window_sum(
      part,
      [&](auto d, std::size_t i) HWY_ATTR {
        const auto a = hn::LoadU(d, input + i);
        return hn::Mul(a, a);
      },
      [&](auto d, std::size_t i, auto sum) HWY_ATTR {
        hn::StoreU(fma(hn::Set(d, part.alpha), sum, hn::Set(d, part.k)), d, scales + i);
      });
}

/// output = input * powers.
void part_output(const NormalizationPart& part, const float* input, const float* powers,
                 float* output) {
  for_each_vector(part.size(), [&](auto d, std::size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, input + i), hn::LoadU(d, powers + i)), d, output + i);
  });
}

/// grad_input from s in `scales` and s^-beta in `powers`.
void part_grad_input(const NormalizationPart& part, const float* grad_output, const float* input,
                     const float* scales, const float* powers, float* grad_input) {
  const float factor = -2.0F * part.alpha * part.beta;
  for_each_window_sum(
      part,
      [&](auto d, std::size_t i) HWY_ATTR {
        const auto b = hn::Mul(hn::LoadU(d, input + i), hn::LoadU(d, powers + i));
        return hn::Div(hn::Mul(hn::LoadU(d, grad_output + i), b), hn::LoadU(d, scales + i));
      },
      [&](auto d, std::size_t i, auto sum) HWY_ATTR {
        const auto direct = hn::Mul(hn::LoadU(d, grad_output + i), hn::LoadU(d, powers + i));
        const auto scaled = hn::Mul(hn::Set(d, factor), hn::LoadU(d, input + i));
        hn::StoreU(fma(scaled, sum, direct), d, grad_input + i);
      });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
namespace {
HWY_EXPORT(part_scales);
HWY_EXPORT(part_output);
HWY_EXPORT(part_grad_input);

class LocalResponseNormalizationLayer final : public Layer {
 public:
  explicit LocalResponseNormalizationLayer(const LocalResponseNormalizationOptions& options)
      : options_(options) {
    if (options.n % 2 == 0 || options.n >= kRunTerms) {  // a sum is one chain
      throw Error("local response normalization", std::to_string(options.n) + " neighbours",
                  "an odd number below " + std::to_string(kRunTerms));
    }
    if (options.within_maps && options.n * options.n >= kRunTerms) {
      throw Error("local response normalization within maps",
                  std::to_string(options.n) + " x " + std::to_string(options.n) + " neighbours",
                  "fewer than " + std::to_string(kRunTerms));
    }
    if (!(options.k > 0.0) || !(options.alpha >= 0.0)) {
      throw Error("local response normalization",
                  fmt::format("k = {}, alpha = {}", options.k, options.alpha),
                  "k above 0 and alpha of 0 or more");
    }
  }

  [[nodiscard]] std::string_view type() const override { return "local_response_normalization"; }
  [[nodiscard]] LayerDescription description() const override { return {options_}; }
  [[nodiscard]] std::string settings() const override {
    return fmt::format("k {}, n {}, alpha {}, beta {}{}", options_.k, options_.n, options_.alpha,
                       options_.beta, options_.within_maps ? ", within maps" : "");
  }

  FeatureShape build(const FeatureShape& input) override {
    shape_ = input;
    const std::size_t n = options_.n;
    offsets_.clear();
    for (std::size_t j = 0; !options_.within_maps && j < n; ++j) offsets_.push_back(j);
    for (std::size_t j = 0; options_.within_maps && j < n * n; ++j) {
      offsets_.push_back(j / n * stride() + j % n * shape_.channels);
    }
    return shape_;
  }

  [[nodiscard]] std::size_t workspace_bytes(std::size_t /*N*/,
                                            std::size_t /*threads*/) const override {
    return (padded_size() + 2 * part_size()) * sizeof(float);
  }

  void forward(const LayerContext& context, const float* input, const float* /*parameters*/,
               float* output) const override {
    for_each_part(context, [&](const Part& part, std::size_t first) {
      scale(part, input + first);
      REPRISE_DISPATCH(part_output)(part.sizes, input + first, part.powers, output + first);
    });
  }

  void backward(const LayerContext& context, const float* grad_output, const float* input,
                const float* /*output*/, const float* /*parameters*/, float* grad_input,
                float* /*grad_parameters*/) const override {
    if (grad_input == nullptr) return;
    for_each_part(context, [&](const Part& part, std::size_t first) {
      scale(part, input + first);
      REPRISE_DISPATCH(part_grad_input)
      (part.sizes, grad_output + first, input + first, part.scales, part.powers,
       grad_input + first);
    });
  }

 private:
  /// A part of an image and the arrays it needs, in the workspace.
  struct Part {
    NormalizationPart sizes;
    float* scales;
    float* powers;
  };

  [[nodiscard]] std::size_t rows_of_part() const {
    return options_.within_maps ? shape_.height : 1;
  }
  [[nodiscard]] std::size_t part_size() const {
    return rows_of_part() * shape_.width * shape_.channels;
  }
  /// From run to run of the padded copy.
  [[nodiscard]] std::size_t stride() const {
    const std::size_t more = options_.n - 1;
    return options_.within_maps ? (shape_.width + more) * shape_.channels : shape_.channels + more;
  }
  [[nodiscard]] std::size_t padded_size() const {
    return stride() * (options_.within_maps ? shape_.height + options_.n - 1 : shape_.width);
  }

  /// Fills the part's scales and powers.
  static void scale(const Part& part, const float* input) {
    REPRISE_DISPATCH(part_scales)(part.sizes, input, part.scales);
    inverse_power(part.sizes.size(), part.sizes.beta, part.scales, part.powers);
  }

  /// Calls body(part, index of its first element).
  template <class Body>
  void for_each_part(const LayerContext& context, const Body& body) const {
    auto* const memory = reinterpret_cast<float*>(context.workspace.data());
    std::fill_n(memory, padded_size(), 0.0F);
    const std::size_t half = options_.n / 2;
    const bool maps = options_.within_maps;
    const Part part{{.runs = maps ? shape_.height : shape_.width,
                     .length = maps ? shape_.width * shape_.channels : shape_.channels,
                     .stride = stride(),
                     .middle = maps ? half * (stride() + shape_.channels) : half,
                     .offsets = &offsets_,
                     .k = static_cast<float>(options_.k),
                     .alpha = static_cast<float>(options_.alpha),
                     .beta = static_cast<float>(options_.beta),
                     .padded = memory},
                    memory + padded_size(),
                    memory + padded_size() + part_size()};
    const std::size_t parts = context.N * shape_.height / rows_of_part();
    for (std::size_t i = 0; i < parts; ++i) body(part, i * part_size());
  }

  LocalResponseNormalizationOptions options_;
  FeatureShape shape_;
  std::vector<std::size_t> offsets_;  ///< NormalizationPart's
};

}  // namespace

std::unique_ptr<Layer> local_response_normalization_layer(
    const LocalResponseNormalizationOptions& options) {
  return std::make_unique<LocalResponseNormalizationLayer>(options);
}

}  // namespace reprise
#endif  // HWY_ONCE
