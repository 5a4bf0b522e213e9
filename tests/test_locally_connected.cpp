// Locally connected layers: small integers exactly against the definition, the bits of a
// convolution where weights are the same everywhere, and what is refused.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "reprise/nn/layers.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

struct Case {
  FeatureShape input;
  LocallyConnectedLayerOptions options;
};

/// Kernels larger than what is left of the image, strides that leave cells over, padding on one
/// side, one column.
std::vector<Case> cases() {
  LocallyConnectedLayerOptions plain;
  plain.filters = 3;
  LocallyConnectedLayerOptions padded = plain;
  padded.padding = Padding2d::sides(1, 2, 2, 0);
  LocallyConnectedLayerOptions strided = padded;
  strided.stride = {2, 3};
  strided.kernel = {3, 2};
  LocallyConnectedLayerOptions same = plain;
  same.kernel = {5, 4};
  same.padding = Padding2d::same();
  return {{{4, 5, 2}, plain}, {{4, 5, 2}, padded}, {{6, 7, 1}, strided},
          {{3, 3, 4}, same},  {{9, 1, 1}, same},   {{1, 1, 1}, same}};
}

/// Whole numbers from -3 to 3.
std::vector<float> integers(std::size_t count, std::string_view name) {
  std::vector<float> values = random_floats(count, 5, name);
  for (float& value : values) value = std::round(3.0F * value);
  return values;
}

std::size_t parameter_count(const Layer& layer) {
  std::size_t count = 0;
  for (const ParameterSpec& spec : layer.parameters()) count += spec.size();
  return count;
}

/// The definition, one product after the other.
std::vector<double> definition(const Case& c, std::size_t N, const std::vector<double>& input,
                               const std::vector<double>& parameters) {
  Conv2dOptions convolution;
  convolution.stride = c.options.stride;
  convolution.padding = c.options.padding;
  const ConvShape s =
      make_conv_shape(N, c.input.height, c.input.width, c.input.channels, c.options.filters,
                      c.options.kernel.h, c.options.kernel.w, convolution);
  const double* const bias = parameters.data() + s.OH * s.OW * s.weight_size();
  std::vector<double> output;
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t p = 0; p < s.OH * s.OW; ++p) {
      for (std::size_t oc = 0; oc < s.OC; ++oc) {
        double sum = bias[p * s.OC + oc];
        for (std::size_t k = 0; k < s.KH * s.KW * s.IC; ++k) {
          const std::size_t ih = p / s.OW * s.stride_h + k / s.IC / s.KW - s.pad_top;   // may wrap
          const std::size_t iw = p % s.OW * s.stride_w + k / s.IC % s.KW - s.pad_left;  // may wrap
          if (ih >= s.IH || iw >= s.IW) continue;
          sum += input[((n * s.IH + ih) * s.IW + iw) * s.IC + k % s.IC] *
                 parameters[(p * s.KH * s.KW * s.IC + k) * s.OC + oc];
        }
        output.push_back(sum);
      }
    }
  }
  return output;
}

double dot(const std::vector<float>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// The layer is linear in its input and in its parameters: a gradient's element is what adding 1
/// to the operand's element adds to the sum of grad_output times output.
std::vector<float> gradient(
    std::vector<double> operand, const std::vector<float>& grad_output,
    const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  const double before = dot(grad_output, f(operand));
  std::vector<float> result;
  for (double& value : operand) {
    value += 1.0;
    result.push_back(static_cast<float>(dot(grad_output, f(operand)) - before));
    value -= 1.0;
  }
  return result;
}

}  // namespace

TEST_CASE("a locally connected layer computes its definition and gradients of small integers") {
  constexpr std::size_t N = 2;
  for (const Case& c : cases()) {
    const auto layer = locally_connected_layer(c.options);
    const FeatureShape out = layer->build(c.input);
    CAPTURE(layer->settings(), c.input.text(), out.text());
    const std::vector<float> input = integers(N * c.input.size(), "input");
    const std::vector<float> parameters = integers(parameter_count(*layer), "parameters");
    const std::vector<float> grad = integers(N * out.size(), "grad");
    const LayerResult result =
        run_layer(locally_connected_layer(c.options), c.input, N, input, parameters, grad);
    const std::vector<double> x(input.begin(), input.end());
    const std::vector<double> w(parameters.begin(), parameters.end());
    const std::vector<double> expected = definition(c, N, x, w);
    CHECK(std::vector<double>(result.output.begin(), result.output.end()) == expected);
    CHECK(result.grad_input ==
          gradient(x, grad, [&](const auto& moved) { return definition(c, N, moved, w); }));
    CHECK(result.grad_parameters ==
          gradient(w, grad, [&](const auto& moved) { return definition(c, N, x, moved); }));
  }
}

TEST_CASE("with the same weights everywhere a locally connected layer has a convolution's bits") {
  for (const Case& c : cases()) {
    Conv2dLayerOptions convolution;
    convolution.filters = c.options.filters;
    convolution.kernel = c.options.kernel;
    convolution.convolution.stride = c.options.stride;
    convolution.convolution.padding = c.options.padding;
    const auto shared = conv2d_layer(convolution);
    const FeatureShape out = shared->build(c.input);
    CAPTURE(shared->settings(), c.input.text());
    constexpr std::size_t N = 3;
    const std::vector<float> weight = random_floats(shared->parameters()[0].size(), 1, "weight");
    const std::vector<float> bias = random_floats(out.channels, 1, "bias");
    std::vector<float> once = weight;
    once.insert(once.end(), bias.begin(), bias.end());
    std::vector<float> everywhere;
    for (std::size_t p = 0; p < out.height * out.width; ++p) {
      everywhere.insert(everywhere.end(), weight.begin(), weight.end());
    }
    for (std::size_t p = 0; p < out.height * out.width; ++p) {
      everywhere.insert(everywhere.end(), bias.begin(), bias.end());
    }
    const std::vector<float> input = random_floats(N * c.input.size(), 1, "input");
    const std::vector<float> grad = random_floats(N * out.size(), 1, "grad");
    const LayerResult a = run_layer(conv2d_layer(convolution), c.input, N, input, once, grad);
    const LayerResult b =
        run_layer(locally_connected_layer(c.options), c.input, N, input, everywhere, grad);
    CHECK(a.output == b.output);
    CHECK(a.grad_input == b.grad_input);
  }
}

TEST_CASE("an infinite value outside what a position reads does not reach it") {
  LocallyConnectedLayerOptions options;
  options.kernel = {1, 1};
  std::vector<float> input(4, 1.0F);
  input[2] = std::numeric_limits<float>::infinity();
  const LayerResult result = run_layer(locally_connected_layer(options), {2, 2, 1}, 1, input,
                                       {1, 2, 0, 4, 0, 0, 0, 0}, {0, 0, 0, 0});
  CHECK(result.output[0] == 1.0F);
  CHECK(result.output[1] == 2.0F);
  CHECK(std::isnan(result.output[2]));
  CHECK(result.output[3] == 4.0F);
}

TEST_CASE("locally connected layers that make no sense are refused") {
  const auto error = [](std::size_t kernel, std::size_t size, std::size_t filters) {
    LocallyConnectedLayerOptions options;
    options.kernel = {kernel, kernel};
    options.filters = filters;
    return error_of([&] { locally_connected_layer(options)->build({size, size, 64}); });
  };
  CHECK(is_line_with(error(5, 4, 1), "5"));
  CHECK(is_line_with(error(3, 4, 0), "0"));
  CHECK(is_line_with(error(3, 4096, 4096), "positions", "2^40 weights"));
}
