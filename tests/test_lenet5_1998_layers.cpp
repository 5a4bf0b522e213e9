// The layers of 1998: subsampling, partly connected convolutions, radial basis functions and
// rescaling, exactly on whole numbers against loops that say what they mean.
#include "reprise/nn/layers.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// What is fed to a layer and its gradients; sums of products stay exact.
struct Operands {
  Operands(const FeatureShape& in, const FeatureShape& out, std::size_t N,
           std::size_t parameter_count)
      : input(random_integers(N * in.size(), 7, 1, "input")),
        parameters(random_integers(parameter_count, 5, 1, "parameters")),
        grad_output(random_integers(N * out.size(), 6, 1, "grad_output")),
        expected{std::vector<float>(N * out.size()), std::vector<float>(N * in.size()),
                 std::vector<float>(parameter_count)} {}
  std::vector<float> input, parameters, grad_output;
  LayerResult expected;  ///< zeros at first
};

void check_exactly(std::unique_ptr<Layer> layer, const FeatureShape& in, std::size_t N,
                   const Operands& given) {
  const LayerResult result =
      run_layer(std::move(layer), in, N, given.input, given.parameters, given.grad_output);
  CHECK(result.output == given.expected.output);
  CHECK(result.grad_input == given.expected.grad_input);
  CHECK(result.grad_parameters == given.expected.grad_parameters);
}

}  // namespace

TEST_CASE("subsampling weighs the sum of 2x2 cells and leaves an odd edge out") {
  for (const FeatureShape in : {FeatureShape{4, 6, 3}, FeatureShape{5, 7, 6}, {2, 3, 17}}) {
    const FeatureShape out{in.height / 2, in.width / 2, in.channels};
    const std::size_t C = in.channels;
    Operands o(in, out, 3, 2 * C);
    for (std::size_t n = 0; n < 3; ++n) {
      for (std::size_t h = 0; h < 2 * out.height; ++h) {
        for (std::size_t w = 0; w < 2 * out.width; ++w) {
          for (std::size_t c = 0; c < C; ++c) {
            const std::size_t at = ((n * in.height + h) * in.width + w) * C + c;
            const std::size_t to = ((n * out.height + h / 2) * out.width + w / 2) * C + c;
            o.expected.output[to] += o.parameters[c] * o.input[at];
            o.expected.grad_input[at] = o.parameters[c] * o.grad_output[to];
            o.expected.grad_parameters[c] += o.grad_output[to] * o.input[at];
            if (h % 2 == 0 && w % 2 == 0) {
              o.expected.output[to] += o.parameters[C + c];
              o.expected.grad_parameters[C + c] += o.grad_output[to];
            }
          }
        }
      }
    }
    check_exactly(subsampling_layer(), in, 3, o);
  }
  CHECK(is_line_with(error_of([] { subsampling_layer()->build({1, 5, 2}); }), "2x2 cells"));
}

TEST_CASE("a partly connected convolution is a convolution without the other connections") {
  const std::vector<std::vector<std::size_t>> connections{{0}, {3}, {0, 2}, {1, 3}, {0, 1, 2, 3}};
  const FeatureShape in{6, 8, 4};
  const FeatureShape out{4, 7, 5};
  constexpr std::size_t KH = 3, KW = 2, N = 2, pairs = 10;
  Operands o(in, out, N, KH * KW * pairs + 5);
  // Parameters: weight1 (KH,KW,1,2), weight2 (KH,KW,2,2), weight4 (KH,KW,4,1), bias (5).
  const std::size_t group_offset[] = {0, 0, 12, 12, 36};
  const std::size_t group_first[] = {0, 0, 2, 2, 4};
  const std::size_t group_count[] = {2, 2, 2, 2, 1};
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t to = 0; to < out.size(); ++to) {
      const std::size_t oc = to % 5, ow = to / 5 % out.width, oh = to / 5 / out.width;
      const float grad = o.grad_output[n * out.size() + to];
      float& output = o.expected.output[n * out.size() + to];
      output += o.parameters[60 + oc];
      o.expected.grad_parameters[60 + oc] += grad;
      const std::vector<std::size_t>& inputs = connections[oc];
      for (std::size_t cell = 0; cell < KH * KW; ++cell) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          const std::size_t weight = group_offset[oc] +
                                     (cell * inputs.size() + i) * group_count[oc] + oc -
                                     group_first[oc];
          const std::size_t at =
              n * in.size() + ((oh + cell / KW) * in.width + ow + cell % KW) * 4 + inputs[i];
          output += o.parameters[weight] * o.input[at];
          o.expected.grad_input[at] += o.parameters[weight] * grad;
          o.expected.grad_parameters[weight] += o.input[at] * grad;
        }
      }
    }
  }
  PartialConv2dLayerOptions options;
  options.kernel = {KH, KW};
  options.connections = connections;
  for (const char* algorithm : {"naive", "direct", "auto"}) {
    check_exactly(partial_conv2d_layer(options, conv_algorithm(algorithm)), in, N, o);
  }
  const auto layer = partial_conv2d_layer(options);
  layer->build(in);
  CHECK(layer->connections() == 4 * 7 * (60 + 5));
  REQUIRE(layer->parameters().size() == 4);
  CHECK(layer->parameters()[1].name == "weight2");
  CHECK(layer->parameters()[1].shape == std::vector<std::size_t>{3, 2, 2, 2});
  CHECK(layer->parameters()[1].fans.in == 12);
}

TEST_CASE("connections that make no sense are refused") {
  const auto error = [](const std::vector<std::vector<std::size_t>>& connections) {
    PartialConv2dLayerOptions options;
    options.kernel = {2, 2};
    options.connections = connections;
    return error_of([&] { partial_conv2d_layer(options)->build({4, 4, 3}); });
  };
  CHECK(error({{0, 1}, {0, 2}}).empty());
  CHECK(is_line_with(error({{0, 1}, {2}}), "1 inputs", "2 or more"));
  CHECK(is_line_with(error({{}}), "0 inputs"));
  CHECK(is_line_with(error({{1, 0}}), "ascending"));
  CHECK(is_line_with(error({{1, 1}}), "ascending"));
  CHECK(is_line_with(error({{0, 3}}), "below 3"));
  CHECK_FALSE(error({}).empty());
}

TEST_CASE("radial basis functions give minus the squared distance to each code") {
  std::vector<std::vector<float>> codes(3);
  for (std::size_t i = 0; i < 3; ++i) codes[i] = random_integers(7, 3, i, "code");
  const FeatureShape in{1, 1, 7, true};
  Operands o(in, {1, 1, 3, true}, 4, 0);
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 7; ++j) {
        const float difference = o.input[7 * n + j] - codes[i][j];
        o.expected.output[3 * n + i] -= difference * difference;
        o.expected.grad_input[7 * n + j] -= 2.0F * difference * o.grad_output[3 * n + i];
      }
    }
  }
  check_exactly(rbf_layer(codes), in, 4, o);
  CHECK(is_line_with(error_of([&] {
                       rbf_layer(codes)->build({1, 1, 8, true});
                     }),
                     "(None, 8)", "(None, 7)"));
  CHECK(is_line_with(error_of([&] { rbf_layer(codes)->build({1, 1, 7}); }), "(None, 1, 1, 7)"));
  codes[1].pop_back();
  CHECK(is_line_with(error_of([&] { rbf_layer(codes); }), "of 7 and of 6"));
  CHECK(is_line_with(error_of([] { rbf_layer({}); }), "no codes"));
}

TEST_CASE("rescaling maps 0 to low and 1 to high, in a frame of low") {
  const FeatureShape in{2, 3, 2};
  Operands o(in, {6, 7, 2}, 2, 0);
  std::fill(o.expected.output.begin(), o.expected.output.end(), -1.0F);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t h = 0; h < 2; ++h) {
      for (std::size_t i = 0; i < 6; ++i) {
        const std::size_t at = 12 * n + 6 * h + i;
        const std::size_t to = 84 * n + 14 * (h + 2) + 4 + i;
        o.expected.output[to] = -1.0F + 4.0F * o.input[at];
        o.expected.grad_input[at] = 4.0F * o.grad_output[to];
      }
    }
  }
  check_exactly(rescale_layer({-1.0F, 3.0F, 2}), in, 2, o);
}
