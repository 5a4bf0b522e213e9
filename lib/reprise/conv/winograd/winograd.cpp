// Winograd convolution, F(2x2,3x3) and F(4x4,3x3): fewer multiplications for 3x3 kernels.
//
// Equation (Winograd 1980; Lavin, Gray 2015). The result is cut into tiles of M x M, M = 2 or 4,
// each from n x n cells of the input, n = M + 2. With the matrices A, B, G of
// transforms-inl.hpp, for a tile t and its input cells d,
//   forward:     V(t,ic) = B d B^t,  U(ic,oc) = G w G^t,  m(t,oc) = sum over ic of V * U by points,
//                output(t,oc) = A m A^t + bias
//   grad_input:  the same from grad_output, channels exchanged, the kernel turned by 180 degrees,
//                padding 2 - pad (negative: the border of grad_output is left out)
//   grad_weight: Z(t,oc) = G' g G'^t from the M x M cells of grad_output,
//                W(ic,oc) = sum over t of V(t,ic) * Z(t,oc) by points, grad_weight = A' W A'^t.
// Cells outside a tensor are 0. All sums by points are matrix products, one for each of n^2 points:
// ascending fma chains over ic, oc or t. A chain over t ends after each 256 tiles, counted through
// all images; the chunks' shares of the gradient are added in ascending order. Blocks, vectors and
// threads divide other dimensions, so they cannot change a bit; nor can the number of images or of
// the result's channels, and images whose grad_output is zero change no bit of grad_weight.
//
// Variant: F(4x4,3x3) unless the smaller tile multiplies less, tiles that stick out counted whole
// (n^2 * ceil(H/M) * ceil(W/M): 4 outputs need 36 products in place of 144, 2 need 16 for 36).
//
// Cost per pass: 2 n^2 tiles IC OC/G operations (direct: 18 N OH OW IC OC/G), transforms of about
// 300 (F2: 100) vector instructions for each tile and 16 channels, and for 16 weights about 200.
// Workspace: where all transformed weights fit the cache (1 MiB), these and 14 tiles' V and m for a
// thread; else V for at most 16 MiB of tiles, and for a thread the U of 64 columns and m of 56
// tiles. grad_weight: V and Z of a chunk, W of a block; a chunk's shares if chunks are the tasks.
// At most about 25 MiB for one thread and channels up to 512.
//
// Error bound, in units of u = 2^-24 at ErrorScale::tensorwise. A result is a sum of products of an
// input, a weight and coefficients of A, B, G that mostly cancel; every one of these passes at most
// 2 (r_B + r_G + r_A) roundings in transforms of two dimensions (r: the path stated beside each
// transform), `reduction_length` in the chain and one for the bias. So |error| <= ((1+u)^r - 1)
// times the sum of their absolute values, which is at most
//   sum over ic of (|A| ((|B| |d| |B|^t) * (|G| |w| |G|^t)) |A|^t)(k,l)
//     <= reduction_length * max|d| * max|w| * kappa,
//   kappa = (max over k of sum over points i of |A(k,i)| * |B(i)|_1 * |G(i)|_1)^2.
// Divided by the scale's 9 reduction_length terms: kappa / 9 * rounding_bound(r). For grad_weight,
// a tile takes the part of reduction_length: kappa' * tiles / (N OH OW) * rounding_bound(2 (r_B +
// r_G + r_A) + chunk_tiles + chunks).
//             kappa  kappa'  r_B r_G r_A   r_G' r_A'
//   F2           64      36    1   2   2      1    2
//   F4          564     803    2   4   3      4    3
// The bound is rigorous and far from sharp: errors measured are below 1/300 of it.
//
// Domain: kTransformDomain. A NaN would spoil its whole tile, and a huge value all that is small
// beside it. Sums by points over up to 2^40 terms stay below 2^24 * 2^24 * 2^40 * 2^10.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/winograd/winograd.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/winograd/forward-inl.hpp"
#include "reprise/conv/winograd/plan.hpp"
#include "reprise/conv/winograd/weight_gradient-inl.hpp"
#include "reprise/linalg/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {

// The passes, one group after the other.

void winograd_forward(const ConvShape& s, const float* input, const float* weight,
                      const float* bias, float* output, const ConvResources& resources) {
  const WinogradForwardPlan plan = winograd_forward_plan(s, ConvPass::forward, resources.threads);
  WorkspacePieces pieces(resources.workspace);
  float* zeros = pieces.take<float>(plan.reduction_length);
  std::fill_n(zeros, plan.reduction_length, 0.0F);
  OperandMagnitudes* const magnitudes = resources.magnitudes;
  for (std::size_t g = 0; g < s.G; ++g) {
    const std::size_t oc = g * plan.columns;
    const winograd::Images images{input + g * plan.reduction_length,
                                  s.IH,
                                  s.IW,
                                  s.IC,
                                  plan.reduction_length,
                                  -static_cast<std::ptrdiff_t>(s.pad_top),
                                  -static_cast<std::ptrdiff_t>(s.pad_left),
                                  zeros,
                                  magnitudes == nullptr ? nullptr : magnitudes->a.data()};
    winograd::run_forward({plan, images, weight + oc, plan.reduction_length * s.OC, s.OC, false,
                           bias == nullptr ? nullptr : bias + oc, output + oc, s.OH, s.OW, s.OC,
                           magnitudes == nullptr ? nullptr : &magnitudes->weight},
                          pieces, resources.threads);
  }
}

void winograd_grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                         float* grad_input, const ConvResources& resources) {
  const WinogradForwardPlan plan =
      winograd_forward_plan(s, ConvPass::grad_input, resources.threads);
  WorkspacePieces pieces(resources.workspace);
  float* zeros = pieces.take<float>(plan.reduction_length);
  std::fill_n(zeros, plan.reduction_length, 0.0F);
  OperandMagnitudes* const magnitudes = resources.magnitudes;
  for (std::size_t g = 0; g < s.G; ++g) {
    const winograd::Images images{grad_output + g * plan.reduction_length,
                                  s.OH,
                                  s.OW,
                                  s.OC,
                                  plan.reduction_length,
                                  static_cast<std::ptrdiff_t>(s.pad_top) - 2,
                                  static_cast<std::ptrdiff_t>(s.pad_left) - 2,
                                  zeros,
                                  magnitudes == nullptr ? nullptr : magnitudes->a.data()};
    winograd::run_forward({plan, images, weight + g * plan.reduction_length, plan.columns * s.OC,
                           s.OC, true, nullptr, grad_input + g * plan.columns, s.IH, s.IW, s.IC,
                           magnitudes == nullptr ? nullptr : &magnitudes->weight},
                          pieces, resources.threads);
  }
}

void winograd_grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                          float* grad_weight, const ConvResources& resources) {
  const WinogradWeightGradientPlan plan = winograd_weight_gradient_plan(s, resources.threads);
  if (plan.tiling.tiles == 0) {
    std::fill_n(grad_weight, s.weight_size(), 0.0F);
    return;
  }
  WorkspacePieces pieces(resources.workspace);
  const std::size_t most_channels = std::max(plan.rows, plan.columns);
  float* zeros = pieces.take<float>(most_channels);
  std::fill_n(zeros, most_channels, 0.0F);
  OperandMagnitudes* const magnitudes = resources.magnitudes;
  for (std::size_t g = 0; g < s.G; ++g) {
    const winograd::Images in{input + g * plan.rows,
                              s.IH,
                              s.IW,
                              s.IC,
                              plan.rows,
                              -static_cast<std::ptrdiff_t>(s.pad_top),
                              -static_cast<std::ptrdiff_t>(s.pad_left),
                              zeros,
                              magnitudes == nullptr ? nullptr : magnitudes->b.data()};
    const winograd::Images out{grad_output + g * plan.columns,
                               s.OH,
                               s.OW,
                               s.OC,
                               plan.columns,
                               0,
                               0,
                               zeros,
                               magnitudes == nullptr ? nullptr : magnitudes->a.data()};
    winograd::run_weight_gradient(
        {plan, in, out, grad_weight + g * plan.columns, plan.rows * s.OC, s.OC}, pieces,
        resources.threads);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
namespace {

HWY_EXPORT(winograd_forward);
HWY_EXPORT(winograd_grad_input);
HWY_EXPORT(winograd_grad_weight);

std::string unsupported(const ConvShape& shape, ConvPass) {
  const auto pair = [](std::size_t h, std::size_t w) {
    return std::to_string(h) + "x" + std::to_string(w);
  };
  if (shape.KH != 3 || shape.KW != 3) {
    return "kernel " + pair(shape.KH, shape.KW) + ": only 3x3";
  }
  if (shape.stride_h != 1 || shape.stride_w != 1) {
    return "stride " + pair(shape.stride_h, shape.stride_w) + ": only 1";
  }
  if (shape.dilation_h != 1 || shape.dilation_w != 1) {
    return "dilation " + pair(shape.dilation_h, shape.dilation_w) + ": only 1";
  }
  return "";
}

}  // namespace

const ConvAlgorithm& winograd_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "winograd",
      .summary = "F(4x4,3x3) or F(2x2,3x3), whichever multiplies less",
      .reproducibility = Reproducibility::portable,
      .error_bound = winograd_error_bound,
      .error_scale = ErrorScale::tensorwise,
      .domain = kTransformDomain,
      .unsupported = unsupported,
      .estimated_cost = winograd_estimated_cost,
      .workspace_bytes = winograd_workspace_bytes,
      .forward =
          [](const ConvShape& shape, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
            REPRISE_DISPATCH(winograd_forward)(shape, input, weight, bias, output, resources);
          },
      .grad_input =
          [](const ConvShape& shape, const float* grad_output, const float* weight, float* gradient,
             const ConvResources& resources) {
            REPRISE_DISPATCH(winograd_grad_input)
            (shape, grad_output, weight, gradient, resources);
          },
      .grad_weight =
          [](const ConvShape& shape, const float* grad_output, const float* input, float* gradient,
             const ConvResources& resources) {
            REPRISE_DISPATCH(winograd_grad_weight)
            (shape, grad_output, input, gradient, resources);
          },
  };
  return algorithm;
}

}  // namespace reprise
#endif  // HWY_ONCE
