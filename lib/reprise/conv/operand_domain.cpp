// The range test of operands, and the passes that fall back to the default algorithm by it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/operand_domain.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <limits>
#include <vector>

#include "reprise/conv/conv_reference.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/error.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Magnitudes compare as their bits do, NaN above infinity. Four chains, as a maximum takes longer
/// than a load.
std::uint32_t largest_in_vectors(const float* values, std::size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude = [&](std::size_t i) HWY_ATTR {
    return hn::BitCast(du, hn::Abs(hn::LoadU(d, values + i)));
  };
  auto most0 = hn::Zero(du), most1 = hn::Zero(du), most2 = hn::Zero(du), most3 = hn::Zero(du);
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    most0 = hn::Max(most0, magnitude(i));
    most1 = hn::Max(most1, magnitude(i + lanes));
    most2 = hn::Max(most2, magnitude(i + 2 * lanes));
    most3 = hn::Max(most3, magnitude(i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) most0 = hn::Max(most0, magnitude(i));
  const auto most = hn::Max(hn::Max(most0, most1), hn::Max(most2, most3));
  std::uint32_t largest = hn::GetLane(hn::MaxOfLanes(du, most));
  for (; i < count; ++i) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffU);
  }
  return largest;
}

/// Of short runs.
std::uint32_t largest_in_runs(const ValueRuns& r) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Zero(du);
  for (std::size_t row = 0; row < r.rows; ++row) {
    for (std::size_t column = 0; column < r.columns; ++column) {
      const float* const run = r.values + row * r.row_stride + column * r.column_stride;
      for (std::size_t i = 0; i < r.count; i += lanes) {
        const auto values = load_some(run + i, r.count - i);
        most = hn::Max(most, hn::BitCast(du, hn::Abs(values)));
      }
    }
  }
  return hn::GetLane(hn::MaxOfLanes(du, most));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(largest_in_vectors);
HWY_EXPORT(largest_in_runs);

namespace {

std::uint32_t bits_of(float magnitude) {
  return std::bit_cast<std::uint32_t>(magnitude);
}

bool takes_everything(const OperandDomain& domain) {
  return !domain.finite_only;
}

ConvShape of_images(const ConvShape& shape, std::size_t N) {
  ConvShape part = shape;
  part.N = N;
  return part;
}

/// Calls run(algorithm, first image, images, resources): the chosen algorithm for all images, and
/// then the default algorithm for each run of images, or all, that were outside.
template <class Run>
void run_guarded(const GuardedPass& pass, const Run& run) {
  const std::size_t N = pass.shape.N;
  const OperandDomain& domain = pass.chosen.domain;
  if (takes_everything(domain)) return run(pass.chosen, 0, N, pass.resources);
  OperandMagnitudes magnitudes(N);
  ConvResources recorded = pass.resources;
  recorded.magnitudes = &magnitudes;
  run(pass.chosen, 0, N, recorded);
  if (!is_inside(domain, magnitudes.weight)) {
    return run(default_conv_algorithm(), 0, N, pass.resources);
  }
  for (std::size_t n = 0; n < N; ++n) {
    const std::size_t begin = n;
    while (n < N && !is_inside(domain, magnitudes.a[n])) ++n;
    if (n > begin) run(default_conv_algorithm(), begin, n - begin, pass.resources);
  }
}

/// Whether no image keeps the algorithm from working all of them. Where grad_output is 0, an input
/// adds nothing unless its transform overflows.
bool weight_gradient_is_inside(const OperandDomain& domain, const OperandMagnitudes& magnitudes) {
  constexpr float transformable = 0x1p96F;
  for (std::size_t n = 0; n < magnitudes.a.size(); ++n) {
    const std::uint32_t grad = magnitudes.a[n];
    const std::uint32_t input = magnitudes.b[n];
    const bool inside = grad == 0 ? input <= bits_of(transformable)
                                  : is_inside(domain, grad) && is_inside(domain, input);
    if (!inside) return false;
  }
  return true;
}

/// "input(0,3,3,0) = nan"
template <std::size_t Rank>
std::string place(const char* tensor, const std::array<std::size_t, Rank>& sizes, std::size_t index,
                  float value) {
  std::string text;
  for (std::size_t axis = Rank; axis-- > 0;) {
    text = (axis > 0 ? "," : "") + std::to_string(index % sizes[axis]) + text;
    index /= sizes[axis];
  }
  char number[32];
  std::snprintf(number, sizeof number, "%g", static_cast<double>(value));
  return std::string(tensor) + "(" + text + ") = " + number;
}

std::string expectation(const ConvAlgorithm& algorithm) {
  const bool bounded = algorithm.domain.max_magnitude < std::numeric_limits<float>::infinity();
  char magnitude[32];
  std::snprintf(magnitude, sizeof magnitude, "%g",
                static_cast<double>(algorithm.domain.max_magnitude));
  return std::string(algorithm.name) + " takes finite values" +
         (bounded ? std::string(" of magnitudes up to ") + magnitude : std::string()) +
         "; another algorithm, such as " + std::string(default_conv_algorithm().name) +
         " or auto, takes all";
}

void check_operand(std::string_view where, const ConvAlgorithm& algorithm, const char* tensor,
                   const std::array<std::size_t, 4>& sizes, const float* values) {
  const std::size_t count = sizes[0] * sizes[1] * sizes[2] * sizes[3];
  if (is_inside(algorithm.domain, largest_magnitude_bits(values, count))) return;
  const float* const outside = std::find_if(values, values + count, [&](float value) {
    return !is_inside(algorithm.domain, bits_of(value) & 0x7fffffffU);
  });
  throw Error(where, place(tensor, sizes, static_cast<std::size_t>(outside - values), *outside),
              expectation(algorithm));
}

}  // namespace

std::uint32_t largest_magnitude_bits(const float* values, std::size_t count) {
  return REPRISE_DISPATCH(largest_in_vectors)(values, count);
}

std::uint32_t largest_magnitude_bits(const ValueRuns& runs) {
  if (runs.count == runs.column_stride) {  // whole rows
    const std::size_t count = runs.columns * runs.count;
    return REPRISE_DISPATCH(largest_in_runs)(
        {runs.values, runs.rows, runs.row_stride, 1, count, count});
  }
  return REPRISE_DISPATCH(largest_in_runs)(runs);
}

bool is_inside(const OperandDomain& domain, std::uint32_t magnitude_bits) {
  constexpr std::uint32_t infinity = 0x7f800000U;
  return !domain.finite_only ||
         (magnitude_bits < infinity && magnitude_bits <= bits_of(domain.max_magnitude));
}

void check_domain(std::string_view where, const ConvAlgorithm& algorithm, const ConvShape& s,
                  ConvPass pass, const float* a, const float* b) {
  if (takes_everything(algorithm.domain)) return;
  const std::array input{s.N, s.IH, s.IW, s.IC};
  const std::array weight{s.KH, s.KW, s.IC / s.G, s.OC};
  const std::array output{s.N, s.OH, s.OW, s.OC};
  const bool forward = pass == ConvPass::forward;
  check_operand(where, algorithm, forward ? "input" : "grad_output", forward ? input : output, a);
  const bool is_input = pass == ConvPass::grad_weight;
  check_operand(where, algorithm, is_input ? "input" : "weight", is_input ? input : weight, b);
}

void guarded_forward(const GuardedPass& pass, const float* input, const float* weight,
                     const float* bias, float* output) {
  const ConvShape one = of_images(pass.shape, 1);
  run_guarded(pass, [&](const ConvAlgorithm& algorithm, std::size_t first, std::size_t count,
                        const ConvResources& resources) {
    algorithm.forward(of_images(pass.shape, count), input + first * one.input_size(), weight, bias,
                      output + first * one.output_size(), resources);
  });
}

void guarded_grad_input(const GuardedPass& pass, const float* grad_output, const float* weight,
                        float* grad_input) {
  const ConvShape one = of_images(pass.shape, 1);
  run_guarded(pass, [&](const ConvAlgorithm& algorithm, std::size_t first, std::size_t count,
                        const ConvResources& resources) {
    algorithm.grad_input(of_images(pass.shape, count), grad_output + first * one.output_size(),
                         weight, grad_input + first * one.input_size(), resources);
  });
}

void guarded_grad_weight(const GuardedPass& pass, const float* grad_output, const float* input,
                         float* grad_weight) {
  OperandMagnitudes magnitudes(pass.shape.N);
  ConvResources recorded = pass.resources;
  recorded.magnitudes = takes_everything(pass.chosen.domain) ? nullptr : &magnitudes;
  pass.chosen.grad_weight(pass.shape, grad_output, input, grad_weight, recorded);
  if (recorded.magnitudes == nullptr) return;
  if (weight_gradient_is_inside(pass.chosen.domain, magnitudes)) return;
  default_conv_algorithm().grad_weight(pass.shape, grad_output, input, grad_weight, pass.resources);
}

std::size_t guarded_workspace_bytes(const ConvAlgorithm& chosen, const ConvShape& shape,
                                    ConvPass pass, std::size_t threads) {
  const std::size_t bytes = chosen.workspace_bytes(shape, pass, threads);
  if (takes_everything(chosen.domain)) return bytes;
  return std::max(bytes, default_conv_algorithm().workspace_bytes(shape, pass, threads));
}

}  // namespace reprise
#endif  // HWY_ONCE
