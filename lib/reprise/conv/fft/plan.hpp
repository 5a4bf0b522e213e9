/// \file
/// What fft.cpp decides before it computes: each pass as a correlation, its tiles and its blocks.
/// All that reaches the bits of a result (tile, depth, chain_tiles) follows from the shape of one
/// image and the channels summed over.
#pragma once

#include <cstddef>

#include "reprise/conv/conv_shape.hpp"
#include "reprise/linalg/fft.hpp"

namespace reprise {

/// One axis of a correlation of samples that lie `in_step` apart, from cell 0 on:
///   out(o) = sum over cells k < span of kernel(k) * in(o + k - pad),
/// computed for all o < out and kept where o is a multiple of out_step.
struct FftAxis {
  std::size_t in_samples, in_step;
  std::ptrdiff_t pad;  ///< may be negative: cells at the border that no output sees
  std::size_t span;    ///< of the kernel, dilation included
  std::size_t out_samples, out_step;

  [[nodiscard]] std::size_t in() const { return (in_samples - 1) * in_step + 1; }
  [[nodiscard]] std::size_t out() const { return (out_samples - 1) * out_step + 1; }
};

/// How an axis is cut: tile t computes outputs [t * outputs, (t+1) * outputs) from as many cells as
/// the tile has, the first being t * outputs - pad. One tile may hold more outputs than tile - span
/// + 1, when what wraps around is padding.
struct FftCut {
  std::size_t outputs = 0;  ///< 0: no tile of this size serves
  std::size_t tiles = 0;
};
FftCut fft_cut(const FftAxis& axis, std::size_t tile);

/// The samples of an axis within a stretch of cells.
struct FftClip {
  std::size_t first;  ///< sample
  std::size_t cell;   ///< of the first sample, counted from the stretch's begin
  std::size_t count;  ///< of samples
};
FftClip fft_clip(std::ptrdiff_t begin, std::size_t cells, std::size_t samples, std::size_t step);

/// Estimated times in multiply-adds of direct at its best.
struct FftCost {
  double input, output;  ///< transforms of their tiles
  double kernels;        ///< their transforms
  double products;
  [[nodiscard]] double sum() const { return input + output + kernels + products; }
};

/// A pass of a convolution, for one group. grad_weight correlates the same axes as forward, its
/// kernel being the unknown.
struct FftPlan {
  FftAxis axis_h, axis_w;
  std::size_t in_channels, out_channels;
  FftTile tile;
  FftCut cut_h, cut_w;
  std::size_t tiles;        ///< of all images
  std::size_t chain_tiles;  ///< of each chain of grad_weight but the last
  std::size_t block;        ///< tiles whose points are kept together: chain_tiles, or all of fewer
  std::size_t depth;        ///< input channels whose kernels are kept together
  std::size_t points;       ///< of a tile
  std::size_t in_stride;    ///< in_channels, padded
  FftCost cost;             ///< estimate for one group

  [[nodiscard]] std::size_t tiles_per_image() const { return cut_h.tiles * cut_w.tiles; }
};

/// The tile with the least estimated cost for a usual number of images and of the result's
/// channels. tile.h is 0 if none serves.
FftPlan fft_plan(const ConvShape& shape, ConvPass pass);

/// Estimated time of all groups in multiply-adds of direct at its best.
double fft_estimated_cost(const ConvShape& shape, ConvPass pass);

/// Bound in units of ErrorScale::tensorwise; derived in fft.cpp.
double fft_error_bound(const ConvShape& shape, ConvPass pass);

/// The memory of a pass, which no bit depends on; none of it decreases with N. All threads
/// transform a block of tiles of the input; then each works on panels of the output.
struct FftWork {
  std::size_t in_point, out_point;  ///< floats from a point of a block of tiles to the next
  std::size_t in_points;            ///< floats: transforms of a block of tiles of the input
  // Of a worker:
  std::size_t out_points;  ///< floats: transforms of a panel of the output (or of grad_output)
  std::size_t taps;        ///< of a panel's kernels
  std::size_t kernel;      ///< of a column of their transforms
};
FftWork fft_work(const FftPlan& plan, const ConvShape& shape, ConvPass pass, std::size_t threads);

}  // namespace reprise
