#include "reprise/nn/initializers.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "reprise/core/float_environment.hpp"
#include "reprise/linalg/math.hpp"

namespace reprise {
namespace {

/// coefficients[0] + coefficients[1] x + ... by Horner's rule.
double polynomial(const std::array<double, 8>& coefficients, double x) {
  double value = 0.0;
  for (std::size_t i = coefficients.size(); i-- > 0;) value = value * x + coefficients[i];
  return value;
}

/// P(X <= -2) for a standard normal X.
constexpr double kBelowMinusTwo = 0.02275013194817920720;

/// A standard normal, given that it lies within +-2.
double truncated_normal(double uniform) {
  const double p = kBelowMinusTwo + uniform * (1.0 - 2.0 * kBelowMinusTwo);
  return std::clamp(standard_normal_quantile(p), -2.0, 2.0);
}

/// Uniform in the open interval (0, 1).
double open_uniform(const RandomStream& stream, std::uint64_t counter) {
  return stream.uniform(counter) + 0x1p-54;
}

}  // namespace

double standard_normal_quantile(double p) {
  const FloatEnvironment environment;
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    constexpr std::array<double, 8> a{3.3871328727963666080e0,  1.3314166789178437745e+2,
                                      1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                      4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                      3.3430575583588128105e+4, 2.5090809287301226727e+3};
    constexpr std::array<double, 8> b{1.0,
                                      4.2313330701600911252e+1,
                                      6.8718700749205790830e+2,
                                      5.3941960214247511077e+3,
                                      2.1213794301586595867e+4,
                                      3.9307895800092710610e+4,
                                      2.8729085735721942674e+4,
                                      5.2264952788528545610e+3};
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double tail = q < 0.0 ? p : 1.0 - p;
  double log_tail = 0.0;
  log(1, &tail, &log_tail);
  double r = std::sqrt(-log_tail);
  double magnitude = 0.0;
  if (r <= 5.0) {
    r -= 1.6;
    constexpr std::array<double, 8> c{1.42343711074968357734e0,  4.63033784615654529590e0,
                                      5.76949722146069140550e0,  3.64784832476320460504e0,
                                      1.27045825245236838258e0,  2.41780725177450611770e-1,
                                      2.27238449892691845833e-2, 7.74545014278341407640e-4};
    constexpr std::array<double, 8> d{1.0,
                                      2.05319162663775882187e0,
                                      1.67638483018380384940e0,
                                      6.89767334985100004550e-1,
                                      1.48103976427480074590e-1,
                                      1.51986665636164571966e-2,
                                      5.47593808499534494600e-4,
                                      1.05075007164441684324e-9};
    magnitude = polynomial(c, r) / polynomial(d, r);
  } else {
    r -= 5.0;
    constexpr std::array<double, 8> e{6.65790464350110377720e0,  5.46378491116411436990e0,
                                      1.78482653991729133580e0,  2.96560571828504891230e-1,
                                      2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                      2.71155556874348757815e-5, 2.01033439929228813265e-7};
    constexpr std::array<double, 8> f{1.0,
                                      5.99832206555887937690e-1,
                                      1.36929880922735805310e-1,
                                      1.48753612908506148525e-2,
                                      7.86869131145613259100e-4,
                                      1.84631831751005468180e-5,
                                      1.42151175831644588870e-7,
                                      2.04426310338993978564e-15};
    magnitude = polynomial(e, r) / polynomial(f, r);
  }
  return q < 0.0 ? -magnitude : magnitude;
}

std::vector<double> standard_normals(const RandomStream& stream, std::uint64_t first,
                                     std::size_t count) {
  const FloatEnvironment environment;
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = standard_normal_quantile(open_uniform(stream, first + i));
  }
  return values;
}

void initialize(const Initializer& initializer, const Fans& fans, const RandomStream& stream,
                std::span<float> values) {
  const FloatEnvironment environment;
  const auto fill = [&](const auto& value_of) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(value_of(i));
  };
  const auto fan_in = static_cast<double>(fans.in);
  const auto fan_out = static_cast<double>(fans.out);
  switch (initializer.kind) {
    case InitializerKind::zeros:
      return fill([](std::size_t) { return 0.0; });
    case InitializerKind::constant:
      return fill([&](std::size_t) { return initializer.value; });
    case InitializerKind::normal:
      return fill([&](std::size_t i) {
        return initializer.value * standard_normal_quantile(open_uniform(stream, i));
      });
    case InitializerKind::he_normal: {
      const double deviation = std::sqrt(2.0 / fan_in) / 0.87962566103423978;
      return fill([&](std::size_t i) { return deviation * truncated_normal(stream.uniform(i)); });
    }
    case InitializerKind::fan_in_uniform: {
      const double limit = initializer.value / fan_in;
      return fill([&](std::size_t i) { return limit * (2.0 * stream.uniform(i) - 1.0); });
    }
    case InitializerKind::glorot_uniform: {
      const double limit = std::sqrt(6.0 / (fan_in + fan_out));
      return fill([&](std::size_t i) { return limit * (2.0 * stream.uniform(i) - 1.0); });
    }
  }
}

}  // namespace reprise
