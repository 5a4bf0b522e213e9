// The models by name: their layers under each option, and what they refuse.
#include <tuple>

#include "reprise/nn/model_size.hpp"
#include "reprise/nn/models/lenet5.hpp"
#include "reprise/nn/models/models.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/conv_cases.hpp"
#include "support/errors.hpp"
#include "support/random_arrays.hpp"
#include "support/shape_of.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const FeatureShape kGrey{28, 28, 1};
const FeatureShape kColour{32, 32, 3};

/// "conv1 relu1 pool1 ...".
std::string layers_of(const Sequential& model) {
  std::string names;
  for (const Sequential::Entry& entry : model.layers()) {
    names += (names.empty() ? "" : " ") + entry.name;
  }
  return names;
}

std::string layers_of(std::string_view name, const ModelOptions& options) {
  return layers_of(make_model(name, kGrey, 10, options));
}

std::string error_of_options(std::string_view name, const ModelOptions& options) {
  return error_of([&] { make_model(name, kGrey, 10, options); });
}

}  // namespace

TEST_CASE("lenet5 by name is lenet5()") {
  Sequential named = make_model("lenet5", kGrey, 10, {});
  Sequential plain = lenet5();
  CHECK(layers_of(named) ==
        "conv1 relu1 pool1 conv2 relu2 pool2 flatten dense1 relu3 dense2 relu4 dense3");
  CHECK(named.summary() == plain.summary());
  CHECK(named.parameters().size() == 61706);
  named.initialize(RandomStream(1));
  plain.initialize(RandomStream(1));
  CHECK(
      std::equal(named.parameters().begin(), named.parameters().end(), plain.parameters().begin()));
}

TEST_CASE("a model's size is counted from its shapes, whatever memory it would take") {
  for (const std::string& name : model_names()) {
    INFO(name);
    const FeatureShape image = name == "lenet5_1998"         ? kGrey
                               : name.starts_with("alexnet") ? FeatureShape{67, 67, 3}
                                                             : kColour;
    const auto make = [&] { return make_model(name, image, 10, default_model_options(name)); };
    const ModelSize size = model_size(make);
    const Sequential model = make();  // has its parameters all the same
    double activations = 0.0;
    for (const Sequential::Entry& entry : model.layers()) {
      activations += static_cast<double>(entry.output.size());
    }
    REQUIRE(!model.parameters().empty());
    CHECK(size.parameters == static_cast<double>(model.parameters().size()));
    CHECK(size.activations == activations);
  }
  ModelOptions wide;
  wide.width = 4096;
  const auto counted = [&] {  // 5 GB, within 1 GB of address space
    const auto make = [&] { return make_model("four_layer_cnn", kGrey, 10, wide); };
    return model_size(make).parameters > 1.25e9 ? "" : "too few";
  };
  CHECK(in_child(counted, {20, std::size_t{1} << 30}) == "");
  CHECK_THROWS_WITH(model_size([]() -> Sequential { throw Error("model", "none", "one"); }),
                    Catch::Contains("none"));
  CHECK(lenet5().parameters().size() == 61706);  // nor does an error leave models without them
}

TEST_CASE("four_layer_cnn has three convolutions and a dense layer, for grey and colour images") {
  const Sequential grey = make_model("four_layer_cnn", kGrey, 10, {});
  CHECK(layers_of(grey) == "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 pool3 flatten dense1");
  CHECK(shape_of(grey, "pool3") == "(None, 3, 3, 32)");
  CHECK(grey.parameters().size() ==
        (25 * 16 + 16) + (25 * 16 * 16 + 16) + (25 * 16 * 32 + 32) + (3 * 3 * 32 * 10 + 10));
  ModelOptions wide;
  wide.width = 32;
  const Sequential colour = make_model("four_layer_cnn", kColour, 7, wide);
  CHECK(shape_of(colour, "pool3") == "(None, 4, 4, 64)");
  CHECK(shape_of(colour, "dense1") == "(None, 7)");
}

TEST_CASE("overlapping pooling keeps every shape") {
  ModelOptions overlapping;
  overlapping.pool_kernel = 3;
  for (const char* name : {"lenet5", "four_layer_cnn"}) {
    for (const FeatureShape& image : {kGrey, kColour, FeatureShape{31, 29, 2}}) {
      const Sequential plain = make_model(name, image, 10, {});
      const Sequential model = make_model(name, image, 10, overlapping);
      CHECK(model.summary() == plain.summary());
      for (const Sequential::Entry& entry : model.layers()) {
        if (entry.layer->type() == "max_pool2d")
          CHECK(entry.layer->settings() == "3x3, stride 2x2");
      }
    }
  }
}

TEST_CASE("options put their layers where the paper has them") {
  ModelOptions options;
  options.normalization = "local_response";
  options.activation = "tanh";
  options.pooling = "average";
  CHECK(layers_of("four_layer_cnn", options) ==
        "conv1 tanh1 norm1 pool1 conv2 tanh2 norm2 pool2 conv3 tanh3 pool3 flatten dense1");
  CHECK(make_model("lenet5", kGrey, 10, options).layers()[3].layer->type() == "average_pool2d");
  options = {};
  options.dropout = 0.5;
  options.activation = "scaled_tanh";
  CHECK(layers_of("lenet5", options) ==
        "conv1 scaled_tanh1 pool1 conv2 scaled_tanh2 pool2 flatten dense1 scaled_tanh3 dropout1 "
        "dense2 scaled_tanh4 dropout2 dense3");
  CHECK(layers_of("four_layer_cnn", options) ==
        "conv1 scaled_tanh1 pool1 conv2 scaled_tanh2 pool2 conv3 scaled_tanh3 pool3 flatten "
        "dropout1 dense1");
}

TEST_CASE("a layer left out takes its activation along and leaves its pooling and all names") {
  ModelOptions options;
  options.without = "conv2";
  CHECK(layers_of("four_layer_cnn", options) ==
        "conv1 relu1 pool1 pool2 conv3 relu3 pool3 flatten dense1");
  CHECK(layers_of("lenet5", options) ==
        "conv1 relu1 pool1 pool2 flatten dense1 relu3 dense2 relu4 dense3");
  options.without = "dense1";
  CHECK(layers_of("lenet5", options) ==
        "conv1 relu1 pool1 conv2 relu2 pool2 flatten dense2 relu4 dense3");
  options.without = "dense2";
  options.dropout = 0.5;
  CHECK(layers_of("lenet5", options) ==
        "conv1 relu1 pool1 conv2 relu2 pool2 flatten dense1 relu3 dropout1 dense3");
  // What both have starts the same, where the shapes allow.
  Sequential whole = make_model("lenet5", kGrey, 10, {});
  Sequential without = make_model("lenet5", kGrey, 10, options);
  whole.initialize(RandomStream(3));
  without.initialize(RandomStream(3));
  for (const char* layer : {"conv1", "conv2", "dense1"}) {
    const auto a = whole.parameter(layer, "weight");
    const auto b = without.parameter(layer, "weight");
    CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

TEST_CASE("initializers reach weights and biases") {
  ModelOptions options;
  options.initializer = "alexnet";
  Sequential model = make_model("lenet5", kGrey, 10, options);
  model.initialize(RandomStream(1));
  for (const auto& [layer, bias] : {std::pair{"conv1", 0.0F},
                                    {"conv2", 1.0F},
                                    {"dense1", 1.0F},
                                    {"dense2", 1.0F},
                                    {"dense3", 0.0F}}) {
    CAPTURE(layer);
    CHECK(model.parameter(layer, "bias")[0] == bias);
    double squares = 0.0;
    const auto weights = model.parameter(layer, "weight");
    for (const float weight : weights) squares += static_cast<double>(weight) * weight;
    CHECK(squares / static_cast<double>(weights.size()) == Approx(1e-4).epsilon(0.3));
  }
  options.initializer = "glorot_uniform";
  Sequential glorot = make_model("four_layer_cnn", kGrey, 10, options);
  glorot.initialize(RandomStream(1));
  const float limit = std::sqrt(6.0F / (25 * 1 + 25 * 16));
  for (const float weight : glorot.parameter("conv1", "weight")) CHECK(std::abs(weight) <= limit);
}

TEST_CASE("cuda-convnet's 13% network with normalization is its 11% network with fewer maps") {
  const FeatureShape crop{24, 24, 3};
  ModelOptions normalized = default_model_options("cuda_convnet_13pct");
  CHECK(normalized.normalization == "none");
  normalized.normalization = "local_response";
  const Sequential narrow = make_model("cuda_convnet_13pct", crop, 10, normalized);
  const ModelOptions own = default_model_options("cuda_convnet_11pct");
  const Sequential wide = make_model("cuda_convnet_11pct", crop, 10, own);
  CHECK(layers_of(narrow) == layers_of(wide));
  CHECK(narrow.parameters().size() == 1'116'490);
  CHECK(shape_of(narrow, "local3") == "(None, 6, 6, 32)");
  normalized.normalization = "within_maps";
  CHECK_THROWS_WITH(make_model("cuda_convnet_13pct", crop, 10, normalized),
                    Catch::Contains("none, local_response"));
}

TEST_CASE("cuda-convnet's networks have the layers and parameters of its files") {
  const FeatureShape crop{24, 24, 3};
  const auto check = [](const std::string& name, const FeatureShape& image, std::size_t parameters,
                        const std::string& layers, const std::string& last_map) {
    CAPTURE(name);
    const Sequential model = make_model(name, image, 10, default_model_options(name));
    CHECK(model.name() == name);
    CHECK(model.parameters().size() == parameters);
    CHECK(layers_of(model) == layers);
    for (const Sequential::Entry& entry : model.layers()) {
      if (entry.name == "flatten") CHECK(entry.input.text() == last_map);
    }
  };
  const std::string body = "conv1 pool1 relu1 conv2 relu2 pool2 conv3 relu3 pool3 flatten dense1";
  check("cuda_convnet_80sec", kColour, 145'578, body + " relu4 dense2", "(None, 4, 4, 64)");
  check("cuda_convnet_19pct", kColour, 89'578, body, "(None, 4, 4, 64)");
  check("cuda_convnet_18pct", kColour, 89'578,
        "conv1 pool1 relu1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 pool3 flatten dense1",
        "(None, 4, 4, 64)");
  check("cuda_convnet_13pct", crop, 1'116'490,
        "conv1 relu1 pool1 conv2 relu2 pool2 local3 relu3 local4 relu4 flatten dense1",
        "(None, 6, 6, 32)");
  check("cuda_convnet_11pct", crop, 2'112'970,
        "conv1 relu1 pool1 norm1 conv2 relu2 norm2 pool2 local3 relu3 local4 relu4 flatten dense1",
        "(None, 6, 6, 32)");
}

TEST_CASE(
    "cuda-convnet's networks take dropout before the output, and windows that don't overlap") {
  const auto build = [](const std::string& name, std::size_t side, auto set) {
    ModelOptions options = default_model_options(name);
    set(options);
    return make_model(name, {side, side, 3}, 10, options);
  };
  const auto dropout = [](ModelOptions& o) { o.dropout = 0.5; };
  CHECK_THAT(layers_of(build("cuda_convnet_19pct", 32, dropout)),
             Catch::EndsWith("pool3 flatten dropout1 dense1"));
  CHECK_THAT(layers_of(build("cuda_convnet_80sec", 32, dropout)),
             Catch::EndsWith("flatten dense1 relu4 dropout2 dense2"));
  CHECK_THAT(layers_of(build("cuda_convnet_11pct", 24, dropout)),
             Catch::EndsWith("local4 relu4 flatten dropout1 dense1"));
  const auto apart = [](ModelOptions& o) { o.pool_kernel = 2; };
  const auto apart_covering = [](ModelOptions& o) { o.pool_kernel = 2, o.pool_rounding = "ceil"; };
  const auto itself = [](ModelOptions&) {};
  const std::string name = "cuda_convnet_19pct";
  CHECK(build(name, 32, apart).summary() == build(name, 32, itself).summary());
  CHECK(shape_of(build(name, 33, apart), "pool1") == "(None, 16, 16, 32)");
  CHECK(shape_of(build(name, 33, apart_covering), "pool1") == "(None, 17, 17, 32)");
  Sequential three = build(name, 32, itself), two = build(name, 32, apart);
  three.initialize(RandomStream(1));
  two.initialize(RandomStream(1));
  Tensor<4> images = make_tensor<4>({2, 32, 32, 3});
  const std::vector<float> values = random_floats(images.size(), 2, "images");
  std::copy(values.begin(), values.end(), images.begin());
  const Tensor<4> overlapping = three.predict(images, 1), separate = two.predict(images, 1);
  CHECK_FALSE(std::equal(overlapping.begin(), overlapping.end(), separate.begin()));
}

TEST_CASE("cuda-convnet's networks start with a spread of weights for each layer") {
  const std::string name = "cuda_convnet_13pct";
  Sequential model = make_model(name, {24, 24, 3}, 10, default_model_options(name));
  model.initialize(RandomStream(1));
  for (const auto& [layer, deviation] :
       {std::pair{"conv1", 1e-4}, {"conv2", 0.01}, {"local3", 0.04}, {"dense1", 0.01}}) {
    CAPTURE(layer);
    double squares = 0.0;
    const auto weights = model.parameter(layer, "weight");
    for (const float w : weights) squares += static_cast<double>(w) * static_cast<double>(w);
    const auto count = static_cast<double>(weights.size());
    // Five standard errors of a standard deviation.
    CHECK(std::sqrt(squares / count) == Approx(deviation).epsilon(5 / std::sqrt(2 * count)));
    for (const float b : model.parameter(layer, "bias")) CHECK(b == 0.0F);
  }
  ModelOptions he = default_model_options(name);
  he.initializer = "he_normal";
  he.activation = "tanh";
  CHECK_THAT(layers_of(make_model(name, {24, 24, 3}, 10, he)), Catch::Contains("local3 tanh3"));
  ModelOptions plain = default_model_options("cuda_convnet_11pct");
  plain.normalization = "none";
  CHECK_THAT(layers_of(make_model("cuda_convnet_11pct", {24, 24, 3}, 10, plain)),
             !Catch::Contains("norm"));
  for (const auto& [option, set] :
       std::initializer_list<std::pair<const char*, void (*)(ModelOptions&)>>{
           {"normalization \"within_maps\"",
            [](ModelOptions& o) { o.normalization = "within_maps"; }},
           {"pooling \"average\"", [](ModelOptions& o) { o.pooling = "average"; }},
           {"pool_kernel \"4\"", [](ModelOptions& o) { o.pool_kernel = 4; }},
           {"dropout", [](ModelOptions& o) { o.dropout = 1.0; }},
           {"without", [](ModelOptions& o) { o.without = "conv1"; }},
           {"initializer \"alexnet\"", [](ModelOptions& o) { o.initializer = "alexnet"; }},
           {"width", [](ModelOptions& o) { o.width = 3; }}}) {
    ModelOptions options = default_model_options(name);
    set(options);
    CHECK(is_line_with(error_of_options(name, options), option, "expected"));
  }
}

TEST_CASE("pooling fits whole windows, covers the image, or halves it") {
  const auto side = [](std::size_t image, std::int64_t kernel, const std::string& rounding) {
    ModelOptions options;
    options.pool_kernel = kernel;
    options.pool_rounding = rounding;
    return shape_of(make_model("four_layer_cnn", {image, image, 1}, 10, options), "pool1");
  };
  const std::string s14 = "(None, 14, 14, 16)", s15 = "(None, 15, 15, 16)";
  for (const auto& [image, kernel, halve, floor, ceil] : {std::tuple{28U, 2, s14, s14, s14},
                                                          {29U, 2, s14, s14, s15},
                                                          {30U, 2, s15, s15, s15},
                                                          {29U, 3, s14, s14, s14},
                                                          {30U, 3, s15, s14, s15},
                                                          {31U, 3, s15, s15, s15}}) {
    CAPTURE(image, kernel);
    CHECK(side(image, kernel, "halve") == halve);
    CHECK(side(image, kernel, "floor") == floor);
    CHECK(side(image, kernel, "ceil") == ceil);
  }
  ModelOptions covered = default_model_options("cuda_convnet_19pct");
  covered.pool_rounding = "ceil";
  CHECK(make_model("cuda_convnet_19pct", kColour, 10, covered).summary() ==
        make_model("cuda_convnet_19pct", kColour, 10, default_model_options("cuda_convnet_19pct"))
            .summary());
  covered.pool_rounding = "floor";
  CHECK(is_line_with(error_of_options("cuda_convnet_19pct", covered), "pool_rounding \"floor\"",
                     "halve, ceil"));
  ModelOptions wrong;
  wrong.pool_rounding = "round";
  CHECK(is_line_with(error_of_options("lenet5", wrong), "\"round\"", "halve, floor, ceil"));
  ModelOptions published = default_model_options("lenet5_1998");
  published.pool_rounding = "ceil";
  CHECK(is_line_with(error_of_options("lenet5_1998", published), "pool_rounding \"ceil\""));
}

TEST_CASE("what a model cannot do is refused") {
  const auto check = [](std::string_view name, auto set, const char* given, const char* expected) {
    ModelOptions options = default_model_options(name);
    set(options);
    CHECK(is_line_with(error_of_options(name, options), given, expected));
  };
  using O = ModelOptions;
  check(
      "lenet5", [](O& o) { o.activation = "sigmoid"; }, "\"sigmoid\"", "relu, tanh, scaled_tanh");
  check(
      "lenet5", [](O& o) { o.pooling = "min"; }, "\"min\"", "max, average");
  check(
      "lenet5", [](O& o) { o.pool_kernel = 4; }, "\"4\"", "2, 3");
  check(
      "lenet5", [](O& o) { o.normalization = "batch"; }, "\"batch\"", "none, local_response");
  check(
      "lenet5", [](O& o) { o.dropout = 1.0; }, "dropout 1", "0 to below 1");
  check(
      "lenet5", [](O& o) { o.initializer = "uniform"; }, "\"uniform\"",
      "he_normal, glorot_uniform, alexnet");
  check(
      "lenet5", [](O& o) { o.width = 8; }, "width 8", "16");
  check(
      "lenet5", [](O& o) { o.without = "dense3"; }, "\"dense3\"", "conv1, conv2, dense1, dense2");
  check(
      "four_layer_cnn", [](O& o) { o.width = 0; }, "width 0", "1 to 4096");
  CHECK(is_line_with(error_of_options("lenet6", {}), "\"lenet6\"",
                     "lenet5, lenet5_1998, four_layer_cnn, alexnet"));
}

TEST_CASE("predict gives an image the same bits in batches of 1, 17 and 33") {
  constexpr std::size_t images = 33;
  for (const char* name :
       {"lenet5", "lenet5_1998", "four_layer_cnn", "cuda_convnet_18pct", "cuda_convnet_11pct"}) {
    for (const char* algorithm : {"direct", "fft", "auto"}) {
      Sequential model =
          make_model(name, kGrey, 10, default_model_options(name), conv_algorithm(algorithm));
      model.initialize(RandomStream(3));
      const std::size_t size = kGrey.size();
      Tensor<4> all = make_tensor<4>({images, kGrey.height, kGrey.width, kGrey.channels});
      const std::vector<float> values = random_floats(images * size, 3, "images");
      std::copy(values.begin(), values.end(), all.begin());
      const Tensor<4> expected = model.predict(all, 1);
      for (const std::size_t batch : {1, 17, 33}) {
        INFO(name << " by " << algorithm << " in batches of " << batch);
        std::vector<float> outputs;
        for (std::size_t first = 0; first < images; first += batch) {
          const std::size_t count = std::min(batch, images - first);
          Tensor<4> some = make_tensor<4>({count, kGrey.height, kGrey.width, kGrey.channels});
          std::copy_n(all.data() + first * size, count * size, some.data());
          const Tensor<4> output = model.predict(some, 2);
          outputs.insert(outputs.end(), output.begin(), output.end());
        }
        CHECK(same_bits(outputs, std::vector<float>(expected.begin(), expected.end())));
      }
    }
  }
}
