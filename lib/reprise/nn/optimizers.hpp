/// \file
/// Optimizers: update rules over the flat array of a model's parameters, and their state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

enum class OptimizerKind { adam, sgd, nesterov, rmsprop, adagrad };
std::string_view name_of(OptimizerKind kind);
/// All of them, by name.
std::vector<std::string> optimizer_names();
/// Error names the known ones.
OptimizerKind optimizer_kind(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double momentum = 0.9;      ///< sgd, nesterov, rmsprop
  double weight_decay = 0.0;  ///< sgd, nesterov
  double beta1 = 0.9;         ///< adam
  double beta2 = 0.999;       ///< adam, rmsprop
  double epsilon = 1e-7;      ///< adam, rmsprop, adagrad
};

/// All that an optimizer remembers; starts at zero.
struct OptimizerState {
  std::uint64_t steps = 0;
  double beta1_power = 1.0;   ///< beta1^steps, by repeated multiplication
  double beta2_power = 1.0;   ///< beta2^steps
  std::vector<float> first;   ///< v (sgd, nesterov), m (adam, rmsprop), s (adagrad)
  std::vector<float> second;  ///< v (adam, rmsprop)
};
/// Whether the optimizer uses OptimizerState::second.
bool has_second(OptimizerKind kind);
OptimizerState make_optimizer_state(const OptimizerOptions& options, std::size_t parameters);

/// Parameters [begin, end) of a model, which share a learning rate and a weight decay.
struct ParameterGroup {
  std::size_t begin = 0, end = 0;
  double learning_rate = 0.0;  ///< at 0 parameters and state stay as they are
  double weight_decay = 0.0;   ///< sgd, nesterov
};

/// One update of the parameters w with their gradients g:
///   sgd       v <- momentum v - weight_decay lr w - lr g;  w <- w + v
///             (Krizhevsky, Sutskever, Hinton 2012, section 5)
///   nesterov  v as sgd;  w <- w + momentum v - weight_decay lr w - lr g
///             (Sutskever, Martens, Dahl, Hinton 2013, in the form that PyTorch and Keras have)
///   adam      m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
///             w <- w - (lr / (1 - beta1^t)) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///             (Kingma, Ba 2015, algorithm 1)
///   rmsprop   v <- beta2 v + (1 - beta2) g^2;  m <- momentum m + g / (sqrt(v) + epsilon);
///             w <- w - lr m
///             (Hinton 2012, lecture 6e; with momentum as in PyTorch)
///   adagrad   s <- s + g^2;  w <- w - lr g / (sqrt(s) + epsilon)
///             (Duchi, Hazan, Singer 2011, the diagonal form)
void optimizer_step(const OptimizerOptions& options, OptimizerState& state, double learning_rate,
                    std::span<float> parameters, std::span<const float> gradients,
                    std::size_t threads = 1);
/// The same for groups that do not overlap, each with its own rate and decay in place of
/// `options.weight_decay`; parameters outside all groups stay as they are.
void optimizer_step(const OptimizerOptions& options, OptimizerState& state,
                    std::span<const ParameterGroup> groups, std::span<float> parameters,
                    std::span<const float> gradients, std::size_t threads = 1);

}  // namespace reprise
