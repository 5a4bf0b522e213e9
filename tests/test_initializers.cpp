// Initializers: distributions, bounds and independence of places.
#include <cmath>

#include "reprise/nn/initializers.hpp"
#include "support/close.hpp"

using namespace reprise;

namespace {

struct Moments {
  double mean = 0.0, deviation = 0.0, most = 0.0;
};

Moments moments_of(const std::vector<float>& values) {
  Moments m;
  for (const float v : values) m.mean += v / static_cast<double>(values.size());
  for (const float v : values) {
    m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
    m.most = std::max(m.most, std::abs(static_cast<double>(v)));
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

Moments draw(const Initializer& initializer, const Fans& fans) {
  std::vector<float> values(200000);
  initialize(initializer, fans, RandomStream(1).child("weight"), values);
  return moments_of(values);
}

}  // namespace

TEST_CASE("the normal quantile inverts the normal distribution") {
  for (int i = 1; i < 2000; ++i) {
    const double p = i / 2000.0;
    const double x = standard_normal_quantile(p);
    CHECK(std::abs(0.5 * std::erfc(-x / std::sqrt(2.0)) - p) < 1e-15 + 1e-14 * p);
  }
  for (const double p : {1e-5, 1e-12, 1e-20, 1e-100}) {
    const double x = standard_normal_quantile(p);
    CHECK(std::abs(0.5 * std::erfc(-x / std::sqrt(2.0)) / p - 1.0) < 1e-12);
  }
  CHECK(standard_normal_quantile(0.5) == 0.0);
}

TEST_CASE("he_normal has the deviation sqrt of 2 over fan_in, truncated at two of Keras's own") {
  const Moments m = draw({InitializerKind::he_normal, 0.0}, {50, 10});
  const double wanted = std::sqrt(2.0 / 50);
  // 200,000 draws: the mean's deviation is wanted / 447, the deviation's about wanted / 632.
  CHECK(std::abs(m.mean) < 5 * wanted / 447);
  CHECK(std::abs(m.deviation - wanted) < 5 * wanted / 632);
  CHECK(m.most <= 2 * wanted / 0.87962566103423978 * (1 + 1e-7));
  CHECK(m.most > 1.99 * wanted / 0.87962566103423978);
}

TEST_CASE("glorot_uniform and normal have their moments") {
  const Moments uniform = draw({InitializerKind::glorot_uniform, 0.0}, {30, 20});
  const double limit = std::sqrt(6.0 / 50);
  CHECK(uniform.most <= limit);
  CHECK(std::abs(uniform.deviation - limit / std::sqrt(3.0)) < 0.005 * limit);
  const Moments normal = draw({InitializerKind::normal, 0.01}, {1, 1});
  CHECK(std::abs(normal.mean) < 5 * 0.01 / 447);
  CHECK(std::abs(normal.deviation - 0.01) < 5 * 0.01 / 632);
  CHECK(normal.most > 0.035);
}

TEST_CASE("constants are constant, and a value depends on its place alone") {
  std::vector<float> values(10);
  initialize({InitializerKind::constant, 1.0}, {}, RandomStream(1), values);
  CHECK(values == std::vector<float>(10, 1.0F));
  std::vector<float> longer(20);
  initialize({InitializerKind::he_normal, 0.0}, {}, RandomStream(1), values);
  initialize({InitializerKind::he_normal, 0.0}, {}, RandomStream(1), longer);
  CHECK(std::equal(values.begin(), values.end(), longer.begin()));
}
