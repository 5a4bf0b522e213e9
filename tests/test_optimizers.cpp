// Optimizers: five steps of each against PyTorch in float64.
#include "reprise/core/error.hpp"
#include "reprise/nn/optimizers.hpp"
#include "support/close.hpp"
#include "support/golden.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

void check_steps(const std::string& name, const OptimizerOptions& options, double learning_rate) {
  const GoldenFile golden("optimizers.h5");
  const GoldenArray parameters = golden.array(name + "/parameters");
  const GoldenArray gradients = golden.array(name + "/gradients");
  const std::size_t steps = gradients.shape[0];
  const std::size_t count = gradients.shape[1];
  const std::vector<float> all = gradients.floats();
  std::vector<float> w = parameters.floats();
  w.resize(count);
  OptimizerState state = make_optimizer_state(options, count);
  for (std::size_t step = 0; step < steps; ++step) {
    optimizer_step(options, state, learning_rate, w, {all.data() + step * count, count});
    const std::vector<double> expected(
        parameters.values.begin() + static_cast<std::ptrdiff_t>((step + 1) * count),
        parameters.values.begin() + static_cast<std::ptrdiff_t>((step + 2) * count));
    // Each step rounds w once, and the step itself, which is far smaller, about ten times.
    check_close(name + " step " + std::to_string(step + 1), w, expected, [&](std::size_t i) {
      return static_cast<double>(step + 1) * kRoundoff *
             (std::abs(expected[i]) +
              20 * learning_rate * std::max(1.0, largest(gradients.values)));
    });
  }
  CHECK(state.steps == steps);
}

}  // namespace

TEST_CASE("sgd agrees with PyTorch") {
  check_steps("sgd", {OptimizerKind::sgd, 0.0, 0.0, 0.0, 0.0, 0.0}, 0.01);
}

TEST_CASE("sgd with momentum and weight decay follows AlexNet's rule") {
  check_steps("sgd_momentum_weight_decay", {OptimizerKind::sgd, 0.9, 0.0005, 0.0, 0.0, 0.0}, 0.01);
}

TEST_CASE("adam follows algorithm 1 of Kingma and Ba") {
  check_steps("adam", {}, 0.001);
}

TEST_CASE("nesterov, rmsprop and adagrad agree with PyTorch") {
  check_steps("nesterov", {OptimizerKind::nesterov, 0.9, 0.0005, 0.0, 0.0, 0.0}, 0.01);
  check_steps("rmsprop", {OptimizerKind::rmsprop, 0.5, 0.0, 0.0, 0.99, 1e-7}, 0.001);
  check_steps("adagrad", {OptimizerKind::adagrad, 0.0, 0.0, 0.0, 0.0, 1e-7}, 0.01);
}

TEST_CASE("an optimizer without second moments keeps none") {
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    OptimizerOptions options;
    options.kind = optimizer_kind(name);
    CHECK(name_of(options.kind) == name);
    const OptimizerState state = make_optimizer_state(options, 3);
    CHECK(state.first.size() == 3);
    CHECK(state.second.size() == (name == "adam" || name == "rmsprop" ? 3 : 0));
  }
}

TEST_CASE("an unknown optimizer is an error that names the known ones") {
  CHECK_THROWS_WITH(optimizer_kind("adm"),
                    Catch::Contains("one of adam, sgd, nesterov, rmsprop, adagrad"));
}
