#include "support/conv_cases.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/naive/naive.hpp"
#include "reprise/run/conv_shape_file.hpp"

namespace reprise::test {
namespace {

constexpr std::size_t kGuard = 64;  // values or bytes behind what may be written

template <class Draw>
std::vector<float> drawn(std::size_t count, const RandomStream& stream, const Draw& draw) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = draw(stream, i);
  return values;
}

template <class Draw>
ConvOperands<float> operands_from(const ConvShape& shape, const RandomStream& random,
                                  const Draw& draw) {
  return {drawn(shape.input_size(), random.child("input"), draw),
          drawn(shape.weight_size(), random.child("weight"), draw),
          drawn(shape.OC, random.child("bias"), draw),
          drawn(shape.output_size(), random.child("grad_output"), draw)};
}

std::size_t result_size(const ConvShape& shape, ConvPass pass) {
  if (pass == ConvPass::forward) return shape.output_size();
  return pass == ConvPass::grad_input ? shape.input_size() : shape.weight_size();
}

double largest(const std::vector<float>& values) {
  double most = 0.0;
  for (const float value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

std::vector<double> magnitudes(const std::vector<float>& values) {
  std::vector<double> result(values.begin(), values.end());
  for (double& value : result) value = std::abs(value);
  return result;
}

bool equal_operands(const ConvOperands<float>& a, const ConvOperands<float>& b) {
  return same_bits(a.input, b.input) && same_bits(a.weight, b.weight) &&
         same_bits(a.bias, b.bias) && same_bits(a.grad_output, b.grad_output);
}

void run(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass,
         const ConvOperands<float>& o, float* result, const ConvResources& resources) {
  switch (pass) {
    case ConvPass::forward:
      algorithm.forward(shape, o.input.data(), o.weight.data(), o.bias.data(), result, resources);
      break;
    case ConvPass::grad_input:
      algorithm.grad_input(shape, o.grad_output.data(), o.weight.data(), result, resources);
      break;
    case ConvPass::grad_weight:
      algorithm.grad_weight(shape, o.grad_output.data(), o.input.data(), result, resources);
      break;
  }
}

/// Of one drawn axis: sizes that leave at least one output.
struct Axis {
  std::size_t input, kernel, stride, dilation, pad_before, pad_after;
  [[nodiscard]] bool valid() const {
    return input + pad_before + pad_after >= dilation * (kernel - 1) + 1;
  }
};

}  // namespace

ConvOperands<float> integer_operands(const ConvShape& shape, const RandomStream& random, int most,
                                     std::uint64_t density) {
  return operands_from(shape, random, [&](const RandomStream& stream, std::uint64_t i) {
    const auto range = static_cast<std::uint64_t>(2 * most + 1);
    const bool zero = stream.child("zero").below(density, i) != 0;
    return zero ? 0.0F : static_cast<float>(static_cast<int>(stream.below(range, i)) - most);
  });
}

ConvOperands<float> uniform_operands(const ConvShape& shape, const RandomStream& random) {
  return operands_from(shape, random, [](const RandomStream& stream, std::uint64_t i) {
    return static_cast<float>(2.0 * stream.uniform(i) - 1.0);
  });
}

ConvOperands<double> widened(const ConvOperands<float>& o) {
  const auto wide = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  return {wide(o.input), wide(o.weight), wide(o.bias), wide(o.grad_output)};
}

std::vector<double> exact_result(const ConvShape& shape, ConvPass pass,
                                 const ConvOperands<double>& o) {
  std::vector<double> result(result_size(shape, pass));
  switch (pass) {
    case ConvPass::forward:
      naive_forward(shape, o.input.data(), o.weight.data(), o.bias.data(), result.data(), 1);
      break;
    case ConvPass::grad_input:
      naive_grad_input(shape, o.grad_output.data(), o.weight.data(), result.data(), 1);
      break;
    case ConvPass::grad_weight:
      naive_grad_weight(shape, o.grad_output.data(), o.input.data(), result.data(), 1);
      break;
  }
  return result;
}

std::vector<double> error_units(const ConvShape& shape, ConvPass pass, const ConvOperands<float>& o,
                                ErrorScale scale) {
  constexpr double u = 0x1p-24;
  std::vector<double> units;
  if (scale == ErrorScale::elementwise) {
    units = exact_result(
        shape, pass,
        {magnitudes(o.input), magnitudes(o.weight), magnitudes(o.bias), magnitudes(o.grad_output)});
    for (double& unit : units) unit *= u;
    return units;
  }
  const double a = largest(pass == ConvPass::forward ? o.input : o.grad_output);
  const double b = largest(pass == ConvPass::grad_weight ? o.input : o.weight);
  const double bias = pass == ConvPass::forward ? largest(o.bias) : 0.0;
  units.assign(result_size(shape, pass),
               u * (static_cast<double>(shape.terms(pass)) * a * b + bias));
  return units;
}

GuardedResult run_guarded(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass,
                          const ConvOperands<float>& operands, std::size_t threads,
                          std::byte fill) {
  const ConvOperands<float> before = operands;
  const std::size_t bytes = algorithm.workspace_bytes(shape, pass, threads);
  ConvWorkspace workspace;
  const std::span<std::byte> memory = workspace.require(bytes + kGuard, "run_guarded");
  std::fill(memory.begin(), memory.end(), fill);
  const std::size_t size = result_size(shape, pass);
  std::vector<float> result(size + kGuard, std::numeric_limits<float>::quiet_NaN());

  run(algorithm, shape, pass, operands, result.data(), {memory.first(bytes), threads});

  GuardedResult guarded;
  guarded.inputs_unchanged = equal_operands(before, operands);
  guarded.stayed_inside = std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(bytes),
                                      memory.end(), [&](std::byte b) { return b == fill; }) &&
                          std::all_of(result.begin() + static_cast<std::ptrdiff_t>(size),
                                      result.end(), [](float value) { return std::isnan(value); });
  result.resize(size);
  guarded.values = std::move(result);
  return guarded;
}

double worst_error(const std::vector<float>& result, const std::vector<double>& exact,
                   const std::vector<double>& unit) {
  double worst = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double error = std::abs(static_cast<double>(result[i]) - exact[i]);
    if (error == 0.0) continue;
    worst = unit[i] > 0.0 && !std::isnan(error) ? std::max(worst, error / unit[i])
                                                : std::numeric_limits<double>::infinity();
  }
  return worst;
}

ConvShape random_shape(const RandomStream& random) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const RandomStream stream = random.child(attempt);
    std::uint64_t counter = 0;
    const auto draw = [&](std::size_t least, std::size_t most) {
      return least + static_cast<std::size_t>(stream.below(most - least + 1, counter++));
    };
    // Half of the draws take the plain value, so that plain cases are not lost among the others.
    const auto option = [&](std::size_t plain, std::size_t most) {
      return draw(0, 1) == 0 ? plain : draw(plain, most);
    };
    const auto axis = [&] {
      const std::size_t kernel = draw(1, 6);
      const std::size_t dilation = option(1, 3);
      const std::size_t before = option(0, kernel + 1);
      return Axis{draw(1, 20), kernel, option(1, 4),
                  dilation,    before, draw(0, 1) == 0 ? before : draw(0, kernel)};
    };
    const Axis h = axis();
    const Axis w = axis();
    const std::size_t G = draw(0, 3) == 0 ? draw(2, 5) : 1;
    const bool depthwise = G > 1 && draw(0, 1) == 0;
    const std::size_t IC = G * (depthwise ? 1 : draw(1, draw(0, 3) == 0 ? 24 : 6));
    const std::size_t OC = G * draw(1, depthwise ? 2 : (draw(0, 3) == 0 ? 70 : 9));
    const std::size_t N = draw(0, 15) == 0 ? 0 : draw(1, 3);
    if (!h.valid() || !w.valid()) continue;
    Conv2dOptions options;
    options.stride = {h.stride, w.stride};
    options.dilation = {h.dilation, w.dilation};
    options.padding = Padding2d::sides(h.pad_before, h.pad_after, w.pad_before, w.pad_after);
    options.groups = G;
    ConvShape shape = make_conv_shape(N, h.input, w.input, IC, OC, h.kernel, w.kernel, options);
    if (shape.flops() > 4e5) continue;
    return shape;
  }
}

std::vector<ConvShape> edge_cases() {
  return read_conv_shapes(REPRISE_FIXTURES "/shapes/edge_cases");
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace reprise::test
