// The public convolution functions: checks, workspace, dispatch.
#include "reprise/conv/conv2d.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"

namespace reprise {
namespace {

template <std::size_t Rank>
std::array<std::size_t, Rank> sizes_of(const Tensor<Rank>& tensor) {
  std::array<std::size_t, Rank> sizes;
  std::copy(tensor.shape().begin(), tensor.shape().end(), sizes.begin());
  return sizes;
}

/// The shape that these operands mean.
ConvShape shape_for(std::string_view where, const Tensor<4>& input, const Tensor<4>& weight,
                    const Conv2dOptions& options) {
  const auto [N, IH, IW, IC] = sizes_of(input);
  const auto [KH, KW, ICg, OC] = sizes_of(weight);
  ConvShape shape = make_conv_shape(N, IH, IW, IC, OC, KH, KW, options);
  if (ICg != IC / shape.G) {
    throw Error(where,
                "input " + sizes_text(sizes_of(input)) + " and weight " +
                    sizes_text(sizes_of(weight)) + " with " + std::to_string(shape.G) + " group(s)",
                "weight " + sizes_text(std::array{KH, KW, IC / shape.G, OC}));
  }
  return shape;
}

template <std::size_t Rank>
void check_sizes(std::string_view where, std::string_view what, const Tensor<Rank>& tensor,
                 const std::array<std::size_t, Rank>& expected) {
  const auto given = sizes_of(tensor);
  if (given == expected) return;
  throw Error(where, std::string(what) + " " + sizes_text(given), sizes_text(expected));
}

void check_offered(std::string_view where, const ConvAlgorithm& algorithm, const ConvShape& shape,
                   ConvPass pass) {
  const std::string reason = algorithm.unsupported(shape, pass);
  if (reason.empty()) return;
  throw Error(where,
              std::string(algorithm.name) + " does not offer " + std::string(name_of(pass)) +
                  " of " + to_line(shape) + ": " + reason,
              "another algorithm, such as " + std::string(default_conv_algorithm().name));
}

template <std::size_t Rank>
Tensor<Rank> result_tensor(std::string_view where, const std::array<std::size_t, Rank>& sizes) {
  try {
    return make_tensor<Rank>(sizes);
  } catch (const std::bad_alloc&) {
    throw Error(where, "a result of " + sizes_text(sizes) + " floats cannot be allocated",
                "more memory or a smaller batch");
  }
}

}  // namespace

Tensor<4> conv2d_forward(const Tensor<4>& input, const Tensor<4>& weight, const Tensor<1>& bias,
                         const Conv2dOptions& options, const ConvAlgorithm& algorithm,
                         std::size_t threads) {
  const FloatEnvironment environment;
  constexpr std::string_view where = "conv2d_forward";
  const ConvShape s = shape_for(where, input, weight, options);
  check_sizes<1>(where, "bias", bias, {s.OC});
  check_offered(where, algorithm, s, ConvPass::forward);
  check_domain(where, algorithm, s, ConvPass::forward, input.data(), weight.data());
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(algorithm.workspace_bytes(s, ConvPass::forward, threads), where), threads};
  Tensor<4> output = result_tensor<4>(where, {s.N, s.OH, s.OW, s.OC});
  algorithm.forward(s, input.data(), weight.data(), bias.data(), output.data(), resources);
  return output;
}

Conv2dGradients conv2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                                const Tensor<4>& weight, const Conv2dOptions& options,
                                const ConvAlgorithm& algorithm, std::size_t threads) {
  const FloatEnvironment environment;
  constexpr std::string_view where = "conv2d_backward";
  const ConvShape s = shape_for(where, input, weight, options);
  check_sizes<4>(where, "grad_output", grad_output, {s.N, s.OH, s.OW, s.OC});
  check_offered(where, algorithm, s, ConvPass::grad_input);
  check_offered(where, algorithm, s, ConvPass::grad_weight);
  check_domain(where, algorithm, s, ConvPass::grad_input, grad_output.data(), weight.data());
  check_domain(where, algorithm, s, ConvPass::grad_weight, grad_output.data(), input.data());
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(std::max(algorithm.workspace_bytes(s, ConvPass::grad_input, threads),
                                 algorithm.workspace_bytes(s, ConvPass::grad_weight, threads)),
                        where),
      threads};
  Conv2dGradients gradients{result_tensor<4>(where, sizes_of(input)),
                            result_tensor<4>(where, sizes_of(weight)),
                            result_tensor<1>(where, {s.OC})};
  algorithm.grad_input(s, grad_output.data(), weight.data(), gradients.input.data(), resources);
  algorithm.grad_weight(s, grad_output.data(), input.data(), gradients.weight.data(), resources);
  conv2d_grad_bias(s, grad_output.data(), gradients.bias.data());
  return gradients;
}

}  // namespace reprise
