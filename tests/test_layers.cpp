// Layers and losses: against PyTorch in float64, and against finite differences in double.
#include <cmath>

#include "reprise/core/error.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/nn/sequential.hpp"
#include "support/close.hpp"
#include "support/golden.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// Runs an elementwise layer on the golden case `name` (N,H,W,C) and compares.
void check_elementwise(const std::string& name, std::unique_ptr<Layer> layer, double bound) {
  const GoldenFile golden("layers.h5");
  const GoldenArray input = golden.array(name + "/input");
  const FeatureShape shape{input.shape[1], input.shape[2], input.shape[3]};
  const LayerResult result = run_layer(std::move(layer), shape, input.shape[0], input.floats(), {},
                                       golden.array(name + "/grad_output").floats());
  check_close(name + " output", result.output, golden.array(name + "/output").values, bound);
  check_close(name + " grad_input", result.grad_input, golden.array(name + "/grad_input").values,
              bound);
}

}  // namespace

TEST_CASE("relu agrees with PyTorch exactly") {
  check_elementwise("relu", relu_layer(), 1e-300);
}

TEST_CASE("tanh and scaled tanh agree with PyTorch") {
  // Outputs are below 1.72 and carry 3 ulp (2 * 3 roundoffs) and the scaling's; the gradient
  // multiplies the output's error by at most 2 * slope * |grad_output|, which is below 8 here.
  check_elementwise("tanh", tanh_layer(), 100 * kRoundoff);
  check_elementwise("scaled_tanh", tanh_layer(1.7159F, 2.0F / 3.0F), 100 * kRoundoff);
}

TEST_CASE("dense agrees with PyTorch within the bound of its fma chains") {
  const GoldenFile golden("layers.h5");
  const GoldenArray input = golden.array("dense/input");
  const GoldenArray weight = golden.array("dense/weight");
  std::vector<float> parameters = weight.floats();
  const std::vector<float> bias = golden.array("dense/bias").floats();
  parameters.insert(parameters.end(), bias.begin(), bias.end());
  const GoldenArray grad_output = golden.array("dense/grad_output");
  const LayerResult result =
      run_layer(dense_layer({weight.shape[1], {}, {}}), {1, 1, weight.shape[0], true},
                input.shape[0], input.floats(), parameters, grad_output.floats());
  // A chain of K products and a sum: at most (K + 1) roundoffs of the sum of magnitudes.
  const auto bound = [](std::size_t K, const GoldenArray& a, const GoldenArray& b) {
    return static_cast<double>((K + 1) * (K + 1)) * kRoundoff * largest(a.values) *
           std::max(1.0, largest(b.values));
  };
  check_close("output", result.output, golden.array("dense/output").values,
              bound(weight.shape[0], input, weight));
  check_close("grad_input", result.grad_input, golden.array("dense/grad_input").values,
              bound(weight.shape[1], grad_output, weight));
  std::vector<double> expected = golden.array("dense/grad_weight").values;
  const std::vector<double> grad_bias = golden.array("dense/grad_bias").values;
  expected.insert(expected.end(), grad_bias.begin(), grad_bias.end());
  check_close("grad_parameters", result.grad_parameters, expected,
              bound(input.shape[0], grad_output, input));
}

TEST_CASE("softmax cross-entropy agrees with PyTorch, large logits too") {
  const GoldenFile golden("layers.h5");
  const std::string path = "softmax_cross_entropy/";
  const GoldenArray logits = golden.array(path + "logits");
  const std::size_t N = logits.shape[0];
  const std::size_t classes = logits.shape[1];
  const std::vector<double> label_values = golden.array(path + "labels").values;
  std::vector<std::uint8_t> labels(N);
  for (std::size_t n = 0; n < N; ++n) labels[n] = static_cast<std::uint8_t>(label_values[n]);
  std::vector<float> probabilities(N * classes);
  std::vector<float> losses(N);
  softmax_cross_entropy_forward(N, classes, logits.floats().data(), labels.data(),
                                probabilities.data(), losses.data());
  // z - max is rounded once: an absolute error of |z - max| roundoffs in the exponent.
  const double spread = 2 * largest(logits.values);
  check_close("probabilities", probabilities, golden.array(path + "probabilities").values,
              (spread + 20) * kRoundoff);
  check_close("losses", losses, golden.array(path + "loss_per_image").values,
              (spread + 20) * kRoundoff);
  std::vector<float> grad(N * classes);
  softmax_cross_entropy_backward(N, classes, probabilities.data(), labels.data(),
                                 1.0F / static_cast<float>(N), grad.data());
  check_close("grad_logits", grad, golden.array(path + "grad_logits").values,
              (spread + 22) * kRoundoff / static_cast<double>(N));
}

TEST_CASE("layers' gradients agree with finite differences in double") {
  // Functions of one double: f(x) written out, against the layers' gradients at many points.
  const std::vector<float> x = random_floats(200, 4, "x");
  const std::vector<float> ones(x.size(), 1.0F);
  const auto check = [&](std::unique_ptr<Layer> layer, double (*f)(double)) {
    const LayerResult result = run_layer(std::move(layer), {1, 1, x.size()}, 1, x, {}, ones);
    std::vector<double> expected(x.size());
    constexpr double h = 1e-5;
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected[i] = (f(x[i] + h) - f(x[i] - h)) / (2 * h);
    }
    check_close("gradient", result.grad_input, expected, 1e-6);
  };
  check(tanh_layer(), [](double v) { return std::tanh(v); });
  check(tanh_layer(1.7159F, 2.0F / 3.0F), [](double v) { return 1.7159 * std::tanh(2.0 / 3 * v); });
  check(relu_layer(), [](double v) { return std::max(v, 0.0); });
}

TEST_CASE("relu passes NaN forward and backward, and gives 0 no gradient") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const LayerResult result =
      run_layer(relu_layer(), {1, 1, 3}, 1, {nan, 0.0F, -0.0F}, {}, {1.0F, 1.0F, 1.0F});
  CHECK(std::isnan(result.output[0]));
  CHECK(result.grad_input[0] == 1.0F);
  CHECK(result.grad_input[1] == 0.0F);
  CHECK(result.grad_input[2] == 0.0F);
}

TEST_CASE("a layer that cannot take its input says so") {
  Sequential model("m", {5, 4, 3});
  CHECK_THROWS_WITH(model.add("dense", dense_layer({10, {}, {}})),
                    Catch::Contains("put a flatten layer before it"));
  model.add("flatten", flatten_layer());
  CHECK_THROWS_WITH(model.add("flatten", relu_layer()), Catch::Contains("two layers called"));
  CHECK_THROWS_WITH(model.add("dense", dense_layer({0, {}, {}})), Catch::Contains("0 units"));
  CHECK_THROWS_AS(model.parameter("dense", "weight"), Error);
}
