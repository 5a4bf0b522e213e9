// The floating-point environment: whatever another library left in a thread, results have the same
// bits, and it is there again afterwards.
#include "reprise/core/float_environment.hpp"

#include <array>
#include <cfenv>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/math.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/layers.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/pool/pool2d.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/random_arrays.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

// Some of the environment as one number, for reading and for setting.
#if defined(__x86_64__)
std::uint64_t control() {
  return _mm_getcsr() & 0xFFC0U;
}
void set_control(std::uint64_t value) {
  _mm_setcsr(static_cast<unsigned int>(value));
}
/// Flushing results and operands to zero; the three other roundings; all of it.
constexpr std::array<std::uint64_t, 5> kDisturbed{0x9FC0, 0x5F80, 0x3F80, 0x7F80, 0xDFC0};
#else
std::uint64_t control() {
  return static_cast<std::uint64_t>(std::fegetround());
}
void set_control(std::uint64_t value) {
  std::fesetround(static_cast<int>(value));
}
constexpr std::array<std::uint64_t, 3> kDisturbed{FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
#endif

/// Calls body in that environment, which must be there afterwards.
template <class Body>
void disturbed(std::uint64_t value, const Body& body) {
  const std::uint64_t before = control();
  set_control(value);
  body();
  const std::uint64_t after = control();
  set_control(before);
  CHECK(after == value);
}

std::vector<float> values_of(const Tensor<4>& tensor) {
  return {tensor.begin(), tensor.end()};
}

/// Values so small that products and sums of them are subnormal, and ones that round.
std::vector<float> small_and_other(std::size_t count, std::string_view name) {
  const FloatEnvironment environment;  // the operands are the same
  std::vector<float> values = random_floats(count, 1, name);
  for (std::size_t i = 0; i < count; i += 3) values[i] *= 1e-38F;
  for (std::size_t i = 1; i < count; i += 3) values[i] *= 1e-20F;
  for (std::size_t i = 2; i < count; i += 3) values[i] *= 20.0F;
  return values;
}

struct Operation {
  std::string name;
  std::function<std::vector<float>(std::size_t threads)> run;
};

void add_math(std::vector<Operation>& operations) {
  const auto add = [&](const char* name, auto function) {
    operations.push_back({name, [function](std::size_t) {
                            const std::vector<float> x = small_and_other(301, "x");
                            std::vector<float> y(x.size());
                            function(x, y);
                            return y;
                          }});
  };
  add("exp", [](const auto& x, auto& y) { exp(x.size(), x.data(), y.data()); });
  add("log", [](const auto& x, auto& y) { log(x.size(), x.data(), y.data()); });
  add("tanh", [](const auto& x, auto& y) { tanh(x.size(), x.data(), y.data()); });
  add("power", [](const auto& x, auto& y) { inverse_power(x.size(), 0.6F, x.data(), y.data()); });
  add("loss", [](const auto& x, auto& y) {
    const std::vector<std::uint8_t> labels(7, 3);
    std::vector<float> losses(7);
    softmax_cross_entropy_forward(7, 43, x.data(), labels.data(), y.data(), losses.data());
    softmax_cross_entropy_backward(7, 43, y.data(), labels.data(), 0.1F, y.data());
    y.insert(y.end(), losses.begin(), losses.end());
  });
  add("initializer", [](const auto&, auto& y) {
    initialize({InitializerKind::he_normal, 0.0}, {75, 48}, RandomStream(1), y);
  });
  add("optimizer", [](const auto& x, auto& y) {
    const OptimizerOptions options;
    OptimizerState state = make_optimizer_state(options, x.size());
    optimizer_step(options, state, 0.001, y, x);
  });
}

void add_pooling(std::vector<Operation>& operations) {
  operations.push_back({"average pooling", [](std::size_t) {
                          Tensor<4> input = make_tensor<4>({2, 9, 8, 5});
                          const auto values = small_and_other(input.size(), "input");
                          std::copy(values.begin(), values.end(), input.begin());
                          Pool2dOptions options;
                          options.mode = PoolMode::average;
                          options.kernel = {3, 3};
                          const Tensor<4> output = pool2d_forward(input, options);
                          std::vector<float> all = values_of(output);
                          const auto back = values_of(pool2d_backward(output, input, options));
                          all.insert(all.end(), back.begin(), back.end());
                          return all;
                        }});
}

void add_products(std::vector<Operation>& operations) {
  operations.push_back(
      {"matrix product", [](std::size_t threads) {
         const auto a = small_and_other(400 * 30, "a");
         const auto b = small_and_other(30 * 50, "b");
         std::vector<float> c(400 * 50);
         gemm(400, 50, 30, {a.data(), 30, 1}, {b.data(), 50, 1}, c.data(), 50, false, threads);
         return c;
       }});
  const ConvShape shape = make_conv_shape(3, 14, 15, 6, 7, 3, 3);
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->reproducibility != Reproducibility::portable) continue;
    for (const ConvPass pass : kConvPasses) {
      if (!algorithm->unsupported(shape, pass).empty()) continue;
      const auto run = [=](std::size_t threads) {
        const ConvOperands<float> operands{small_and_other(shape.input_size(), "input"),
                                           small_and_other(shape.weight_size(), "weight"),
                                           small_and_other(shape.OC, "bias"),
                                           small_and_other(shape.output_size(), "grad")};
        return run_guarded(*algorithm, shape, pass, operands, threads).values;
      };
      operations.push_back({std::string(algorithm->name) + " " + std::string(name_of(pass)), run});
    }
  }
  operations.push_back({"bias gradient", [=](std::size_t) {
                          const auto grad = small_and_other(shape.output_size(), "grad");
                          std::vector<float> sums(shape.OC);
                          conv2d_grad_bias(shape, grad.data(), sums.data());
                          return sums;
                        }});
}

/// A step's gradient of a small network.
void add_training(std::vector<Operation>& operations) {
  operations.push_back(
      {"training", [](std::size_t threads) {
         Sequential model("small", {6, 6, 1});
         Conv2dLayerOptions convolution;
         convolution.filters = 3;
         DenseLayerOptions dense;
         dense.units = 4;
         model.add("conv", conv2d_layer(convolution))
             .add("tanh", tanh_layer())
             .add("flatten", flatten_layer())
             .add("dense", dense_layer(dense));
         model.initialize(RandomStream(1));
         BatchGradient gradient(model, 20, 4, threads, RandomStream(1));
         gradient.run(
             20, 0, [](std::size_t first, std::size_t count, float* images, std::uint8_t* labels) {
               const auto pixels = small_and_other(20 * 36, "pixels");
               std::copy_n(pixels.data() + first * 36, count * 36, images);
               std::fill_n(labels, count, std::uint8_t{2});
             });
         return std::vector<float>(gradient.gradients().begin(), gradient.gradients().end());
       }});
}

std::vector<Operation> all_operations() {
  std::vector<Operation> operations;
  add_math(operations);
  add_pooling(operations);
  add_products(operations);
  add_training(operations);
  return operations;
}

}  // namespace

TEST_CASE("results do not depend on the environment that they are asked for in") {
  for (const Operation& operation : all_operations()) {
    for (const std::size_t threads : {1, 3}) {
      for (const std::uint64_t value : kDisturbed) {
        INFO(operation.name << ", " << threads << " threads, " << std::hex << value);
        // What a first call keeps for later ones is made in the disturbed environment.
        std::vector<float> other;
        disturbed(value, [&] { other = operation.run(threads); });
        CHECK(same_bits(other, operation.run(threads)));
      }
    }
  }
}

TEST_CASE("threads that inherit another environment work in the right one") {
  const std::uint64_t wanted = control();
  for (const std::uint64_t value : kDisturbed) {
    CAPTURE(value);
    std::vector<std::uint64_t> seen(200);
    // A thread of its own, so that the arena's threads may be its children.
    std::thread([&] {
      set_control(value);
      parallel_for(5, seen.size(), [&](std::size_t task, std::size_t) {
        seen[task] = control();
        set_control(kDisturbed[0]);  // what a body does to it ends with the body
      });
      CHECK(control() == value);
    }).join();
    CHECK(seen == std::vector<std::uint64_t>(seen.size(), wanted));
  }
}

TEST_CASE("environments nest, and exceptions restore them") {
  const std::uint64_t wanted = control();
  disturbed(kDisturbed[0], [&] {
    try {
      const FloatEnvironment outer;
      const std::uint64_t inside = control();
      set_control(kDisturbed[1]);
      {
        const FloatEnvironment inner;
        CHECK(control() == wanted);
      }
      CHECK(control() == kDisturbed[1]);
      CHECK(inside == wanted);
      throw 1;
    } catch (int) {
    }
  });
}
