// conv: the public functions, their errors, and the oracle itself (adjointness, differences).
#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "reprise/conv/conv2d.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/naive/naive.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/result_tensor.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"

using namespace reprise;
using namespace reprise::test;
using Catch::Contains;

namespace {

constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

std::vector<ConvShape> some_shapes() {
  std::vector<ConvShape> shapes = edge_cases();
  for (std::uint64_t i = 0; i < 50; ++i) shapes.push_back(random_shape(RandomStream(7).child(i)));
  return shapes;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// sum(output * grad_output): the scalar whose gradients the backward passes give.
double loss(const ConvShape& shape, const ConvOperands<double>& operands) {
  return dot(exact_result(shape, ConvPass::forward, operands), operands.grad_output);
}

/// Checks `gradient` against central differences of the loss in each value of operands.*values.
void check_differences(const ConvShape& shape, ConvOperands<double> operands,
                       std::vector<double> ConvOperands<double>::*values,
                       const std::vector<double>& gradient) {
  REQUIRE(gradient.size() == (operands.*values).size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double value = (operands.*values)[i];
    (operands.*values)[i] = value + 0.5;  // the loss is linear: any step will do
    const double above = loss(shape, operands);
    (operands.*values)[i] = value - 0.5;
    const double below = loss(shape, operands);
    (operands.*values)[i] = value;
    CHECK(gradient[i] == Approx(above - below).margin(1e-10));
  }
}

template <std::size_t Rank>
Tensor<Rank> tensor(const std::array<std::size_t, Rank>& sizes, const std::vector<float>& values) {
  Tensor<Rank> t = make_tensor<Rank>(sizes);
  REQUIRE(t.size() == values.size());
  std::copy(values.begin(), values.end(), t.begin());
  return t;
}

std::vector<float> values_of(const auto& t) {
  return {t.begin(), t.end()};
}

/// The operands of conv2d_* for a shape.
struct Call {
  explicit Call(const ConvShape& s)
      : values(uniform_operands(s, RandomStream(3))),
        input(tensor<4>({s.N, s.IH, s.IW, s.IC}, values.input)),
        weight(tensor<4>({s.KH, s.KW, s.IC / s.G, s.OC}, values.weight)),
        bias(tensor<1>({s.OC}, values.bias)),
        grad_output(tensor<4>({s.N, s.OH, s.OW, s.OC}, values.grad_output)) {
    options.stride = {s.stride_h, s.stride_w};
    options.dilation = {s.dilation_h, s.dilation_w};
    options.padding = Padding2d::sides(s.pad_top, s.pad_bottom, s.pad_left, s.pad_right);
    options.groups = s.G;
  }
  ConvOperands<float> values;
  Tensor<4> input, weight;
  Tensor<1> bias;
  Tensor<4> grad_output;
  Conv2dOptions options;
};

/// An algorithm that would need 2^60 bytes.
const ConvAlgorithm& greedy() {
  static const ConvAlgorithm algorithm = [] {
    ConvAlgorithm a = conv_algorithm("naive");
    a.workspace_bytes = [](const ConvShape&, ConvPass, std::size_t) {
      return std::size_t{1} << 60;
    };
    return a;
  }();
  return algorithm;
}

/// An algorithm that offers nothing.
const ConvAlgorithm& picky() {
  static const ConvAlgorithm algorithm = [] {
    ConvAlgorithm a = conv_algorithm("naive");
    a.name = "picky";
    a.unsupported = [](const ConvShape&, ConvPass) { return std::string("it is Monday"); };
    return a;
  }();
  return algorithm;
}

}  // namespace

TEST_CASE("the oracle's passes are adjoint to each other") {
  for (const ConvShape& shape : some_shapes()) {
    INFO(to_line(shape));
    ConvOperands<double> o = widened(uniform_operands(shape, RandomStream(5)));
    std::fill(o.bias.begin(), o.bias.end(), 0.0);
    const double forward = loss(shape, o);
    const double scale = 1.0 + std::sqrt(static_cast<double>(shape.output_size())) *
                                   static_cast<double>(shape.terms(ConvPass::forward));
    const auto close = Approx(forward).margin(1e-13 * scale);
    CHECK(dot(o.input, exact_result(shape, ConvPass::grad_input, o)) == close);
    CHECK(dot(o.weight, exact_result(shape, ConvPass::grad_weight, o)) == close);
  }
}

TEST_CASE("the oracle's gradients are those of central differences") {
  for (const char* line : {"mb2ic2ih5iw4oc3kh3kw2sh2sw1ph1pw0", "mb1ic2ih6oc2kh2dh1sh2ph2",
                           "g2mb1ic4ih4iw5oc2kh3kw3ph1pw2", "mb1ic1ih9oc1kh2sh3"}) {
    const ConvShape shape = parse_conv_shape(line);
    INFO(line);
    const ConvOperands<double> o = widened(uniform_operands(shape, RandomStream(6)));
    check_differences(shape, o, &ConvOperands<double>::input,
                      exact_result(shape, ConvPass::grad_input, o));
    check_differences(shape, o, &ConvOperands<double>::weight,
                      exact_result(shape, ConvPass::grad_weight, o));
    const std::vector<float> grad_output(o.grad_output.begin(), o.grad_output.end());
    std::vector<float> grad_bias(shape.OC);
    conv2d_grad_bias(shape, grad_output.data(), grad_bias.data());
    for (std::size_t oc = 0; oc < shape.OC; ++oc) {
      double sum = 0.0;
      for (std::size_t i = oc; i < grad_output.size(); i += shape.OC) sum += o.grad_output[i];
      CHECK(grad_bias[oc] == Approx(sum).margin(1e-5));
    }
  }
}

TEST_CASE("conv2d_forward and conv2d_backward run the algorithm that is asked for") {
  for (const ConvShape& shape : some_shapes()) {
    INFO(to_line(shape));
    const Call call(shape);
    for (const char* name : {"naive", "direct", "auto"}) {
      const ConvAlgorithm& algorithm = conv_algorithm(name);
      const auto expected = [&](ConvPass pass) {
        return run_guarded(resolve(algorithm, shape, pass), shape, pass, call.values).values;
      };
      const Tensor<4> output =
          conv2d_forward(call.input, call.weight, call.bias, call.options, algorithm, 2);
      CHECK(same_bits(values_of(output), expected(ConvPass::forward)));
      const Conv2dGradients gradients =
          conv2d_backward(call.grad_output, call.input, call.weight, call.options, algorithm, 2);
      CHECK(same_bits(values_of(gradients.input), expected(ConvPass::grad_input)));
      CHECK(same_bits(values_of(gradients.weight), expected(ConvPass::grad_weight)));
      std::vector<float> grad_bias(shape.OC);
      conv2d_grad_bias(shape, call.grad_output.data(), grad_bias.data());
      CHECK(same_bits(values_of(gradients.bias), grad_bias));
    }
  }
}

TEST_CASE("on memory of the caller's the results are those on tensors") {
  for (const ConvShape& shape : some_shapes()) {
    INFO(to_line(shape));
    const Call call(shape);
    const ConvAlgorithm& algorithm = conv_algorithm("auto");
    Tensor<4> output = make_tensor<4>({shape.N, shape.OH, shape.OW, shape.OC}, kPoison);
    conv2d_forward(shape, call.input.data(), call.weight.data(), call.bias.data(), output.data(),
                   algorithm, 2);
    CHECK(same_bits(values_of(output), values_of(conv2d_forward(call.input, call.weight, call.bias,
                                                                call.options, algorithm))));
    Conv2dGradients gradients{make_tensor<4>(sizes_of(call.input), kPoison),
                              make_tensor<4>(sizes_of(call.weight), kPoison),
                              make_tensor<1>({shape.OC}, kPoison)};
    conv2d_backward(shape, call.grad_output.data(), call.input.data(), call.weight.data(),
                    {gradients.input.data(), gradients.weight.data(), gradients.bias.data()},
                    algorithm, 2);
    const Conv2dGradients expected =
        conv2d_backward(call.grad_output, call.input, call.weight, call.options, algorithm);
    CHECK(same_bits(values_of(gradients.input), values_of(expected.input)));
    CHECK(same_bits(values_of(gradients.weight), values_of(expected.weight)));
    CHECK(same_bits(values_of(gradients.bias), values_of(expected.bias)));
  }
}

TEST_CASE("a shape whose output its other sizes do not give is an error before memory is touched") {
  ConvShape shape = parse_conv_shape("mb2ic4ih6iw5oc3kh3kw3");
  shape.OH = 1000;
  CHECK_THROWS_WITH(conv2d_forward(shape, nullptr, nullptr, nullptr, nullptr),
                    Contains("1000x3") && Contains("expected 4x3"));
  CHECK_THROWS_WITH(conv2d_backward(shape, nullptr, nullptr, nullptr, {nullptr, nullptr, nullptr}),
                    Contains("1000x3") && Contains("expected 4x3"));
  shape.KH = 7;
  CHECK_THROWS_WITH(conv2d_forward(shape, nullptr, nullptr, nullptr, nullptr),
                    Contains("a kernel of height 7"));
}

TEST_CASE("what auto runs does not depend on the images of a call") {
  const ConvAlgorithm& automatic = conv_algorithm("auto");
  for (const char* line : {"ic256ih13oc384oh13kh3ph1", "ic512ih7oc512kh3ph1", "ic6ih14oc16kh5"}) {
    ConvShape shape = parse_conv_shape(line);
    for (const ConvPass pass : kConvPasses) {
      INFO(line << " " << name_of(pass));
      shape.N = kUsualImages;
      const ConvAlgorithm& usual = resolve(automatic, shape, pass);
      for (const std::size_t N : {0, 1, 2, 15, 17, 128, 5000}) {
        shape.N = N;
        CHECK(&resolve(automatic, shape, pass) == &usual);
      }
      if (shape.IC == 256) CHECK(usual.name != "direct");  // which is fastest for one image
    }
  }
  CHECK(&resolve(conv_algorithm("fft"), some_shapes().front(), ConvPass::forward) ==
        &conv_algorithm("fft"));
}

TEST_CASE("by measured times, auto loses little to the best algorithm") {
  struct Losses {
    double log_sum = 0.0, worst = 1.0;
    std::size_t rows = 0;
  };
  std::map<std::string, Losses> losses;  // by vectors and images
  std::ifstream stream(REPRISE_FIXTURES "/auto_times.csv");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#') || line.starts_with("shape,")) continue;
    std::istringstream fields(line);
    std::string shape_text, images, pass_name, vectors;
    std::getline(fields, shape_text, ',');
    std::getline(fields, images, ',');
    std::getline(fields, pass_name, ',');
    std::getline(fields, vectors, ',');
    const ConvShape shape = parse_conv_shape(shape_text);
    const auto* const pass =
        std::find_if(std::begin(kConvPasses), std::end(kConvPasses),
                     [&](ConvPass candidate) { return name_of(candidate) == pass_name; });
    REQUIRE(pass != std::end(kConvPasses));
    const std::string_view choice = resolve(conv_algorithm("auto"), shape, *pass).name;
    double least = std::numeric_limits<double>::infinity(), chosen = least;
    for (const char* name : {"direct", "fft", "winograd"}) {
      std::string time;
      std::getline(fields, time, ',');
      if (time.empty()) continue;
      least = std::min(least, std::stod(time));
      if (choice == name) chosen = std::stod(time);
    }
    Losses& of = losses[vectors + ", images: " + images];
    of.log_sum += std::log(chosen / least);
    of.worst = std::max(of.worst, chosen / least);
    ++of.rows;
  }
  REQUIRE(losses.size() == 4);
  for (const auto& [group, of] : losses) {
    INFO(group);
    CHECK(of.rows > 200);
    CHECK(std::exp(of.log_sum / static_cast<double>(of.rows)) < 1.08);
    CHECK(of.worst < 2.4);
  }
}

TEST_CASE("an empty batch gives an empty output and zero gradients") {
  const Call call(parse_conv_shape("mb0ic2ih5oc3kh3"));
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    INFO(algorithm->name);
    const Tensor<4> output =
        conv2d_forward(call.input, call.weight, call.bias, call.options, *algorithm);
    CHECK(sizes_text(output.shape()) == "0x3x3x3");
    const Conv2dGradients gradients =
        conv2d_backward(call.grad_output, call.input, call.weight, call.options, *algorithm);
    CHECK(values_of(gradients.weight) == std::vector<float>(3 * 3 * 2 * 3, 0.0F));
    CHECK(values_of(gradients.bias) == std::vector<float>(3, 0.0F));
  }
}

TEST_CASE("the parts of a grad_bias sum are images") {
  // 2^24 + 1 is 2^24 in float: only if each image is summed by itself are both ones kept.
  const ConvShape shape = parse_conv_shape("mb2ic1ih1iw2oc1kh1kw1");
  const std::vector<float> grad_output{0x1p24F, 0.0F, 1.0F, 1.0F};
  float grad_bias = 0.0F;
  conv2d_grad_bias(shape, grad_output.data(), &grad_bias);
  CHECK(grad_bias == 0x1p24F + 2.0F);
}

TEST_CASE("auto chooses a portable algorithm that offers the shape, by the shape alone") {
  for (const ConvShape& shape : some_shapes()) {
    for (const ConvPass pass : kConvPasses) {
      const ConvAlgorithm& chosen = resolve(auto_conv_algorithm(), shape, pass);
      CHECK(chosen.unsupported(shape, pass).empty());
      CHECK(chosen.reproducibility == Reproducibility::portable);
      CHECK(&resolve(chosen, shape, pass) == &chosen);
    }
  }
}

TEST_CASE("tensors that do not match are an error with both sizes") {
  const Call call(parse_conv_shape("mb2ic4ih6iw5oc3kh3kw3"));
  const auto forward = [&](const Tensor<4>& weight, const Tensor<1>& bias) {
    return conv2d_forward(call.input, weight, bias, call.options);
  };
  CHECK_THROWS_WITH(forward(make_tensor<4>({3, 3, 5, 3}, 0.0F), call.bias),
                    Contains("2x6x5x4") && Contains("3x3x5x3") && Contains("3x3x4x3"));
  CHECK_THROWS_WITH(forward(call.weight, make_tensor<1>({4}, 0.0F)),
                    Contains("bias 4") && Contains("expected 3"));
  CHECK_THROWS_WITH(
      conv2d_backward(make_tensor<4>({2, 4, 3, 4}, 0.0F), call.input, call.weight, call.options),
      Contains("grad_output 2x4x3x4") && Contains("expected 2x4x3x3"));
  Conv2dOptions groups;
  groups.groups = 2;
  CHECK_THROWS_WITH(conv2d_forward(call.input, call.weight, call.bias, groups),
                    Contains("OC = 3 in 2 groups"));
}

TEST_CASE("a workspace that cannot be allocated is an error that says how much was asked for") {
  const Call call(parse_conv_shape("mb1ic1ih3oc1kh3"));
  CHECK_THROWS_WITH(conv2d_forward(call.input, call.weight, call.bias, call.options, greedy()),
                    Contains("conv2d_forward") && Contains("1152921504606846976 bytes"));
  CHECK_THROWS_AS(
      conv2d_backward(call.grad_output, call.input, call.weight, call.options, greedy()),
      OutOfMemory);
}

TEST_CASE("a pass that is not offered is an error that says why") {
  const Call call(parse_conv_shape("mb1ic1ih3oc1kh3"));
  CHECK_THROWS_WITH(conv2d_forward(call.input, call.weight, call.bias, call.options, picky()),
                    Contains("picky does not support forward") && Contains("it is Monday"));
}

TEST_CASE("an unknown algorithm is an error that lists the known ones") {
  CHECK_THROWS_WITH(conv_algorithm("im2col"),
                    Contains("\"im2col\"") && Contains("naive, im2col_gemm, direct") &&
                        Contains("auto") && Contains("nearest is im2col_gemm"));
  CHECK(conv_algorithm("auto").name == "auto");
  CHECK(default_conv_algorithm().reproducibility == Reproducibility::portable);
}

TEST_CASE("a workspace grows on demand and begins at a multiple of 64 bytes") {
  ConvWorkspace workspace;
  for (const std::size_t bytes : {0, 100, 10, 1000000}) {
    const std::span<std::byte> memory = workspace.require(bytes, "test");
    CHECK(memory.size() == bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % kWorkspaceAlignment == 0);
  }
}
