// winograd: its transforms in exact arithmetic, its choice of tiles, its exactness and its bound.
#include <hwy/highway.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/naive/naive.hpp"
#include "reprise/conv/winograd/plan.hpp"
#include "reprise/conv/winograd/transforms-inl.hpp"
#include "reprise/core/random.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

struct Fraction {
  std::int64_t numerator = 0, denominator = 1;
  bool operator==(const Fraction&) const = default;
};

Fraction reduced(std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t divisor = std::gcd(numerator, denominator) * (denominator < 0 ? -1 : 1);
  return {numerator / divisor, denominator / divisor};
}

/// The arithmetic of transforms-inl.hpp without rounding.
struct ExactOps {
  using Value = Fraction;
  static Value constant(int numerator, int denominator) { return reduced(numerator, denominator); }
  static Value mul(Value x, Value y) {
    return reduced(x.numerator * y.numerator, x.denominator * y.denominator);
  }
  static Value add(Value x, Value y) {
    return reduced(x.numerator * y.denominator + y.numerator * x.denominator,
                   x.denominator * y.denominator);
  }
  static Value sub(Value x, Value y) { return add(x, {-y.numerator, y.denominator}); }
  static Value fma(Value x, Value y, Value z) { return add(mul(x, y), z); }
  static Value negated_fma(Value x, Value y, Value z) { return sub(z, mul(x, y)); }
};

template <std::size_t Rows, std::size_t Columns>
using Matrix = std::array<std::array<Fraction, Columns>, Rows>;

/// The matrix of a transform: its values on unit vectors.
template <std::size_t Rows, std::size_t Columns, class Transform>
Matrix<Rows, Columns> matrix_of(Transform transform) {
  Matrix<Rows, Columns> result;
  for (std::size_t c = 0; c < Columns; ++c) {
    std::array<Fraction, Columns> in{};
    std::array<Fraction, Rows> out{};
    in[c] = {1, 1};
    transform(ExactOps(), in.data(), out.data());
    for (std::size_t r = 0; r < Rows; ++r) result[r][c] = out[r];
  }
  return result;
}

/// Sum over points of A(k,i) G(i,s) B(i,d) is 1 where d = k + s and 0 elsewhere; the return value
/// is the amplification of winograd.cpp.
template <std::size_t Outputs, std::size_t Kernel, std::size_t Points>
double check_identity(const Matrix<Outputs, Points>& a, const Matrix<Points, Kernel>& g,
                      const Matrix<Points, Points>& b) {
  const auto magnitude = [](Fraction x) {
    return std::abs(static_cast<double>(x.numerator) / static_cast<double>(x.denominator));
  };
  double amplification = 0;
  for (std::size_t k = 0; k < Outputs; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < Points; ++i) {
      double b_norm = 0, g_norm = 0;
      for (const Fraction x : b[i]) b_norm += magnitude(x);
      for (const Fraction x : g[i]) g_norm += magnitude(x);
      sum += magnitude(a[k][i]) * b_norm * g_norm;
    }
    amplification = std::max(amplification, sum * sum);
    for (std::size_t s = 0; s < Kernel; ++s) {
      for (std::size_t d = 0; d < Points; ++d) {
        Fraction total;
        for (std::size_t i = 0; i < Points; ++i) {
          total = ExactOps::fma(ExactOps::mul(a[k][i], g[i][s]), b[i][d], total);
        }
        CHECK(total == Fraction{d == k + s ? 1 : 0, 1});
      }
    }
  }
  return amplification;
}

#define TRANSFORM(name) [](auto ops, const auto* x, auto* y) { F::name(ops, x, y); }

/// Amplification of forward and of grad_weight.
template <class F>
std::array<double, 2> check_variant() {
  constexpr std::size_t n = F::kTile, m = F::kOutputs;
  const auto input = matrix_of<n, n>(TRANSFORM(input));
  const auto weight = matrix_of<n, 3>(TRANSFORM(weight));
  const auto output = matrix_of<m, n>(TRANSFORM(output));
  const auto grad = matrix_of<n, m>(TRANSFORM(grad));
  const auto kernel = matrix_of<3, n>(TRANSFORM(kernel));
  return {check_identity(output, weight, input), check_identity(kernel, grad, input)};
}

/// Integers from -most to most, or uniform in [-1, 1) if most is 0.
ConvOperands<float> random_operands(const ConvShape& s, std::uint64_t most) {
  const auto fill = [&](std::size_t count, std::string_view stream) {
    const RandomStream random = RandomStream(6).child(stream);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] =
          most == 0 ? static_cast<float>(2 * random.uniform(i) - 1)
                    : static_cast<float>(random.below(2 * most + 1, i)) - static_cast<float>(most);
    }
    return values;
  };
  return {fill(s.input_size(), "input"), fill(s.weight_size(), "weight"), fill(s.OC, "bias"),
          fill(s.output_size(), "grad_output")};
}

std::vector<float> run(const ConvShape& s, ConvPass pass, const ConvOperands<float>& o,
                       std::size_t threads) {
  const ConvAlgorithm& winograd = conv_algorithm("winograd");
  ConvWorkspace workspace;
  const auto bytes = workspace.require(winograd.workspace_bytes(s, pass, threads), "test");
  std::fill(bytes.begin(), bytes.end(), std::byte{0xA5});
  const ConvResources resources{bytes, threads};
  const std::size_t size = pass == ConvPass::forward      ? s.output_size()
                           : pass == ConvPass::grad_input ? s.input_size()
                                                          : s.weight_size();
  std::vector<float> result(size, NAN);
  if (pass == ConvPass::forward) {
    winograd.forward(s, o.input.data(), o.weight.data(), o.bias.data(), result.data(), resources);
  } else if (pass == ConvPass::grad_input) {
    winograd.grad_input(s, o.grad_output.data(), o.weight.data(), result.data(), resources);
  } else {
    winograd.grad_weight(s, o.grad_output.data(), o.input.data(), result.data(), resources);
  }
  return result;
}

std::vector<double> reference(const ConvShape& s, ConvPass pass, const ConvOperands<float>& o) {
  const auto wide = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  const auto x = wide(o.input), w = wide(o.weight), b = wide(o.bias), g = wide(o.grad_output);
  std::vector<double> result(pass == ConvPass::forward      ? s.output_size()
                             : pass == ConvPass::grad_input ? s.input_size()
                                                            : s.weight_size());
  if (pass == ConvPass::forward) {
    naive_forward(s, x.data(), w.data(), b.data(), result.data(), 1);
  } else if (pass == ConvPass::grad_input) {
    naive_grad_input(s, g.data(), w.data(), result.data(), 1);
  } else {
    naive_grad_weight(s, g.data(), x.data(), result.data(), 1);
  }
  return result;
}

}  // namespace

TEST_CASE("winograd's transforms fulfil the identity exactly and amplify no more than declared") {
  const auto f2 = check_variant<HWY_NAMESPACE::winograd::F2>();
  CHECK(f2[0] == Approx(64.0));
  CHECK(f2[1] == Approx(36.0));
  const auto f4 = check_variant<HWY_NAMESPACE::winograd::F4>();
  CHECK(f4[0] <= 564.0);
  CHECK(f4[0] > 563.0);
  CHECK(f4[1] <= 803.0);
  CHECK(f4[1] > 802.0);
}

TEST_CASE("winograd chooses its tile by the multiplications it needs") {
  const auto variant = [](const char* line, ConvPass pass) {
    return winograd_tiles(parse_conv_shape(line), pass).variant;
  };
  CHECK(variant("mb1ic8ih13oc8kh3ph1", ConvPass::forward) == WinogradVariant::f4);
  CHECK(variant("mb1ic8ih2oc8kh3ph1", ConvPass::forward) == WinogradVariant::f2);
  CHECK(variant("mb1ic8ih6oc8kh3ph1", ConvPass::forward) == WinogradVariant::f2);  // 9*16 = 4*36
  CHECK(variant("mb1ic8ih8oc8kh3ph1", ConvPass::grad_weight) == WinogradVariant::f4);
  // Tiles lie in the output, 4x4, forward, and in the input, 6x6, for its gradient.
  CHECK(variant("mb1ic8ih6oc8kh3ph0", ConvPass::forward) == WinogradVariant::f4);
  CHECK(variant("mb1ic8ih6oc8kh3ph0", ConvPass::grad_input) == WinogradVariant::f2);
}

TEST_CASE("winograd is exact on small integers with tiles of 2x2") {
  for (const char* line : {"mb2ic5ih6iw2oc19kh3ph1kw3pw1", "g2mb3ic34ih2oc6kh3ph1",
                           "mb1ic1ih1oc1kh3ph1", "mb2ic40ih1iw2oc33kh3ph3pw1kw3"}) {
    const ConvShape s = parse_conv_shape(line);
    const ConvOperands<float> operands = random_operands(s, 4);
    for (const ConvPass pass : kConvPasses) {
      INFO(name_of(pass) << " " << line);
      if (winograd_tiles(s, pass).variant != WinogradVariant::f2) continue;
      const auto exact = reference(s, pass, operands);
      const auto result = run(s, pass, operands, 1);
      CHECK(std::vector<double>(result.begin(), result.end()) == exact);
    }
  }
}

TEST_CASE("winograd keeps its bound, and its bits on any target and number of threads") {
  // Transformed weights kept and not, one and several chunks of tiles, borders of all kinds.
  for (const char* line : {"mb2ic37ih23iw18oc70kh3ph1kw3pw1", "mb5ic130ih13iw14oc100kh3ph1kw3pw1",
                           "g3mb2ic45ih9iw11oc21kh3ph4pw0kw3", "mb1ic16ih70iw75oc8kh3ph0kw3",
                           "mb9ic90ih25iw23oc90kh3ph2pw1kw3", "mb1ic300ih5iw4oc17kh3ph1kw3pw1",
                           "mb3ic200ih2iw6oc100kh3ph1kw3pw1"}) {
    const ConvShape s = parse_conv_shape(line);
    const ConvOperands<float> operands = random_operands(s, 0);
    for (const ConvPass pass : kConvPasses) {
      const auto exact = reference(s, pass, operands);
      const auto first = run(s, pass, operands, 1);
      double worst = 0;
      for (std::size_t i = 0; i < exact.size(); ++i) {
        const double error = std::abs(static_cast<double>(first[i]) - exact[i]);
        if (!(error <= worst)) worst = error;
      }
      // Operands are below 1.
      const double scale = 0x1p-24 * static_cast<double>(s.terms(pass) + 1);
      INFO(name_of(pass) << " " << line << ": worst error " << worst / scale << " of "
                         << conv_algorithm("winograd").error_bound(s, pass));
      CHECK(worst <= scale * conv_algorithm("winograd").error_bound(s, pass));
      // What random signs leave of the bound; a wrong coefficient would show.
      CHECK(worst <= scale * 8 * std::sqrt(static_cast<double>(s.terms(pass))));
      for (const std::string& target : test::targets()) {
        for (const std::size_t threads : {1, 3}) {
          select_simd_target(target);
          CHECK(run(s, pass, operands, threads) == first);
        }
      }
      select_simd_target("best");
    }
  }
}

TEST_CASE("winograd says what it does not offer") {
  const ConvAlgorithm& winograd = conv_algorithm("winograd");
  const auto reason = [&](const char* line) {
    return winograd.unsupported(parse_conv_shape(line), ConvPass::forward);
  };
  CHECK(reason("mb1ic2ih9oc2kh3ph5") == "");
  CHECK(reason("mb1ic2ih9oc2kh5kw3iw9") == "kernel 5x3: only 3x3");
  CHECK(reason("mb1ic2ih9oc2kh3sh2sw1iw9kw3") == "stride 2x1: only 1");
  CHECK(reason("mb1ic2ih9oc2kh3dh1dw0iw9kw3") == "dilation 2x1: only 1");
}
