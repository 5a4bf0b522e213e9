// Long sums: the tree over runs, and whatever sums so: average pooling, bias gradients, layers.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/pool/pool2d.hpp"
#include "support/close.hpp"
#include "support/random_arrays.hpp"
#include "support/run_layer.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// The definition: chains of kRunTerms terms, added by pairwise_sum.
float by_definition(std::size_t terms, const std::function<float(std::size_t)>& term) {
  std::vector<float> runs(run_count(terms));
  for (std::size_t i = 0; i < terms; ++i) runs[i / kRunTerms] += term(i);
  pairwise_sum(1, runs.data(), runs.size(), 1, 1);
  return runs[0];
}

template <class Body>
void for_each_target(const Body& body) {
  for (const std::string& target : simd_targets()) {
    CAPTURE(target);
    select_simd_target(target);
    body();
  }
  select_simd_target("best");
}

}  // namespace

TEST_CASE("runs that come one by one are added by the pairwise tree over all of them") {
  constexpr std::size_t size = 5;
  for (std::size_t runs = 1; runs <= 70; ++runs) {
    CAPTURE(runs);
    std::vector<float> sums = random_floats(runs * size, runs, "runs");
    RunTree<float> tree;
    for (std::size_t run = 0; run < runs; ++run) tree.add(sums[run * size]);

    std::vector<float> result(size, std::numeric_limits<float>::quiet_NaN());
    std::vector<float> memory(ArrayRunTree::memory_floats(runs, size), result[0]);
    ArrayRunTree arrays(runs, size, result.data(), memory.data());
    for (std::size_t run = 0; run < runs; ++run) {
      std::copy_n(sums.data() + run * size, size, arrays.next());
      arrays.add(2);
    }
    pairwise_sum(1, sums.data(), runs, size, size);
    CHECK(tree.sum() == sums[0]);
    CHECK(result == std::vector<float>(sums.begin(), sums.begin() + size));
  }
}

TEST_CASE("a long sum is cut into runs; zeros that are appended change nothing") {
  for (const std::size_t terms : {0, 1, 16383, 16384, 16385, 50000, 131072, 131073}) {
    CAPTURE(terms);
    const std::vector<float> values = random_floats(terms, 1, "terms");
    const auto term = [&](std::size_t i) { return i < terms ? values[i] : 0.0F; };
    const float sum = long_sum<float>(terms, term);
    CHECK(sum == by_definition(terms, term));
    for (const std::size_t more : {1, 20000, 200000}) {
      CHECK(long_sum<float>(terms + more, term) == sum);
    }
  }
  CHECK(run_count(0) == 1);
  CHECK(run_count(16384) == 1);
  CHECK(run_count(16385) == 2);
  CHECK(long_sum_roundings(16384) == 16384);
  CHECK(long_sum_roundings(16385) == 16385);
  CHECK(long_sum_roundings(5 * 16384) == 16384 + 3);
}

TEST_CASE("average pooling sums a window's cells as a long sum") {
  for (const std::size_t C : {1, 3, 17, 40}) {
    CAPTURE(C);
    constexpr std::size_t height = 213, width = 191;
    Tensor<4> input = make_tensor<4>({1, height, width, C});
    const std::vector<float> values = random_floats(input.size(), C, "input");
    std::copy(values.begin(), values.end(), input.begin());
    Pool2dOptions options;
    options.mode = PoolMode::average;
    options.kernel = {200, 180};
    options.stride = {13, 11};
    for_each_target([&] {
      const Tensor<4> output = pool2d_forward(input, options);
      for (std::size_t i = 0; i < output.size(); ++i) {
        const std::size_t oh = i / C / output.shape()[2];
        const std::size_t ow = i / C % output.shape()[2];
        const float sum = by_definition(200 * 180, [&](std::size_t cell) {
          return input(0, oh * 13 + cell / 180, ow * 11 + cell % 180, i % C);
        });
        CHECK(output.data()[i] == sum / 36000.0F);
      }
    });
  }
}

TEST_CASE("the average over a large image is that of its cells") {
  const auto mean = [](std::size_t side, float value) {
    return global_average_pool2d_forward(make_tensor<4>({1, side, side, 1}, value)).data()[0];
  };
  CHECK(mean(1000, 0.1F) == Approx(0.1).epsilon(long_sum_roundings(1000000) * 0x1p-24));
  CHECK(mean(4200, 1.0F) == 1.0F);
}

TEST_CASE("an average over more than 2^24 cells is divided by their number") {
  // One cell in the middle of padding that counts.
  Pool2dOptions options;
  options.mode = PoolMode::average;
  options.count_include_padding = true;
  options.padding = Padding2d::sides(2050, 2050, 2050, 2050);
  options.kernel = {4101, 4101};
  const float value = 4101.0F * 4101.0F;  // 16818201 is no float: 16818200 or 16818202
  const float wanted = static_cast<float>(static_cast<double>(value) / (4101.0 * 4101.0));
  REQUIRE(wanted != 1.0F);
  const Tensor<4> input = make_tensor<4>({1, 1, 1, 1}, value);
  CHECK(pool2d_forward(input, options).data()[0] == wanted);
  CHECK(pool2d_backward(input, input, options).data()[0] == wanted);
}

TEST_CASE("a convolution's bias gradient is a long sum over images of those over pixels") {
  struct Case {
    std::size_t N, OH, OW, OC;
  };
  for (const Case& c : {Case{1, 201, 203, 1},
                        {6, 131, 130, 5},
                        {5, 1, 16385, 19},
                        {3, 99, 200, 40},
                        {32773, 1, 1, 3},
                        {16390, 2, 1, 33}}) {
    CAPTURE(c.N, c.OH, c.OW, c.OC);
    const ConvShape shape = make_conv_shape(c.N, c.OH, c.OW, 1, c.OC, 1, 1);
    const std::vector<float> grad_output = random_floats(shape.output_size(), 1, "grad_output");
    for_each_target([&] {
      std::vector<float> grad_bias(c.OC);
      conv2d_grad_bias(shape, grad_output.data(), grad_bias.data());
      for (std::size_t oc = 0; oc < c.OC; ++oc) {
        const float wanted = by_definition(c.N, [&](std::size_t n) {
          return by_definition(c.OH * c.OW, [&](std::size_t pixel) {
            return grad_output[(n * c.OH * c.OW + pixel) * c.OC + oc];
          });
        });
        CHECK(grad_bias[oc] == wanted);
      }
    });
  }
}

TEST_CASE("layers sum over many images, windows, inputs and classes as long sums") {
  const auto check_bits = [](const std::vector<float>& values, const std::vector<float>& wanted) {
    CHECK(values == wanted);
  };
  SECTION("dense") {
    constexpr std::size_t N = 40000, units = 3;
    DenseLayerOptions options;
    options.units = units;
    const std::vector<float> grad_output = random_floats(N * units, 1, "grad_output");
    const LayerResult result =
        run_layer(dense_layer(options), {1, 1, 1, true}, N, std::vector<float>(N),
                  std::vector<float>(2 * units), grad_output);
    for (std::size_t o = 0; o < units; ++o) {
      CHECK(result.grad_parameters[units + o] ==
            by_definition(N, [&](std::size_t n) { return grad_output[n * units + o]; }));
    }
  }
  SECTION("subsampling") {
    constexpr std::size_t N = 3, side = 200, C = 2, windows = N * side * side / 4;
    const std::vector<float> input = random_floats(N * side * side * C, 1, "input");
    const std::vector<float> grad_output = random_floats(windows * C, 1, "grad_output");
    const LayerResult result = run_layer(subsampling_layer(), {side, side, C}, N, input,
                                         std::vector<float>(2 * C, 1.0F), grad_output);
    for (std::size_t c = 0; c < C; ++c) {
      CHECK(result.grad_parameters[C + c] ==
            by_definition(windows, [&](std::size_t i) { return grad_output[i * C + c]; }));
      CHECK(result.grad_parameters[c] == by_definition(windows, [&](std::size_t i) {
              const std::size_t row = i / (side / 2);  // of windows, over all images
              const auto at = [&](std::size_t h, std::size_t w) {
                return input[((2 * row + h) * side + 2 * (i % (side / 2)) + w) * C + c];
              };
              return grad_output[i * C + c] * (((at(0, 0) + at(0, 1)) + at(1, 0)) + at(1, 1));
            }));
    }
  }
  SECTION("rbf") {
    constexpr std::size_t inputs = 50000;
    const std::vector<float> input = random_floats(inputs, 1, "input");
    const std::vector<float> code = random_floats(inputs, 2, "code");
    const LayerResult result =
        run_layer(rbf_layer({code}), {1, 1, inputs, true}, 1, input, {}, {1.0F});
    check_bits(result.output, {-by_definition(inputs, [&](std::size_t i) {
                 return (input[i] - code[i]) * (input[i] - code[i]);
               })});
  }
  SECTION("softmax") {
    constexpr std::size_t classes = 50000;
    const std::vector<float> logits(classes, 3.0F);
    const std::uint8_t label = 7;
    std::vector<float> probabilities(classes);
    float loss = 0.0F;
    softmax_cross_entropy_forward(1, classes, logits.data(), &label, probabilities.data(), &loss);
    CHECK(probabilities[49999] == 1.0F / 50000.0F);
    CHECK(loss == Approx(std::log(50000.0)));
  }
}

TEST_CASE("response normalization takes neighbours that one chain may sum") {
  CHECK_THROWS_WITH(local_response_normalization_layer({1.0, 16385, 0.5, 0.5}),
                    Catch::Contains("an odd number below 16384"));
}
