/// \file
/// Builds the models that are convolutions with pooling, then dense layers, with what ModelOptions
/// put between them.
#pragma once

#include <string>
#include <vector>

#include "reprise/nn/layers.hpp"
#include "reprise/nn/models/model_options.hpp"
#include "reprise/nn/sequential.hpp"

namespace reprise {

/// Error unless `value` is one of `known`: "MODEL: OPTION ..., expected ...".
void check_model_option(const std::string& model, const std::string& option,
                        const std::string& value, const std::vector<std::string>& known);
/// Error unless `dropout` is a rate: 0 to below 1.
void check_dropout(const std::string& model, double dropout);
/// A pooling window as options.pool_kernel and options.pool_rounding say.
Pool2dOptions pooling_window(const ModelOptions& options, PoolMode mode);

class Chain {
 public:
  /// Error if an option is not among those that ModelOptions lists.
  Chain(const std::string& name, const FeatureShape& image, const ModelOptions& options,
        const ConvAlgorithm& algorithm);

  /// "convI" with its activation and, after the first two, normalization. Initializers are set
  /// here.
  Chain& convolution(Conv2dLayerOptions options);
  /// "poolI", where I is the last convolution's number.
  Chain& pooling();
  /// "flatten".
  Chain& flatten();
  /// "denseI" with its activation and dropout.
  Chain& hidden(std::size_t units);
  /// "dropoutI", if there is any, before dense layer I.
  Chain& dropout_before_dense();
  /// The last "denseI", without activation: logits. Error if ModelOptions::without is none of the
  /// chain's layers.
  Sequential output(std::size_t units);

 private:
  /// Whether the layer stays.
  bool stays(const std::string& name);
  void add_activation();
  void add_dropout(std::size_t number);
  [[nodiscard]] Initializer weights() const;
  [[nodiscard]] Initializer biases(bool one) const;

  Sequential model_;
  ModelOptions options_;
  const ConvAlgorithm& algorithm_;
  std::size_t convolutions_ = 0, dense_layers_ = 0, activations_ = 0;
  std::vector<std::string> removable_;
};

}  // namespace reprise
