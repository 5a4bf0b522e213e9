// conv: what must not show in the bits of a result, as properties of every portable algorithm: the
// company an image is in, its place, threads, vectors, what the workspace held, other channels.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"
#include "support/conv_cases.hpp"
#include "support/sanitized.hpp"
#include "support/targets.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

constexpr std::uint64_t kSeed = 13;
constexpr std::size_t kImages = 5;
constexpr std::size_t kDrawnShapes = 12;

/// One pass of one shape by one algorithm ("auto" resolved for the whole shape), and its result.
struct Case {
  const ConvAlgorithm& algorithm;
  ConvShape shape;
  ConvPass pass;
  ConvOperands<float> operands;
  std::vector<float> result;

  [[nodiscard]] bool has_images() const { return pass != ConvPass::grad_weight; }
};

std::vector<float> run(const Case& c, const ConvShape& shape, const ConvOperands<float>& operands,
                       std::size_t threads = 1, std::byte fill = std::byte{0xA5}) {
  const GuardedResult result = run_guarded(c.algorithm, shape, c.pass, operands, threads, fill);
  CHECK(result.inputs_unchanged);
  CHECK(result.stayed_inside);
  return result.values;
}

ConvShape with_images(ConvShape shape, std::size_t N) {
  shape.N = N;
  return shape;
}

// ---- Images

/// Floats of one image in `values`, an array of `images`.
std::size_t image_size(const std::vector<float>& values, std::size_t images) {
  return images == 0 ? 0 : values.size() / images;
}

/// The images of `values` that `order` names, in that order.
std::vector<float> picked(const std::vector<float>& values, std::size_t images,
                          const std::vector<std::size_t>& order) {
  const auto size = static_cast<std::ptrdiff_t>(image_size(values, images));
  std::vector<float> result;
  for (const std::size_t n : order) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(n) * size;
    result.insert(result.end(), from, from + size);
  }
  return result;
}

ConvOperands<float> picked(const Case& c, const std::vector<std::size_t>& order) {
  ConvOperands<float> operands = c.operands;
  operands.input = picked(c.operands.input, c.shape.N, order);
  operands.grad_output = picked(c.operands.grad_output, c.shape.N, order);
  return operands;
}

/// Whether the images that `order` names, as a batch of their own, give what they gave among all.
void check_images(const Case& c, const std::vector<std::size_t>& order) {
  const ConvShape shape = with_images(c.shape, order.size());
  CHECK(same_bits(run(c, shape, picked(c, order)), picked(c.result, c.shape.N, order)));
}

std::vector<std::size_t> range(std::size_t begin, std::size_t end) {
  std::vector<std::size_t> numbers;
  for (std::size_t n = begin; n < end; ++n) numbers.push_back(n);
  return numbers;
}

void image_alone(const Case& c) {
  if (!c.has_images()) return;
  for (const std::size_t n : {std::size_t{0}, c.shape.N / 2, c.shape.N - 1}) check_images(c, {n});
}

void batches_joined(const Case& c) {
  if (!c.has_images()) return;
  const std::size_t cut = (c.shape.N + 2) / 3;
  check_images(c, range(0, cut));
  check_images(c, range(cut, c.shape.N));
}

void images_permuted(const Case& c) {
  if (!c.has_images()) return;
  std::vector<std::size_t> order;
  const auto count = static_cast<std::uint32_t>(c.shape.N);
  for (const std::uint32_t n : RandomStream(kSeed).permutation(count)) order.push_back(n);
  check_images(c, order);
}

void same_image_at_any_place(const Case& c) {
  if (!c.has_images()) return;
  check_images(c, std::vector<std::size_t>(c.shape.N + 3, c.shape.N / 2));
}

void image_of_nan_beside(const Case& c) {
  if (!c.has_images() || c.shape.N < 2) return;
  ConvOperands<float> operands = c.operands;
  const auto spoil = [&](std::vector<float>& values) {
    const auto size = static_cast<std::ptrdiff_t>(image_size(values, c.shape.N));
    std::fill_n(values.begin() + size, size, std::numeric_limits<float>::quiet_NaN());
  };
  spoil(operands.input);
  spoil(operands.grad_output);
  const std::vector<float> result = run(c, c.shape, operands);
  std::vector<std::size_t> others = range(2, c.shape.N);
  others.push_back(0);
  CHECK(same_bits(picked(result, c.shape.N, others), picked(c.result, c.shape.N, others)));
}

void zero_gradients_appended(const Case& c) {
  if (c.has_images()) return;
  for (const std::size_t more : {1, 4}) {
    const ConvShape shape = with_images(c.shape, c.shape.N + more);
    ConvOperands<float> operands = uniform_operands(shape, RandomStream(kSeed).child("more"));
    std::copy(c.operands.input.begin(), c.operands.input.end(), operands.input.begin());
    operands.grad_output = c.operands.grad_output;
    operands.grad_output.resize(shape.output_size(), 0.0F);
    CHECK(same_bits(run(c, shape, operands), c.result));
  }
}

// ---- Values

std::vector<float> times(std::vector<float> values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

/// Equal as numbers: 0 and -0 are.
bool same_values(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// Operands whose products are `a * b` times those of the case's.
void check_factors(const Case& c, float a, float b) {
  ConvOperands<float> operands = c.operands;
  operands.input = times(c.operands.input, a);
  operands.grad_output = times(c.operands.grad_output, c.has_images() ? a : b);
  operands.weight = times(c.operands.weight, b);
  operands.bias = times(c.operands.bias, a * b);
  CHECK(same_values(run(c, c.shape, operands), times(c.result, a * b)));
}

/// Factors of which no product, and no rounding of one, leaves the range of normal numbers.
void scaled(const Case& c) {
  for (const int k : {-30, -1, 7, 30}) {
    check_factors(c, std::ldexp(1.0F, k), 1.0F);
    check_factors(c, std::ldexp(1.0F, k), std::ldexp(1.0F, 5 - k / 2));
  }
}

void negated(const Case& c) {
  check_factors(c, -1.0F, 1.0F);
  check_factors(c, 1.0F, -1.0F);
  check_factors(c, -1.0F, -1.0F);
}

// ---- Resources

void workspace_filled(const Case& c) {
  for (const int fill : {0x00, 0xFF, 0x7F}) {  // zeros, NaN, 3e38
    CHECK(same_bits(run(c, c.shape, c.operands, 1, std::byte(fill)), c.result));
  }
}

void threads(const Case& c) {
  for (const std::size_t count : {2, 3, 8}) {
    CHECK(same_bits(run(c, c.shape, c.operands, count), c.result));
  }
}

void vectors(const Case& c) {
  const BestTargetAgain guard;
  for (const std::string& target : test::targets()) {
    INFO(target);
    select_simd_target(target);
    CHECK(same_bits(run(c, c.shape, c.operands), c.result));
  }
}

// ---- Channels

/// Of an array (..., channels): channels [begin, end).
std::vector<float> channels_of(const std::vector<float>& values, std::size_t channels,
                               std::size_t begin, std::size_t end) {
  std::vector<float> result;
  for (std::size_t i = 0; i < values.size(); i += channels) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(i);
    result.insert(result.end(), from + static_cast<std::ptrdiff_t>(begin),
                  from + static_cast<std::ptrdiff_t>(end));
  }
  return result;
}

/// Groups [begin, end) alone: a part of everything but the kernel's extent.
void check_groups(const Case& c, std::size_t begin, std::size_t end) {
  const std::size_t ICg = c.shape.IC / c.shape.G;
  const std::size_t OCg = c.shape.OC / c.shape.G;
  const auto in = [&](const std::vector<float>& values) {
    return channels_of(values, c.shape.IC, begin * ICg, end * ICg);
  };
  const auto out = [&](const std::vector<float>& values) {
    return channels_of(values, c.shape.OC, begin * OCg, end * OCg);
  };
  ConvShape shape = c.shape;
  shape.G = end - begin;
  shape.IC = shape.G * ICg;
  shape.OC = shape.G * OCg;
  const ConvOperands<float> operands{in(c.operands.input), out(c.operands.weight),
                                     out(c.operands.bias), out(c.operands.grad_output)};
  const std::vector<float> among_all =
      c.pass == ConvPass::grad_input ? in(c.result) : out(c.result);
  CHECK(same_bits(run(c, shape, operands), among_all));
}

/// Output channels [begin, end) of one group alone; of grad_input, input channels.
void check_channels(const Case& c, std::size_t begin, std::size_t end) {
  ConvShape shape = c.shape;
  ConvOperands<float> operands = c.operands;
  if (c.pass == ConvPass::grad_input) {
    shape.IC = end - begin;
    // (KH,KW,IC,OC): rows of OC.
    const std::vector<float>& whole = c.operands.weight;
    operands.weight = channels_of(whole, c.shape.IC * shape.OC, begin * shape.OC, end * shape.OC);
    operands.input.resize(shape.input_size());
    CHECK(same_bits(run(c, shape, operands), channels_of(c.result, c.shape.IC, begin, end)));
    return;
  }
  shape.OC = end - begin;
  const auto some = [&](const std::vector<float>& values) {
    return channels_of(values, c.shape.OC, begin, end);
  };
  operands.weight = some(c.operands.weight);
  operands.bias = some(c.operands.bias);
  operands.grad_output = some(c.operands.grad_output);
  CHECK(same_bits(run(c, shape, operands), some(c.result)));
}

void some_channels_alone(const Case& c) {
  if (c.shape.G > 1) {
    check_groups(c, 0, 1);
    check_groups(c, c.shape.G / 2, c.shape.G);
    return;
  }
  const std::size_t channels = c.pass == ConvPass::grad_input ? c.shape.IC : c.shape.OC;
  check_channels(c, 0, (channels + 1) / 2);
  check_channels(c, channels - 1, channels);
  check_channels(c, channels / 3, channels);
}

// ---- All of them

struct Property {
  const char* name;
  void (*check)(const Case& c);
  /// Other values in the same memory, in which sanitizers find no more than in the case's own run.
  bool of_values = false;
};
constexpr Property kProperties[] = {
    {"an image alone", image_alone},
    {"batches joined", batches_joined},
    {"images permuted", images_permuted},
    {"the same image at any place", same_image_at_any_place},
    {"an image of NaN beside", image_of_nan_beside, true},
    {"images of zero gradient appended", zero_gradients_appended},
    {"operands times powers of two", scaled, true},
    {"operands negated", negated, true},
    {"a workspace that was filled", workspace_filled, true},
    {"any number of threads", threads},
    {"any vectors", vectors},
    {"some channels alone", some_channels_alone},
};

/// Shapes on which plans changed with the number of images or channels, or that have more tiles
/// than a chain takes, or channels than a panel.
std::vector<ConvShape> telling_shapes() {
  std::vector<ConvShape> shapes;
  for (const char* line : {
           "mb17ic6ih14oc16kh5n\"fft_tiles_by_batch\"",
           "mb17ic1ih28oc6kh5ph2n\"lenet5_conv1\"",
           "mb2ic16ih5oc120kh5n\"lenet5_1998_c5\"",
           "mb90ic3ih8oc4kh3ph1n\"winograd_chunks\"",
           "mb260ic2ih3iw4oc3kh3kw3ph1pw1n\"winograd_chunk_ends_within_an_image\"",
           "mb180ic1024ih2iw2oc3kh3kw3ph1pw1n\"fft_chain_ends\"",
           "mb2ic130ih9oc70kh3ph1n\"winograd_streams_weights\"",
           "mb2ic48ih13iw11oc96kh3kw3ph1pw1n\"tiles_by_channels\"",
           "mb2ic20ih17oc300kh1n\"wide_1x1\"",
           "g40mb5ic40ih7oc40kh3ph1n\"depthwise\"",
           "mb2ic3ih39oc40kh11sh4n\"alexnet_conv1_small\"",
           "mb2ic6ih67iw70oc5kh3kw3ph1pw1n\"large_images\"",
       }) {
    shapes.push_back(parse_conv_shape(line));
  }
  return shapes;
}

std::vector<ConvShape> shapes() {
  std::vector<ConvShape> all = telling_shapes();
  for (ConvShape& shape : edge_cases()) all.push_back(with_images(shape, kImages));
  const RandomStream random = RandomStream(kSeed).child("shapes");
  for (std::size_t i = 0; i < kDrawnShapes; ++i) {
    all.push_back(with_images(random_shape(random.child(i)), kImages));
  }
  return all;
}

/// The portable algorithms, and "auto".
std::vector<const ConvAlgorithm*> algorithms() {
  std::vector<const ConvAlgorithm*> all{&auto_conv_algorithm()};
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->reproducibility == Reproducibility::portable) all.push_back(algorithm);
  }
  return all;
}

/// Uniform operands; `sparse` ones have mostly zeros, as behind pooling.
ConvOperands<float> plain_or_sparse(const ConvShape& shape, bool sparse) {
  ConvOperands<float> operands = uniform_operands(shape, RandomStream(kSeed).child(to_line(shape)));
  if (!sparse) return operands;
  for (std::size_t i = 0; i < operands.grad_output.size(); ++i) {
    if (i % 7 != 3) operands.grad_output[i] = 0.0F;
  }
  return operands;
}

void check_all(const ConvShape& shape, bool sparse) {
  const ConvOperands<float> operands = plain_or_sparse(shape, sparse);
  for (const ConvAlgorithm* algorithm : algorithms()) {
    // The loop nest has no plan that a shape could change, and takes its time.
    if (algorithm->name == "naive" && shape.flops() > 2e6) continue;
    if (sparse && algorithm->name != "direct") continue;
    for (const ConvPass pass : kConvPasses) {
      if (!algorithm->unsupported(shape, pass).empty()) continue;
      Case c{resolve(*algorithm, shape, pass), shape, pass, operands, {}};
      INFO(algorithm->name << " " << name_of(pass) << " of " << to_line(shape) << ", seed " << kSeed
                           << (sparse ? ", sparse grad_output" : ""));
      c.result = run(c, shape, operands);
      for (const Property& property : kProperties) {
        if (kSanitized && property.of_values) continue;
        INFO(property.name);
        property.check(c);
      }
    }
  }
}

}  // namespace

TEST_CASE("no portable result depends on company, place, threads, vectors, memory or channels") {
  REQUIRE(shapes().size() >= 50);
  for (const ConvShape& shape : shapes()) check_all(shape, false);
}

TEST_CASE("nor do direct's gradients of a sparse grad_output, which has kernels of its own") {
  for (const ConvShape& shape : shapes()) check_all(shape, true);
}
