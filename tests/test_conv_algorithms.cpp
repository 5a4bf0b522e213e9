// conv: every algorithm in the registry x shapes x passes, against the loop nest in double.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "reprise/core/parse.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/run/conv_shape_file.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/golden.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr std::size_t kRandomShapes = 400;

/// The seed of all random shapes and tensors: REPRISE_TEST_SEED, or 1.
std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* text = std::getenv("REPRISE_TEST_SEED");
    const std::int64_t given = text == nullptr ? 1 : integer_of("REPRISE_TEST_SEED", text, {0});
    std::printf("REPRISE_TEST_SEED=%lld\n", static_cast<long long>(given));
    return static_cast<std::uint64_t>(given);
  }();
  return value;
}

RandomStream stream_of(const ConvShape& shape) {
  return RandomStream(seed()).child(to_line(shape));
}

std::vector<ConvShape> random_shapes(std::size_t count) {
  std::vector<ConvShape> shapes;
  const RandomStream random = RandomStream(seed()).child("shapes");
  for (std::size_t i = 0; i < count; ++i) shapes.push_back(random_shape(random.child(i)));
  return shapes;
}

/// Shapes that take paths of their own, because they are longer or wider than random ones.
std::vector<ConvShape> long_shapes() {
  std::vector<ConvShape> shapes;
  for (const char* line : {
           "mb2ic1ih28oc6kh5ph2n\"lenet5_conv1\"",
           "mb3ic6ih14oc16kh5n\"lenet5_conv2\"",
           "mb3ic16ih5oc120kh5n\"lenet5_1998_c5\"",
           "mb1ic3ih39oc40kh11sh4n\"alexnet_conv1_small\"",
           "mb1ic130ih5oc9kh3ph1n\"chain_of_two_blocks\"",
           "mb1ic1200ih3iw2oc5kh1kw1n\"many_channels\"",
           "mb1ic5ih3iw2oc1200kh1kw1n\"many_columns\"",
           "mb1ic3ih60iw70oc2kh3ph1kw3pw1n\"several_bands\"",
           "mb5ic20ih6oc70kh3ph1n\"many_images\"",
       }) {
    shapes.push_back(parse_conv_shape(line));
  }
  return shapes;
}

std::vector<ConvShape> all_shapes(std::size_t random_count) {
  std::vector<ConvShape> shapes = edge_cases();
  for (const auto& more : {long_shapes(), random_shapes(random_count)}) {
    shapes.insert(shapes.end(), more.begin(), more.end());
  }
  return shapes;
}

/// Calls visit(algorithm, pass) for all that are offered for the shape.
template <class Visit>
void for_each_offer(const ConvShape& shape, const Visit& visit) {
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    for (const ConvPass pass : kConvPasses) {
      if (algorithm->unsupported(shape, pass).empty()) visit(*algorithm, pass);
    }
  }
}

std::string label(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  return std::string(algorithm.name) + " " + std::string(name_of(pass)) + " of " + to_line(shape) +
         ", REPRISE_TEST_SEED=" + std::to_string(seed());
}

void check_guards(const GuardedResult& result) {
  CHECK(result.inputs_unchanged);
  CHECK(result.stayed_inside);
}

}  // namespace

TEST_CASE("the exact tier: sums of small integers are right to the bit") {
  for (const ConvShape& shape : all_shapes(kRandomShapes / 2)) {
    // |a b| <= 4, so sums of up to 2^22 terms are exact in float in any order.
    const ConvOperands<float> operands = integer_operands(shape, stream_of(shape), 2, 2);
    const ConvOperands<double> wide = widened(operands);
    for (const ConvPass pass : kConvPasses) {
      const std::vector<double> exact = exact_result(shape, pass, wide);
      for (const ConvAlgorithm* algorithm : conv_algorithms()) {
        if (!algorithm->unsupported(shape, pass).empty()) continue;
        INFO(label(*algorithm, shape, pass));
        const GuardedResult result = run_guarded(*algorithm, shape, pass, operands);
        check_guards(result);
        // Transforms round even integers; half an integer away, rounding gives the right one.
        const bool transforms = algorithm->error_scale == ErrorScale::tensorwise;
        const double worst =
            worst_error(result.values, exact, std::vector<double>(exact.size(), 1.0));
        CHECK(worst <= (transforms ? 0.499 : 0.0));
      }
    }
  }
}

TEST_CASE("the float tier: the worst element is within the declared bound") {
  for (const ConvShape& shape : all_shapes(kRandomShapes)) {
    const ConvOperands<float> operands = uniform_operands(shape, stream_of(shape));
    const ConvOperands<double> wide = widened(operands);
    for (const ConvPass pass : kConvPasses) {
      const std::vector<double> exact = exact_result(shape, pass, wide);
      for (const ConvAlgorithm* algorithm : conv_algorithms()) {
        if (!algorithm->unsupported(shape, pass).empty()) continue;
        INFO(label(*algorithm, shape, pass));
        const GuardedResult result = run_guarded(*algorithm, shape, pass, operands);
        check_guards(result);
        const std::vector<double> units =
            error_units(shape, pass, operands, algorithm->error_scale);
        CHECK(worst_error(result.values, exact, units) <= algorithm->error_bound(shape, pass));
      }
    }
  }
}

TEST_CASE("naive, im2col_gemm and direct offer every shape and pass") {
  for (const ConvShape& shape : all_shapes(kRandomShapes)) {
    for (const ConvPass pass : kConvPasses) {
      for (const char* name : {"naive", "im2col_gemm", "direct"}) {
        CHECK(conv_algorithm(name).unsupported(shape, pass).empty());
      }
    }
  }
}

TEST_CASE("results have the same bits for 1, 2 and 3 threads, unless it is declared otherwise") {
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    const bool portable = algorithm->reproducibility == Reproducibility::portable;
    CHECK_FALSE((portable && algorithm->threads_may_show));
  }
  for (const ConvShape& shape : all_shapes(kRandomShapes / 4)) {
    const ConvOperands<float> operands = uniform_operands(shape, stream_of(shape));
    for_each_offer(shape, [&](const ConvAlgorithm& algorithm, ConvPass pass) {
      if (algorithm.threads_may_show) return;
      INFO(label(algorithm, shape, pass));
      const GuardedResult one = run_guarded(algorithm, shape, pass, operands, 1);
      for (const std::size_t threads : {2, 3}) {
        const GuardedResult more = run_guarded(algorithm, shape, pass, operands, threads);
        check_guards(more);
        CHECK(same_bits(one.values, more.values));
      }
    });
  }
}

TEST_CASE("portable results have the same bits on every vector target") {
  struct BestTargetAgain {
    ~BestTargetAgain() { select_simd_target("best"); }
  } const guard;
  for (const ConvShape& shape : all_shapes(kRandomShapes / 2)) {
    const ConvOperands<float> operands = uniform_operands(shape, stream_of(shape));
    for_each_offer(shape, [&](const ConvAlgorithm& algorithm, ConvPass pass) {
      if (algorithm.reproducibility != Reproducibility::portable) return;
      INFO(label(algorithm, shape, pass));
      select_simd_target("best");
      const GuardedResult best = run_guarded(algorithm, shape, pass, operands);
      for (const std::string& target : test::targets()) {
        INFO(target);
        select_simd_target(target);
        const GuardedResult result = run_guarded(algorithm, shape, pass, operands);
        check_guards(result);
        CHECK(same_bits(best.values, result.values));
      }
    });
  }
}

TEST_CASE("golden values: every algorithm agrees with PyTorch in float64") {
  const GoldenFile file("conv2d.h5");
  for (const std::string& name : file.names()) {
    const ConvShape shape = parse_conv_shape(file.text(name, "shape"));
    const auto floats = [&](const char* tensor) {
      return file.array(name + "/" + tensor).floats();
    };
    const ConvOperands<float> operands{floats("input"), floats("weight"), floats("bias"),
                                       floats("grad_output")};
    REQUIRE(operands.input.size() == shape.input_size());
    REQUIRE(operands.grad_output.size() == shape.output_size());
    const char* const results[] = {"/output", "/grad_input", "/grad_weight"};
    for_each_offer(shape, [&](const ConvAlgorithm& algorithm, ConvPass pass) {
      INFO(label(algorithm, shape, pass));
      const std::vector<double> golden =
          file.array(name + results[static_cast<std::size_t>(pass)]).values;
      const GuardedResult result = run_guarded(algorithm, shape, pass, operands);
      const std::vector<double> units = error_units(shape, pass, operands, algorithm.error_scale);
      CHECK(worst_error(result.values, golden, units) <= algorithm.error_bound(shape, pass));
    });
  }
}

TEST_CASE("direct leaves out what is in the padding even if weights or gradients are infinite") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const char* line : {"mb2ic1ih28oc6kh5ph2", "mb2ic3ih7iw9oc20kh3ph1kw3pw1",
                           "mb1ic40ih6oc5kh3ph2", "mb2ic6ih14oc16kh5ph1sh2"}) {
    const ConvShape shape = parse_conv_shape(line);
    ConvOperands<float> operands = uniform_operands(shape, stream_of(shape));
    operands.weight.front() = infinity;
    operands.grad_output.front() = infinity;
    for (const ConvPass pass : kConvPasses) {
      INFO(label(default_conv_algorithm(), shape, pass));
      const auto result = run_guarded(conv_algorithm("direct"), shape, pass, operands).values;
      const auto naive = run_guarded(conv_algorithm("naive"), shape, pass, operands).values;
      std::size_t different = 0;
      for (std::size_t i = 0; i < result.size(); ++i) {
        different += std::isfinite(result[i]) == std::isfinite(naive[i]) ? 0 : 1;
      }
      CHECK(different == 0);
    }
  }
}

TEST_CASE("workspaces are bounded: im2col_gemm 64 MiB, direct 4 MiB per thread") {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  for (const char* file : {"alexnet", "alexnet_ungrouped", "vgg", "resnet", "lenet5", "peers"}) {
    for (const ConvShape& shape :
         read_conv_shapes(std::string(REPRISE_FIXTURES "/shapes/") + file)) {
      INFO(to_line(shape));
      for (const ConvPass pass : kConvPasses) {
        for (const std::size_t threads : {1, 2, 64}) {
          CHECK(conv_algorithm("im2col_gemm").workspace_bytes(shape, pass, threads) <=
                64 * mebibyte);
          CHECK(conv_algorithm("direct").workspace_bytes(shape, pass, threads) <=
                4 * mebibyte * threads);
        }
      }
    }
  }
}
