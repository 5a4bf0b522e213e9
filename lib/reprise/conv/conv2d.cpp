// The public convolution functions: checks, workspace, dispatch.
#include "reprise/conv/conv2d.hpp"

#include <algorithm>
#include <array>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/result_tensor.hpp"

namespace reprise {
namespace {

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
              std::string(algorithm.name) + " does not support " + std::string(name_of(pass)) +
                  " of " + to_line(shape) + ": " + reason,
              "another algorithm, such as " + std::string(default_conv_algorithm().name));
}

/// Error unless the shape is one that make_conv_shape gives.
void check_shape(std::string_view where, const ConvShape& s) {
  Conv2dOptions options;
  options.stride = {s.stride_h, s.stride_w};
  options.dilation = {s.dilation_h, s.dilation_w};
  options.padding = Padding2d::sides(s.pad_top, s.pad_bottom, s.pad_left, s.pad_right);
  options.groups = s.G;
  const ConvShape made = make_conv_shape(s.N, s.IH, s.IW, s.IC, s.OC, s.KH, s.KW, options);
  if (s.OH == made.OH && s.OW == made.OW) return;
  throw Error(where, "a shape with an output of " + sizes_text(std::array{s.OH, s.OW}),
              sizes_text(std::array{made.OH, made.OW}) + ", as its other sizes give");
}

}  // namespace

ConvShape conv2d_shape(std::string_view where, const std::array<std::size_t, 4>& input,
                       const std::array<std::size_t, 4>& weight, const Conv2dOptions& options) {
  const auto [N, IH, IW, IC] = input;
  const auto [KH, KW, ICg, OC] = weight;
  ConvShape shape = make_conv_shape(N, IH, IW, IC, OC, KH, KW, options);
  if (ICg != IC / shape.G) {
    throw Error(where,
                "input " + sizes_text(input) + " and weight " + sizes_text(weight) + " with " +
                    std::to_string(shape.G) + " group(s)",
                "weight " + sizes_text(std::array{KH, KW, IC / shape.G, OC}));
  }
  return shape;
}

void conv2d_forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
                    float* output, const ConvAlgorithm& algorithm, std::size_t threads) {
  const FloatEnvironment environment;
  constexpr std::string_view where = "conv2d_forward";
  check_shape(where, s);
  check_offered(where, algorithm, s, ConvPass::forward);
  check_domain(where, algorithm, s, ConvPass::forward, input, weight);
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(algorithm.workspace_bytes(s, ConvPass::forward, threads), where), threads};
  algorithm.forward(s, input, weight, bias, output, resources);
}

void conv2d_backward(const ConvShape& s, const float* grad_output, const float* input,
                     const float* weight, const Conv2dGradientPlaces& gradients,
                     const ConvAlgorithm& algorithm, std::size_t threads) {
  const FloatEnvironment environment;
  constexpr std::string_view where = "conv2d_backward";
  check_shape(where, s);
  check_offered(where, algorithm, s, ConvPass::grad_input);
  check_offered(where, algorithm, s, ConvPass::grad_weight);
  check_domain(where, algorithm, s, ConvPass::grad_input, grad_output, weight);
  check_domain(where, algorithm, s, ConvPass::grad_weight, grad_output, input);
  ConvWorkspace workspace;
  const ConvResources resources{
      workspace.require(std::max(algorithm.workspace_bytes(s, ConvPass::grad_input, threads),
                                 algorithm.workspace_bytes(s, ConvPass::grad_weight, threads)),
                        where),
      threads};
  algorithm.grad_input(s, grad_output, weight, gradients.input, resources);
  algorithm.grad_weight(s, grad_output, input, gradients.weight, resources);
  conv2d_grad_bias(s, grad_output, gradients.bias);
}

Tensor<4> conv2d_forward(const Tensor<4>& input, const Tensor<4>& weight, const Tensor<1>& bias,
                         const Conv2dOptions& options, const ConvAlgorithm& algorithm,
                         std::size_t threads) {
  constexpr std::string_view where = "conv2d_forward";
  const ConvShape s = conv2d_shape(where, sizes_of(input), sizes_of(weight), options);
  check_sizes<1>(where, "bias", bias, {s.OC});
  Tensor<4> output = result_tensor<4>(where, {s.N, s.OH, s.OW, s.OC});
  conv2d_forward(s, input.data(), weight.data(), bias.data(), output.data(), algorithm, threads);
  return output;
}

Conv2dGradients conv2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                                const Tensor<4>& weight, const Conv2dOptions& options,
                                const ConvAlgorithm& algorithm, std::size_t threads) {
  constexpr std::string_view where = "conv2d_backward";
  const ConvShape s = conv2d_shape(where, sizes_of(input), sizes_of(weight), options);
  check_sizes<4>(where, "grad_output", grad_output, {s.N, s.OH, s.OW, s.OC});
  Conv2dGradients gradients{result_tensor<4>(where, sizes_of(input)),
                            result_tensor<4>(where, sizes_of(weight)),
                            result_tensor<1>(where, {s.OC})};
  conv2d_backward(s, grad_output.data(), input.data(), weight.data(),
                  {gradients.input.data(), gradients.weight.data(), gradients.bias.data()},
                  algorithm, threads);
  return gradients;
}

}  // namespace reprise
