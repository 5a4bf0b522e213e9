// Elementary functions: over all exponents and at every special value of IEEE 754, against the C
// library in a wider type; the same bits on every vector target.
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "reprise/core/random.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"
#include "support/special_floats.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr float kMin = std::numeric_limits<float>::denorm_min();

using Function = std::function<void(std::size_t, const float*, float*)>;

/// For every sign and exponent, infinities and NaN included: the first, the last and 200 other
/// numbers; and where the errors of exp, log and tanh are largest.
std::vector<float> all_exponents() {
  const RandomStream stream = RandomStream(1).child("mantissas");
  std::vector<float> values{-5.88269186F, 26.6952209F, 1.27938521F, 0.174642071F};
  std::uint64_t counter = 0;
  for (std::uint32_t high = 0; high < 512; ++high) {
    const auto add = [&](std::uint32_t mantissa) {
      values.push_back(std::bit_cast<float>(high << 23 | mantissa));
    };
    for (std::uint32_t i = 0; i < 4; ++i) {
      add(i);
      add(0x7FFFFF - i);
    }
    for (int i = 0; i < 200; ++i) {
      add(static_cast<std::uint32_t>(stream.below(1U << 23, counter++)));
    }
  }
  return values;
}

/// f of all x, which must have the same bits on every target.
std::vector<float> values_of(const Function& f, const std::vector<float>& x) {
  std::vector<float> first;
  for (const std::string& target : simd_targets()) {
    CAPTURE(target);
    select_simd_target(target);
    std::vector<float> y(x.size());
    f(x.size(), x.data(), y.data());
    if (first.empty()) first = y;
    CHECK(std::memcmp(y.data(), first.data(), y.size() * sizeof(float)) == 0);
  }
  select_simd_target("best");
  return first;
}

/// The distance of float or double numbers next to `exact`; of 2^-126 at least.
template <class Real>
double ulp(Real exact, int digits) {
  const int exponent = std::ilogb(std::max(std::abs(exact), static_cast<Real>(0x1p-126)));
  return std::ldexp(1.0, exponent + 1 - digits);
}

/// Checks f over all exponents: `ulps(x)` bounds its error, and what is infinite or NaN must be.
void check_errors(const char* name, const Function& f, double (*exact)(double),
                  const std::function<double(double)>& ulps) {
  CAPTURE(name);
  const std::vector<float> x = all_exponents();
  const std::vector<float> y = values_of(f, x);
  double worst = 0.0;
  float worst_at = 0.0F;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double wanted = exact(static_cast<double>(x[i]));
    const auto rounded = static_cast<float>(wanted);
    double share = 0.0;  // of the bound
    if (std::isnan(wanted) || std::isinf(rounded) || std::isinf(y[i])) {
      const bool right = std::isnan(wanted) ? std::isnan(y[i]) : y[i] == rounded;
      share = right ? 0.0 : kInfinity;
    } else {
      const double error = std::abs(static_cast<double>(y[i]) - wanted);
      share = error / (ulp(wanted, 24) * ulps(static_cast<double>(x[i])));
    }
    if (!(share <= worst)) worst = share, worst_at = x[i];
  }
  INFO("worst at " << worst_at);
  CHECK(worst <= 1.0);
}

/// Checks f's values to the bit, in arrays of every length up to two vectors.
void check_values(const char* name, const Function& f, const std::vector<float>& x,
                  const std::vector<float>& wanted) {
  CAPTURE(name);
  REQUIRE(x.size() == wanted.size());
  for (std::size_t count = 1; count <= 33; ++count) {
    std::vector<float> inputs(count), outputs(count);
    for (std::size_t i = 0; i < count; ++i) inputs[i] = x[i % x.size()];
    outputs = values_of(f, inputs);
    for (std::size_t i = 0; i < count; ++i) {
      CAPTURE(count, inputs[i], outputs[i]);
      CHECK(std::bit_cast<std::uint32_t>(outputs[i]) ==
            std::bit_cast<std::uint32_t>(wanted[i % x.size()]));
    }
  }
}

Function power(float beta) {
  return [beta](std::size_t count, const float* x, float* y) { inverse_power(count, beta, x, y); };
}

const Function kExp = [](std::size_t count, const float* x, float* y) { exp(count, x, y); };
const Function kLog = [](std::size_t count, const float* x, float* y) { log(count, x, y); };
const Function kTanh = [](std::size_t count, const float* x, float* y) { tanh(count, x, y); };

/// NaN as other operations make it: of the other sign, and with other bits.
const float kOtherNan = std::bit_cast<float>(0xFFC00000U);
const float kSignallingNan = std::bit_cast<float>(0x7F800001U);

/// powr(x, -beta).
template <int beta_by_100>
double exact_power(double x) {
  return x < 0.0 ? std::numeric_limits<double>::quiet_NaN()
                 : std::pow(std::abs(x), -static_cast<double>(beta_by_100 / 100.0F));
}

}  // namespace

TEST_CASE("exp, log and tanh keep their bounds over all exponents and signs") {
  const auto constant = [](double ulps) { return [ulps](double) { return ulps; }; };
  check_errors(
      "exp", kExp, [](double x) { return std::exp(x); }, constant(1.04));
  check_errors(
      "log", kLog, [](double x) { return std::log(x); }, constant(1.0));
  check_errors(
      "tanh", kTanh, [](double x) { return std::tanh(x); }, constant(3.0));
}

TEST_CASE("inverse powers keep their bounds over all exponents and signs") {
  const auto constant = [](double ulps) { return [ulps](double) { return ulps; }; };
  check_errors("beta 1", power(1.0F), exact_power<100>, constant(0.5));
  check_errors("beta 1/2", power(0.5F), exact_power<50>, constant(2.0));
  check_errors("beta 3/4", power(0.75F), exact_power<75>, constant(4.5));
  const auto by_logarithm = [](double beta) {
    return [beta](double x) { return 1.04 + 3.0 * std::abs(beta * std::log(x)); };
  };
  check_errors("beta 0.6", power(0.6F), exact_power<60>, by_logarithm(0.6));
  check_errors("beta 0.01", power(0.01F), exact_power<1>, by_logarithm(0.01));
  check_errors("beta 2.5", power(2.5F), exact_power<250>, by_logarithm(2.5));
}

TEST_CASE("special values are those of IEEE 754") {
  check_values("exp", kExp,
               {kNan, kOtherNan, kSignallingNan, kInfinity, -kInfinity, kMax, -kMax, 0.0F, -0.0F,
                kMin, -kMin, 1e9F, 178.0F, -104.0F},
               {kNan, kNan, kNan, kInfinity, 0.0F, kInfinity, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F,
                kInfinity, kInfinity, 0.0F});
  check_values("log", kLog,
               {kNan, kOtherNan, kSignallingNan, kInfinity, -kInfinity, -kMax, -1.0F, -kMin, 0.0F,
                -0.0F, 1.0F},
               {kNan, kNan, kNan, kInfinity, kNan, kNan, kNan, kNan, -kInfinity, -kInfinity, 0.0F});
  check_values("tanh", kTanh,
               {kNan, kOtherNan, kSignallingNan, kInfinity, -kInfinity, kMax, -kMax, 0.0F, -0.0F,
                kMin, -kMin},
               {kNan, kNan, kNan, 1.0F, -1.0F, 1.0F, -1.0F, 0.0F, -0.0F, kMin, -kMin});
  for (const float beta : {0.5F, 0.75F, 1.0F, 0.6F, 3.0F}) {
    CAPTURE(beta);
    check_values(
        "power", power(beta),
        {kNan, kOtherNan, kSignallingNan, kInfinity, -kInfinity, -1.0F, -kMin, 0.0F, -0.0F, 1.0F},
        {kNan, kNan, kNan, 0.0F, kNan, kNan, kNan, kInfinity, kInfinity, 1.0F});
  }
}

TEST_CASE("the logarithm in double keeps its bound over all exponents") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> x{infinity, -infinity, nan, 0.0, -0.0, -1.0};
  const RandomStream stream = RandomStream(2);
  for (std::uint64_t high = 0; high < 2047; ++high) {
    for (std::uint64_t i = 0; i < 40; ++i) {
      const std::uint64_t mantissa = i == 0 ? 0 : stream.below(1ULL << 52, 40 * high + i);
      x.push_back(std::bit_cast<double>(high << 52 | mantissa));
    }
  }
  for (const std::string& target : simd_targets()) {
    CAPTURE(target);
    select_simd_target(target);
    std::vector<double> y(x.size());
    log(x.size(), x.data(), y.data());
    CHECK(y[0] == infinity);
    CHECK(std::isnan(y[1]));
    CHECK(std::isnan(y[2]));
    CHECK(y[3] == -infinity);
    CHECK(y[4] == -infinity);
    CHECK(std::isnan(y[5]));
    double worst = 0.0;
    for (std::size_t i = 6; i < x.size(); ++i) {
      if (x[i] == 0.0) continue;
      const long double wanted = std::log(static_cast<long double>(x[i]));
      const auto error = static_cast<double>(std::abs(static_cast<long double>(y[i]) - wanted));
      worst = std::max(worst, error / ulp(wanted, 53));
    }
    CHECK(worst <= 1.0);
  }
  select_simd_target("best");
}
