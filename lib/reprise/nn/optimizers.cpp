// The update rules of optimizers.hpp, in vectors: elements do not depend on each other.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/nn/optimizers.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
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

void nesterov_step(const OptimizerOptions& options, double learning_rate, const Slice& s) {
  const auto momentum = static_cast<float>(options.momentum);
  const auto rate = static_cast<float>(learning_rate);
  const auto decay = static_cast<float>(options.weight_decay * learning_rate);
  for_each_vector(s.size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.parameters + i);
    const auto decayed = hn::Mul(hn::Set(d, decay), w);
    const auto slope = hn::Mul(hn::Set(d, rate), hn::LoadU(d, s.gradients + i));
    auto v = hn::Mul(hn::Set(d, momentum), hn::LoadU(d, s.first + i));
    v = hn::Sub(hn::Sub(v, decayed), slope);
    hn::StoreU(v, d, s.first + i);
    const auto ahead = hn::Sub(hn::Sub(hn::Mul(hn::Set(d, momentum), v), decayed), slope);
    hn::StoreU(hn::Add(w, ahead), d, s.parameters + i);
  });
}

void rmsprop_step(const OptimizerOptions& options, double learning_rate, const Slice& s) {
  const auto momentum = static_cast<float>(options.momentum);
  const auto beta2 = static_cast<float>(options.beta2);
  const auto rest2 = static_cast<float>(1.0 - options.beta2);
  const auto rate = static_cast<float>(learning_rate);
  const auto epsilon = static_cast<float>(options.epsilon);
  for_each_vector(s.size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.parameters + i);
    const auto g = hn::LoadU(d, s.gradients + i);
    const auto v = hn::Add(hn::Mul(hn::Set(d, beta2), hn::LoadU(d, s.second + i)),
                           hn::Mul(hn::Set(d, rest2), hn::Mul(g, g)));
    const auto scaled = hn::Div(g, hn::Add(hn::Sqrt(v), hn::Set(d, epsilon)));
    const auto m = hn::Add(hn::Mul(hn::Set(d, momentum), hn::LoadU(d, s.first + i)), scaled);
    hn::StoreU(m, d, s.first + i);
    hn::StoreU(v, d, s.second + i);
    hn::StoreU(hn::Sub(w, hn::Mul(hn::Set(d, rate), m)), d, s.parameters + i);
  });
}

void adagrad_step(const OptimizerOptions& options, double learning_rate, const Slice& s) {
  const auto rate = static_cast<float>(learning_rate);
  const auto epsilon = static_cast<float>(options.epsilon);
  for_each_vector(s.size, [&](auto d, std::size_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.parameters + i);
    const auto g = hn::LoadU(d, s.gradients + i);
    const auto sum = hn::Add(hn::LoadU(d, s.first + i), hn::Mul(g, g));
    const auto scale = hn::Add(hn::Sqrt(sum), hn::Set(d, epsilon));
    hn::StoreU(sum, d, s.first + i);
    hn::StoreU(hn::Sub(w, hn::Div(hn::Mul(hn::Set(d, rate), g), scale)), d, s.parameters + i);
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
HWY_EXPORT(nesterov_step);
HWY_EXPORT(rmsprop_step);
HWY_EXPORT(adagrad_step);
HWY_EXPORT(adam_step);

namespace {

constexpr std::array kKinds = {OptimizerKind::adam, OptimizerKind::sgd, OptimizerKind::nesterov,
                               OptimizerKind::rmsprop, OptimizerKind::adagrad};

/// One update of a slice.
void step(const OptimizerOptions& options, const OptimizerState& state, double learning_rate,
          const Slice& slice) {
  switch (options.kind) {
    case OptimizerKind::adam:
      REPRISE_DISPATCH(adam_step)
      (options, {state.beta1_power, state.beta2_power}, learning_rate, slice);
      return;
    case OptimizerKind::sgd:
      REPRISE_DISPATCH(sgd_step)(options, learning_rate, slice);
      return;
    case OptimizerKind::nesterov:
      REPRISE_DISPATCH(nesterov_step)(options, learning_rate, slice);
      return;
    case OptimizerKind::rmsprop:
      REPRISE_DISPATCH(rmsprop_step)(options, learning_rate, slice);
      return;
    case OptimizerKind::adagrad:
      REPRISE_DISPATCH(adagrad_step)(options, learning_rate, slice);
      return;
  }
}

/// What is to be updated of the groups, in pieces that one thread works at a time.
std::vector<ParameterGroup> tasks_of(std::span<const ParameterGroup> groups) {
  constexpr std::size_t size = 4096;
  std::vector<ParameterGroup> tasks;
  for (const ParameterGroup& group : groups) {
    if (group.learning_rate == 0.0) continue;
    for (std::size_t begin = group.begin; begin < group.end; begin += size) {
      tasks.push_back(group);
      tasks.back().begin = begin;
      tasks.back().end = std::min(begin + size, group.end);
    }
  }
  return tasks;
}

}  // namespace

std::string_view name_of(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::adam:
      return "adam";
    case OptimizerKind::sgd:
      return "sgd";
    case OptimizerKind::nesterov:
      return "nesterov";
    case OptimizerKind::rmsprop:
      return "rmsprop";
    case OptimizerKind::adagrad:
      return "adagrad";
  }
  return "";
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const OptimizerKind kind : kKinds) names.emplace_back(name_of(kind));
  return names;
}

OptimizerKind optimizer_kind(std::string_view name) {
  for (const OptimizerKind kind : kKinds) {
    if (name == name_of(kind)) return kind;
  }
  throw Error("optimizer", "\"" + std::string(name) + "\"", "one of " + join(optimizer_names()));
}

bool has_second(OptimizerKind kind) {
  return kind == OptimizerKind::adam || kind == OptimizerKind::rmsprop;
}

OptimizerState make_optimizer_state(const OptimizerOptions& options, std::size_t parameters) {
  OptimizerState state;
  state.first.resize(parameters);
  if (has_second(options.kind)) state.second.resize(parameters);
  return state;
}

void optimizer_step(const OptimizerOptions& options, OptimizerState& state, double learning_rate,
                    std::span<float> parameters, std::span<const float> gradients,
                    std::size_t threads) {
  const ParameterGroup all = {0, parameters.size(), learning_rate, options.weight_decay};
  optimizer_step(options, state, std::span(&all, 1), parameters, gradients, threads);
}

void optimizer_step(const OptimizerOptions& options, OptimizerState& state,
                    std::span<const ParameterGroup> groups, std::span<float> parameters,
                    std::span<const float> gradients, std::size_t threads) {
  const FloatEnvironment environment;
  ++state.steps;
  if (options.kind == OptimizerKind::adam) {
    state.beta1_power *= options.beta1;
    state.beta2_power *= options.beta2;
  }
  const std::vector<ParameterGroup> tasks = tasks_of(groups);
  parallel_for(threads, tasks.size(), [&](std::size_t i, std::size_t) {
    const ParameterGroup& task = tasks[i];
    OptimizerOptions own = options;
    own.weight_decay = task.weight_decay;
    step(own, state, task.learning_rate,
         {task.end - task.begin, parameters.data() + task.begin, state.first.data() + task.begin,
          state.second.empty() ? nullptr : state.second.data() + task.begin,
          gradients.data() + task.begin});
  });
}

}  // namespace reprise
#endif  // HWY_ONCE
