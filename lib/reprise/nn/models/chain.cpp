#include "reprise/nn/models/chain.hpp"

#include <algorithm>

#include "reprise/core/error.hpp"

namespace reprise {

void check_model_option(const std::string& model, const std::string& option,
                        const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw Error("model " + model, option + " \"" + value + "\"", join(known));
}

void check_dropout(const std::string& model, double dropout) {
  if (dropout >= 0.0 && dropout < 1.0) return;
  throw Error("model " + model, "dropout " + std::to_string(dropout), "0 to below 1");
}

Pool2dOptions pooling_window(const ModelOptions& options, PoolMode mode) {
  Pool2dOptions pool;
  pool.mode = mode;
  const auto kernel = static_cast<std::size_t>(options.pool_kernel);
  pool.kernel = {kernel, kernel};
  // floor((H - 2) / 2) + 1 = ceil((H - 3) / 2) + 1 = floor(H / 2).
  const bool covers =
      options.pool_rounding == "halve" ? kernel == 3 : options.pool_rounding == "ceil";
  pool.rounding = covers ? Rounding::ceil : Rounding::floor;
  return pool;
}

Chain::Chain(const std::string& name, const FeatureShape& image, const ModelOptions& options,
             const ConvAlgorithm& algorithm)
    : model_(name, image), options_(options), algorithm_(algorithm) {
  check_model_option(name, "activation", options.activation, {"relu", "tanh", "scaled_tanh"});
  check_model_option(name, "pooling", options.pooling, {"max", "average"});
  check_model_option(name, "pool_kernel", std::to_string(options.pool_kernel), {"2", "3"});
  check_model_option(name, "pool_rounding", options.pool_rounding, {"halve", "floor", "ceil"});
  check_model_option(name, "normalization", options.normalization, {"none", "local_response"});
  check_model_option(name, "initializer", options.initializer,
                     {"he_normal", "glorot_uniform", "alexnet"});
  check_dropout(name, options.dropout);
}

Chain& Chain::convolution(Conv2dLayerOptions options) {
  const std::string number = std::to_string(++convolutions_);
  ++activations_;
  if (!stays("conv" + number)) return *this;
  options.weight = weights();
  options.bias = biases(convolutions_ == 2 || convolutions_ == 4 || convolutions_ == 5);
  model_.add("conv" + number, conv2d_layer(options, algorithm_));
  add_activation();
  if (options_.normalization == "local_response" && convolutions_ <= 2) {
    model_.add("norm" + number, local_response_normalization_layer());
  }
  return *this;
}

Chain& Chain::pooling() {
  const PoolMode mode = options_.pooling == "max" ? PoolMode::max : PoolMode::average;
  model_.add("pool" + std::to_string(convolutions_), pool2d_layer(pooling_window(options_, mode)));
  return *this;
}

Chain& Chain::flatten() {
  model_.add("flatten", flatten_layer());
  return *this;
}

Chain& Chain::hidden(std::size_t units) {
  const std::string name = "dense" + std::to_string(++dense_layers_);
  ++activations_;
  if (!stays(name)) return *this;
  model_.add(name, dense_layer({units, weights(), biases(true)}));
  add_activation();
  add_dropout(dense_layers_);
  return *this;
}

Chain& Chain::dropout_before_dense() {
  add_dropout(dense_layers_ + 1);
  return *this;
}

Sequential Chain::output(std::size_t units) {
  if (!options_.without.empty()) {
    check_model_option(model_.name(), "without", options_.without, removable_);
  }
  model_.add("dense" + std::to_string(dense_layers_ + 1),
             dense_layer({units, weights(), biases(false)}));
  return std::move(model_);
}

bool Chain::stays(const std::string& name) {
  removable_.push_back(name);
  return name != options_.without;
}

void Chain::add_activation() {
  const std::string number = std::to_string(activations_);
  if (options_.activation == "relu") {
    model_.add("relu" + number, relu_layer());
  } else if (options_.activation == "tanh") {
    model_.add("tanh" + number, tanh_layer());
  } else {
    model_.add("scaled_tanh" + number, tanh_layer(1.7159F, 2.0F / 3.0F));
  }
}

void Chain::add_dropout(std::size_t number) {
  if (options_.dropout == 0.0) return;
  model_.add("dropout" + std::to_string(number), dropout_layer(options_.dropout));
}

Initializer Chain::weights() const {
  if (options_.initializer == "alexnet") return {InitializerKind::normal, 0.01};
  if (options_.initializer == "glorot_uniform") return {InitializerKind::glorot_uniform, 0.0};
  return {InitializerKind::he_normal, 0.0};
}

Initializer Chain::biases(bool one) const {
  if (one && options_.initializer == "alexnet") return {InitializerKind::constant, 1.0};
  return {InitializerKind::zeros, 0.0};
}

}  // namespace reprise
