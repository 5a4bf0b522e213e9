// The update rules of optimizers.hpp, in vectors: elements do not depend on each other.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/nn/optimizers.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/vectors-inl.hpp"
#include "reprise/nn/optimizers.hpp"

namespace reprise {
#ifndef REPRISE_NN_OPTIMIZERS_SLICE
#define REPRISE_NN_OPTIMIZERS_SLICE
namespace {

/// Some of the parameters, with their gradients and what is remembered of them.
struct Slice {
  std::size_t size;
  float *parameters, *first, *second;
  const float* gradients;
};

struct AdamPowers {
  double beta1, beta2;
};

}  // namespace
#endif
}  // namespace reprise

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void sgd_step(const OptimizerOptions& options, double learning_rate, const Slice& s) {
  const auto momentum = static_cast<float>(options.momentum);
  const auto rate = static_cast<float>(learning_rate);
  const auto decay = static_cast<float>(options.weight_decay * learning_rate);
  for_each_vector(s.size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.parameters + i);
    const auto g = hn::LoadU(d, s.gradients + i);
    auto v = hn::Mul(hn::Set(d, momentum), hn::LoadU(d, s.first + i));
    v = hn::Sub(v, hn::Mul(hn::Set(d, decay), w));
    v = hn::Sub(v, hn::Mul(hn::Set(d, rate), g));
    hn::StoreU(v, d, s.first + i);
    hn::StoreU(hn::Add(w, v), d, s.parameters + i);
  });
}

void adam_step(const OptimizerOptions& options, const AdamPowers& powers, double learning_rate,
               const Slice& s) {
  const auto beta1 = static_cast<float>(options.beta1);
  const auto beta2 = static_cast<float>(options.beta2);
  const auto rest1 = static_cast<float>(1.0 - options.beta1);
  const auto rest2 = static_cast<float>(1.0 - options.beta2);
  const auto rate = static_cast<float>(learning_rate / (1.0 - powers.beta1));
  const auto root = static_cast<float>(std::sqrt(1.0 - powers.beta2));
  const auto epsilon = static_cast<float>(options.epsilon);
  for_each_vector(s.size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.parameters + i);
    const auto g = hn::LoadU(d, s.gradients + i);
    const auto m = hn::Add(hn::Mul(hn::Set(d, beta1), hn::LoadU(d, s.first + i)),
                           hn::Mul(hn::Set(d, rest1), g));
    const auto v = hn::Add(hn::Mul(hn::Set(d, beta2), hn::LoadU(d, s.second + i)),
                           hn::Mul(hn::Set(d, rest2), hn::Mul(g, g)));
    const auto scale = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, root)), hn::Set(d, epsilon));
    hn::StoreU(m, d, s.first + i);
    hn::StoreU(v, d, s.second + i);
    hn::StoreU(hn::Sub(w, hn::Div(hn::Mul(hn::Set(d, rate), m), scale)), d, s.parameters + i);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(sgd_step);
HWY_EXPORT(adam_step);

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
                    std::span<float> parameters, std::span<const float> gradients,
                    std::size_t threads) {
  const FloatEnvironment environment;
  ++state.steps;
  const bool adam = options.kind == OptimizerKind::adam;
  if (adam) {
    state.beta1_power *= options.beta1;
    state.beta2_power *= options.beta2;
  }
  constexpr std::size_t size = 4096;
  parallel_for(threads, div_ceil(parameters.size(), size), [&](std::size_t task, std::size_t) {
    const std::size_t begin = task * size;
    const Slice slice{std::min(size, parameters.size() - begin), parameters.data() + begin,
                      state.first.data() + begin, adam ? state.second.data() + begin : nullptr,
                      gradients.data() + begin};
    if (adam) {
      HWY_DYNAMIC_DISPATCH(adam_step)
      (options, {state.beta1_power, state.beta2_power}, learning_rate, slice);
    } else {
      HWY_DYNAMIC_DISPATCH(sgd_step)(options, learning_rate, slice);
    }
  });
}

}  // namespace reprise
#endif  // HWY_ONCE
