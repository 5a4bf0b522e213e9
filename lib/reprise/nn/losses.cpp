#include "reprise/nn/losses.hpp"

#include <algorithm>
#include <cmath>

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

std::size_t argmax(std::size_t classes, const float* values) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < classes && !std::isnan(values[best]); ++c) {
    if (values[c] > values[best] || std::isnan(values[c])) best = c;
  }
  return best;
}

}  // namespace reprise
