// Tiles and blocks of the FFT convolution, and its cost model.
#include "reprise/conv/fft/plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/fft/kernels.hpp"
#include "reprise/core/integer.hpp"

namespace reprise {
namespace {

constexpr std::size_t kBlockFloats = std::size_t{12} << 20;    // points of a block of tiles: 48 MiB
constexpr std::size_t kKernelFloats = std::size_t{320} << 10;  // a worker's kernels: 768 KiB

// The tile is chosen for kUsualImages and this many channels of the result, so that an element's
// bits depend on the number of neither. Over all shapes in fixtures/shapes the model's time of the
// tiles chosen is within 0.5% of that of the best tiles for the channels that there are.
constexpr std::size_t kUsualOutChannels = 128;

FftAxis axis_of(ConvPass pass, std::size_t in, std::size_t out, std::size_t span,
                std::size_t stride, std::size_t pad) {
  const auto signed_pad = static_cast<std::ptrdiff_t>(pad);
  if (pass == ConvPass::grad_input) {
    return {out, stride, static_cast<std::ptrdiff_t>(span) - 1 - signed_pad, span, in, 1};
  }
  return {in, 1, signed_pad, span, out, stride};
}

/// Blocks of nearly equal size, at most `most` each.
std::size_t even_block(std::size_t size, std::size_t most) {
  if (size == 0) return 1;
  return div_ceil(size, div_ceil(size, std::max<std::size_t>(most, 1)));
}

/// The points of a tile of the input and of a panel of the output.
std::size_t tile_floats(const FftPlan& plan) {
  return 2 * plan.points * (plan.in_stride + kFftPanel);
}

/// Fills in everything that follows from the tile.
void complete(FftPlan& plan, const ConvShape& shape) {
  plan.points = fft_points(plan.tile);
  plan.tiles = shape.N * plan.tiles_per_image();
  plan.in_stride = round_up(plan.in_channels, kFftChannelMultiple);
  plan.chain_tiles = std::max<std::size_t>(kBlockFloats / tile_floats(plan), 1);
  plan.block = std::clamp<std::size_t>(plan.tiles, 1, plan.chain_tiles);
  const std::size_t kernel_floats = kFftPanel * (2 * plan.tile.h + shape.KH * shape.KW);
  plan.depth = even_block(plan.in_channels, kKernelFloats / kernel_floats);
}

/// What a pass costs per point, in multiply-adds of direct at its best.
struct FftFactors {
  double steps[3];              ///< of a channel's transform whose longest side is 8, 16 or 32
  double output, far;           ///< times more of the output's, and where points leave the L2 cache
  double product, far_product;  ///< three fused multiply-adds, with their loads
  double reduction, far_reduction;  ///< the same in grad_weight
  double begin;                     ///< of a product's chain, in steps of the chain
  double kernel[3], kernel_beside;  ///< a step of a kernel's transform, and steps beside
};
/// The tile is chosen by these and reaches the bits, so that they stay as they are.
constexpr FftFactors kTileFactors{.steps = {15.0, 25.0, 35.0},
                                  .output = 1.0,
                                  .far = 2.8,
                                  .product = 3.8,
                                  .far_product = 5.4,
                                  .reduction = 3.2,
                                  .far_reduction = 5.4,
                                  .begin = 4.0,
                                  .kernel = {1.2, 1.2, 1.6},
                                  .kernel_beside = 12.0};
/// "auto" compares with these, fitted with the constants of direct and winograd.
constexpr FftFactors kTimeFactors{.steps = {15.0, 34.0, 58.0},
                                  .output = 1.25,
                                  .far = 3.0,
                                  .product = 6.2,
                                  .far_product = 6.8,
                                  .reduction = 5.7,
                                  .far_reduction = 7.8,
                                  .begin = 0.5,
                                  .kernel = {1.8, 1.8, 1.9},
                                  .kernel_beside = 9.0};

FftCost cost_of(const FftPlan& plan, const ConvShape& shape, ConvPass pass,
                std::size_t out_channels, const FftFactors& factors) {
  const std::size_t taps = shape.KH * shape.KW;
  const auto points = static_cast<double>(plan.points);
  const auto tiles = static_cast<double>(plan.tiles);
  const auto in = static_cast<double>(plan.in_channels);
  const auto out = static_cast<double>(round_up(out_channels, kFftChannelMultiple));
  const auto blocks = static_cast<double>(div_ceil(plan.tiles, plan.block));
  constexpr std::size_t near_floats = std::size_t{1} << 20;
  constexpr std::size_t cached_floats = std::size_t{2} << 20;
  const bool near = plan.block * 2 * plan.points * plan.in_stride <= near_floats;
  const bool cached = plan.block * tile_floats(plan) <= cached_floats;
  const std::size_t longest = std::max(plan.tile.h, plan.tile.w);
  const std::size_t size = longest == 8 ? 0 : longest == 16 ? 1 : 2;
  const double transform = (near ? 1.0 : factors.far) * factors.steps[size];
  const bool reduces = pass == ConvPass::grad_weight;
  const double product = reduces ? (cached ? factors.reduction : factors.far_reduction)
                                 : (cached ? factors.product : factors.far_product);
  const double kernel =
      factors.kernel[size] * (factors.kernel_beside + static_cast<double>(shape.KH) +
                              2.0 * static_cast<double>(taps) / static_cast<double>(plan.tile.h));
  const double products =
      reduces ? in * out * (tiles + factors.begin * blocks) : tiles * out * (in + factors.begin);
  return {.input = points * transform * tiles * static_cast<double>(plan.in_stride),
          .output = factors.output * points * transform * tiles * out,
          .kernels = points * kernel * blocks * in * out,
          .products = points * product * products};
}

}  // namespace

FftCut fft_cut(const FftAxis& axis, std::size_t tile) {
  if (axis.span > tile) return {};
  const std::size_t out = axis.out();
  const std::size_t reach = out + axis.span - 1;  // cells from the first to the last that is read
  if (reach <= tile) return {out, 1};
  // Cells past the tile's end read its begin instead: both must be padding.
  const auto size = static_cast<std::ptrdiff_t>(tile);
  if (out <= tile && axis.pad + static_cast<std::ptrdiff_t>(axis.in()) <= size &&
      static_cast<std::ptrdiff_t>(reach) - size <= axis.pad) {
    return {out, 1};
  }
  const std::size_t outputs = tile - axis.span + 1;
  return {outputs, div_ceil(out, outputs)};
}

FftClip fft_clip(std::ptrdiff_t begin, std::size_t cells, std::size_t samples, std::size_t step) {
  const auto distance = static_cast<std::ptrdiff_t>(step);
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(div_ceil(begin, distance), 0);
  const std::ptrdiff_t end = begin + static_cast<std::ptrdiff_t>(cells);
  const std::ptrdiff_t last =
      std::min(div_ceil(end, distance), static_cast<std::ptrdiff_t>(samples));
  if (last <= first) return {0, 0, 0};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(first * distance - begin),
          static_cast<std::size_t>(last - first)};
}

FftPlan fft_plan(const ConvShape& shape, ConvPass pass) {
  ConvShape usual = shape;
  usual.N = kUsualImages;
  FftPlan best{};
  best.axis_h = axis_of(pass, shape.IH, shape.OH, shape.span_h(), shape.stride_h, shape.pad_top);
  best.axis_w = axis_of(pass, shape.IW, shape.OW, shape.span_w(), shape.stride_w, shape.pad_left);
  best.in_channels = (pass == ConvPass::grad_input ? shape.OC : shape.IC) / shape.G;
  best.out_channels = (pass == ConvPass::grad_input ? shape.IC : shape.OC) / shape.G;
  best.tile = {0, 0};
  double least = std::numeric_limits<double>::infinity();
  FftPlan plan = best;
  for (const std::size_t h : {8, 16, 32}) {
    for (const std::size_t w : {8, 16, 32}) {
      plan.tile = {h, w};
      plan.cut_h = fft_cut(plan.axis_h, h);
      plan.cut_w = fft_cut(plan.axis_w, w);
      if (plan.cut_h.outputs == 0 || plan.cut_w.outputs == 0) continue;
      complete(plan, usual);
      const double cost = cost_of(plan, usual, pass, kUsualOutChannels, kTileFactors).sum();
      if (cost >= least) continue;
      least = cost;
      best = plan;
    }
  }
  if (best.tile.h == 0) return best;
  complete(best, shape);
  best.cost = cost_of(best, shape, pass, best.out_channels, kTimeFactors);
  return best;
}

double fft_estimated_cost(const ConvShape& shape, ConvPass pass) {
  return fft_plan(shape, pass).cost.sum() * static_cast<double>(shape.G);
}

double fft_error_bound(const ConvShape& shape, ConvPass pass) {
  const FftPlan plan = fft_plan(shape, pass);
  const auto real = [](std::size_t size) { return static_cast<double>(size); };
  const double cells = real(plan.tile.h * plan.tile.w);
  const double transforms = 2.0 * kFftStageError * std::log2(cells);
  constexpr double second_order = 1.01;
  if (pass == ConvPass::grad_weight) {
    const double taps = std::numbers::sqrt2 * real(plan.tile.h / 2 + plan.tile.w + 6);
    const double spread =
        std::sqrt(cells * real(plan.tiles_per_image()) / real(shape.OH * shape.OW));
    return second_order * (spread * (transforms + taps + 4.0 * real(plan.block + 3)) + 1.0 +
                           real(div_ceil(plan.tiles, std::max<std::size_t>(plan.block, 1))));
  }
  const double taps = real(shape.KW + 3 * shape.KH + 9);
  const double product = 4.0 * real(plan.in_channels + 3);
  return second_order * (std::sqrt(cells) * (transforms + taps + product) + 1.0);
}

FftWork fft_work(const FftPlan& plan, const ConvShape& shape, ConvPass pass, std::size_t threads) {
  // Not a multiple of 4096 bytes, or all points of a tile would fall into the same cache sets.
  constexpr std::size_t line = 16;
  FftWork work{};
  const std::size_t panels = div_ceil(plan.out_channels, kFftPanel);
  const std::size_t share = div_ceil(plan.block * panels, std::max<std::size_t>(threads, 1));
  const std::size_t tiles =
      pass == ConvPass::grad_weight ? plan.block : std::min(plan.block, share);
  work.in_point = 2 * plan.in_stride * plan.block + line;
  work.out_point = 2 * kFftPanel * tiles + line;
  work.in_points = plan.points * work.in_point;
  work.out_points = plan.points * work.out_point;
  work.taps = plan.depth * shape.KH * shape.KW * kFftPanel;
  work.kernel = plan.tile.h * plan.depth * 2 * kFftPanel;
  return work;
}

}  // namespace reprise
