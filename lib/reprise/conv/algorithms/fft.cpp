// Convolution by Fourier transforms of overlapping tiles (overlap-save; Mathieu, Henaff, LeCun
// 2013; Zlateski et al. 2018 for tiles).
//
// Equation: forward and grad_input are correlations, out(o) = sum over k, d of in_d(o + k - pad) *
// kernel_d(k), with d over channels; grad_input takes grad_output, its cells `stride` apart, for
// the input and the kernel rotated by half a turn. Per tile of h x w cells, F the transform,
//   out_c = inverse F of [ sum over d of F(in_d) * conj F(kernel_dc) ], cells 0..outputs-1,
// and grad_weight = inverse F of [ sum over tiles of F(in_d) * conj F(grad_output_c) ] at the taps.
// A stride above 1 computes all outputs and keeps some.
// Cost: TODO
#include <algorithm>
#include <vector>

#include "reprise/conv/algorithms/fft_kernels.hpp"
#include "reprise/conv/algorithms/fft_plan.hpp"
#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"

namespace reprise {
namespace {

constexpr std::size_t kComplexPanel = 2 * kFftPanel;

/// An NHWC tensor's channels of one group; axes as in the plan.
template <class Float>
struct Image {
  Float* data;
  std::size_t rows, columns, channels;  ///< channels of all groups
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
  const std::size_t row = image.columns * image.channels;
  return {image.data + (n * image.rows + h.first) * row + w.first * image.channels,
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

/// The workspace's pieces. In points are (tile, point, 2, in_stride), out points (panel, tile,
/// point, 2, kFftPanel) or, in grad_weight, (panel, point, tile, 2, kFftPanel).
struct Scratch {
  Scratch(const FftPlan& plan, const ConvShape& shape, const ConvResources& resources)
      : size(fft_workspace(plan, shape)) {
    WorkspacePieces pieces(resources.workspace);
    in_points = pieces.take<float>(size.in_points);
    out_points = pieces.take<float>(size.out_points);
    taps = pieces.take<float>(size.taps * resources.threads);
    kernel = pieces.take<float>(size.kernel * resources.threads);
  }
  FftWorkspace size;
  float *in_points, *out_points;
  float *taps, *kernel;  ///< of worker 0

  [[nodiscard]] float* taps_of(std::size_t worker) const { return taps + worker * size.taps; }
  [[nodiscard]] float* kernel_of(std::size_t worker) const { return kernel + worker * size.kernel; }
};

/// A range of tiles, at most plan.block.
struct Block {
  std::size_t begin, tiles;
};

void transform_input(const FftPlan& plan, Block block, const Image<const float>& input,
                     float* in_points, std::size_t threads) {
  const std::size_t stride = 2 * plan.in_stride * plan.block;
  parallel_for(threads, block.tiles, [&](std::size_t tile, std::size_t) {
    float* const points = in_points + tile * 2 * plan.in_stride;
    fft2d(plan.tile, plan.in_channels, input_cells(plan, input, block.begin + tile),
          {points, points + plan.in_stride, stride});
  });
}

/// Calls body(v) on columns of points [begin, end).
struct Columns {
  std::size_t begin, end;
};

/// Columns of points per task: all, unless panels alone keep too few threads busy.
std::size_t columns_per_task(const FftPlan& plan, std::size_t threads) {
  const std::size_t columns = plan.tile.w / 2 + 1;
  if (threads <= 1) return columns;
  const std::size_t wanted = (4 * threads + plan.out_panels - 1) / plan.out_panels;
  return std::max<std::size_t>(1, columns / wanted);
}

FftTaps taps_of(const FftPlan& plan, const ConvShape& shape) {
  return {plan.tile, shape.KH, shape.KW, shape.dilation_h, shape.dilation_w};
}

std::size_t panel_columns(const FftPlan& plan, std::size_t panel) {
  return std::min(kFftPanel, plan.out_channels - panel * kFftPanel);
}

/// taps(d, tap, c) = kernel of input channels [depth_begin, +depth), a panel's output channels.
using PackTaps = void (*)(const ConvShape& shape, std::size_t group, std::size_t depth_begin,
                          std::size_t depth, std::size_t column_begin, std::size_t columns,
                          const float* weight, float* taps);

void pack_forward(const ConvShape& s, std::size_t group, std::size_t depth_begin, std::size_t depth,
                  std::size_t column_begin, std::size_t columns, const float* weight, float* taps) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t count = s.KH * s.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float* from =
          weight + (tap * ICg + depth_begin + k) * s.OC + group * (s.OC / s.G) + column_begin;
      float* to = taps + (k * count + tap) * kFftPanel;
      std::fill(std::copy_n(from, columns, to), to + kFftPanel, 0.0F);
    }
  }
}

/// Rotated by half a turn; input and output channels change places.
void pack_grad_input(const ConvShape& s, std::size_t group, std::size_t depth_begin,
                     std::size_t depth, std::size_t column_begin, std::size_t columns,
                     const float* weight, float* taps) {
  const std::size_t ICg = s.IC / s.G;
  const std::size_t count = s.KH * s.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    const float* from = weight + ((count - 1 - tap) * ICg + column_begin) * s.OC +
                        group * (s.OC / s.G) + depth_begin;
    for (std::size_t k = 0; k < depth; ++k) {
      float* to = taps + (k * count + tap) * kFftPanel;
      for (std::size_t c = 0; c < columns; ++c) to[c] = from[c * s.OC + k];
      std::fill(to + columns, to + kFftPanel, 0.0F);
    }
  }
}

/// out points = in points times transformed kernels, for one panel and some columns of points.
void multiply_panel(const FftPlan& plan, const ConvShape& shape, std::size_t tiles,
                    std::size_t group, std::size_t panel, Columns columns, PackTaps pack,
                    const float* weight, const Scratch& scratch, std::size_t worker) {
  const FftTaps at = taps_of(plan, shape);
  const std::size_t width = panel_columns(plan, panel);
  float* const taps = scratch.taps_of(worker);
  float* const kernel = scratch.kernel_of(worker);
  for (std::size_t d = 0; d < plan.in_channels; d += plan.depth) {
    const std::size_t depth = std::min(plan.depth, plan.in_channels - d);
    pack(shape, group, d, depth, panel * kFftPanel, width, weight, taps);
    for (std::size_t v = columns.begin; v < columns.end; ++v) {
      transform_taps(at, v, depth, width, taps, kernel);
      const std::size_t first = fft_column_begin(plan.tile, v);
      const std::size_t in_point = 2 * plan.in_stride * plan.block;
      multiply(
          {.points = fft_column_points(plan.tile, v),
           .rows = tiles,
           .columns = width,
           .depth = depth,
           .a = scratch.in_points + first * in_point + d,
           .a_point = in_point,
           .a_row = 2 * plan.in_stride,
           .a_depth = 1,
           .a_imaginary = plan.in_stride,
           .b = kernel,
           .b_point = depth * kComplexPanel,
           .c = scratch.out_points + (panel * plan.block * plan.points + first) * kComplexPanel,
           .c_point = kComplexPanel,
           .c_row = plan.points * kComplexPanel,
           .accumulate = d > 0});
    }
  }
}

void multiply_all(const FftPlan& plan, const ConvShape& shape, std::size_t tiles, std::size_t group,
                  PackTaps pack, const float* weight, const Scratch& scratch, std::size_t threads) {
  const std::size_t columns = plan.tile.w / 2 + 1;
  const std::size_t per_task = columns_per_task(plan, threads);
  const std::size_t parts = (columns + per_task - 1) / per_task;
  parallel_for(threads, plan.out_panels * parts, [&](std::size_t task, std::size_t worker) {
    const std::size_t begin = task % parts * per_task;
    multiply_panel(plan, shape, tiles, group, task / parts,
                   {begin, std::min(columns, begin + per_task)}, pack, weight, scratch, worker);
  });
}

void transform_output(const FftPlan& plan, Block block, const float* out_points, const float* bias,
                      const Image<float>& output, std::size_t threads) {
  const float scale = 0.5F / static_cast<float>(plan.tile.h * plan.tile.w);
  parallel_for(threads, block.tiles * plan.out_panels, [&](std::size_t task, std::size_t) {
    const std::size_t tile = task / plan.out_panels;
    const std::size_t panel = task % plan.out_panels;
    const float* const points =
        out_points + (panel * plan.block + tile) * plan.points * kComplexPanel;
    FftCells<float> cells = output_cells(plan, output, block.begin + tile);
    cells.data += panel * kFftPanel;
    inverse_fft2d(plan.tile, panel_columns(plan, panel),
                  {points, points + kFftPanel, kComplexPanel}, scale,
                  bias == nullptr ? nullptr : bias + panel * kFftPanel, cells);
  });
}

/// Calls body(block) for all blocks of tiles in ascending order.
template <class Body>
void for_blocks(const FftPlan& plan, const Body& body) {
  for (std::size_t begin = 0; begin < plan.tiles; begin += plan.block) {
    body(Block{begin, std::min(plan.block, plan.tiles - begin)});
  }
}

/// Forward and grad_input.
void correlate(ConvPass pass, const ConvShape& shape, Image<const float> input, const float* weight,
               const float* bias, Image<float> output, const ConvResources& resources) {
  const FftPlan plan = fft_plan(shape, pass);
  const Scratch scratch(plan, shape, resources);
  const PackTaps pack = pass == ConvPass::forward ? pack_forward : pack_grad_input;
  for (std::size_t group = 0; group < shape.G; ++group) {
    for_blocks(plan, [&](Block block) {
      transform_input(plan, block, input, scratch.in_points, resources.threads);
      multiply_all(plan, shape, block.tiles, group, pack, weight, scratch, resources.threads);
      transform_output(plan, block, scratch.out_points, bias, output, resources.threads);
    });
    input.data += plan.in_channels;
    output.data += plan.out_channels;
    if (bias != nullptr) bias += plan.out_channels;
  }
}

void forward(const ConvShape& s, const float* input, const float* weight, const float* bias,
             float* output, const ConvResources& resources) {
  correlate(ConvPass::forward, s, {input, s.IH, s.IW, s.IC}, weight, bias,
            {output, s.OH, s.OW, s.OC}, resources);
}

void grad_input(const ConvShape& s, const float* grad_output, const float* weight,
                float* grad_input, const ConvResources& resources) {
  correlate(ConvPass::grad_input, s, {grad_output, s.OH, s.OW, s.OC}, weight, nullptr,
            {grad_input, s.IH, s.IW, s.IC}, resources);
}

/// Transforms of grad_output, real and imaginary parts swapped: I times their conjugates.
void transform_grad_output(const FftPlan& plan, Block block, const Image<const float>& grad_output,
                           float* out_points, std::size_t threads) {
  const std::size_t stride = plan.block * kComplexPanel;
  parallel_for(threads, block.tiles * plan.out_panels, [&](std::size_t task, std::size_t) {
    const std::size_t tile = task / plan.out_panels;
    const std::size_t panel = task % plan.out_panels;
    float* const points = out_points + panel * plan.points * stride + tile * kComplexPanel;
    FftCells<const float> cells = output_cells(plan, grad_output, block.begin + tile);
    cells.data += panel * kFftPanel;
    fft2d(plan.tile, panel_columns(plan, panel), cells, {points + kFftPanel, points, stride});
  });
}

/// grad_weight of `depth` input channels from d on and a panel = a block of tiles' share (the first
/// block's), or that added to it.
void reduce_panel(const FftPlan& plan, const ConvShape& s, Block block, std::size_t group,
                  std::size_t d, std::size_t panel, float* grad_weight, const Scratch& scratch,
                  std::size_t worker) {
  const FftTaps at = taps_of(plan, s);
  const std::size_t depth = std::min(plan.depth, plan.in_channels - d);
  const std::size_t width = panel_columns(plan, panel);
  const std::size_t in_point = 2 * plan.in_stride * plan.block;
  const std::size_t out_point = plan.block * kComplexPanel;
  float* const taps = scratch.taps_of(worker);
  float* const kernel = scratch.kernel_of(worker);
  for (std::size_t v = 0; v <= plan.tile.w / 2; ++v) {
    const std::size_t first = fft_column_begin(plan.tile, v);
    multiply({.points = fft_column_points(plan.tile, v),
              .rows = depth,
              .columns = width,
              .depth = block.tiles,
              .a = scratch.in_points + first * in_point + d,
              .a_point = in_point,
              .a_row = 1,
              .a_depth = 2 * plan.in_stride,
              .a_imaginary = plan.in_stride,
              .b = scratch.out_points + (panel * plan.points + first) * out_point,
              .b_point = out_point,
              .c = kernel,
              .c_point = depth * kComplexPanel,
              .c_row = kComplexPanel,
              .accumulate = false});
    invert_taps(at, v, depth, width, kernel, taps);
  }
  // Both transforms came with a factor 2.
  const float scale = 0.25F / static_cast<float>(plan.tile.h * plan.tile.w);
  const std::size_t count = s.KH * s.KW;
  for (std::size_t tap = 0; tap < count; ++tap) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float* from = taps + (k * count + tap) * kFftPanel;
      float* to = grad_weight + (tap * plan.in_channels + d + k) * s.OC +
                  group * plan.out_channels + panel * kFftPanel;
      for (std::size_t c = 0; c < width; ++c) {
        const float share = from[c] * scale;
        to[c] = block.begin == 0 ? share : to[c] + share;
      }
    }
  }
}

void grad_weight(const ConvShape& s, const float* grad_output, const float* input,
                 float* grad_weight, const ConvResources& resources) {
  const FftPlan plan = fft_plan(s, ConvPass::grad_weight);
  const Scratch scratch(plan, s, resources);
  if (plan.tiles == 0) std::fill_n(grad_weight, s.weight_size(), 0.0F);
  const std::size_t depth_parts = (plan.in_channels + plan.depth - 1) / plan.depth;
  for (std::size_t group = 0; group < s.G; ++group) {
    for_blocks(plan, [&](Block block) {
      transform_input(plan, block, {input + group * plan.in_channels, s.IH, s.IW, s.IC},
                      scratch.in_points, resources.threads);
      transform_grad_output(plan, block,
                            {grad_output + group * plan.out_channels, s.OH, s.OW, s.OC},
                            scratch.out_points, resources.threads);
      parallel_for(resources.threads, depth_parts * plan.out_panels,
                   [&](std::size_t task, std::size_t worker) {
                     reduce_panel(plan, s, block, group, task % depth_parts * plan.depth,
                                  task / depth_parts, grad_weight, scratch, worker);
                   });
    });
  }
}

std::string unsupported(const ConvShape& shape, ConvPass) {
  if (shape.span_h() <= kFftMaxSide && shape.span_w() <= kFftMaxSide) return "";
  return "kernel " + std::to_string(shape.span_h()) + "x" + std::to_string(shape.span_w()) +
         ", dilation included, does not fit the largest tile, " + std::to_string(kFftMaxSide) +
         "x" + std::to_string(kFftMaxSide);
}

std::size_t workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  const FftWorkspace floats = fft_workspace(fft_plan(shape, pass), shape);
  return piece_bytes<float>(floats.in_points) + piece_bytes<float>(floats.out_points) +
         piece_bytes<float>(floats.taps * threads) + piece_bytes<float>(floats.kernel * threads);
}

double error_bound(const ConvShape&, ConvPass) {
  return 1e6;
}

}  // namespace

const ConvAlgorithm& fft_algorithm() {
  static constexpr ConvAlgorithm algorithm{
      .name = "fft",
      .summary = "Fourier transforms of overlapping tiles",
      .reproducibility = Reproducibility::portable,
      .error_bound = error_bound,
      .error_scale = ErrorScale::tensorwise,
      .unsupported = unsupported,
      .estimated_cost = fft_estimated_cost,
      .workspace_bytes = workspace_bytes,
      .forward = forward,
      .grad_input = grad_input,
      .grad_weight = grad_weight,
  };
  return algorithm;
}

}  // namespace reprise
