// conv and pool: sizes that nobody means. An algorithm gives the right result, or says in a line
// why it does not; it takes neither long nor much memory to do so, and never crashes.
#include <algorithm>
#include <cmath>

#include "reprise/conv/conv2d.hpp"
#include "reprise/core/error.hpp"
#include "reprise/pool/pool2d.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/conv_cases.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr ChildLimits kLimits{5, std::size_t{1} << 30};

/// Small tensors, so that only strides, dilations and paddings are absurd.
const char* const kAbsurdShapes[] = {
    // strides far beyond the image
    "mb2ic3ih9oc4kh3sh1000000000ph1",
    "mb2ic3ih9iw8oc4kh3kw3sh2147483647sw2ph1pw1",
    "mb2ic17ih9iw8oc33kh1kw1sh1sw2147483647ph0pw0",
    "mb1ic16ih5iw5oc16kh3kw3sh65536sw65537ph1pw1",
    "g4mb2ic4ih9oc4kh3sh1000000000ph1",
    // a padding that only a stride of its size makes bearable
    "mb2ic3ih9oc4kh3sh1000000000ph1000000000",
    "mb1ic16ih9iw9oc16kh3kw3sh1sw1000000000ph1pw1000000000",
    "mb1ic3ih4oc5kh3sh1000000000ph1000000001",
    "mb1ic3ih4oc5kh3sh536870912ph2147483647",
    "g4mb2ic4ih9oc4kh3sh1000000000ph1000000000",
    "mb1ic2ih7iw9oc3kh3kw3sh1000000000sw1ph1000000000pw1",
    "mb1ic2ih7iw9oc3kh3kw3sh1000000000sw1ph0pb2000000000pw1pr1",
    // strides, dilations and paddings around what onednn is given
    "mb2ic16ih9iw9oc32kh3kw3sh100sw100ph60pw60",
    "mb1ic64ih20iw20oc64kh1kw1sh19sw19ph0pw0",
    "mb1ic64ih20iw20oc64kh1kw1sh4000sw300ph4000pw4000",
    "mb1ic16ih9iw9oc32kh3kw3sh4096sw4096ph4096pw4096",
    "mb1ic16ih9iw9oc32kh3kw3sh4097sw1ph4097pw1",
    "mb1ic32ih9iw9oc16kh3kw3dh4094dw0ph4095pw1",
    "mb1ic3ih9iw9oc16kh3kw3sh1sw4096ph1pw4096",
    // dilations
    "mb2ic3ih9oc4kh3dh999999999ph1000000000",
    "mb2ic3ih9iw8oc4kh2kw2dh1999999999dw0ph1000000000pw1",
    "mb1ic16ih9iw8oc16kh3kw3dh65535dw0sh1sw1ph65536pw1",
    "g4mb2ic4ih9oc4kh3dh999999999ph1000000000",
    "mb1ic3ih9oc4kh3dh999999999sh1000000ph1000000000",
    // many windows that see nothing but padding
    "mb1ic1ih3iw3oc1kh3kw3sh1sw1ph30000pw0",
    "mb1ic4ih3iw3oc8kh3kw3sh1sw1ph0pw2000",
    "mb1ic1ih1iw1oc1kh1kw1ph100pw100",
    // kernels larger than the image
    "mb1ic2ih3iw3oc2kh3001kw1ph1500pw0",
    "mb1ic1ih2iw2oc1kh1kw100001ph0pw50000",
};

/// "" if the algorithm gives the exact sums of integers or says why not; else what went wrong.
std::string fault_of_pass(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass) {
  if (!algorithm.unsupported(shape, pass).empty()) return "";
  const ConvOperands<float> operands =
      integer_operands(shape, RandomStream(1).child(to_line(shape)), 2);
  const std::vector<double> exact = exact_result(shape, pass, widened(operands));
  const GuardedResult result = run_guarded(algorithm, shape, pass, operands);
  if (!result.stayed_inside) return "wrote outside its memory";
  const std::vector<double> ones(exact.size(), 1.0);
  const bool transforms = algorithm.error_scale == ErrorScale::tensorwise;
  return worst_error(result.values, exact, ones) > (transforms ? 0.499 : 0.0) ? "wrong" : "";
}

/// The same of all passes.
std::string fault_of(const ConvAlgorithm& algorithm, const ConvShape& shape) {
  for (const ConvPass pass : kConvPasses) {
    const std::string fault = fault_of_pass(algorithm, shape, pass);
    if (!fault.empty()) return std::string(name_of(pass)) + ": " + fault;
  }
  return "";
}

}  // namespace

TEST_CASE("convolutions of absurd strides, paddings and dilations are right or refused") {
  for (const char* line : kAbsurdShapes) {
    const ConvShape shape = parse_conv_shape(line);
    std::vector<const ConvAlgorithm*> algorithms(conv_algorithms().begin(),
                                                 conv_algorithms().end());
    algorithms.push_back(&auto_conv_algorithm());
    for (const ConvAlgorithm* algorithm : algorithms) {
      INFO(algorithm->name << " of " << line);
      CHECK(in_child([&] { return fault_of(*algorithm, shape); }, kLimits) == "");
    }
  }
}

namespace {

/// Cells [begin, end) of an axis of `size` cells that a window of `kernel` at `at` covers.
std::pair<std::ptrdiff_t, std::ptrdiff_t> covered(std::size_t at, std::size_t pad,
                                                  std::size_t kernel, std::size_t size) {
  const auto begin = static_cast<std::ptrdiff_t>(at) - static_cast<std::ptrdiff_t>(pad);
  const auto end = begin + static_cast<std::ptrdiff_t>(kernel);
  const auto limit = static_cast<std::ptrdiff_t>(size);
  return {std::clamp<std::ptrdiff_t>(begin, 0, limit), std::clamp<std::ptrdiff_t>(end, 0, limit)};
}

/// "" if the maxima of one image of one channel, 0, 1, 2, ... in row-major order, are right: the
/// last cell of each window, or nothing in windows that see padding alone.
std::string fault_of_max_pool(const Pool2dOptions& options, std::size_t IH, std::size_t IW) {
  Tensor<4> input = make_tensor<4>({1, IH, IW, 1});
  for (std::size_t i = 0; i < IH * IW; ++i) input.data()[i] = static_cast<float>(i);
  const PoolShape s = make_pool_shape(1, IH, IW, 1, options);
  const Tensor<4> output = pool2d_forward(input, options);
  for (std::size_t oh = 0; oh < s.OH; ++oh) {
    for (std::size_t ow = 0; ow < s.OW; ++ow) {
      const auto [h_begin, h_end] = covered(oh * s.stride_h, s.pad_top, s.KH, IH);
      const auto [w_begin, w_end] = covered(ow * s.stride_w, s.pad_left, s.KW, IW);
      if (h_begin >= h_end || w_begin >= w_end) continue;
      const auto last =
          static_cast<float>((h_end - 1) * static_cast<std::ptrdiff_t>(IW) + w_end - 1);
      if (output(0, oh, ow, 0) != last) return "wrong";
    }
  }
  return "";
}

/// "" if gradients of 1 arrive: once for each window that sees a cell.
std::string fault_of_pool_gradient(const Pool2dOptions& options, std::size_t IH, std::size_t IW) {
  const Tensor<4> input = make_tensor<4>({1, IH, IW, 1}, 1.0F);
  const PoolShape s = make_pool_shape(1, IH, IW, 1, options);
  const Tensor<4> ones = make_tensor<4>({1, s.OH, s.OW, 1}, 1.0F);
  const Tensor<4> gradient = pool2d_backward(ones, input, options);
  double expected = 0.0, sum = 0.0;
  for (std::size_t oh = 0; oh < s.OH; ++oh) {
    for (std::size_t ow = 0; ow < s.OW; ++ow) {
      const auto [h_begin, h_end] = covered(oh * s.stride_h, s.pad_top, s.KH, IH);
      const auto [w_begin, w_end] = covered(ow * s.stride_w, s.pad_left, s.KW, IW);
      if (h_begin < h_end && w_begin < w_end) expected += 1.0;
    }
  }
  for (const float value : gradient) sum += static_cast<double>(value);
  return std::abs(sum - expected) < 1e-3 ? "" : "wrong gradient";
}

}  // namespace

TEST_CASE("poolings of absurd windows, strides and paddings are right or refused") {
  constexpr std::size_t most = (std::size_t{1} << 31) - 1;
  struct Case {
    Extent2d kernel, stride;
    Padding2d padding;
  };
  const Case cases[] = {
      {{2, 2}, {most, most}, Padding2d::valid()},
      {{most, most}, {most, most}, Padding2d::sides(most, most, most, most)},
      {{most, 3}, {1000000000, 1}, Padding2d::sides(most, 5, 1, 1)},
      {{3, 3}, {most, 1}, Padding2d::sides(most, most, 1, 1)},
      {{3, 3}, {1, 1}, Padding2d::sides(100000, 0, 0, 0)},
      {{1, 1}, {1000000000, 1000000000}, Padding2d::sides(1000000000, most, 1000000000, most)},
      {{100001, 1}, {1, 1}, Padding2d::sides(50000, 50000, 0, 0)},
  };
  for (const PoolMode mode : {PoolMode::max, PoolMode::average}) {
    for (const Rounding rounding : {Rounding::floor, Rounding::ceil}) {
      for (const Case& c : cases) {
        Pool2dOptions options;
        options.mode = mode;
        options.kernel = c.kernel;
        options.stride = c.stride;
        options.padding = c.padding;
        options.rounding = rounding;
        INFO(name_of(mode) << " kernel " << c.kernel.h << "x" << c.kernel.w << " stride "
                           << c.stride.h << "x" << c.stride.w);
        if (mode == PoolMode::max) {
          CHECK(in_child([&] { return fault_of_max_pool(options, 5, 4); }, kLimits) == "");
        }
        CHECK(in_child([&] { return fault_of_pool_gradient(options, 5, 4); }, kLimits) == "");
      }
    }
  }
}

TEST_CASE("sizes that no memory holds are errors of one line, at once") {
  const auto error_of = [](const std::string& line) {
    return in_child(
        [&] {
          const ConvShape s = parse_conv_shape(line);
          Conv2dOptions options;
          options.padding = Padding2d::sides(s.pad_top, s.pad_bottom, s.pad_left, s.pad_right);
          conv2d_forward(make_tensor<4>({s.N, s.IH, s.IW, s.IC}),
                         make_tensor<4>({s.KH, s.KW, s.IC, s.OC}), make_tensor<1>({s.OC}), options);
          return std::string("no error");
        },
        kLimits);
  };
  CHECK_THAT(error_of("ic1ih3oc1kh3ph1000000000"), Catch::Contains("at most 2^40"));
#ifndef REPRISE_SANITIZED  // it ends the process where operator new would throw
  CHECK_THAT(error_of("ic1ih3iw3oc1kh3kw3ph1000000000pw0"), Catch::Contains("memory"));
  CHECK_THAT(error_of("ic1ih3iw3oc64kh3kw3ph500000000pw0"), Catch::Contains("memory"));
#endif
}
