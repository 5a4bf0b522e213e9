// Local response normalization: against PyTorch in float64, the formula in double at widths that
// leave lanes over, and finite differences.
#include <cmath>
#include <limits>

#include "reprise/linalg/math.hpp"
#include "reprise/nn/layers.hpp"
#include "support/close.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

using NormalizationOptions = LocalResponseNormalizationOptions;

/// The paper's formula in double for one pixel.
std::vector<double> normalized(const std::vector<double>& a, const NormalizationOptions& o) {
  const auto C = static_cast<int>(a.size());
  const int half = static_cast<int>(o.n) / 2;
  std::vector<double> b(a.size());
  for (int c = 0; c < C; ++c) {
    double sum = 0.0;
    for (int j = std::max(0, c - half); j <= std::min(C - 1, c + half); ++j) sum += a[j] * a[j];
    b[c] = a[c] / std::pow(o.k + o.alpha * sum, o.beta);
  }
  return b;
}

// A scale is off by n + 3 roundoffs, its power by beta times that and 5 of its own, and there are
// two roundings more. A gradient adds a term of at most 2 beta n times grad_output's size.
double output_bound(const NormalizationOptions& o) {
  return (o.beta * static_cast<double>(o.n + 3) + 8.0) * kRoundoff;
}
double gradient_bound(const NormalizationOptions& o) {
  return (1.0 + 2.0 * o.beta * static_cast<double>(o.n)) * (3.0 * output_bound(o) + 8 * kRoundoff);
}

void check_golden(const std::string& name) {
  const GoldenFile golden("layers.h5");
  const GoldenArray input = golden.array(name + "/input");
  NormalizationOptions o;
  if (name == "local_response_normalization_other_options") o = {1.0, 3, 0.5, 0.5};
  const LayerResult result = run_layer(
      local_response_normalization_layer(o), {input.shape[1], input.shape[2], input.shape[3]},
      input.shape[0], input.floats(), {}, golden.array(name + "/grad_output").floats());
  const std::vector<double> output = golden.array(name + "/output").values;
  check_close(name + " output", result.output, output,
              [&](std::size_t i) { return output_bound(o) * std::abs(output[i]); });
  check_close(name + " grad_input", result.grad_input, golden.array(name + "/grad_input").values,
              gradient_bound(o));
}

}  // namespace

TEST_CASE("local response normalization agrees with PyTorch") {
  check_golden("local_response_normalization");
  check_golden("local_response_normalization_few_channels");
  check_golden("local_response_normalization_other_options");
}

TEST_CASE("local response normalization of any number of channels agrees with its formula") {
  const NormalizationOptions o{1.5, 7, 0.25, 0.6};  // a power that roots do not give
  for (const std::size_t C : {1, 2, 3, 5, 8, 15, 16, 17, 37, 96}) {
    CAPTURE(C);
    const FeatureShape shape{2, 3, C};
    const std::vector<float> input = random_floats(2 * shape.size(), C, "input");
    const std::vector<float> grad = random_floats(2 * shape.size(), C, "grad");
    const LayerResult result =
        run_layer(local_response_normalization_layer(o), shape, 2, input, {}, grad);
    std::vector<double> expected, expected_gradient;
    for (std::size_t first = 0; first < input.size(); first += C) {
      std::vector<double> a(input.begin() + static_cast<long>(first),
                            input.begin() + static_cast<long>(first + C));
      for (const double b : normalized(a, o)) expected.push_back(b);
      for (std::size_t c = 0; c < C; ++c) {
        constexpr double h = 1e-5;
        const double at = a[c];
        a[c] = at + h;
        const std::vector<double> ahead = normalized(a, o);
        a[c] = at - h;
        const std::vector<double> behind = normalized(a, o);
        a[c] = at;
        double derivative = 0.0;
        for (std::size_t j = 0; j < C; ++j) {
          derivative += static_cast<double>(grad[first + j]) * (ahead[j] - behind[j]) / (2 * h);
        }
        expected_gradient.push_back(derivative);
      }
    }
    check_close("output", result.output, expected, 2 * output_bound(o));
    check_close("gradient", result.grad_input, expected_gradient, gradient_bound(o) + 1e-8);
  }
}

TEST_CASE("normalization within maps agrees with its formula and finite differences") {
  for (const FeatureShape& shape : {FeatureShape{5, 4, 3}, {1, 7, 2}, {6, 1, 1}, {2, 2, 17}}) {
    for (const std::size_t n : {1, 3, 5}) {
      CAPTURE(shape.text(), n);
      NormalizationOptions o{1.5, n, 0.25, 0.75};
      o.within_maps = true;
      const auto H = static_cast<int>(shape.height);
      const auto W = static_cast<int>(shape.width);
      const auto C = static_cast<int>(shape.channels);
      const auto half = static_cast<int>(n / 2);
      const auto formula = [&](const std::vector<double>& a) {
        std::vector<double> b;
        for (int i = 0; i < H * W * C; ++i) {
          const int h = i / C / W;
          const int w = i / C % W;
          double sum = 0.0;
          for (int y = std::max(0, h - half); y <= std::min(H - 1, h + half); ++y) {
            for (int x = std::max(0, w - half); x <= std::min(W - 1, w + half); ++x) {
              sum += a[(y * W + x) * C + i % C] * a[(y * W + x) * C + i % C];
            }
          }
          b.push_back(a[i] / std::pow(o.k + o.alpha * sum, o.beta));
        }
        return b;
      };
      const std::vector<float> input = random_floats(2 * shape.size(), n, "input");
      const std::vector<float> grad = random_floats(2 * shape.size(), n, "grad");
      const LayerResult result =
          run_layer(local_response_normalization_layer(o), shape, 2, input, {}, grad);
      NormalizationOptions bounds = o;
      bounds.n = n * n;
      for (std::size_t first = 0; first < input.size(); first += shape.size()) {
        const auto begin = static_cast<long>(first);
        std::vector<double> a(input.begin() + begin,
                              input.begin() + begin + static_cast<long>(shape.size()));
        std::vector<double> gradient;
        const std::vector<double> expected = formula(a);
        for (double& value : a) {
          constexpr double h = 1e-5;
          const double at = value;
          value = at + h;
          const std::vector<double> ahead = formula(a);
          value = at - h;
          const std::vector<double> behind = formula(a);
          value = at;
          double derivative = 0.0;
          for (std::size_t j = 0; j < a.size(); ++j) {
            derivative += static_cast<double>(grad[first + j]) * (ahead[j] - behind[j]) / (2 * h);
          }
          gradient.push_back(derivative);
        }
        const std::span<const float> output(result.output);
        const std::span<const float> grad_input(result.grad_input);
        check_close("output", output.subspan(first, shape.size()), expected,
                    2 * output_bound(bounds));
        check_close("gradient", grad_input.subspan(first, shape.size()), gradient,
                    gradient_bound(bounds) + 1e-8);
      }
    }
  }
}

TEST_CASE("powers by roots agree with the C library in double") {
  std::vector<float> x;
  for (int i = -40; i <= 40; ++i)
    x.push_back(std::ldexp(1.0F + 0.37F * static_cast<float>(i % 3 + 3), i));
  std::vector<float> y(x.size());
  for (const float beta : {0.5F, 0.75F, 1.0F, 0.6F}) {
    inverse_power(x.size(), beta, x.data(), y.data());
    std::vector<double> expected;
    for (const float value : x)
      expected.push_back(std::pow(static_cast<double>(value), -static_cast<double>(beta)));
    const bool roots = beta != 0.6F;
    check_close("beta " + std::to_string(beta), y, expected, [&](std::size_t i) {
      const double ulps = roots ? 2.5 : 2.0 + 2.0 * std::abs(0.6 * std::log(x[i]));
      return 2 * ulps * kRoundoff * expected[i];
    });
  }
}

TEST_CASE("normalizations that make no sense are refused") {
  const auto error = [](const NormalizationOptions& options) {
    return error_of([&] { local_response_normalization_layer(options); });
  };
  CHECK(is_line_with(error({2.0, 4, 1e-4, 0.75}), "4 neighbours", "odd"));
  CHECK(is_line_with(error({2.0, 0, 1e-4, 0.75}), "0 neighbours", "odd"));
  CHECK(is_line_with(error({0.0, 5, 1e-4, 0.75}), "k = 0"));
  CHECK(is_line_with(error({1.0, 5, -1.0, 0.75}), "alpha = -1"));
  CHECK(is_line_with(error({2.0, 129, 1e-4, 0.75, true}), "129 x 129"));
}

TEST_CASE("NaN reaches every neighbour, whatever the power") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const double beta : {0.5, 0.6, 0.75, 1.0}) {
    CAPTURE(beta);
    std::vector<float> input(9, 1.0F);
    input[4] = nan;
    const LayerResult result = run_layer(local_response_normalization_layer({1.0, 3, 0.5, beta}),
                                         {1, 1, 9}, 1, input, {}, std::vector<float>(9, 1.0F));
    for (std::size_t c = 0; c < 9; ++c) {
      CAPTURE(c);
      CHECK(std::isnan(result.output[c]) == (c >= 3 && c <= 5));
    }
  }
}
