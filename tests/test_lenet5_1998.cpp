// LeNet-5 as published: the paper's counts, codes, gradients, and that plain SGD trains it.
#include <cmath>
#include <map>

#include "reprise/data/batches.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/models/digit_codes.hpp"
#include "reprise/nn/models/lenet5_1998.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/nn/optimizers.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/small_data.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// Images first .. of the fixture.
BatchGradient::Source images_from(std::uint32_t first_image) {
  return [first_image](std::size_t first, std::size_t count, float* images, std::uint8_t* labels) {
    std::vector<std::uint32_t> indices;
    for (std::size_t i = 0; i < count; ++i) {
      indices.push_back(static_cast<std::uint32_t>(first_image + first + i));
    }
    gather_images(fixture().train, indices, images);
    gather_labels(fixture().train, indices, labels);
  };
}

}  // namespace

TEST_CASE("lenet5_1998 has the paper's 60,000 parameters and 340,908 connections") {
  const Sequential model = lenet5_1998();
  const std::map<std::string, std::pair<std::size_t, std::size_t>> paper = {
      {"conv1", {156, 122304}},  {"subsampling1", {12, 5880}},
      {"conv2", {1516, 151600}}, {"subsampling2", {32, 2000}},
      {"conv3", {48120, 48120}}, {"dense1", {10164, 10164}},
      {"rbf", {0, 840}}};
  std::size_t connections = 0;
  for (const Sequential::Entry& entry : model.layers()) {
    const auto found = paper.find(entry.name);
    const auto expected =
        found == paper.end() ? std::pair<std::size_t, std::size_t>{0, 0} : found->second;
    CAPTURE(entry.name);
    CHECK(entry.parameter_count() == expected.first);
    CHECK(entry.layer->connections() == expected.second);
    connections += entry.layer->connections();
  }
  CHECK(model.parameters().size() == 60000);
  CHECK(connections == 340908);
  CHECK(model.layers().front().output.text() == "(None, 32, 32, 1)");
}

TEST_CASE("the codes are ten different bitmaps of 7x12 cells") {
  const std::vector<std::vector<float>> codes = digit_codes();
  REQUIRE(codes.size() == 10);
  for (const std::vector<float>& code : codes) {
    REQUIRE(code.size() == 84);
    for (const float cell : code) CHECK(std::abs(cell) == 1.0F);
    for (const std::vector<float>& other : codes) {
      if (&other == &code) continue;
      std::size_t different = 0;
      for (std::size_t i = 0; i < 84; ++i) different += code[i] != other[i] ? 1 : 0;
      CHECK(different >= 9);
    }
  }
  // The 7: a bar, then a stroke to the lower left.
  CHECK(std::count(codes[7].begin(), codes[7].end(), 1.0F) == 16);
  CHECK(std::all_of(codes[7].begin() + 7, codes[7].begin() + 14, [](float c) { return c > 0; }));
  CHECK(codes[7][10 * 7 + 2] == 1.0F);
}

TEST_CASE("initial weights are within 2.4 by fan-in") {
  Sequential model = lenet5_1998();
  model.initialize(RandomStream(1));
  for (const auto& [layer, name, fan_in] : {std::tuple{"conv1", "weight", 25},
                                            {"subsampling1", "weight", 4},
                                            {"conv2", "weight3", 75},
                                            {"conv2", "weight4", 100},
                                            {"conv2", "weight6", 150},
                                            {"conv3", "weight", 400},
                                            {"dense1", "weight", 120}}) {
    float most = 0.0F;
    for (const float weight : model.parameter(layer, name)) most = std::max(most, std::abs(weight));
    const float limit = 2.4F / static_cast<float>(fan_in);
    CAPTURE(layer, name);
    CHECK(most <= limit);
    CHECK(most > 0.5F * limit);
  }
}

TEST_CASE("the gradient of lenet5_1998 agrees with a difference of losses") {
  Sequential model = lenet5_1998();
  model.initialize(RandomStream(2));
  constexpr std::size_t N = 10;
  BatchGradient gradient(model, N, 4, 1, RandomStream(1));
  const auto loss = [&] { return gradient.run(N, 0, images_from(0)).loss / N; };
  loss();
  const std::vector<float> grad(gradient.gradients().begin(), gradient.gradients().end());
  const std::vector<float> at(model.parameters().begin(), model.parameters().end());
  double squares = 0.0;
  for (const float g : grad) squares += static_cast<double>(g) * g;
  // Along the gradient itself, by steps that change the loss by about a thousandth.
  const double h = 1e-3 * loss() / squares;
  const auto loss_at = [&](double step) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      model.parameters()[i] = static_cast<float>(at[i] + step * grad[i]);
    }
    return loss();
  };
  const double numeric = (loss_at(h) - loss_at(-h)) / (2 * h);
  CHECK(numeric == Approx(squares).epsilon(0.005));
}

TEST_CASE("plain SGD trains lenet5_1998; threads cannot show") {
  const auto train = [](std::size_t threads) {
    Sequential model = make_model("lenet5_1998", {28, 28, 1}, 10,
                                  default_model_options("lenet5_1998"), conv_algorithm("direct"));
    model.initialize(RandomStream(1));
    constexpr std::size_t N = 20;
    BatchGradient gradient(model, N, 8, threads, RandomStream(1));
    OptimizerOptions sgd;
    sgd.kind = OptimizerKind::sgd;
    sgd.momentum = 0.0;
    OptimizerState state = make_optimizer_state(sgd, model.parameters().size());
    std::vector<double> losses;
    for (std::uint32_t step = 0; step < 100; ++step) {
      losses.push_back(gradient.run(N, step, images_from(N * step)).loss / N);
      optimizer_step(sgd, state, 0.01, model.parameters(), gradient.gradients());
    }
    return losses;
  };
  const std::vector<double> losses = train(1);
  double last = 0.0;
  for (std::size_t i = 90; i < 100; ++i) last += losses[i] / 10;
  CAPTURE(losses.front(), last);
  CHECK(last < 1.3);
  CHECK(train(3) == losses);
}

TEST_CASE("lenet5_1998 is for digits and has no choices") {
  CHECK(is_line_with(error_of([] { lenet5_1998({32, 32, 1}); }), "(None, 32, 32, 1)"));
  CHECK(is_line_with(error_of([] { lenet5_1998({28, 28, 1}, 5); }), "5 classes", "10"));
  const auto error = [](const ModelOptions& options) {
    return error_of([&] { make_model("lenet5_1998", {28, 28, 1}, 10, options); });
  };
  ModelOptions options = default_model_options("lenet5_1998");
  CHECK(error(options).empty());
  CHECK(is_line_with(error({}), "activation \"relu\"", "\"scaled_tanh\"", "no such choice"));
  options.dropout = 0.5;
  CHECK(is_line_with(error(options), "dropout 0.5"));
}
