// Losses and the likeliest class: what becomes of NaN and infinities.
#include "reprise/nn/losses.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"

using namespace reprise;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Loss {
  std::vector<float> probabilities;
  float loss = 0.0F;
};

Loss loss_of(const std::vector<float>& logits, std::uint8_t label) {
  Loss result{std::vector<float>(logits.size()), 0.0F};
  softmax_cross_entropy_forward(1, logits.size(), logits.data(), &label,
                                result.probabilities.data(), &result.loss);
  return result;
}

}  // namespace

TEST_CASE("a NaN among the logits makes the loss and all probabilities NaN") {
  for (std::size_t place = 0; place < 3; ++place) {
    for (std::uint8_t label = 0; label < 3; ++label) {
      CAPTURE(place, label);
      std::vector<float> logits{2.0F, 1.0F, 0.0F};
      logits[place] = kNan;
      const Loss result = loss_of(logits, label);
      CHECK(std::isnan(result.loss));
      for (const float p : result.probabilities) CHECK(std::isnan(p));
    }
  }
}

TEST_CASE("infinite logits: minus infinity has probability 0, infinity has none") {
  const Loss impossible = loss_of({0.0F, -kInfinity, 0.0F}, 0);
  CHECK(impossible.probabilities == std::vector<float>{0.5F, 0.0F, 0.5F});
  CHECK(impossible.loss == Approx(std::log(2.0)));
  CHECK(loss_of({0.0F, -kInfinity, 0.0F}, 1).loss == kInfinity);
  CHECK(std::isnan(loss_of({0.0F, kInfinity, 0.0F}, 1).loss));
  CHECK(std::isnan(loss_of({-kInfinity, -kInfinity}, 0).loss));
}

TEST_CASE("argmax takes the first of the largest, and NaN for larger than any number") {
  const auto best = [](const std::vector<float>& values) {
    return argmax(values.size(), values.data());
  };
  CHECK(best({1.0F, 3.0F, 3.0F}) == 1);
  CHECK(best({-kInfinity, -kInfinity}) == 0);
  CHECK(best({0.0F, -0.0F}) == 0);
  CHECK(best({1.0F, kInfinity, kNan, kNan}) == 2);
  CHECK(best({kNan, 5.0F}) == 0);
}
