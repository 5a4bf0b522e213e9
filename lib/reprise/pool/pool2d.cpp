// The public pooling functions on tensors: checks and dispatch.
#include "reprise/pool/pool2d.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

using Sizes = std::array<std::size_t, 4>;

Sizes sizes_of(const Tensor<4>& tensor) {
  Sizes sizes;
  std::copy(tensor.shape().begin(), tensor.shape().end(), sizes.begin());
  return sizes;
}

PoolShape shape_for(const Tensor<4>& input, const Pool2dOptions& options) {
  const auto [N, IH, IW, C] = sizes_of(input);
  return make_pool_shape(N, IH, IW, C, options);
}

/// One window over the whole image.
Pool2dOptions global_average(const Tensor<4>& input) {
  Pool2dOptions options;
  options.mode = PoolMode::average;
  options.kernel = options.stride = {sizes_of(input)[1], sizes_of(input)[2]};
  return options;
}

}  // namespace

Tensor<4> pool2d_forward(const Tensor<4>& input, const Pool2dOptions& options) {
  const PoolShape s = shape_for(input, options);
  Tensor<4> output = make_tensor<4>({s.N, s.OH, s.OW, s.C});
  if (options.mode == PoolMode::max) {
    max_pool_forward(s, input.data(), output.data());
  } else {
    average_pool_forward(s, options.count_include_padding, input.data(), output.data());
  }
  return output;
}

Tensor<4> pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                          const Pool2dOptions& options) {
  const PoolShape s = shape_for(input, options);
  const Sizes expected{s.N, s.OH, s.OW, s.C};
  if (sizes_of(grad_output) != expected) {
    throw Error("pool2d_backward", "grad_output " + sizes_text(sizes_of(grad_output)),
                sizes_text(expected) + " for input " + sizes_text(sizes_of(input)));
  }
  Tensor<4> grad_input = make_tensor<4>(sizes_of(input));
  if (options.mode == PoolMode::max) {
    max_pool_backward(s, options.ties, grad_output.data(), input.data(), grad_input.data());
  } else {
    average_pool_backward(s, options.count_include_padding, grad_output.data(), grad_input.data());
  }
  return grad_input;
}

Tensor<4> global_average_pool2d_forward(const Tensor<4>& input) {
  return pool2d_forward(input, global_average(input));
}

Tensor<4> global_average_pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input) {
  return pool2d_backward(grad_output, input, global_average(input));
}

}  // namespace reprise
