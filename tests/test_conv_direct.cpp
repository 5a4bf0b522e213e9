// direct: each element is the chain or long sum that direct.cpp states, to the bit, whichever
// kernel works it.
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "reprise/core/long_sum.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/sanitized.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

/// Calls visit(image cell, output cell, kernel cell) for the cells inside the image, ascending in
/// (n, oh, ow, kh, kw).
template <class Visit>
void for_each_tap(const ConvShape& s, const Visit& visit) {
  for (std::size_t out = 0; out < s.N * s.OH * s.OW; ++out) {
    const std::size_t oh = out / s.OW % s.OH;
    for (std::size_t tap = 0; tap < s.KH * s.KW; ++tap) {
      // What is left of or above the image wraps, and so is beyond its end.
      const std::size_t ih = oh * s.stride_h + tap / s.KW * s.dilation_h - s.pad_top;
      const std::size_t iw = out % s.OW * s.stride_w + tap % s.KW * s.dilation_w - s.pad_left;
      if (ih < s.IH && iw < s.IW) visit((out / s.OW / s.OH * s.IH + ih) * s.IW + iw, out, tap);
    }
  }
}

void add(float a, float b, float& chain) {
  chain = std::fma(a, b, chain);
}

/// Calls visit(input, weight, output) with the values' places for each product of two taps' cells.
template <class Visit>
void for_each_product(const ConvShape& s, std::size_t cell, std::size_t out, std::size_t tap,
                      const Visit& visit) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t OCg = s.OC / s.G;
  for (std::size_t ic = 0; ic < s.IC; ++ic) {
    for (std::size_t j = 0; j < OCg; ++j) {
      const std::size_t oc = ic / ICg * OCg + j;
      visit(cell * s.IC + ic, (tap * ICg + ic % ICg) * s.OC + oc, out * s.OC + oc);
    }
  }
}

/// The sums of direct.cpp, one step at a time.
std::vector<float> chains(const ConvShape& s, ConvPass pass, const ConvOperands<float>& o) {
  std::vector<float> result;
  if (pass == ConvPass::forward) {
    result.resize(s.output_size());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = o.bias[i % s.OC];
    for_each_tap(s, [&](std::size_t cell, std::size_t out, std::size_t tap) {
      for_each_product(s, cell, out, tap, [&](std::size_t i, std::size_t w, std::size_t r) {
        add(o.input[i], o.weight[w], result[r]);
      });
    });
  } else if (pass == ConvPass::grad_weight) {
    const std::size_t runs = run_count(s.N * s.OH * s.OW);
    std::vector<float> sums(runs * s.weight_size());
    for_each_tap(s, [&](std::size_t cell, std::size_t out, std::size_t tap) {
      float* const run = sums.data() + out / kRunTerms * s.weight_size();
      for_each_product(s, cell, out, tap, [&](std::size_t i, std::size_t w, std::size_t r) {
        add(o.input[i], o.grad_output[r], run[w]);
      });
    });
    pairwise_sum(1, sums.data(), runs, s.weight_size(), s.weight_size());
    result.assign(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(s.weight_size()));
  } else {
    result.resize(s.input_size());
    for (std::size_t wanted = 0; wanted < s.KH * s.KW; ++wanted) {
      for_each_tap(s, [&](std::size_t cell, std::size_t out, std::size_t tap) {
        if (tap != wanted) return;
        for_each_product(s, cell, out, tap, [&](std::size_t i, std::size_t w, std::size_t r) {
          add(o.grad_output[r], o.weight[w], result[i]);
        });
      });
    }
  }
  for (float& value : result) value += 0.0F;
  return result;
}

/// Operands of which grad_output has one value in `density` that is not 0, and zeros of both signs.
ConvOperands<float> operands_of(const ConvShape& shape, std::uint64_t density) {
  const RandomStream stream = RandomStream(1).child(to_line(shape));
  ConvOperands<float> operands = uniform_operands(shape, stream);
  for (std::size_t i = 0; i < operands.grad_output.size(); ++i) {
    if (stream.child("zero").below(density, i) != 0) {
      operands.grad_output[i] = i % 3 == 0 ? -0.0F : 0.0F;
    }
  }
  return operands;
}

std::vector<ConvShape> direct_shapes() {
  std::vector<ConvShape> shapes;
  for (const char* line : {
           "mb17ic1ih12oc6kh5ph2n\"images_and_rest\"",
           "mb9ic6ih9iw8oc16kh5kw5n\"more_columns_than_a_tile\"",
           "mb20ic3ih7iw9oc5kh3ph1sh2kw3sw2pw1n\"strides\"",
           "mb5ic2ih9iw7oc3kh3kw4ph2pw3dh1dw1n\"dilated_rows\"",
           "mb3ic5ih6iw7oc70kh2kw3n\"more_channels_than_a_word\"",
           "mb2ic40ih6oc5kh3ph1n\"long_runs\"",
           "mb8g2ic4ih5oc6kh3n\"groups\"",
           "mb1ic3ih40iw70oc2kh3ph1kw3pw1n\"several_bands\"",
           "mb16ic2ih1iw1oc3kh1kw1n\"one_cell\"",
           "mb2ic3ih9iw11oc30kh3ph1kw3pw1n\"few_channels\"",
           "mb3ic1ih13iw9oc31kh3ph2sh2dh1kw3sw2pw2dw1n\"one_channel\"",
           "g2mb2ic6ih6oc62kh3n\"groups_of_few_channels\"",
           "g31mb2ic31ih5iw27oc31kh3ph1kw3pw1n\"depthwise\"",
           "g12mb1ic12ih11iw13oc12kh5kw4ph3pw2sh2sw3dh1dw1n\"depthwise_strides\"",
           "g17mb2ic17ih3iw2oc17kh2kw5ph4pw4n\"depthwise_in_the_padding\"",
           "g20mb2ic20ih5iw21oc20kh3sh2ph1kw3sw2pw1n\"depthwise_3_stride_2\"",
           "g20mb1ic20ih6iw13oc20kh5ph2kw5pw2n\"depthwise_5\"",
           "g20mb1ic20ih6iw25oc20kh5sh2ph2kw5sw2pw2n\"depthwise_5_stride_2\"",
           "g20mb1ic20ih8iw15oc20kh7ph3kw7pw3n\"depthwise_7\"",
           "g20mb1ic20ih8iw27oc20kh7sh2ph3kw7sw2pw3n\"depthwise_7_stride_2\"",
           "g20mb2ic20ih7iw14oc20kh3ph2pw1dh1dw0kw3n\"depthwise_dilated_rows\"",
           "g8mb2ic16ih9iw13oc16kh3ph1kw3pw1n\"groups_of_2\"",
           "g4mb2ic16ih7iw11oc16kh3sh2ph1kw3sw2pw1n\"groups_of_4\"",
           "g12mb1ic48ih6iw9oc48kh3ph2pw2dh1dw1kw3n\"groups_of_4_dilated\"",
           "g4mb2ic32ih5iw17oc32kh3ph1kw3pw1n\"groups_of_8\"",
           "g2mb1ic16ih8iw6oc16kh5ph2pw0sh1sw2kw2n\"groups_of_8_apart\"",
           "mb1ic20ih4iw5oc256kh3ph1kw3pw1n\"weights_far_apart\"",
           "mb1ic130ih4iw5oc80kh3ph1kw3pw1n\"weights_in_place\"",
           "mb1ic70ih5iw4oc130kh3ph1kw3pw1n\"blocks_of_weights\"",
           "mb2ic70ih9iw8oc24kh3ph1kw3pw1n\"copied_positions\"",
           "mb1ic270ih4iw5oc9kh2kw2n\"copied_channels\"",
           "mb1ic300ih13iw23oc40kh1kw1n\"cells_in_order\"",
           "mb1ic1100ih5oc16kh1n\"cells_of_two_blocks\"",
           "g2mb3ic64ih5iw9oc96kh1kw1n\"groups_of_cells\"",
           "mb2ic24ih9iw7oc32kh1sh2kw1sw2n\"cells_apart\"",
           "mb2ic3ih39iw27oc20kh11sh4kw11sw4n\"phases_of_colours\"",
           "mb3ic3ih18iw61oc9kh7sh2ph3kw7sw2pw3n\"phases_in_the_padding\"",
           "mb1ic5ih23iw70oc17kh4sh2ph5kw2sw3pw1n\"phases_of_whole_taps\"",
           "mb2ic2ih9iw13oc6kh2sh5ph1kw3sw1pw0n\"phases_without_taps\"",
           "mb2ic3ih9iw8oc5kh1sh2dh1kw3sw2pw1n\"phases_of_one_row\"",
       }) {
    shapes.push_back(parse_conv_shape(line));
  }
  return shapes;
}

/// direct, and each of its kernels alone.
std::vector<const ConvAlgorithm*> direct_and_kernels() {
  std::vector<const ConvAlgorithm*> algorithms{&conv_algorithm("direct")};
  for (const ConvAlgorithm& kernel : algorithms[0]->kernels()) algorithms.push_back(&kernel);
  return algorithms;
}

/// Runs the pass by direct and by each kernel that is offered, on every target and with one thread
/// and three, and compares with the chains; adds "kernel pass" to `ran`.
void check_bits(const ConvShape& shape, ConvPass pass, const ConvOperands<float>& operands,
                std::set<std::string>& ran) {
  const std::vector<float> exact = chains(shape, pass, operands);
  for (const ConvAlgorithm* algorithm : direct_and_kernels()) {
    if (!algorithm->unsupported(shape, pass).empty()) continue;
    ran.insert(std::string(algorithm->name) + " " + std::string(name_of(pass)));
    for (const std::string& target : simd_targets()) {
      select_simd_target(target);
      for (const std::size_t threads : {1, 3}) {
        if (kSanitized && threads == 1) continue;
        INFO(algorithm->name << " " << to_line(shape) << " " << name_of(pass) << ", " << target
                             << ", " << threads << " threads");
        const GuardedResult result = run_guarded(*algorithm, shape, pass, operands, threads);
        CHECK(result.inputs_unchanged);
        CHECK(result.stayed_inside);
        CHECK(same_bits(result.values, exact));
      }
    }
  }
}

}  // namespace

TEST_CASE("direct and each of its kernels give its chains to the bit, with and without zeros") {
  const BestTargetAgain guard;
  std::set<std::string> ran;
  for (const ConvShape& shape : direct_shapes()) {
    for (const std::uint64_t density : {1, 4, 30}) {
      INFO("1 in " << density);
      const ConvOperands<float> operands = operands_of(shape, density);
      for (const ConvPass pass : kConvPasses) check_bits(shape, pass, operands, ran);
    }
  }
  const std::set<std::string> all{"direct forward",
                                  "direct grad_input",
                                  "direct grad_weight",
                                  "direct/igemm forward",
                                  "direct/igemm grad_input",
                                  "direct/igemm grad_weight",
                                  "direct/spatial forward",
                                  "direct/spatial grad_input",
                                  "direct/batch_lanes forward",
                                  "direct/batch_lanes grad_input",
                                  "direct/depthwise forward",
                                  "direct/depthwise grad_input",
                                  "direct/depthwise grad_weight",
                                  "direct/grouped forward",
                                  "direct/grouped grad_input",
                                  "direct/padded_rows grad_weight",
                                  "direct/phases grad_input",
                                  "direct/taps grad_weight",
                                  "direct/zero_skipping grad_input",
                                  "direct/zero_skipping grad_weight"};
  CHECK(ran == all);
}

TEST_CASE("depthwise kernels give the chains for rows of every length, at every edge") {
  const BestTargetAgain guard;
  for (const std::size_t kernel : {1, 2, 3, 4, 5, 6, 7, 8}) {
    for (const std::size_t stride : {1, 2, 3}) {
      for (std::size_t width = 1; width <= 19; ++width) {
        for (const std::size_t padding : {std::size_t{0}, kernel / 2, kernel}) {
          if (width + 2 * padding < kernel) continue;
          Conv2dOptions options;
          options.stride = {1, stride};
          options.padding = Padding2d::sides(1, 1, padding, padding);
          options.groups = 27;
          const ConvShape shape = make_conv_shape(
              2, 3, width, 27, 27, std::min<std::size_t>(kernel, 3), kernel, options);
          const ConvOperands<float> operands = operands_of(shape, 1);
          for (const ConvPass pass : kConvPasses) {
            const std::vector<float> exact = chains(shape, pass, operands);
            for (const std::string& target : simd_targets()) {
              select_simd_target(target);
              INFO(to_line(shape) << " " << name_of(pass) << ", " << target);
              const GuardedResult result =
                  run_guarded(conv_algorithm("direct/depthwise"), shape, pass, operands);
              CHECK((result.stayed_inside && same_bits(result.values, exact)));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("depthwise kernels multiply no padding by a weight that is not finite") {
  const BestTargetAgain guard;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const char* line : {"g20mb2ic20ih5iw11oc20kh3ph1kw3pw1", "g20mb1ic20ih5oc20kh3sh2ph1"}) {
    const ConvShape shape = parse_conv_shape(line);
    for (const float value : {infinity, std::numeric_limits<float>::quiet_NaN()}) {
      // In the first tap, which only the last rows and columns of grad_input read, and the last.
      for (const std::size_t place : {std::size_t{3}, shape.weight_size() - 1}) {
        ConvOperands<float> operands = operands_of(shape, 1);
        operands.weight[place] = value;
        for (const ConvPass pass : {ConvPass::forward, ConvPass::grad_input}) {
          const std::vector<float> exact = chains(shape, pass, operands);
          for (const std::string& target : simd_targets()) {
            select_simd_target(target);
            INFO(line << " " << name_of(pass) << ", " << value << " at " << place);
            const auto result =
                run_guarded(conv_algorithm("direct/depthwise"), shape, pass, operands).values;
            std::size_t different = 0;
            for (std::size_t i = 0; i < result.size(); ++i) {
              different += std::isnan(result[i]) == std::isnan(exact[i]) ? 0 : 1;
            }
            CHECK(different == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("kernels of direct are found by name, and a wrong name lists them") {
  CHECK(conv_algorithm("direct/taps").name == "direct/taps");
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    CHECK(algorithm->name.find('/') == std::string_view::npos);
  }
  CHECK_THROWS_WITH(conv_algorithm("direct/tap"), Catch::Contains("nearest is direct/taps"));
  CHECK_THROWS_WITH(conv_algorithm("fft/igemm"), Catch::Contains("direct/igemm"));
}

TEST_CASE("direct's weight gradients are long sums over positions, whichever kernel runs") {
  const BestTargetAgain guard;
  std::set<std::string> ran;
  for (const char* line : {
           "mb1ic1ih190iw181oc6kh5ph2kw5pw2n\"windows\"",
           "mb36ic6ih28oc16kh5n\"windows_of_images\"",
           "mb1ic3ih150iw151oc32kh3ph1kw3pw1n\"bands\"",
           "mb23ic2ih81iw29oc17kh3kw2sh1sw2n\"bands_of_images\"",
           "mb3ic40ih77iw73oc48kh1kw1n\"columns\"",
           "g2mb5ic24ih61iw63oc32kh2ph1kw2pw1n\"groups\"",
           "g16mb1ic16ih130iw131oc16kh3ph1kw3pw1n\"depthwise_3\"",
           "g9mb2ic9ih257iw150oc9kh3sh2ph1kw3sw2pw1n\"depthwise_3_stride_2\"",
           "g9mb2ic9ih99iw101oc9kh5ph2kw5pw2n\"depthwise_5\"",
           "mb1ic2ih1iw16385oc3kh1kw1n\"a_row_longer_than_a_run\"",
           "mb9ic2ih2000iw1oc3kh3kw1ph1pw0n\"rows_of_one_cell\"",
           "mb32770ic2ih1oc3kh1n\"images_of_one_cell\"",
       }) {
    const ConvShape shape = parse_conv_shape(line);
    REQUIRE(shape.N * shape.OH * shape.OW > kRunTerms);
    for (const std::uint64_t density : {1, 30}) {
      if (kSanitized && density == 1) continue;
      const ConvOperands<float> operands = operands_of(shape, density);
      INFO("1 in " << density);
      check_bits(shape, ConvPass::grad_weight, operands, ran);
    }
  }
}

TEST_CASE(
    "direct's weight gradients keep their bound where sums are long, and count ones exactly") {
  const ConvAlgorithm& direct = conv_algorithm("direct");
  ConvShape shape = parse_conv_shape("mb2ic3ih211iw170oc5kh3ph1kw3pw1n\"long_sums\"");
  ConvOperands<float> operands = operands_of(shape, 1);
  for (float& value : operands.input) value = 2.0F + value;  // all of one sign
  for (float& value : operands.grad_output) value = std::abs(value);
  const auto pass = ConvPass::grad_weight;
  const double worst = worst_error(run_guarded(direct, shape, pass, operands).values,
                                   exact_result(shape, pass, widened(operands)),
                                   error_units(shape, pass, operands, direct.error_scale));
  CHECK(worst <= direct.error_bound(shape, pass));
  CHECK(direct.error_bound(shape, pass) < 1.01 * (kRunTerms + 4));

  shape = parse_conv_shape("mb1ic1ih4097iw4096oc1kh1kw1");
  operands = {std::vector<float>(shape.input_size(), 1.0F), {1.0F}, {0.0F}, {}};
  operands.grad_output = operands.input;
  CHECK(run_guarded(direct, shape, pass, operands).values[0] == 0x1p24F + 4096.0F);
}

TEST_CASE("direct needs less than 4 MiB a thread for gradients of inputs with a stride") {
  for (const char* line :
       {"mb1ic3ih301oc512kh31sh2", "mb1ic4ih4iw200001oc8kh3sh4kw3sw4", "mb16ic3ih227oc96kh11sh4"}) {
    INFO(line);
    CHECK(conv_algorithm("direct").workspace_bytes(parse_conv_shape(line), ConvPass::grad_input,
                                                   1) < 4U << 20);
  }
}

TEST_CASE("a grad_output that is not finite reaches the taps of its own phase alone") {
  const ConvShape shape = parse_conv_shape("mb2ic3ih19iw16oc20kh7sh4ph2kw5sw2pw1");
  for (const float value :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    ConvOperands<float> operands = operands_of(shape, 1);
    operands.grad_output[101] = value;
    const std::vector<float> exact = chains(shape, ConvPass::grad_input, operands);
    for (const ConvAlgorithm* algorithm : direct_and_kernels()) {
      if (!algorithm->unsupported(shape, ConvPass::grad_input).empty()) continue;
      INFO(algorithm->name << " with " << value);
      const std::vector<float> result =
          run_guarded(*algorithm, shape, ConvPass::grad_input, operands).values;
      std::size_t different = 0;
      for (std::size_t i = 0; i < result.size(); ++i) {
        different +=
            result[i] == exact[i] || (std::isnan(result[i]) && std::isnan(exact[i])) ? 0 : 1;
      }
      CHECK(different == 0);
    }
  }
}

TEST_CASE("direct and its kernels leave out no zero of grad_output that meets an infinity or NaN") {
  const float infinity = std::numeric_limits<float>::infinity();
  const ConvShape shape = parse_conv_shape("mb16ic3ih8oc8kh3ph1");
  for (const float value : {infinity, std::numeric_limits<float>::quiet_NaN()}) {
    ConvOperands<float> operands = operands_of(shape, 30);
    operands.input[100] = value;
    operands.weight[20] = value;
    for (const ConvPass pass : {ConvPass::grad_input, ConvPass::grad_weight}) {
      const std::vector<float> exact = chains(shape, pass, operands);
      for (const ConvAlgorithm* algorithm : direct_and_kernels()) {
        if (!algorithm->unsupported(shape, pass).empty()) continue;
        INFO(algorithm->name << " " << name_of(pass) << " with " << value);
        const auto result = run_guarded(*algorithm, shape, pass, operands).values;
        std::size_t different = 0;
        for (std::size_t i = 0; i < result.size(); ++i) {
          different += std::isnan(result[i]) == std::isnan(exact[i]) ? 0 : 1;
        }
        CHECK(different == 0);
      }
    }
  }
}
