// The whole network: sizes, summary, one training step against PyTorch in float64, directional
// derivatives in double, and independence of threads and of how a batch is cut.
#include <cmath>

#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/models/lenet5.hpp"
#include "reprise/nn/optimizers.hpp"
#include "support/close.hpp"
#include "support/golden.hpp"
#include "support/lenet5_reference.hpp"
#include "support/random_arrays.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kParameterPaths[] = {
    "conv1/weight", "conv1/bias",    "conv2/weight", "conv2/bias",    "dense1/weight",
    "dense1/bias",  "dense2/weight", "dense2/bias",  "dense3/weight", "dense3/bias"};

/// All ten arrays below `group`, in the order of the model's parameters.
std::vector<double> flat(const GoldenFile& golden, const std::string& group) {
  std::vector<double> all;
  for (const std::string& path : kParameterPaths) {
    const std::vector<double> values = golden.array(group + "/" + path).values;
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

struct Batch {
  std::vector<float> images;
  std::vector<std::uint8_t> labels;
  [[nodiscard]] BatchGradient::Source source() const {
    return [this](std::size_t first, std::size_t count, float* to, std::uint8_t* to_labels) {
      std::copy_n(images.data() + first * 784, count * 784, to);
      std::copy_n(labels.data() + first, count, to_labels);
    };
  }
};

Batch random_batch(std::size_t N) {
  Batch batch{random_floats(N * 784, 11, "images"), {}};
  for (std::size_t n = 0; n < N; ++n) batch.labels.push_back(static_cast<std::uint8_t>(n % 10));
  return batch;
}

std::vector<float> gradients_of(const Sequential& model, const Batch& batch, std::size_t block_size,
                                std::size_t threads) {
  BatchGradient gradient(model, batch.labels.size(), block_size, threads, RandomStream(1));
  gradient.run(batch.labels.size(), 0, batch.source());
  return {gradient.gradients().begin(), gradient.gradients().end()};
}

}  // namespace

TEST_CASE("lenet5 has 61706 parameters and prints as Keras would") {
  const Sequential model = lenet5();
  CHECK(model.parameters().size() == 61706);
  const std::string summary = model.summary();
  CHECK_THAT(summary, Catch::Contains("Total params: 61,706"));
  CHECK_THAT(summary, Catch::Contains(" conv2 (conv2d)") && Catch::Contains("(None, 10, 10, 16)"));
  CHECK_THAT(summary, Catch::Contains("(None, 400)") && Catch::Contains("48,120"));
}

TEST_CASE("one training step agrees with PyTorch in float64") {
  const GoldenFile golden("lenet5_step.h5");
  Sequential model = lenet5();
  const std::vector<double> start = flat(golden, "parameters");
  std::copy(start.begin(), start.end(), model.parameters().begin());
  Batch batch{golden.array("input").floats(), {}};
  for (const double label : golden.array("labels").values) {
    batch.labels.push_back(static_cast<std::uint8_t>(label));
  }
  const std::size_t N = batch.labels.size();
  BatchGradient gradient(model, N, 3, 2, RandomStream(1));  // blocks of 3, 3 and 2 images
  const BatchGradient::Totals totals = gradient.run(N, 0, batch.source());

  // Five layers of chains of at most 25, 150, 400, 120 and 84 products lose at most as many
  // roundoffs each, relative to the magnitudes that are summed; likewise on the way back.
  const double relative = 2 * (25 + 150 + 400 + 120 + 84) * kRoundoff;
  const double loss = golden.array("loss").values[0];
  CHECK(std::abs(totals.loss / static_cast<double>(N) - loss) < relative * loss);
  const std::vector<double> expected = flat(golden, "gradients");
  const double error = relative * largest(expected);
  check_close("gradients", gradient.gradients(), expected, error);

  // From a zero state Adam's step is lr g / (|g| + epsilon): an error d in g gives at most
  // lr epsilon d / (|g| - d + epsilon)^2, never more than 2 lr.
  OptimizerState state = make_optimizer_state({}, start.size());
  optimizer_step({}, state, 0.001, model.parameters(), gradient.gradients());
  const std::vector<double> after = flat(golden, "parameters_after_adam");
  check_close("parameters", model.parameters(), after, [&](std::size_t i) {
    const double distance = std::max(0.0, std::abs(expected[i]) - error) + 1e-7;
    const double step = 0.001 * std::min(2.0, 1e-7 * error / (distance * distance));
    return step + kRoundoff * (std::abs(after[i]) + 20 * 0.001);
  });
}

TEST_CASE("the gradient agrees with directional derivatives of a reference in double") {
  Sequential model = lenet5();
  model.initialize(RandomStream(7));
  const Batch batch = random_batch(6);
  const std::vector<float> gradient = gradients_of(model, batch, 4, 1);
  const std::vector<double> at(model.parameters().begin(), model.parameters().end());
  for (std::uint64_t trial = 0; trial < 10; ++trial) {
    const std::vector<float> direction = random_floats(at.size(), trial, "direction");
    constexpr double h = 1e-7;
    std::vector<double> ahead = at;
    std::vector<double> behind = at;
    double analytic = 0.0;
    double magnitude = 0.0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      ahead[i] += h * direction[i];
      behind[i] -= h * direction[i];
      const double product = static_cast<double>(gradient[i]) * direction[i];
      analytic += product;
      magnitude += std::abs(product);
    }
    const double numeric = (reference_lenet5_loss(ahead, batch.images, batch.labels) -
                            reference_lenet5_loss(behind, batch.images, batch.labels)) /
                           (2 * h);
    CAPTURE(trial, numeric, analytic, magnitude);
    CHECK(std::abs(numeric - analytic) < 1e-5 * magnitude);
  }
}

TEST_CASE("threads cannot show in a gradient; block size may") {
  Sequential model = lenet5();
  model.initialize(RandomStream(7));
  const Batch batch = random_batch(37);
  const std::vector<float> one = gradients_of(model, batch, 8, 1);
  for (const std::size_t threads : {2, 3, 7}) CHECK(gradients_of(model, batch, 8, threads) == one);
  const std::vector<float> other = gradients_of(model, batch, 5, 1);
  double most = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(one[i]) - other[i]));
  }
  CHECK(most < 1e-6);
}

TEST_CASE("predict gives what the training pass sees, for any batch") {
  Sequential model = lenet5();
  model.initialize(RandomStream(7));
  const Batch batch = random_batch(19);
  auto images = make_tensor<4>({19, 28, 28, 1});
  std::copy(batch.images.begin(), batch.images.end(), images.begin());
  const Tensor<4> one = model.predict(images, 1);
  CHECK(one.shape()[3] == 10);
  const bool same = model.predict(images, 3) == one;
  CHECK(same);
  CHECK_THROWS_WITH(model.predict(make_tensor<4>({1, 28, 27, 1}, 0.0F)),
                    Catch::Contains("expected Nx28x28x1"));
  CHECK(model.predict(make_tensor<4>({0, 28, 28, 1})).size() == 0);
}
