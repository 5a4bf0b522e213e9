#include "reprise/nn/losses.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/linalg/math.hpp"

namespace reprise {

void softmax_cross_entropy_forward(std::size_t N, std::size_t classes, const float* logits,
                                   const std::uint8_t* labels, float* probabilities,
                                   float* losses) {
  const FloatEnvironment environment;
  for (std::size_t n = 0; n < N; ++n) {
    const float* z = logits + n * classes;
    const float most = z[argmax(classes, z)];
    for (std::size_t c = 0; c < classes; ++c) probabilities[n * classes + c] = z[c] - most;
    losses[n] = probabilities[n * classes + labels[n]];
  }
  exp(N * classes, probabilities, probabilities);
  constexpr std::size_t chunk = 64;
  for (std::size_t first = 0; first < N; first += chunk) {
    const std::size_t count = std::min(chunk, N - first);
    float log_sums[chunk];
    for (std::size_t i = 0; i < count; ++i) {
      float* p = probabilities + (first + i) * classes;
      const auto sum = long_sum<float>(classes, [&](std::size_t c) { return p[c]; });
      for (std::size_t c = 0; c < classes; ++c) p[c] /= sum;
      log_sums[i] = sum;
    }
    log(count, log_sums, log_sums);
    for (std::size_t i = 0; i < count; ++i) losses[first + i] = log_sums[i] - losses[first + i];
  }
}

void softmax_cross_entropy_backward(std::size_t N, std::size_t classes, const float* probabilities,
                                    const std::uint8_t* labels, float scale, float* grad_logits) {
  const FloatEnvironment environment;
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t c = 0; c < classes; ++c) {
      const float target = c == labels[n] ? 1.0F : 0.0F;
      grad_logits[n * classes + c] = (probabilities[n * classes + c] - target) * scale;
    }
  }
}

namespace {

/// The options for a number of classes, checked.
class Targets {
 public:
  Targets(std::size_t classes, const LossOptions& options)
      : options_(options),
        kept_(static_cast<float>(1.0 - options.label_smoothing)),
        spread_(static_cast<float>(options.label_smoothing / static_cast<double>(classes))) {
    const std::size_t weights = options.class_weights.size();
    if (weights != 0 && weights != classes) {
      throw Error("loss", std::to_string(weights) + " class weights",
                  std::to_string(classes) + ", one for each class");
    }
    for (const float weight : options.class_weights) {
      if (!(weight >= 0.0F) || !std::isfinite(weight)) {
        throw Error("loss", "a class weight of " + std::to_string(weight),
                    "a finite one, 0 or more");
      }
    }
    if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
      throw Error("loss", "label smoothing of " + std::to_string(options.label_smoothing),
                  "0 to 1");
    }
  }

  [[nodiscard]] bool ignores(std::uint8_t label) const { return options_.ignored_label == label; }
  [[nodiscard]] float weight(std::size_t c) const {
    return options_.class_weights.empty() ? 1.0F : options_.class_weights[c];
  }
  /// t(c) w(c).
  [[nodiscard]] float weighted(std::size_t c, std::uint8_t label) const {
    return (c == label ? kept_ + spread_ : spread_) * weight(c);
  }

 private:
  const LossOptions& options_;
  float kept_, spread_;
};

bool is_plain(const LossOptions& options) {
  return options.class_weights.empty() && !options.ignored_label && options.label_smoothing == 0.0;
}

}  // namespace

void softmax_cross_entropy_forward(std::size_t N, std::size_t classes, const float* logits,
                                   const std::uint8_t* labels, const LossOptions& options,
                                   float* probabilities, float* losses) {
  if (is_plain(options)) {
    return softmax_cross_entropy_forward(N, classes, logits, labels, probabilities, losses);
  }
  const FloatEnvironment environment;
  const Targets targets(classes, options);
  log_softmax_forward(N, classes, logits, probabilities);
  for (std::size_t n = 0; n < N; ++n) {
    const float* const log_p = probabilities + n * classes;
    losses[n] = targets.ignores(labels[n]) ? 0.0F : long_sum<float>(classes, [&](std::size_t c) {
      const float weighted = targets.weighted(c, labels[n]);
      return weighted == 0.0F ? 0.0F : -weighted * log_p[c];  // an impossible class of no weight
    });
  }
  exp(N * classes, probabilities, probabilities);
}

void softmax_cross_entropy_backward(std::size_t N, std::size_t classes, const float* probabilities,
                                    const std::uint8_t* labels, const LossOptions& options,
                                    float scale, float* grad_logits) {
  if (is_plain(options)) {
    return softmax_cross_entropy_backward(N, classes, probabilities, labels, scale, grad_logits);
  }
  const FloatEnvironment environment;
  const Targets targets(classes, options);
  for (std::size_t n = 0; n < N; ++n) {
    const auto total =
        long_sum<float>(classes, [&](std::size_t c) { return targets.weighted(c, labels[n]); });
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t i = n * classes + c;
      grad_logits[i] = targets.ignores(labels[n])
                           ? 0.0F
                           : (probabilities[i] * total - targets.weighted(c, labels[n])) * scale;
    }
  }
}

void negative_log_likelihood_forward(std::size_t N, std::size_t classes,
                                     const float* log_probabilities, const std::uint8_t* labels,
                                     const LossOptions& options, float* losses) {
  const FloatEnvironment environment;
  const Targets targets(classes, options);
  for (std::size_t n = 0; n < N; ++n) {
    losses[n] = targets.ignores(labels[n])
                    ? 0.0F
                    : -targets.weight(labels[n]) * log_probabilities[n * classes + labels[n]];
  }
}

void negative_log_likelihood_backward(std::size_t N, std::size_t classes,
                                      const std::uint8_t* labels, const LossOptions& options,
                                      float scale, float* grad) {
  const FloatEnvironment environment;
  const Targets targets(classes, options);
  std::fill_n(grad, N * classes, 0.0F);
  for (std::size_t n = 0; n < N; ++n) {
    if (!targets.ignores(labels[n]))
      grad[n * classes + labels[n]] = -targets.weight(labels[n]) * scale;
  }
}

void log_softmax_forward(std::size_t N, std::size_t classes, const float* logits,
                         float* log_probabilities) {
  const FloatEnvironment environment;
  std::vector<float> exponentials(classes);
  for (std::size_t n = 0; n < N; ++n) {
    const float* const z = logits + n * classes;
    float* const to = log_probabilities + n * classes;
    const float most = z[argmax(classes, z)];
    for (std::size_t c = 0; c < classes; ++c) to[c] = z[c] - most;
    exp(classes, to, exponentials.data());
    auto sum = long_sum<float>(classes, [&](std::size_t c) { return exponentials[c]; });
    log(1, &sum, &sum);
    for (std::size_t c = 0; c < classes; ++c) to[c] -= sum;
  }
}

void log_softmax_backward(std::size_t N, std::size_t classes, const float* log_probabilities,
                          const float* grad, float* grad_logits) {
  const FloatEnvironment environment;
  std::vector<float> probabilities(classes);
  for (std::size_t n = 0; n < N; ++n) {
    const std::size_t first = n * classes;
    exp(classes, log_probabilities + first, probabilities.data());
    const auto sum = long_sum<float>(classes, [&](std::size_t c) { return grad[first + c]; });
    for (std::size_t c = 0; c < classes; ++c) {
      grad_logits[first + c] = grad[first + c] - probabilities[c] * sum;
    }
  }
}

double target_weight(std::size_t N, std::size_t classes, const std::uint8_t* labels,
                     const LossOptions& options) {
  const FloatEnvironment environment;
  const Targets targets(classes, options);
  return long_sum<double>(N, [&](std::size_t n) {
    return targets.ignores(labels[n]) ? 0.0 : static_cast<double>(targets.weight(labels[n]));
  });
}

std::size_t argmax(std::size_t classes, const float* values) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < classes && !std::isnan(values[best]); ++c) {
    if (values[c] > values[best] || std::isnan(values[c])) best = c;
  }
  return best;
}

}  // namespace reprise
