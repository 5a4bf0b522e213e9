// How a trained model's outputs and its last hidden layer are read.
#include "reprise/run/evaluation.hpp"

#include <cmath>
#include <limits>

#include "reprise/nn/layers.hpp"
#include "reprise/nn/losses.hpp"
#include "support/catch.hpp"

using namespace reprise;

namespace {

/// `count` images of 1x2 pixels whose bytes count up from 0.
ImageSet counting_images(std::size_t count) {
  ImageSet images = {count, 1, 2, 1, {}, {}};
  for (std::size_t i = 0; i < 2 * count; ++i) images.pixels.push_back(static_cast<std::uint8_t>(i));
  images.labels.assign(count, 0);
  return images;
}

/// flatten, a dense layer (x, y) -> (x + y, 255 y), and one that passes the pair on.
Sequential pair_model() {
  Sequential model("pair", {1, 2, 1});
  DenseLayerOptions two;
  two.units = 2;
  model.add("flatten", flatten_layer())
      .add("hidden", dense_layer(two))
      .add("output", dense_layer(two));
  const float hidden[] = {1.0F, 0.0F, 1.0F, 255.0F};
  const float output[] = {1.0F, 0.0F, 0.0F, 1.0F};
  std::copy_n(hidden, 4, model.parameter("hidden", "weight").begin());
  std::copy_n(output, 4, model.parameter("output", "weight").begin());
  return model;
}

}  // namespace

TEST_CASE("the last hidden layer's features are what the last layer is given") {
  const ImageSet images = counting_images(37);  // more than two blocks, and a part of one
  for (const std::size_t threads : {1, 3}) {
    const std::vector<float> features = last_hidden_features(pair_model(), images, threads);
    REQUIRE(features.size() == 74);
    for (std::size_t n = 0; n < images.count; ++n) {
      const float y = static_cast<float>(2 * n + 1) / 255.0F;
      CHECK(features[2 * n + 1] == 255.0F * y);
    }
  }
}

TEST_CASE("an evaluation counts wrong answers and keeps every logit") {
  ImageSet images = counting_images(37);
  images.labels.assign(37, 1);  // 255 y is the larger output wherever y > 0
  images.labels[5] = 0;
  const Evaluation evaluation = evaluate(pair_model(), images, 2);
  CHECK(evaluation.error == 1.0 / 37.0);
  CHECK(evaluation.logits.size() == 74);
  double loss = 0.0;
  std::vector<float> probabilities(74), losses(37);
  softmax_cross_entropy_forward(37, 2, evaluation.logits.data(), images.labels.data(),
                                probabilities.data(), losses.data());
  for (const float each : losses) loss += static_cast<double>(each);
  CHECK(evaluation.loss == Approx(loss / 37.0).epsilon(1e-12));
}

TEST_CASE("nearest neighbours come nearest first, the earlier one on ties") {
  const std::vector<float> points = {0, 0, 3, 4, 0, 5, 0, 1, 5, 0};
  const Neighbours found = nearest_neighbours({0, 0, 0, 5}, points, 2, 4, 2);
  CHECK(found.index == std::vector<std::int64_t>{0, 3, 1, 2, 2, 1, 3, 0});
  CHECK(found.distance[0] == 0.0F);
  CHECK(found.distance[2] == 5.0F);
  CHECK(found.distance[3] == 5.0F);
  CHECK(found.distance[5] == std::sqrt(10.0F));
}

TEST_CASE("neighbours at a distance of NaN come last, in their order") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> points = {nan, 0, 3, 4, 0, nan, 1, 0};
  const Neighbours found = nearest_neighbours({0, 0}, points, 2, 4, 1);
  CHECK(found.index == std::vector<std::int64_t>{3, 1, 0, 2});
  CHECK(std::isnan(found.distance[2]));
}

TEST_CASE("an image with a NaN among its logits counts as the first such class") {
  Sequential model = pair_model();
  model.parameter("output", "bias")[1] = std::numeric_limits<float>::quiet_NaN();
  ImageSet images = counting_images(3);
  images.labels = {1, 1, 0};
  const Evaluation evaluation = evaluate(model, images, 1);
  CHECK(evaluation.error == 1.0 / 3.0);
  CHECK(std::isnan(evaluation.loss));
}
