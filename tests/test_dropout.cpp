// Dropout: what is dropped depends on stream, step, image and value alone; the rest is scaled.
#include <cmath>

#include "reprise/nn/layers.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

LayerContext training(std::uint64_t step, std::uint64_t first_image, std::uint64_t seed = 1) {
  LayerContext context;
  context.training = true;
  context.step = step;
  context.first_image = first_image;
  context.stream = RandomStream(seed).child("dropout1");
  return context;
}

/// The factors that the images first_image, first_image + 1, ... are multiplied by.
std::vector<float> mask(double rate, std::size_t size, std::size_t N, const LayerContext& context) {
  const std::vector<float> ones(N * size, 1.0F);
  return run_layer(dropout_layer(rate), {1, 1, size, true}, N, ones, {}, ones, context).output;
}

}  // namespace

TEST_CASE("dropout scales what it keeps, forward and backward alike") {
  const std::vector<float> input = random_floats(3 * 70, 1, "input");
  const std::vector<float> grad = random_floats(3 * 70, 1, "grad");
  const LayerResult result =
      run_layer(dropout_layer(0.5), {2, 5, 7}, 3, input, {}, grad, training(4, 8));
  const std::vector<float> factors = mask(0.5, 70, 3, training(4, 8));
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < input.size(); ++i) {
    REQUIRE((factors[i] == 0.0F || factors[i] == 2.0F));
    CHECK(result.output[i] == factors[i] * input[i]);
    CHECK(result.grad_input[i] == factors[i] * grad[i]);
    dropped += factors[i] == 0.0F ? 1 : 0;
  }
  CHECK(dropped > 60);
  CHECK(dropped < 150);
}

TEST_CASE("dropout changes nothing outside training, or at rate 0") {
  const std::vector<float> input = random_floats(21, 1, "input");
  LayerContext context = training(0, 0);
  CHECK(run_layer(dropout_layer(0.0), {1, 3, 7}, 1, input, {}, input, context).output == input);
  context.training = false;
  const LayerResult result = run_layer(dropout_layer(0.9), {1, 3, 7}, 1, input, {}, input, context);
  CHECK(result.output == input);
  CHECK(result.grad_input == input);
}

TEST_CASE("how a batch is cut does not show in what is dropped; step, image and stream do") {
  constexpr std::size_t size = 83;  // four words a counter leave some over
  const std::vector<float> whole = mask(0.3, size, 5, training(7, 2));
  for (std::size_t n = 0; n < 5; ++n) {
    const std::vector<float> one = mask(0.3, size, 1, training(7, 2 + n));
    CHECK(std::equal(one.begin(), one.end(), whole.begin() + static_cast<long>(n * size)));
  }
  const std::vector<float> first(whole.begin(), whole.begin() + size);
  CHECK(first != std::vector<float>(whole.begin() + size, whole.begin() + 2 * size));
  CHECK(first != mask(0.3, size, 1, training(8, 2)));
  CHECK(first != mask(0.3, size, 1, training(7, 2, 9)));
}

TEST_CASE("dropout drops its rate") {
  for (const double rate : {0.1, 0.5, 0.8}) {
    constexpr std::size_t size = 20000;
    std::size_t dropped = 0;
    for (const float factor : mask(rate, size, 1, training(1, 0))) {
      dropped += factor == 0.0F ? 1 : 0;
      if (factor != 0.0F) CHECK(factor == static_cast<float>(1.0 / (1.0 - rate)));
    }
    // Five standard deviations of a binomial distribution.
    const double deviation = std::sqrt(size * rate * (1.0 - rate));
    CHECK(std::abs(static_cast<double>(dropped) - size * rate) < 5.0 * deviation);
  }
}

TEST_CASE("a dropped NaN is gone") {
  const std::vector<float> nans(40, std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> factors = mask(0.5, 40, 1, training(0, 0));
  const LayerResult result =
      run_layer(dropout_layer(0.5), {1, 1, 40, true}, 1, nans, {}, nans, training(0, 0));
  for (std::size_t i = 0; i < 40; ++i) CHECK(std::isnan(result.output[i]) == (factors[i] != 0.0F));
}

TEST_CASE("rates outside 0 to below 1 are refused") {
  for (const double rate : {-0.1, 1.0, 1.5, std::nan("")}) {
    CHECK(is_line_with(error_of([&] { dropout_layer(rate); }), "rate", "0 to below 1"));
  }
}
