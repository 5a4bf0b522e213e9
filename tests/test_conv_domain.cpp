// conv: NaN, infinities, huge and tiny values. What "auto" guarantees outside the domains of fft
// and winograd, and what the public functions report when these are asked for by name.
#include <bit>
#include <cmath>
#include <limits>

#include "reprise/conv/conv2d.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/special_floats.hpp"

using namespace reprise;
using namespace reprise::test;
using Catch::Contains;

namespace {

const float kSpecialValues[] = {kNan, kInfinity, -kInfinity, 3e38F, 1e30F, -2e7F, 1e7F, 1e-40F};

/// Shapes for which "auto" takes fft, winograd or direct.
std::vector<ConvShape> auto_shapes() {
  std::vector<ConvShape> shapes;
  for (const char* line :
       {"mb3ic6ih14oc16kh5ph2n\"fft\"", "mb4ic64ih14oc64kh3ph1n\"winograd\"",
        "mb3ic16ih12oc16kh3ph1", "mb3ic24ih27oc32kh5ph2", "mb2ic3ih20oc8kh5sh2ph2",
        "g2mb3ic32ih13oc32kh3ph1", "mb2ic1ih9oc4kh3ph1", "mb2ic96ih13oc64kh3ph1"}) {
    shapes.push_back(parse_conv_shape(line));
  }
  return shapes;
}

std::vector<float>& operand_a(ConvOperands<float>& operands, ConvPass pass) {
  return pass == ConvPass::forward ? operands.input : operands.grad_output;
}
std::vector<float>& operand_b(ConvOperands<float>& operands, ConvPass pass) {
  return pass == ConvPass::grad_weight ? operands.input : operands.weight;
}

bool in_domain(const ConvAlgorithm& algorithm, const float* values, std::size_t count) {
  return is_inside(algorithm.domain, largest_magnitude_bits(values, count));
}

/// NaN of any payload equals NaN: which of two NaN operands an addition keeps is not fixed.
bool same_values(const float* a, const float* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const bool same =
        std::isnan(a[i]) ? std::isnan(b[i])
                         : std::bit_cast<std::uint32_t>(a[i]) == std::bit_cast<std::uint32_t>(b[i]);
    if (!same) return false;
  }
  return true;
}

/// Whether each part of auto's result is what the rule of auto_conv_algorithm() says: that of the
/// chosen algorithm where the operands are inside its domain, that of direct where they are not.
bool follows_rule(const ConvShape& shape, ConvPass pass, ConvOperands<float>& operands,
                  const std::vector<float>& result) {
  const ConvAlgorithm& chosen = resolve(auto_conv_algorithm(), shape, pass);
  const auto direct = run_guarded(default_conv_algorithm(), shape, pass, operands).values;
  const auto by_chosen = run_guarded(chosen, shape, pass, operands).values;
  const std::vector<float>& a = operand_a(operands, pass);
  const std::vector<float>& b = operand_b(operands, pass);
  if (pass == ConvPass::grad_weight) {
    const bool inside =
        in_domain(chosen, a.data(), a.size()) && in_domain(chosen, b.data(), b.size());
    return same_values(result.data(), (inside ? by_chosen : direct).data(), result.size());
  }
  const bool weight_inside = in_domain(chosen, b.data(), b.size());
  const std::size_t image = a.size() / shape.N;
  const std::size_t part = result.size() / shape.N;
  for (std::size_t n = 0; n < shape.N; ++n) {
    const bool inside = weight_inside && in_domain(chosen, a.data() + n * image, image);
    const auto& expected = inside ? by_chosen : direct;
    if (!same_values(result.data() + n * part, expected.data() + n * part, part)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("magnitudes: the largest, wherever it stands, with NaN above infinity") {
  for (const std::size_t count : {0, 1, 2, 15, 16, 17, 63, 64, 65, 200}) {
    std::vector<float> values(count, -0.0F);
    CHECK(largest_magnitude_bits(values.data(), count) == 0);
    for (std::size_t i = 0; i < count; ++i) {
      for (const float value : {1e-45F, -3.5F, kInfinity, kNan, -kNan}) {
        values[i] = value;
        CHECK(largest_magnitude_bits(values.data(), count) ==
              (std::bit_cast<std::uint32_t>(value) & 0x7fffffffU));
      }
      values[i] = 0.0F;
    }
  }
  const OperandDomain domain{true, 2.0F};
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  CHECK(is_inside(domain, bits(2.0F)));
  CHECK_FALSE(is_inside(domain, bits(std::nextafter(2.0F, 3.0F))));
  CHECK_FALSE(is_inside(domain, bits(kNan)));
  CHECK_FALSE(is_inside(OperandDomain{true}, bits(kInfinity)));
  CHECK(is_inside(OperandDomain{true}, bits(3e38F)));
  CHECK(is_inside(OperandDomain{}, bits(kNan)));
}

TEST_CASE("auto gives direct's results outside the chosen algorithm's domain, and its own inside") {
  std::size_t fallbacks = 0, case_number = 0;
  for (const ConvShape& shape : auto_shapes()) {
    for (const ConvPass pass : kConvPasses) {
      const RandomStream random = RandomStream(3).child(to_line(shape));
      for (const float special : kSpecialValues) {
        for (const bool in_b : {false, true}) {
          ConvOperands<float> operands = uniform_operands(shape, random);
          auto& operand = in_b ? operand_b(operands, pass) : operand_a(operands, pass);
          operand[random.below(operand.size(), case_number++)] = special;
          INFO(name_of(pass) << " of " << to_line(shape) << ", " << special << " in operand "
                             << (in_b ? "b" : "a"));
          const GuardedResult result = run_guarded(auto_conv_algorithm(), shape, pass, operands, 2);
          CHECK(result.stayed_inside);
          CHECK(follows_rule(shape, pass, operands, result.values));
          const ConvAlgorithm& chosen = resolve(auto_conv_algorithm(), shape, pass);
          if (!in_domain(chosen, operand.data(), operand.size())) ++fallbacks;
        }
      }
    }
  }
  CHECK(fallbacks > 50);
}

TEST_CASE("every portable algorithm keeps its bound inside its domain, next to its ends") {
  for (const ConvShape& shape : auto_shapes()) {
    for (const ConvAlgorithm* algorithm : conv_algorithms()) {
      if (algorithm->reproducibility != Reproducibility::portable) continue;
      for (const ConvPass pass : kConvPasses) {
        if (!algorithm->unsupported(shape, pass).empty()) continue;
        for (const float special : {algorithm->domain.max_magnitude, 1e5F, 1e-40F}) {
          if (special == kInfinity) continue;
          ConvOperands<float> operands =
              uniform_operands(shape, RandomStream(4).child(to_line(shape)));
          auto& a = operand_a(operands, pass);
          auto& b = operand_b(operands, pass);
          a[a.size() / 3] = special;
          b[b.size() / 2] = -special;
          INFO(algorithm->name << " " << name_of(pass) << " of " << to_line(shape) << " with "
                               << special);
          const auto result = run_guarded(*algorithm, shape, pass, operands).values;
          const auto exact = exact_result(shape, pass, widened(operands));
          const auto units = error_units(shape, pass, operands, algorithm->error_scale);
          CHECK(worst_error(result, exact, units) <= algorithm->error_bound(shape, pass));
        }
      }
    }
  }
}

TEST_CASE("another image's values never change an image's bits under auto") {
  for (const ConvShape& shape : auto_shapes()) {
    for (const ConvPass pass : {ConvPass::forward, ConvPass::grad_input}) {
      ConvOperands<float> operands = uniform_operands(shape, RandomStream(5).child(to_line(shape)));
      const auto clean = run_guarded(auto_conv_algorithm(), shape, pass, operands).values;
      auto& a = operand_a(operands, pass);
      a[a.size() / shape.N + 1] = kNan;  // in image 1
      const auto spoilt = run_guarded(auto_conv_algorithm(), shape, pass, operands).values;
      const std::size_t part = clean.size() / shape.N;
      INFO(name_of(pass) << " of " << to_line(shape));
      for (std::size_t n = 0; n < shape.N; ++n) {
        if (n != 1) CHECK(same_values(&clean[n * part], &spoilt[n * part], part));
      }
      CHECK_FALSE(same_values(&clean[part], &spoilt[part], part));
    }
  }
}

TEST_CASE("an image without a gradient never sends grad_weight to another algorithm") {
  for (const ConvShape& shape : auto_shapes()) {
    ConvOperands<float> operands = uniform_operands(shape, RandomStream(6).child(to_line(shape)));
    const auto clean =
        run_guarded(auto_conv_algorithm(), shape, ConvPass::grad_weight, operands).values;
    ConvShape longer = shape;
    ++longer.N;
    operands.input.resize(longer.input_size(), 1e28F);
    operands.grad_output.resize(longer.output_size(), 0.0F);
    const auto appended =
        run_guarded(auto_conv_algorithm(), longer, ConvPass::grad_weight, operands).values;
    INFO(to_line(shape));
    CHECK(same_values(clean.data(), appended.data(), clean.size()));
  }
}

TEST_CASE("the cases that were reported: near the range's end, one NaN, one huge pixel") {
  Conv2dOptions same;
  same.padding = Padding2d::same();
  const auto no_bias = make_tensor<1>({16}, 0.0F);
  auto centre = make_tensor<4>({3, 3, 16, 16}, 0.0F);
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t o = 0; o < 16; ++o) centre(1, 1, i, o) = 0.5F / 16;
  }
  const auto huge = conv2d_forward(make_tensor<4>({1, 12, 12, 16}, 3e38F), centre, no_bias, same,
                                   auto_conv_algorithm());
  for (const float value : huge) CHECK(value == Approx(1.5e38F));

  auto image = make_tensor<4>({3, 14, 14, 6}, 1.0F);
  const auto weight = make_tensor<4>({5, 5, 6, 16}, 1.0F / 150);
  image(0, 3, 3, 0) = kNan;
  const auto with_nan = conv2d_forward(image, weight, no_bias, same, auto_conv_algorithm());
  std::size_t nans = 0;
  for (const float value : with_nan) nans += std::isnan(value) ? 1 : 0;
  CHECK(nans == 5 * 5 * 16);
  image(0, 3, 3, 0) = 1e30F;
  const auto with_huge = conv2d_forward(image, weight, no_bias, same, auto_conv_algorithm());
  CHECK(with_huge(0, 10, 10, 0) == Approx(1.0));
}

TEST_CASE("an infinite weight meets no padding in naive, direct and auto") {
  Conv2dOptions same;
  same.padding = Padding2d::same();
  auto weight = make_tensor<4>({3, 3, 1, 1}, 1.0F);
  weight(0, 0, 0, 0) = kInfinity;
  const auto image = make_tensor<4>({1, 6, 6, 1}, 1.0F);
  for (const char* name : {"naive", "direct", "auto"}) {
    INFO(name);
    const auto output =
        conv2d_forward(image, weight, make_tensor<1>({1}, 0.0F), same, conv_algorithm(name));
    for (std::size_t oh = 0; oh < 6; ++oh) {
      for (std::size_t ow = 0; ow < 6; ++ow) {
        CHECK((oh == 0 || ow == 0 ? std::isfinite(output(0, oh, ow, 0))
                                  : output(0, oh, ow, 0) == kInfinity));
      }
    }
  }
}

TEST_CASE("an algorithm that is asked for by name reports the value that it does not take") {
  Conv2dOptions same;
  same.padding = Padding2d::same();
  auto image = make_tensor<4>({2, 6, 6, 3}, 1.0F);
  auto weight = make_tensor<4>({3, 3, 3, 2}, 1.0F);
  auto grad_output = make_tensor<4>({2, 6, 6, 2}, 1.0F);
  const auto bias = make_tensor<1>({2}, kNan);  // added to what comes out: any value will do
  for (const char* name : {"fft", "winograd", "im2col_gemm"}) {
    const ConvAlgorithm& algorithm = conv_algorithm(name);
    INFO(name);
    CHECK_NOTHROW(conv2d_forward(image, weight, bias, same, algorithm));
    image(1, 2, 3, 1) = kNan;
    CHECK_THROWS_WITH(conv2d_forward(image, weight, bias, same, algorithm),
                      Contains("input(1,2,3,1) = nan") && Contains(name) && Contains("finite"));
    CHECK_THROWS_WITH(conv2d_backward(grad_output, image, weight, same, algorithm),
                      Contains("input(1,2,3,1) = nan"));
    image(1, 2, 3, 1) = 1.0F;
    weight(0, 2, 1, 1) = -kInfinity;
    CHECK_THROWS_WITH(conv2d_forward(image, weight, bias, same, algorithm),
                      Contains("weight(0,2,1,1) = -inf"));
    weight(0, 2, 1, 1) = 1.0F;
    grad_output(0, 5, 0, 1) = kNan;
    CHECK_THROWS_WITH(conv2d_backward(grad_output, image, weight, same, algorithm),
                      Contains("grad_output(0,5,0,1) = nan"));
    grad_output(0, 5, 0, 1) = 1.0F;
  }
  image(0, 0, 0, 2) = 1e30F;
  CHECK_THROWS_WITH(conv2d_forward(image, weight, bias, same, conv_algorithm("fft")),
                    Contains("input(0,0,0,2) = 1e+30") && Contains("magnitudes up to"));
  CHECK_NOTHROW(conv2d_forward(image, weight, bias, same, conv_algorithm("im2col_gemm")));
}
