#include "reprise/nn/optimizers.hpp"

#include <cmath>
#include <string>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

void sgd_step(const OptimizerOptions& options, OptimizerState& state, double learning_rate,
              std::span<float> parameters, std::span<const float> gradients) {
  const auto momentum = static_cast<float>(options.momentum);
  const auto rate = static_cast<float>(learning_rate);
  const auto decay = static_cast<float>(options.weight_decay * learning_rate);
  float* v = state.first.data();
  float* w = parameters.data();
  const float* g = gradients.data();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    v[i] = momentum * v[i] - decay * w[i] - rate * g[i];
    w[i] += v[i];
  }
}

void adam_step(const OptimizerOptions& options, OptimizerState& state, double learning_rate,
               std::span<float> parameters, std::span<const float> gradients) {
  state.beta1_power *= options.beta1;
  state.beta2_power *= options.beta2;
  const auto beta1 = static_cast<float>(options.beta1);
  const auto beta2 = static_cast<float>(options.beta2);
  const auto rest1 = static_cast<float>(1.0 - options.beta1);
  const auto rest2 = static_cast<float>(1.0 - options.beta2);
  const auto rate = static_cast<float>(learning_rate / (1.0 - state.beta1_power));
  const auto root = static_cast<float>(std::sqrt(1.0 - state.beta2_power));
  const auto epsilon = static_cast<float>(options.epsilon);
  float* m = state.first.data();
  float* v = state.second.data();
  float* w = parameters.data();
  const float* g = gradients.data();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    m[i] = beta1 * m[i] + rest1 * g[i];
    v[i] = beta2 * v[i] + rest2 * (g[i] * g[i]);
    w[i] -= rate * m[i] / (std::sqrt(v[i]) / root + epsilon);
  }
}

}  // namespace

std::string_view name_of(OptimizerKind kind) {
  return kind == OptimizerKind::sgd ? "sgd" : "adam";
}

OptimizerKind optimizer_kind(std::string_view name) {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam}) {
    if (name == name_of(kind)) return kind;
  }
  throw Error("optimizer", "\"" + std::string(name) + "\"", "adam or sgd");
}

OptimizerState make_optimizer_state(const OptimizerOptions& options, std::size_t parameters) {
  OptimizerState state;
  state.first.resize(parameters);
  if (options.kind == OptimizerKind::adam) state.second.resize(parameters);
  return state;
}

void optimizer_step(const OptimizerOptions& options, OptimizerState& state, double learning_rate,
                    std::span<float> parameters, std::span<const float> gradients) {
  ++state.steps;
  if (options.kind == OptimizerKind::sgd) {
    sgd_step(options, state, learning_rate, parameters, gradients);
  } else {
    adam_step(options, state, learning_rate, parameters, gradients);
  }
}

}  // namespace reprise
