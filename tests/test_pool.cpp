// pool: sizes, golden values, and the rules for ties, padding, NaN and infinities.
#include <algorithm>
#include <cmath>
#include <limits>

#include "reprise/core/error.hpp"
#include "reprise/core/random.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/pool/pool2d.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/special_floats.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;
using Catch::Contains;

namespace {

/// One image of one channel, drawn row by row.
Tensor<4> image(const std::vector<std::vector<float>>& rows) {
  Tensor<4> t = make_tensor<4>({1, rows.size(), rows[0].size(), 1});
  std::size_t i = 0;
  for (const auto& row : rows) {
    for (const float value : row) t.data()[i++] = value;
  }
  return t;
}

Tensor<4> random_tensor(const std::array<std::size_t, 4>& sizes, std::uint64_t stream) {
  Tensor<4> t = make_tensor<4>(sizes);
  const RandomStream random = RandomStream(1).child(stream);
  for (std::size_t i = 0; i < t.size(); ++i) {
    t.data()[i] = static_cast<float>(2.0 * random.uniform(i) - 1.0);
  }
  return t;
}

/// Multiples of 1/32 in a random order: no two alike.
Tensor<4> distinct_tensor(const std::array<std::size_t, 4>& sizes, std::uint64_t stream) {
  Tensor<4> t = make_tensor<4>(sizes);
  const auto order =
      RandomStream(1).child(stream).permutation(static_cast<std::uint32_t>(t.size()));
  for (std::size_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(order[i]) / 32.0F;
  return t;
}

void check_equal(const Tensor<4>& result, const Tensor<4>& expected) {
  REQUIRE(sizes_text(result.shape()) == sizes_text(expected.shape()));
  std::size_t different = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float a = result.data()[i];
    const float b = expected.data()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (different++ == 0) UNSCOPED_INFO("element " << i << " is " << a << ", not " << b);
  }
  CHECK(different == 0);
}

Pool2dOptions pool(PoolMode mode, std::size_t kernel, std::size_t stride,
                   Padding2d padding = Padding2d::valid()) {
  Pool2dOptions options;
  options.mode = mode;
  options.kernel = {kernel, kernel};
  options.stride = {stride, stride};
  options.padding = padding;
  return options;
}

/// sum(output * grad_output) in double over the windows that are not wholly in the padding.
double loss(const Tensor<4>& input, const Tensor<4>& grad_output, const Pool2dOptions& options) {
  const Tensor<4> output = pool2d_forward(input, options);
  double sum = 0.0;
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (std::isinf(output.data()[i])) continue;
    sum += static_cast<double>(output.data()[i]) * static_cast<double>(grad_output.data()[i]);
  }
  return sum;
}

/// Options of all kinds, by number.
Pool2dOptions drawn_options(std::uint64_t index) {
  const RandomStream random = RandomStream(2).child(index);
  std::uint64_t counter = 0;
  const auto draw = [&](std::size_t least, std::size_t most) {
    return least + static_cast<std::size_t>(random.below(most - least + 1, counter++));
  };
  Pool2dOptions options;
  options.mode = draw(0, 1) == 0 ? PoolMode::max : PoolMode::average;
  options.kernel = {draw(1, 4), draw(1, 4)};
  options.stride = {draw(1, 5), draw(1, 5)};
  options.padding = Padding2d::sides(draw(0, 4), draw(0, 4), draw(0, 4), draw(0, 4));
  options.count_include_padding = draw(0, 1) == 1;
  options.rounding = draw(0, 1) == 1 ? Rounding::ceil : Rounding::floor;
  options.ties = draw(0, 1) == 1 ? MaxTies::all : MaxTies::first;
  return options;
}

/// Few different values, NaN and infinities.
Tensor<4> awkward_tensor(const std::array<std::size_t, 4>& sizes, std::uint64_t stream) {
  const float values[] = {0, -0.0F, 1, 1, 2, 2, 3, -1, kInfinity, -kInfinity, -kInfinity, kNan};
  Tensor<4> t = make_tensor<4>(sizes);
  const RandomStream random = RandomStream(3).child(stream);
  for (std::size_t i = 0; i < t.size(); ++i) {
    t.data()[i] = values[random.below(std::size(values), i)];
  }
  return t;
}

/// The definition, cell by cell; results are zeros before.
void plain_max_pool(const PoolShape& s, MaxTies ties, const Tensor<4>& input,
                    const Tensor<4>& grad_output, Tensor<4>& output, Tensor<4>& grad_input) {
  for (std::size_t n = 0; n < s.N; ++n) {
    for (std::size_t oh = 0; oh < s.OH; ++oh) {
      for (std::size_t ow = 0; ow < s.OW; ++ow) {
        for (std::size_t c = 0; c < s.C; ++c) {
          std::vector<std::size_t> cells;
          for (std::size_t kh = 0; kh < s.KH; ++kh) {
            for (std::size_t kw = 0; kw < s.KW; ++kw) {
              const std::size_t ih = oh * s.stride_h + kh * s.dilation_h - s.pad_top;
              const std::size_t iw = ow * s.stride_w + kw * s.dilation_w - s.pad_left;
              if (ih < s.IH && iw < s.IW) cells.push_back(((n * s.IH + ih) * s.IW + iw) * s.C + c);
            }
          }
          output(n, oh, ow, c) = -kInfinity;
          if (cells.empty()) continue;
          const auto larger = [&](std::size_t a, std::size_t b) {
            const float x = input.data()[a];
            const float y = input.data()[b];
            return std::isnan(x) ? !std::isnan(y) : x > y;  // NaN is the largest
          };
          std::size_t first = cells[0];
          for (const std::size_t cell : cells) first = larger(cell, first) ? cell : first;
          output(n, oh, ow, c) = input.data()[first];
          for (const std::size_t cell : cells) {
            const bool gets = cell == first ||
                              (ties == MaxTies::all && input.data()[cell] == input.data()[first]);
            if (gets) grad_input.data()[cell] += grad_output(n, oh, ow, c);
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("on memory of the caller's the results are those on tensors, on any threads") {
  const Tensor<4> input = random_tensor({5, 7, 6, 3}, 1);
  for (const PoolMode mode : {PoolMode::max, PoolMode::average}) {
    const Pool2dOptions options = pool(mode, 3, 2, Padding2d::same());
    const PoolShape s = make_pool_shape(5, 7, 6, 3, options);
    const Tensor<4> expected = pool2d_forward(input, options);
    const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, s.C}, 2);
    const Tensor<4> expected_gradient = pool2d_backward(grad_output, input, options);
    for (const std::size_t threads : {1, 2, 7}) {
      INFO(name_of(mode) << ", " << threads << " threads");
      Tensor<4> output = make_tensor<4>({s.N, s.OH, s.OW, s.C}, kNan);
      pool2d_forward(s, options, input.data(), output.data(), threads);
      check_equal(output, expected);
      Tensor<4> gradient = make_tensor<4>({s.N, s.IH, s.IW, s.C}, kNan);
      pool2d_backward(s, options, grad_output.data(), input.data(), gradient.data(), threads);
      check_equal(gradient, expected_gradient);
    }
  }
}

TEST_CASE("a pooling's shape that does not follow from its options is an error") {
  const Pool2dOptions options = pool(PoolMode::max, 2, 2);
  PoolShape s = make_pool_shape(1, 6, 6, 1, options);
  s.OH = 4;
  CHECK_THROWS_WITH(pool2d_forward(s, options, nullptr, nullptr),
                    Contains("4x3") && Contains("expected 3x3"));
  CHECK_THROWS_WITH(pool2d_backward(s, options, nullptr, nullptr, nullptr),
                    Contains("4x3") && Contains("expected 3x3"));
}

TEST_CASE("pooling agrees with the golden values") {
  const test::GoldenFile file("pool2d.h5");
  for (const std::string& name : file.names()) {
    INFO(name);
    const auto size = [&](const char* attribute) {
      return static_cast<std::size_t>(file.integer(name, attribute));
    };
    Pool2dOptions options;
    options.mode = file.text(name, "mode") == "max" ? PoolMode::max : PoolMode::average;
    options.kernel = {size("kernel_h"), size("kernel_w")};
    options.stride = {size("stride_h"), size("stride_w")};
    options.padding =
        Padding2d::sides(size("pad_top"), size("pad_bottom"), size("pad_left"), size("pad_right"));
    options.count_include_padding = size("count_include_padding") == 1;
    options.dilation = {size("dilation_h"), size("dilation_w")};
    options.rounding = size("ceil_mode") == 1 ? Rounding::ceil : Rounding::floor;
    const auto tensor = [&](const std::string& dataset) {
      const test::GoldenArray array = file.array(name + "/" + dataset);
      Tensor<4> t =
          make_tensor<4>({array.shape[0], array.shape[1], array.shape[2], array.shape[3]});
      std::copy(array.values.begin(), array.values.end(), t.begin());
      return t;
    };
    // Sums of up to 20 values below 1 and a division: 22 roundings of 2^-24, and as many backward.
    const double margin = options.mode == PoolMode::max ? 0.0 : 22 * 0x1p-24;
    const auto check_close = [&](const Tensor<4>& result, const std::string& dataset) {
      const test::GoldenArray golden = file.array(name + "/" + dataset);
      REQUIRE(result.size() == golden.values.size());
      for (std::size_t i = 0; i < result.size(); ++i) {
        const double overlap = dataset == "grad_input" ? 6 * 0x1p-24 : 0.0;  // of several windows
        CHECK(std::abs(static_cast<double>(result.data()[i]) - golden.values[i]) <=
              margin + overlap);
      }
    };
    check_close(pool2d_forward(tensor("input"), options), "output");
    check_close(pool2d_backward(tensor("grad_output"), tensor("input"), options), "grad_input");
  }
}

TEST_CASE("ties: the gradient goes to the first maximum in row-major order or in full to each") {
  const Tensor<4> input = image({{1, 5, 2, 7}, {5, 5, 7, 7}});
  const Tensor<4> grad_output = image({{10, 20}});
  Pool2dOptions options = pool(PoolMode::max, 2, 2);
  check_equal(pool2d_forward(input, options), image({{5, 7}}));
  check_equal(pool2d_backward(grad_output, input, options), image({{0, 10, 0, 20}, {0, 0, 0, 0}}));
  options.ties = MaxTies::all;
  check_equal(pool2d_backward(grad_output, input, options),
              image({{0, 10, 0, 20}, {10, 10, 20, 20}}));
}

TEST_CASE("windows of -inf have a first maximum like any other") {
  const Tensor<4> input = image({{-kInfinity, -kInfinity}, {-kInfinity, -kInfinity}});
  Pool2dOptions options = pool(PoolMode::max, 2, 2);
  check_equal(pool2d_forward(input, options), image({{-kInfinity}}));
  check_equal(pool2d_backward(image({{3}}), input, options), image({{3, 0}, {0, 0}}));
  options.ties = MaxTies::all;
  check_equal(pool2d_backward(image({{3}}), input, options), image({{3, 3}, {3, 3}}));
}

TEST_CASE("a window with a NaN gives NaN and its gradient goes to the first NaN") {
  const Tensor<4> input = image({{1, kInfinity, 3}, {kNan, 2, 4}, {9, kNan, 5}});
  for (const MaxTies ties : {MaxTies::first, MaxTies::all}) {
    Pool2dOptions options = pool(PoolMode::max, 2, 1);
    options.ties = ties;
    check_equal(pool2d_forward(input, options), image({{kNan, kInfinity}, {kNan, kNan}}));
    check_equal(pool2d_backward(image({{1, 2}, {4, 8}}), input, options),
                image({{0, 2, 0}, {5, 0, 0}, {0, 8, 0}}));
  }
  const Tensor<4> average = pool2d_forward(input, pool(PoolMode::average, 3, 3));
  CHECK(std::isnan(average.data()[0]));
}

TEST_CASE("a window of more than 2^24 cells has one first maximum") {
  // One column of cells, as float could not count them: 2^24 + 1 is 2^24 there.
  constexpr std::size_t cells = (std::size_t{1} << 24) + 4;
  Pool2dOptions options;
  options.kernel = options.stride = {cells, 1};
  const PoolShape shape = make_pool_shape(1, cells, 1, 1, options);
  std::vector<float> input(cells, -1.0F);
  std::vector<float> grad_input(cells);
  input[cells - 2] = input[cells - 1] = 5.0F;
  const float grad_output = 3.0F;
  float output = 0.0F;
  max_pool_forward(shape, input.data(), &output);
  CHECK(output == 5.0F);
  for (const MaxTies ties : {MaxTies::first, MaxTies::all}) {
    max_pool_backward(shape, ties, &grad_output, input.data(), grad_input.data());
    CHECK(grad_input[cells - 2] == 3.0F);
    CHECK(grad_input[cells - 1] == (ties == MaxTies::all ? 3.0F : 0.0F));
    CHECK(std::count(grad_input.begin(), grad_input.end(), 0.0F) ==
          static_cast<std::ptrdiff_t>(cells - (ties == MaxTies::all ? 2 : 1)));
  }
}

TEST_CASE("maximum: padding counts as -inf and never gets a gradient") {
  const Tensor<4> input = image({{-5, -6}, {-7, -8}});
  for (const MaxTies ties : {MaxTies::first, MaxTies::all}) {
    Pool2dOptions options = pool(PoolMode::max, 2, 2, Padding2d::sides(1, 1, 1, 1));
    options.ties = ties;
    check_equal(pool2d_forward(input, options), image({{-5, -6}, {-7, -8}}));
    check_equal(pool2d_backward(image({{1, 2}, {3, 4}}), input, options), image({{1, 2}, {3, 4}}));
    // The first and last windows lie wholly in the padding.
    options.padding = Padding2d::sides(2, 2, 0, 0);
    check_equal(pool2d_forward(input, options), image({{-kInfinity}, {-5}, {-kInfinity}}));
    check_equal(pool2d_backward(image({{1}, {2}, {3}}), input, options), image({{2, 0}, {0, 0}}));
  }
}

TEST_CASE("windows that overlap add their gradients") {
  const Tensor<4> input = image({{1, 2, 9, 3, 4}});
  Pool2dOptions options = pool(PoolMode::max, 1, 1);
  options.kernel = {1, 3};
  check_equal(pool2d_forward(input, options), image({{9, 9, 9}}));
  check_equal(pool2d_backward(image({{1, 2, 4}}), input, options), image({{0, 0, 7, 0, 0}}));
  options.mode = PoolMode::average;
  check_equal(pool2d_backward(image({{3, 6, 12}}), input, options), image({{1, 3, 7, 6, 4}}));
}

TEST_CASE("cells that no window covers get no gradient") {
  const Tensor<4> input = random_tensor({1, 5, 7, 2}, 1);
  const Tensor<4> grad_output = make_tensor<4>({1, 2, 2, 2}, 1.0F);
  for (const PoolMode mode : {PoolMode::max, PoolMode::average}) {
    Pool2dOptions options = pool(mode, 2, 2);
    options.stride = {3, 4};
    const Tensor<4> grad_input = pool2d_backward(grad_output, input, options);
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t w = 0; w < 7; ++w) CHECK(grad_input(0, 2, w, c) == 0.0F);
      for (std::size_t h = 0; h < 5; ++h) CHECK(grad_input(0, h, 3, c) == 0.0F);
      CHECK(grad_input(0, 3, 6, c) == 0.0F);
    }
  }
}

TEST_CASE("average: padding is left out of the divisor or counts as zeros") {
  const Tensor<4> input = image({{4, 8}, {12, 16}});
  Pool2dOptions options = pool(PoolMode::average, 2, 2, Padding2d::sides(1, 1, 1, 1));
  check_equal(pool2d_forward(input, options), image({{4, 8}, {12, 16}}));
  check_equal(pool2d_backward(input, input, options), image({{4, 8}, {12, 16}}));
  options.count_include_padding = true;
  check_equal(pool2d_forward(input, options), image({{1, 2}, {3, 4}}));
  check_equal(pool2d_backward(input, input, options), image({{1, 2}, {3, 4}}));
  // Wholly in the padding: 0, whatever counts.
  options.padding = Padding2d::sides(2, 0, 0, 0);
  check_equal(pool2d_forward(input, options), image({{0}, {10}}));
  options.count_include_padding = false;
  check_equal(pool2d_forward(input, options), image({{0}, {10}}));
  check_equal(pool2d_backward(image({{4}, {8}}), input, options), image({{2, 2}, {2, 2}}));
}

TEST_CASE("average: what rounding up adds counts as neither image nor padding") {
  const Tensor<4> input = image({{4, 8, 12}});
  Pool2dOptions options = pool(PoolMode::average, 1, 2);
  options.kernel = {1, 2};
  options.rounding = Rounding::ceil;
  options.count_include_padding = true;
  check_equal(pool2d_forward(input, options), image({{6, 12}}));
  options.padding = Padding2d::sides(0, 0, 1, 0);
  check_equal(pool2d_forward(input, options), image({{2, 10}}));
}

TEST_CASE("output sizes: floor leaves out a window that does not fit, ceil counts it") {
  const auto OH = [](std::size_t IH, std::size_t kernel, std::size_t stride, std::size_t pad,
                     Rounding rounding) {
    Pool2dOptions options = pool(PoolMode::max, kernel, stride, Padding2d::sides(pad, pad, 0, 0));
    options.kernel.w = options.stride.w = 1;
    options.rounding = rounding;
    return make_pool_shape(1, IH, 1, 1, options).OH;
  };
  CHECK(OH(7, 2, 2, 0, Rounding::floor) == 3);
  CHECK(OH(7, 2, 2, 0, Rounding::ceil) == 4);
  CHECK(OH(8, 2, 2, 0, Rounding::ceil) == 4);
  CHECK(OH(55, 3, 2, 0, Rounding::floor) == 27);
  CHECK(OH(2, 2, 3, 1, Rounding::ceil) == 1);  // a second one would begin behind the image
  CHECK(OH(4, 2, 1, 0, Rounding::ceil) == 3);
  CHECK(OH(2, 3, 2, 0, Rounding::ceil) == 1);
}

TEST_CASE("gradients are those of differences, with all options drawn") {
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Pool2dOptions options = drawn_options(i);
    const Tensor<4> input = distinct_tensor({1 + i % 2, 4 + i % 5, 4 + i % 3, 1 + i % 3}, i);
    const auto& sizes = input.shape();
    const PoolShape s = make_pool_shape(sizes[0], sizes[1], sizes[2], sizes[3], options);
    INFO("case " << i << ": kernel " << s.KH << "x" << s.KW << " stride " << s.stride_h << "x"
                 << s.stride_w << " padding " << s.pad_top << "," << s.pad_bottom << ","
                 << s.pad_left << "," << s.pad_right);
    const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, s.C}, 1000 + i);
    const Tensor<4> gradient = pool2d_backward(grad_output, input, options);
    for (std::size_t k = 0; k < input.size(); ++k) {
      Tensor<4> above = input;
      Tensor<4> below = input;
      above.data()[k] += 0x1p-7F;
      below.data()[k] -= 0x1p-7F;
      const double difference =
          (loss(above, grad_output, options) - loss(below, grad_output, options)) / 0x1p-6;
      CHECK(static_cast<double>(gradient.data()[k]) == Approx(difference).margin(2e-4));
    }
  }
}

TEST_CASE("windows whose cells are apart: maxima exactly, averages and their gradients") {
  for (std::uint64_t i = 0; i < 400; ++i) {
    const RandomStream random = RandomStream(5).child(i);
    const auto draw = [&, k = 0U](std::uint32_t least, std::uint32_t most) mutable {
      return least + random.below(most - least + 1, k++);
    };
    Pool2dOptions options;
    auto size = draw;
    options.kernel = {size(1, 3), size(1, 3)};
    options.stride = {size(1, 3), size(1, 3)};
    options.dilation = {size(1, 4), size(1, 4)};
    options.padding = Padding2d::sides(size(0, 3), size(0, 3), size(0, 3), size(0, 3));
    options.rounding = size(0, 1) == 1 ? Rounding::ceil : Rounding::floor;
    options.ties = size(0, 1) == 1 ? MaxTies::all : MaxTies::first;
    options.count_include_padding = size(0, 1) == 1;
    const Tensor<4> input = awkward_tensor({2, 9 + i % 4, 9 + i % 3, 1 + i % 5}, i);
    const PoolShape s = make_pool_shape(2, input.shape()[1], input.shape()[2], 1 + i % 5, options);
    INFO("case " << i << ": kernel " << s.KH << "x" << s.KW << " dilation " << s.dilation_h << "x"
                 << s.dilation_w << " padding " << s.pad_top << "," << s.pad_left);
    const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, s.C}, 2000 + i);
    Tensor<4> output = make_tensor<4>({s.N, s.OH, s.OW, s.C}, 0.0F);
    Tensor<4> grad_input = make_tensor<4>({s.N, s.IH, s.IW, s.C}, 0.0F);
    plain_max_pool(s, options.ties, input, grad_output, output, grad_input);
    check_equal(pool2d_forward(input, options), output);
    check_equal(pool2d_backward(grad_output, input, options), grad_input);

    // Averages of ones are 1, or the part of the window's cells that is inside the image.
    options.mode = PoolMode::average;
    const Tensor<4> ones = make_tensor<4>({s.N, s.IH, s.IW, s.C}, 1.0F);
    const Tensor<4> average = pool2d_forward(ones, options);
    std::fill(grad_input.begin(), grad_input.end(), 0.0F);
    for (std::size_t n = 0; n < s.N; ++n) {
      for (std::size_t oh = 0; oh < s.OH; ++oh) {
        for (std::size_t ow = 0; ow < s.OW; ++ow) {
          std::vector<std::size_t> cells;
          std::size_t padded = 0;
          for (std::size_t k = 0; k < s.KH * s.KW; ++k) {
            const std::size_t h = oh * s.stride_h + k / s.KW * s.dilation_h;
            const std::size_t w = ow * s.stride_w + k % s.KW * s.dilation_w;
            padded += h < s.IH + s.pad_top + s.pad_bottom && w < s.IW + s.pad_left + s.pad_right;
            if (h - s.pad_top >= s.IH || w - s.pad_left >= s.IW) continue;
            cells.push_back(((n * s.IH + h - s.pad_top) * s.IW + w - s.pad_left) * s.C);
          }
          const std::size_t divisor = options.count_include_padding ? padded : cells.size();
          for (std::size_t c = 0; c < s.C; ++c) {
            const auto divide_by = static_cast<float>(std::max<std::size_t>(divisor, 1));
            CHECK(average(n, oh, ow, c) == static_cast<float>(cells.size()) / divide_by);
            for (const std::size_t cell : cells) {
              grad_input.data()[cell + c] += grad_output(n, oh, ow, c) / divide_by;
            }
          }
        }
      }
    }
    check_equal(pool2d_backward(grad_output, ones, options), grad_input);
  }
}

TEST_CASE("any number of channels, with ties, NaN and infinities, on every vector target") {
  const BestTargetAgain guard;
  for (std::uint64_t i = 0; i < 400; ++i) {
    Pool2dOptions options = drawn_options(i);
    if (i % 3 == 0) options = pool(PoolMode::max, 2, 2);
    options.mode = PoolMode::max;
    const std::size_t C = 1 + i % 37;
    const Tensor<4> input = awkward_tensor({2, 4 + i % 7, 5 + i % 6, C}, i);
    const PoolShape s = make_pool_shape(2, 4 + i % 7, 5 + i % 6, C, options);
    const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, C}, 1000 + i);
    Tensor<4> output = make_tensor<4>({s.N, s.OH, s.OW, C}, 0.0F);
    Tensor<4> grad_input = make_tensor<4>({2, s.IH, s.IW, C}, 0.0F);
    plain_max_pool(s, options.ties, input, grad_output, output, grad_input);
    for (const std::string& target : simd_targets()) {
      INFO("case " << i << " on " << target);
      select_simd_target(target);
      check_equal(pool2d_forward(input, options), output);
      check_equal(pool2d_backward(grad_output, input, options), grad_input);
    }
  }
}

TEST_CASE("maximum pooling can include the ReLU before it") {
  const BestTargetAgain guard;
  for (std::size_t i = 0; i < 60; ++i) {
    Pool2dOptions options = drawn_options(i);
    if (i % 3 == 0) options = pool(PoolMode::max, 2, 2);
    options.mode = PoolMode::max;
    const std::size_t C = 1 + i % 37;
    const Tensor<4> input = awkward_tensor({2, 4 + i % 7, 5 + i % 6, C}, i);
    const PoolShape s = make_pool_shape(2, 4 + i % 7, 5 + i % 6, C, options);
    const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, C}, 1000 + i);
    Tensor<4> rectified = input;
    for (float& value : rectified) value = value < 0.0F ? 0.0F : value;
    const Tensor<4> output = pool2d_forward(rectified, options);
    Tensor<4> grad_input = pool2d_backward(grad_output, rectified, options);
    for (std::size_t k = 0; k < grad_input.size(); ++k) {
      if (rectified.data()[k] <= 0.0F) grad_input.data()[k] = 0.0F;
    }
    for (const std::string& target : simd_targets()) {
      INFO("case " << i << " on " << target);
      select_simd_target(target);
      Tensor<4> own_output = make_tensor<4>({s.N, s.OH, s.OW, C}, kNan);
      Tensor<4> own_grad_input = make_tensor<4>({2, s.IH, s.IW, C}, kNan);
      max_pool_forward(s, input.data(), own_output.data(), true);
      max_pool_backward(s, options.ties, grad_output.data(), input.data(), own_grad_input.data(),
                        true);
      check_equal(own_output, output);
      check_equal(own_grad_input, grad_input);
    }
  }
}

TEST_CASE("results are written whole, whatever stood there") {
  const Pool2dOptions options = pool(PoolMode::max, 2, 3);
  const PoolShape s = make_pool_shape(2, 7, 8, 3, options);
  const Tensor<4> input = random_tensor({2, 7, 8, 3}, 5);
  const Tensor<4> grad_output = random_tensor({s.N, s.OH, s.OW, s.C}, 6);
  std::vector<float> output(s.output_size(), kNan);
  std::vector<float> grad_input(s.input_size(), kNan);
  const auto check_written = [](std::vector<float>& values) {
    for (const float value : values) CHECK(!std::isnan(value));
    std::fill(values.begin(), values.end(), kNan);
  };
  max_pool_forward(s, input.data(), output.data());
  check_written(output);
  average_pool_forward(s, false, input.data(), output.data());
  check_written(output);
  for (const MaxTies ties : {MaxTies::first, MaxTies::all}) {
    max_pool_backward(s, ties, grad_output.data(), input.data(), grad_input.data());
    check_written(grad_input);
  }
  average_pool_backward(s, true, grad_output.data(), grad_input.data());
  check_written(grad_input);
}

TEST_CASE("global average pooling is the average over the whole image") {
  const Tensor<4> input = random_tensor({2, 5, 3, 4}, 7);
  const Tensor<4> output = global_average_pool2d_forward(input);
  REQUIRE(sizes_text(output.shape()) == "2x1x1x4");
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t c = 0; c < 4; ++c) {
      double sum = 0.0;
      for (std::size_t h = 0; h < 5; ++h) {
        for (std::size_t w = 0; w < 3; ++w) sum += input(n, h, w, c);
      }
      CHECK(output(n, 0, 0, c) == Approx(sum / 15).margin(1e-6));
    }
  }
  const Tensor<4> grad = global_average_pool2d_backward(output, input);
  for (std::size_t i = 0; i < grad.size(); ++i) {
    const std::size_t n = i / (5 * 3 * 4);
    CHECK(grad.data()[i] == output(n, 0, 0, i % 4) / 15.0F);
  }
}

TEST_CASE("an empty batch pools to an empty batch") {
  const Tensor<4> input = make_tensor<4>({0, 4, 4, 2}, 0.0F);
  for (const PoolMode mode : {PoolMode::max, PoolMode::average}) {
    const Tensor<4> output = pool2d_forward(input, pool(mode, 2, 2));
    CHECK(sizes_text(output.shape()) == "0x2x2x2");
    CHECK(pool2d_backward(output, input, pool(mode, 2, 2)).size() == 0);
  }
}

TEST_CASE("sizes that make no sense are errors that name them") {
  const Tensor<4> input = make_tensor<4>({1, 4, 4, 1}, 0.0F);
  const auto forward = [&](const Pool2dOptions& options) { return pool2d_forward(input, options); };
  CHECK_THROWS_WITH(forward(pool(PoolMode::max, 0, 1)), Contains("KH = 0"));
  CHECK_THROWS_WITH(forward(pool(PoolMode::max, 2, 0)), Contains("stride_h = 0"));
  Pool2dOptions dilated = pool(PoolMode::max, 2, 1);
  dilated.dilation = {0, 1};
  CHECK_THROWS_WITH(forward(dilated), Contains("dilation_h = 0"));
  dilated.dilation = {1, 4};
  CHECK_THROWS_WITH(forward(dilated), Contains("width 5") && Contains("of 4"));
  CHECK_THROWS_WITH(forward(pool(PoolMode::max, 5, 1)),
                    Contains("height 5") && Contains("of 4") && Contains("no output"));
  CHECK_THROWS_WITH(
      pool2d_backward(make_tensor<4>({1, 2, 3, 1}, 0.0F), input, pool(PoolMode::average, 2, 2)),
      Contains("grad_output 1x2x3x1") && Contains("1x2x2x1"));
  const std::size_t most = (std::size_t{1} << 31) - 1;
  CHECK_THROWS_WITH(make_pool_shape(most, most, 1, 1, pool(PoolMode::max, 1, 1)),
                    Contains("at most 2^40"));
  CHECK_THROWS_WITH(make_pool_shape(1, 4, 4, most + 1, {}), Contains("less than 2^31"));
}
