/// \file
/// What winograd decides before it computes: variant, tiles, blocks and the places of its
/// workspace. Everything that reaches the bits of a result follows from the size of one image alone
/// (variant, places of tiles) or is the same for all shapes (the length of a chunk). The memory of
/// a pass does not decrease with N: blocks are of the same size until all tiles fit.
#pragma once

#include <cstddef>

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

enum class WinogradVariant {
  f2,  ///< F(2x2, 3x3), tiles of 4x4 points
  f4,  ///< F(4x4, 3x3), tiles of 6x6 points
};

/// Tiles of M x M outputs (forward and grad_weight: of the output; grad_input: of the input).
struct WinogradTiles {
  WinogradVariant variant;
  std::size_t outputs;      ///< M
  std::size_t points;       ///< (M + 2)^2
  std::size_t tiles_h = 0;  ///< rows of tiles of an image
  std::size_t tiles_w = 0;
  std::size_t tiles = 0;  ///< of all images
};

/// The variant with fewer multiplications, tiles that stick out counted whole; F(2x2, 3x3) if
/// equal.
WinogradTiles winograd_tiles(const ConvShape& shape, ConvPass pass);

/// Bound on the error in units of ErrorScale::tensorwise; derived in winograd.cpp.
double winograd_error_bound(const ConvShape& shape, ConvPass pass);

/// Estimated time in multiply-adds of direct.
double winograd_estimated_cost(const ConvShape& shape, ConvPass pass);

/// Blocks of forward and grad_input, one group: per point, (tiles x reduction_length) times
/// (reduction_length x columns).
struct WinogradForwardPlan {
  WinogradTiles tiling;
  std::size_t reduction_length = 0;  ///< channels summed over
  std::size_t columns = 0;           ///< channels of the result
  bool keep_weights = false;         ///< transformed weights of all columns fit the cache
  std::size_t super_tiles = 0;       ///< tiles whose transforms are kept together
  std::size_t task_tiles = 0;        ///< tiles of a task
  std::size_t task_columns = 0;      ///< columns of a task
  std::size_t block_tiles = 0;  ///< tiles and columns multiplied and transformed back at a time
  std::size_t block_columns = 0;
  // Floats from one point's matrix to the next, for any target:
  std::size_t v_stride = 0, u_stride = 0, m_stride = 0;
};
WinogradForwardPlan winograd_forward_plan(const ConvShape& shape, ConvPass pass,
                                          std::size_t threads);

/// Blocks of grad_weight, one group: per point, (rows x tiles) times (tiles x columns).
struct WinogradWeightGradientPlan {
  WinogradTiles tiling;
  std::size_t rows = 0;     ///< input channels
  std::size_t columns = 0;  ///< output channels
  /// Length of a chain, counted through all images; chunks are added in ascending order. The same
  /// for all shapes, or all tiles where they are fewer.
  std::size_t chunk_tiles = 0;
  std::size_t chunks = 0;
  bool chunk_tasks = false;      ///< a task is a chunk; else a chunk is computed by all threads
  std::size_t step_tiles = 0;    ///< tiles whose transforms are kept together
  std::size_t partials = 0;      ///< chunks computed between two additions, if chunk_tasks
  std::size_t task_columns = 0;  ///< columns of a task
  std::size_t task_rows = 0;     ///< rows multiplied and transformed back at a time
  std::size_t v_stride = 0, z_stride = 0, w_stride = 0;
};
WinogradWeightGradientPlan winograd_weight_gradient_plan(const ConvShape& shape,
                                                         std::size_t threads);

std::size_t winograd_workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads);

}  // namespace reprise
