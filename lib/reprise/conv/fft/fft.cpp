// Convolution by Fourier transforms of overlapping tiles (overlap-save). Mathieu, Henaff, LeCun
// 2013 for transforms shared by all channels; Zlateski et al. 2018 for tiles.
//
// Equation: forward and grad_input are correlations, out_c(o) = sum over d, k of
// in_d(o + k - pad) * kernel_dc(k), with d over channels; grad_input takes grad_output, its cells
// `stride` apart, for the input, and the kernel rotated by half a turn. With F the transform of a
// tile of h x w cells (8, 16 or 32 each),
//   out_c = inverse F of [ sum over d of F(in_d) * conj F(kernel_dc) ], the tile's valid outputs,
//   grad_weight_dc = inverse F of [ sum over tiles of F(in_d) * conj F(grad_output_c) ], its taps.
// A tile gives h - span + 1 outputs a column, or all, if what wraps around is padding. A stride
// above 1 computes every output and keeps some; a dilated kernel has its taps apart in the tile.
//
// Bits: each product is three chains of fused multiply-adds in ascending d (or tile) and a few
// additions, see kernels.hpp. Chains are cut into blocks of `depth` channels (grad_weight: of
// `chain_tiles` tiles, counted through all images), which are added in ascending order. The tile,
// depth and chain_tiles follow from one image and the channels summed over: neither the number of
// images nor that of the result's channels matters, and images whose grad_output is zero change no
// bit of grad_weight.
//
// Cost: with P = h*w/2 + 2 points a tile, T tiles, D x C channels: 3*P*T*D*C fused multiply-adds
// for products, about 30*P*T*(D + C) operations for tiles, (KH + 12 + 2*KH*KW/h)*P*D*C for kernels,
// once per block of tiles. The tile sizes are those of least cost by plan.cpp's model.
//
// Workspace: the points of one block of tiles of the input, at most 48 MiB with those of a panel of
// 32 output channels (more only if D > 12,000), and for each thread those of a panel and up to 1.25
// MiB of kernels. It does not decrease with N, as a block is of the same size until all tiles fit.
// Kernels are transformed one column of points at a time and used while they are in the L2 cache;
// they are never whole in memory.
//
// Error, in units of u = 2^-24, per tile: (1) F(in) and the inverse are off by e = kFftStageError *
// log2(h*w) each, relative, in the 2-norm; (2) each point of F(kernel) by t = KW + 3*KH + 9 times
// |kernel|_1: roundings of its chains, sqrt(2) for complex products included; (3) each point of the
// sum by p = 4*(D + 3) times sum |F(in_d)| |F(kernel_dc)|: three chains of D + 3 roundings, whose
// factors are up to sqrt(2) larger than re and im. With |F(kernel)| <= |kernel|_1 at each point and
// |in_d|_2 <= sqrt(h*w) * max |in|, every output is within
//   u * [ sqrt(h*w) * (2*e + t + p) + 1 ] * D*KH*KW * max |in| * max |kernel|,
// a tensorwise scale. grad_weight likewise, by Cauchy-Schwarz over the points of a product, with
// sqrt(cells * outputs of a tile) for each tile, t = sqrt(2) * (h/2 + w + 6) for the inverse at the
// taps and D = a chain's tiles. As a worst case the bound is far from typical errors: 0.1 to 0.4 of
// that scale without its bracket, 3e-7 of the result's root mean square.
//
// Domain: kTransformDomain. A NaN would spoil its whole tile, and a huge value all that is small
// beside it. Points are below 2^10 * 2^24, their sums over up to 2^40 terms below 2^110.
//
// Threads: they transform a block of tiles of the input together, then each multiplies its part of
// the panels to its end, of which the first and the last may be part of the tiles (grad_weight:
// input channels) only. One copy of the input's points leaves more of the L3 cache than one for
// each thread would.
#include <algorithm>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/fft/kernels.hpp"
#include "reprise/conv/fft/plan.hpp"
#include "reprise/conv/operand_domain.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise::fft {
namespace {

constexpr std::size_t kComplexPanel = 2 * kFftPanel;

/// An NHWC tensor's channels of one group; axes as in the plan.
template <class Float>
struct Image {
  Float* data;
  std::size_t height, width, channels;  ///< channels of all groups
};

/// Where a tile lies.
struct TilePlace {
  std::size_t n;
  std::ptrdiff_t h, w;  ///< its first output
};
TilePlace place_of(const FftPlan& plan, std::size_t tile) {
  const std::size_t in_image = tile % plan.tiles_per_image();
  return {tile / plan.tiles_per_image(),
          static_cast<std::ptrdiff_t>(in_image / plan.cut_w.tiles * plan.cut_h.outputs),
          static_cast<std::ptrdiff_t>(in_image % plan.cut_w.tiles * plan.cut_w.outputs)};
}

template <class Float>
FftCells<Float> cells_of(const Image<Float>& image, std::size_t n, FftClip h, FftClip w,
                         std::size_t step_h, std::size_t step_w) {
  const std::size_t row = image.width * image.channels;
  return {image.data + (n * image.height + h.first) * row + w.first * image.channels,
          row,
          image.channels,
          h.cell,
          w.cell,
          h.count,
          w.count,
          step_h,
          step_w};
}

/// The cells of the input under a tile.
FftCells<const float> input_cells(const FftPlan& plan, const Image<const float>& image,
                                  std::size_t tile) {
  const TilePlace at = place_of(plan, tile);
  const FftAxis& h = plan.axis_h;
  const FftAxis& w = plan.axis_w;
  return cells_of(image, at.n, fft_clip(at.h - h.pad, plan.tile.h, h.in_samples, h.in_step),
                  fft_clip(at.w - w.pad, plan.tile.w, w.in_samples, w.in_step), h.in_step,
                  w.in_step);
}

/// The cells of the output that a tile computes.
template <class Float>
FftCells<Float> output_cells(const FftPlan& plan, const Image<Float>& image, std::size_t tile) {
  const TilePlace at = place_of(plan, tile);
  const FftAxis& h = plan.axis_h;
  const FftAxis& w = plan.axis_w;
  return cells_of(image, at.n, fft_clip(at.h, plan.cut_h.outputs, h.out_samples, h.out_step),
                  fft_clip(at.w, plan.cut_w.outputs, w.out_samples, w.out_step), h.out_step,
                  w.out_step);
}

/// What all steps of a pass share. The in points, of a block of tiles, are (point, tile, 2,
/// in_stride). A worker's out points, of one panel, are (tile, point, 2, kFftPanel) or, in
/// grad_weight, (point, tile, 2, kFftPanel).
struct Pass {
  Pass(const ConvShape& pass_shape, ConvPass pass, const ConvResources& resources)
      : shape(pass_shape),
        plan(fft_plan(shape, pass)),
        threads(std::max<std::size_t>(1, resources.threads)),
        work(fft_work(plan, shape, pass, threads)) {
    WorkspacePieces pieces(resources.workspace);
    in_points = pieces.take<float>(work.in_points);
    out_points = pieces.take<float>(work.out_points * threads);
    taps = pieces.take<float>(work.taps * threads);
    kernel = pieces.take<float>(work.kernel * threads);
    magnitudes = resources.magnitudes;
  }
  const ConvShape& shape;
  FftPlan plan;
  std::size_t threads;
  FftWork work;
  float* in_points;
  float *out_points, *taps, *kernel;  ///< of worker 0
  OperandMagnitudes* magnitudes;      ///< may be null

  [[nodiscard]] float* out_points_of(std::size_t worker) const {
    return out_points + worker * work.out_points;
  }
  [[nodiscard]] float* taps_of(std::size_t worker) const { return taps + worker * work.taps; }
  [[nodiscard]] float* kernel_of(std::size_t worker) const { return kernel + worker * work.kernel; }
  [[nodiscard]] FftTaps taps_at() const {
    return {plan.tile, shape.KH, shape.KW, shape.dilation_h, shape.dilation_w};
  }
};

/// A range of tiles or of channels.
struct Range {
  std::size_t begin, count;
};

/// Calls body(range) for consecutive ranges of `size` that make up the whole, the last one may be
/// less.
template <class Body>
void for_ranges(Range whole, std::size_t size, const Body& body) {
  for (std::size_t done = 0; done < whole.count; done += size) {
    body(Range{whole.begin + done, std::min(size, whole.count - done)});
  }
}

/// Part `index` of `parts` of `count` things, in multiples of `unit`.
Range part_of(std::size_t count, std::size_t unit, std::size_t index, std::size_t parts) {
  const std::size_t size = div_ceil(div_ceil(count, unit), parts) * unit;
  const std::size_t begin = std::min(count, index * size);
  return {begin, std::min(size, count - begin)};
}

/// Shares out the panels of output channels times rows, of which there are `count` in multiples of
/// `unit`: calls body(rows, panel, worker) for what each thread has.
template <class Body>
void for_shares(const Pass& pass, std::size_t count, std::size_t unit, const Body& body) {
  const std::size_t channels = pass.plan.out_channels;
  const std::size_t units = div_ceil(count, unit);
  const std::size_t total = units * div_ceil(channels, kFftPanel);
  const std::size_t shares = std::min(pass.threads, total);
  parallel_for(shares, shares, [&](std::size_t share, std::size_t worker) {
    const std::size_t end = (share + 1) * total / shares;
    for (std::size_t at = share * total / shares; at < end;) {
      const std::size_t first = at % units;
      const std::size_t size = std::min(units - first, end - at);
      const Range rows{first * unit, std::min(count - first * unit, size * unit)};
      const std::size_t channel = at / units * kFftPanel;
      body(rows, Range{channel, std::min(kFftPanel, channels - channel)}, worker);
      at += size;
    }
  });
}

/// Keeps the largest magnitude of a tile's cells, before they are transformed.
void record(const FftCells<const float>& cells, std::size_t channels,
            std::atomic<std::uint32_t>& most) {
  raise_to(most, largest_magnitude_bits(ValueRuns{cells.data, cells.count_h, cells.row_stride,
                                                  cells.count_w, cells.column_stride, channels}));
}

/// The in points of a block of tiles, by all threads; `largest` of each image, or null.
void transform_input(const Pass& pass, Range tiles, const Image<const float>& input,
                     std::atomic<std::uint32_t>* largest) {
  const FftPlan& plan = pass.plan;
  const std::size_t channel_parts = tiles.count < pass.threads ? pass.threads : 1;
  parallel_for(pass.threads, tiles.count * channel_parts, [&](std::size_t task, std::size_t) {
    const std::size_t tile = task / channel_parts;
    const Range channels =
        part_of(plan.in_channels, kFftChannelMultiple, task % channel_parts, channel_parts);
    FftCells<const float> cells = input_cells(plan, input, tiles.begin + tile);
    cells.data += channels.begin;
    if (largest != nullptr) {
      record(cells, channels.count, largest[place_of(plan, tiles.begin + tile).n]);
    }
    float* const points = pass.in_points + tile * 2 * plan.in_stride + channels.begin;
    fft2d(plan.tile, channels.count, cells, {points, points + plan.in_stride, pass.work.in_point});
  });
}

/// taps(k, tap, c) = kernel of input channels [depth.begin, +depth.count), a panel's output
/// channels. `weight` points to the group's first output channel.
using PackTaps = void (*)(const ConvShape& shape, Range depth, Range columns, const float* weight,
                          float* taps);

void pack_forward(const ConvShape& s, Range depth, Range columns, const float* weight,
                  float* taps) {
  const std::size_t count = s.KH * s.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    for (std::size_t k = 0; k < depth.count; ++k) {
      const float* from = weight + (tap * (s.IC / s.G) + depth.begin + k) * s.OC + columns.begin;
      float* to = taps + (k * count + tap) * kFftPanel;
      std::fill(std::copy_n(from, columns.count, to), to + kFftPanel, 0.0F);
    }
  }
}

/// Rotated by half a turn; input and output channels change places.
void pack_grad_input(const ConvShape& s, Range depth, Range columns, const float* weight,
                     float* taps) {
  const std::size_t count = s.KH * s.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    const float* from =
        weight + ((count - 1 - tap) * (s.IC / s.G) + columns.begin) * s.OC + depth.begin;
    for (std::size_t k = 0; k < depth.count; ++k) {
      float* to = taps + (k * count + tap) * kFftPanel;
      for (std::size_t c = 0; c < columns.count; ++c) to[c] = from[c * s.OC + k];
      std::fill(to + columns.count, to + kFftPanel, 0.0F);
    }
  }
}

/// The worker's out points of a panel = the in points of some tiles of the block times transformed
/// kernels.
void multiply_panel(const Pass& pass, Range tiles, Range panel, PackTaps pack, const float* weight,
                    std::size_t worker) {
  const FftPlan& plan = pass.plan;
  const FftWork& work = pass.work;
  float* const taps = pass.taps_of(worker);
  float* const kernel = pass.kernel_of(worker);
  for_ranges({0, plan.in_channels}, plan.depth, [&](Range depth) {
    pack(pass.shape, depth, panel, weight, taps);
    if (pass.magnitudes != nullptr) {
      raise_to(
          pass.magnitudes->weight,
          largest_magnitude_bits(taps, depth.count * pass.shape.KH * pass.shape.KW * kFftPanel));
    }
    for (std::size_t v = 0; v <= plan.tile.w / 2; ++v) {
      transform_taps(pass.taps_at(), v, depth.count, panel.count, taps, kernel);
      const std::size_t first = fft_column_begin(plan.tile, v);
      multiply({.points = fft_column_points(plan.tile, v),
                .rows = tiles.count,
                .columns = panel.count,
                .depth = depth.count,
                .a = pass.in_points + first * work.in_point + tiles.begin * 2 * plan.in_stride +
                     depth.begin,
                .a_point = work.in_point,
                .a_row = 2 * plan.in_stride,
                .a_depth = 1,
                .a_imaginary = plan.in_stride,
                .b = kernel,
                .b_point = depth.count * kComplexPanel,
                .c = pass.out_points_of(worker) + first * kComplexPanel,
                .c_point = kComplexPanel,
                .c_row = plan.points * kComplexPanel,
                .accumulate = depth.begin > 0});
    }
  });
}

void transform_output(const Pass& pass, Range tiles, Range panel, const float* bias,
                      const Image<float>& output, std::size_t worker) {
  const FftPlan& plan = pass.plan;
  const float scale = 0.5F / static_cast<float>(plan.tile.h * plan.tile.w);
  const float* points = pass.out_points_of(worker);
  for (std::size_t tile = 0; tile < tiles.count; ++tile, points += plan.points * kComplexPanel) {
    FftCells<float> cells = output_cells(plan, output, tiles.begin + tile);
    cells.data += panel.begin;
    inverse_fft2d(plan.tile, panel.count, {points, points + kFftPanel, kComplexPanel}, scale,
                  bias == nullptr ? nullptr : bias + panel.begin, cells);
  }
}

/// Forward and grad_input of one group.
void correlate(const Pass& pass, PackTaps pack, const Image<const float>& input,
               const float* weight, const float* bias, const Image<float>& output) {
  for_ranges({0, pass.plan.tiles}, pass.plan.block, [&](Range block) {
    transform_input(pass, block, input,
                    pass.magnitudes == nullptr ? nullptr : pass.magnitudes->a.data());
    for_shares(pass, block.count, 1, [&](Range tiles, Range panel, std::size_t worker) {
      multiply_panel(pass, tiles, panel, pack, weight, worker);
      transform_output(pass, {block.begin + tiles.begin, tiles.count}, panel, bias, output, worker);
    });
  });
}

void forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  const Pass pass(s, ConvPass::forward, resources);
  for (std::size_t g = 0; g < s.G; ++g) {
    const std::size_t first = g * pass.plan.out_channels;
    correlate(pass, pack_forward, {input + g * pass.plan.in_channels, s.IH, s.IW, s.IC},
              weight + first, bias + first, {output + first, s.OH, s.OW, s.OC});
  }
}

void grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  const Pass pass(s, ConvPass::grad_input, resources);
  for (std::size_t g = 0; g < s.G; ++g) {
    const std::size_t first = g * pass.plan.in_channels;
    correlate(pass, pack_grad_input, {grad_output + first, s.OH, s.OW, s.OC}, weight + first,
              nullptr, {grad_input + g * pass.plan.out_channels, s.IH, s.IW, s.IC});
  }
}

/// Transforms of grad_output, real and imaginary parts swapped: I times their conjugates.
void transform_grad_output(const Pass& pass, Range tiles, Range panel,
                           const Image<const float>& grad_output, std::size_t worker) {
  const FftPlan& plan = pass.plan;
  float* points = pass.out_points_of(worker);
  for (std::size_t tile = 0; tile < tiles.count; ++tile, points += kComplexPanel) {
    FftCells<const float> cells = output_cells(plan, grad_output, tiles.begin + tile);
    cells.data += panel.begin;
    if (pass.magnitudes != nullptr) {
      record(cells, panel.count, pass.magnitudes->a[place_of(plan, tiles.begin + tile).n]);
    }
    fft2d(plan.tile, panel.count, cells, {points + kFftPanel, points, pass.work.out_point});
  }
}

/// taps(k, tap, c) = a block of tiles' sum, for some input channels and the worker's panel, times
/// 4*h*w: both transforms came with a factor 2.
void reduce_panel(const Pass& pass, std::size_t tiles, Range depth, std::size_t width,
                  std::size_t worker) {
  const FftPlan& plan = pass.plan;
  const FftWork& work = pass.work;
  float* const kernel = pass.kernel_of(worker);
  for (std::size_t v = 0; v <= plan.tile.w / 2; ++v) {
    const std::size_t first = fft_column_begin(plan.tile, v);
    multiply({.points = fft_column_points(plan.tile, v),
              .rows = depth.count,
              .columns = width,
              .depth = tiles,
              .a = pass.in_points + first * work.in_point + depth.begin,
              .a_point = work.in_point,
              .a_row = 1,
              .a_depth = 2 * plan.in_stride,
              .a_imaginary = plan.in_stride,
              .b = pass.out_points_of(worker) + first * work.out_point,
              .b_point = work.out_point,
              .c = kernel,
              .c_point = depth.count * kComplexPanel,
              .c_row = kComplexPanel,
              .accumulate = false});
    invert_taps(pass.taps_at(), v, depth.count, width, kernel, pass.taps_of(worker));
  }
}

/// grad_weight = taps / (4*h*w), or that added to it. `grad_weight` points to the group's first
/// output channel.
void unpack_taps(const Pass& pass, Range depth, Range columns, const float* taps, bool add,
                 float* grad_weight) {
  const FftPlan& plan = pass.plan;
  const float scale = 0.25F / static_cast<float>(plan.tile.h * plan.tile.w);
  const std::size_t count = pass.shape.KH * pass.shape.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    for (std::size_t k = 0; k < depth.count; ++k) {
      const float* from = taps + (k * count + tap) * kFftPanel;
      float* to =
          grad_weight + (tap * plan.in_channels + depth.begin + k) * pass.shape.OC + columns.begin;
      for (std::size_t c = 0; c < columns.count; ++c) {
        to[c] = add ? to[c] + from[c] * scale : from[c] * scale;
      }
    }
  }
}

/// grad_weight of one group; blocks of tiles are added in ascending order.
void reduce(const Pass& pass, const Image<const float>& grad_output,
            const Image<const float>& input, float* grad_weight) {
  const FftPlan& plan = pass.plan;
  for_ranges({0, plan.tiles}, plan.block, [&](Range tiles) {
    transform_input(pass, tiles, input,
                    pass.magnitudes == nullptr ? nullptr : pass.magnitudes->b.data());
    const auto work = [&](Range channels, Range panel, std::size_t worker) {
      transform_grad_output(pass, tiles, panel, grad_output, worker);
      for_ranges(channels, plan.depth, [&](Range depth) {
        reduce_panel(pass, tiles.count, depth, panel.count, worker);
        unpack_taps(pass, depth, panel, pass.taps_of(worker), tiles.begin > 0, grad_weight);
      });
    };
    for_shares(pass, plan.in_channels, kFftChannelMultiple, work);
  });
}

void grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  const Pass pass(s, ConvPass::grad_weight, resources);
  if (pass.plan.tiles == 0) std::fill_n(grad_weight, s.weight_size(), 0.0F);
  for (std::size_t g = 0; g < s.G; ++g) {
    const std::size_t first = g * pass.plan.out_channels;
    reduce(pass, {grad_output + first, s.OH, s.OW, s.OC},
           {input + g * pass.plan.in_channels, s.IH, s.IW, s.IC}, grad_weight + first);
  }
}

/// Outputs that a stride above 1 computes in an image, whether it keeps them or not.
double computed_outputs(const ConvShape& s) {
  const auto along = [](std::size_t outputs, std::size_t stride) {
    return static_cast<double>((outputs - 1) * stride + 1);
  };
  return along(s.OH, s.stride_h) * along(s.OW, s.stride_w);
}

std::string unsupported(const ConvShape& shape, ConvPass pass) {
  constexpr double most_to_leave_out = 0x1p20;
  if (pass != ConvPass::grad_input && computed_outputs(shape) > most_to_leave_out &&
      computed_outputs(shape) > 64.0 * static_cast<double>(shape.OH * shape.OW)) {
    return "stride " + std::to_string(shape.stride_h) + "x" + std::to_string(shape.stride_w) +
           ": it computes every output that a stride of 1 has";
  }
  if (shape.span_h() <= kFftMaxSide && shape.span_w() <= kFftMaxSide) return "";
  return "kernel " + std::to_string(shape.span_h()) + "x" + std::to_string(shape.span_w()) +
         ", dilation included, does not fit the largest tile, " + std::to_string(kFftMaxSide) +
         "x" + std::to_string(kFftMaxSide);
}

std::size_t workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  threads = std::max<std::size_t>(1, threads);
  const FftWork work = fft_work(fft_plan(shape, pass), shape, pass, threads);
  return piece_bytes<float>(work.in_points) + piece_bytes<float>(work.out_points * threads) +
         piece_bytes<float>(work.taps * threads) + piece_bytes<float>(work.kernel * threads);
}

}  // namespace

}  // namespace reprise::fft

namespace reprise {

const ConvAlgorithm& fft_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "fft",
      .summary = "Fourier transforms of overlapping tiles",
      .reproducibility = Reproducibility::portable,
      .error_bound = fft_error_bound,
      .error_scale = ErrorScale::tensorwise,
      .domain = kTransformDomain,
      .unsupported = fft::unsupported,
      .estimated_cost = fft_estimated_cost,
      .workspace_bytes = fft::workspace_bytes,
      .forward = fft::forward,
      .grad_input = fft::grad_input,
      .grad_weight = fft::grad_weight,
  };
  return algorithm;
}

}  // namespace reprise
