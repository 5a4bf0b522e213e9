// conv/fft: tiles that wrap around, blocks of tiles and of channels, strides and dilation; the same
// bits for any vector target and number of threads; the declared workspace.
#include <cmath>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/fft/plan.hpp"
#include "reprise/conv/naive/naive.hpp"
#include "reprise/core/random.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"

using namespace reprise;

namespace {

std::vector<float> random_values(std::size_t count, std::string_view stream) {
  const RandomStream random = RandomStream(1).child(stream);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(random.uniform(i) * 2.0 - 1.0);
  }
  return values;
}

struct Operands {
  explicit Operands(const ConvShape& s)
      : input(random_values(s.input_size(), "input")),
        weight(random_values(s.weight_size(), "weight")),
        bias(random_values(s.OC, "bias")),
        grad_output(random_values(s.output_size(), "grad_output")) {}
  std::vector<float> input, weight, bias, grad_output;
};

std::vector<float> fft(const ConvShape& s, ConvPass pass, const Operands& x, std::size_t threads) {
  const ConvAlgorithm& algorithm = conv_algorithm("fft");
  ConvWorkspace memory;
  const auto workspace = memory.require(algorithm.workspace_bytes(s, pass, threads), "test");
  std::fill(workspace.begin(), workspace.end(), std::byte{0xA5});
  const ConvResources resources{workspace, threads};
  if (pass == ConvPass::forward) {
    std::vector<float> result(s.output_size(), NAN);
    algorithm.forward(s, x.input.data(), x.weight.data(), x.bias.data(), result.data(), resources);
    return result;
  }
  if (pass == ConvPass::grad_input) {
    std::vector<float> result(s.input_size(), NAN);
    algorithm.grad_input(s, x.grad_output.data(), x.weight.data(), result.data(), resources);
    return result;
  }
  std::vector<float> result(s.weight_size(), NAN);
  algorithm.grad_weight(s, x.grad_output.data(), x.input.data(), result.data(), resources);
  return result;
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

std::vector<double> exact(const ConvShape& s, ConvPass pass, const Operands& x) {
  const auto input = widened(x.input);
  const auto weight = widened(x.weight);
  const auto grad_output = widened(x.grad_output);
  if (pass == ConvPass::forward) {
    std::vector<double> result(s.output_size());
    naive_forward(s, input.data(), weight.data(), widened(x.bias).data(), result.data(), 2);
    return result;
  }
  if (pass == ConvPass::grad_input) {
    std::vector<double> result(s.input_size());
    naive_grad_input(s, grad_output.data(), weight.data(), result.data(), 2);
    return result;
  }
  std::vector<double> result(s.weight_size());
  naive_grad_weight(s, grad_output.data(), input.data(), result.data(), 2);
  return result;
}

const char* const kShapes[] = {
    "mb2ic5ih14oc7kh5ph2",                           // one tile of 16 that wraps around
    "mb2ic3ih31iw14oc34kh7kw3ph3pw1",                // 32 x 16, more than one panel
    "mb1ic2ih50iw9oc3kh5kw2ph0pw1",                  // several tiles in one direction
    "mb3ic100ih8oc40kh3ph1",                         // blocks of channels
    "mb2ic4ih27iw20oc6kh5sh2sw3ph2pw1kw5",           // strides
    "g2mb2ic6ih25iw30oc8kh4kw3dh1dw2ph3pw3",         // groups and dilation
    "mb2ic3ih6iw5oc4kh7kw8ph4pw5",                   // kernel larger than the image
    "mb1ic1ih1oc1kh1",                               // the least
    "mb1ic17ih40iw4oc33kh32kw1",                     // the longest kernel
    "mb1ic3ih14oc3oh14kh5ph1",                       // more padding at the bottom and right
    "mb2ic2ih9iw20oc3kh3ph4pw3kw3",                  // more padding than the kernel reaches
    "mb0ic3ih9oc5kh3",                               // no image
    "g5mb2ic5ih13iw11oc10kh3sh2dh1dw0ph2pw0kw3sw2",  // depthwise
};

}  // namespace

TEST_CASE("fft convolution stays within its declared bound, and well within it") {
  for (const char* line : kShapes) {
    const ConvShape s = parse_conv_shape(line);
    const Operands operands(s);
    for (const ConvPass pass : kConvPasses) {
      INFO(line << " " << name_of(pass));
      REQUIRE(conv_algorithm("fft").unsupported(s, pass).empty());
      const auto result = fft(s, pass, operands, 1);
      const auto reference = exact(s, pass, operands);
      double worst = 0.0;
      for (std::size_t i = 0; i < result.size(); ++i) {
        const double error = std::abs(static_cast<double>(result[i]) - reference[i]);
        if (!(error <= worst)) worst = error;
      }
      // All operands are at most 1; ErrorScale::tensorwise.
      const double scale =
          0x1p-24 * (static_cast<double>(s.terms(pass)) + (pass == ConvPass::forward ? 1.0 : 0.0));
      CHECK(worst <= conv_algorithm("fft").error_bound(s, pass) * scale);
      // The bound is a worst case; independent roundings come to the square root of it, nearly.
      CHECK(worst <= 30.0 * scale);
    }
  }
}

TEST_CASE("fft convolution has the same bits for every vector target and number of threads") {
  for (const char* line : kShapes) {
    const ConvShape s = parse_conv_shape(line);
    const Operands operands(s);
    for (const ConvPass pass : kConvPasses) {
      INFO(line << " " << name_of(pass));
      const auto result = fft(s, pass, operands, 1);
      CHECK(fft(s, pass, operands, 2) == result);
      CHECK(fft(s, pass, operands, 5) == result);
      for (const std::string& target : simd_targets()) {
        select_simd_target(target);
        CHECK(fft(s, pass, operands, 1) == result);
      }
      select_simd_target("best");
    }
  }
}

TEST_CASE("an axis is cut into tiles, or one tile that wraps around into its own padding") {
  // 14 samples, padding 2 on both sides, kernel 5: 18 cells are read, but 16 differ.
  CHECK(fft_cut({14, 1, 2, 5, 14, 1}, 16).outputs == 14);
  CHECK(fft_cut({14, 1, 2, 5, 14, 1}, 16).tiles == 1);
  // 15 samples: no longer.
  CHECK(fft_cut({15, 1, 2, 5, 15, 1}, 16).outputs == 12);
  CHECK(fft_cut({15, 1, 2, 5, 15, 1}, 16).tiles == 2);
  // What wraps around reads a sample: only one cell of padding on the left.
  CHECK(fft_cut({14, 1, 1, 5, 14, 1}, 16).outputs == 12);
  // Cells past the end are samples, not padding (no padding on the left).
  CHECK(fft_cut({14, 1, 0, 5, 14, 1}, 16).outputs == 12);
  CHECK(fft_cut({100, 1, 0, 17, 84, 1}, 16).outputs == 0);
}

TEST_CASE("a stretch of cells is clipped to the samples of an axis") {
  const auto clip = [](std::ptrdiff_t begin, std::size_t cells, std::size_t samples,
                       std::size_t step) {
    const FftClip c = fft_clip(begin, cells, samples, step);
    return std::vector<std::size_t>{c.first, c.cell, c.count};
  };
  CHECK(clip(-2, 8, 5, 1) == std::vector<std::size_t>{0, 2, 5});
  CHECK(clip(3, 8, 5, 1) == std::vector<std::size_t>{3, 0, 2});
  CHECK(clip(-1, 8, 5, 3) == std::vector<std::size_t>{0, 1, 3});
  CHECK(clip(4, 8, 5, 3) == std::vector<std::size_t>{2, 2, 2});
  CHECK(clip(13, 8, 5, 3) == std::vector<std::size_t>{0, 0, 0});
  CHECK(clip(-9, 8, 5, 1) == std::vector<std::size_t>{0, 0, 0});
}

TEST_CASE("fft says which kernels it does not offer, and keeps to its workspace") {
  CHECK(conv_algorithm("fft").unsupported(parse_conv_shape("ic1ih64oc1kh33"), ConvPass::forward) ==
        "kernel 33x33, dilation included, does not fit the largest tile, 32x32");
  const ConvShape conv2 = parse_conv_shape("mb16ic96ih27oc256kh5ph2");
  for (const ConvPass pass : kConvPasses) {
    CHECK(conv_algorithm("fft").workspace_bytes(conv2, pass, 2) <= std::size_t{64} << 20);
  }
  // Memory does not grow with the image, nor with the batch.
  const ConvShape large = parse_conv_shape("mb64ic64ih500oc64kh5ph2");
  for (const ConvPass pass : kConvPasses) {
    CHECK(conv_algorithm("fft").workspace_bytes(large, pass, 1) <= std::size_t{64} << 20);
  }
}
