/// \file
/// One layer by itself, forward and backward.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "reprise/core/aligned_buffer.hpp"
#include "reprise/nn/layer.hpp"

namespace reprise::test {

/// The results of one layer's forward and backward pass over N images.
struct LayerResult {
  std::vector<float> output, grad_input, grad_parameters;
};

/// Results start as NaN, the workspace as 0xFF, which is NaN too. `context` gives all but N and the
/// workspace.
inline LayerResult run_layer(std::unique_ptr<Layer> layer, const FeatureShape& shape, std::size_t N,
                             const std::vector<float>& input, const std::vector<float>& parameters,
                             const std::vector<float>& grad_output, LayerContext context = {}) {
  const FeatureShape out = layer->build(shape);
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  LayerResult result{std::vector<float>(N * out.size(), nan),
                     std::vector<float>(N * shape.size(), nan),
                     std::vector<float>(parameters.size(), nan)};
  const std::size_t bytes = layer->workspace_bytes(N, 1);
  const auto workspace = make_aligned_buffer<std::byte>(bytes);
  std::fill_n(workspace.get(), bytes, std::byte{0xFF});
  context.N = N;
  context.workspace = {workspace.get(), bytes};
  layer->forward(context, input.data(), parameters.data(), result.output.data());
  layer->backward(context, grad_output.data(), input.data(), result.output.data(),
                  parameters.data(), result.grad_input.data(), result.grad_parameters.data());
  return result;
}

}  // namespace reprise::test
