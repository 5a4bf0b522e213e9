#include "reprise/conv/winograd/plan.hpp"

#include <algorithm>
#include <array>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/integer.hpp"

namespace reprise {
namespace {

// Properties of the widest target, so that a workspace's size is the same on all.
constexpr std::size_t kMaxTileRows = 14;
constexpr std::size_t kMaxTileColumns = 32;
constexpr std::size_t kMaxLanes = 16;

// Sizes in bytes that decide blocks, for an L2 cache of 1 MiB and some MiB of L3.
constexpr std::size_t kKeptWeightBytes = std::size_t{1} << 20;
constexpr std::size_t kKeptTileBytes = std::size_t{16} << 20;

constexpr std::size_t kTaskColumns = 64;
constexpr std::size_t kBlockTiles = 56;
constexpr std::size_t kKeptBlockTiles = 14;
constexpr std::size_t kKeptBlockColumns = 32;
constexpr std::size_t kChunkTiles = 256;
constexpr std::size_t kTaskRows = 56;
constexpr std::size_t kStepTiles = 64;

/// At least `floats`, and 9 cache lines past a multiple of 4 KiB, so that the same element of
/// successive points' matrices falls into different sets of the caches.
constexpr std::size_t spread(std::size_t floats) {
  constexpr std::size_t page_lines = 64;
  const std::size_t lines = div_ceil(floats, kMaxLanes);
  return (lines + (page_lines + 9 - lines % page_lines) % page_lines) * kMaxLanes;
}

/// The domain that is divided into tiles.
struct Domain {
  std::size_t h, w;
};
Domain tiled_domain(const ConvShape& shape, ConvPass pass) {
  return pass == ConvPass::grad_input ? Domain{shape.IH, shape.IW} : Domain{shape.OH, shape.OW};
}

WinogradTiles tiles_of(WinogradVariant variant, const ConvShape& shape, ConvPass pass) {
  const std::size_t outputs = variant == WinogradVariant::f2 ? 2 : 4;
  const Domain domain = tiled_domain(shape, pass);
  WinogradTiles result{variant, outputs, (outputs + 2) * (outputs + 2)};
  result.tiles_h = div_ceil(domain.h, outputs);
  result.tiles_w = div_ceil(domain.w, outputs);
  result.tiles = shape.N * result.tiles_h * result.tiles_w;
  return result;
}

/// Roundings on the longest path through one-dimensional transforms, and the amplification
/// (max over outputs k of sum over points i of |A(k,i)| |B(i)|_1 |G(i)|_1)^2, rounded up.
struct TransformError {
  std::size_t roundings;
  double amplification;
};
TransformError transform_error(WinogradVariant variant, ConvPass pass) {
  if (variant == WinogradVariant::f2) {
    return pass == ConvPass::grad_weight ? TransformError{1 + 1 + 2, 36.0}
                                         : TransformError{1 + 2 + 2, 64.0};
  }
  return pass == ConvPass::grad_weight ? TransformError{2 + 4 + 3, 803.0}
                                       : TransformError{2 + 4 + 3, 564.0};
}

}  // namespace

WinogradTiles winograd_tiles(const ConvShape& shape, ConvPass pass) {
  const WinogradTiles f2 = tiles_of(WinogradVariant::f2, shape, pass);
  const WinogradTiles f4 = tiles_of(WinogradVariant::f4, shape, pass);
  const auto products = [](const WinogradTiles& t) { return t.points * t.tiles_h * t.tiles_w; };
  return products(f4) < products(f2) ? f4 : f2;
}

double winograd_error_bound(const ConvShape& shape, ConvPass pass) {
  const WinogradTiles tiling = winograd_tiles(shape, pass);
  const TransformError transforms = transform_error(tiling.variant, pass);
  const std::size_t path = 2 * transforms.roundings;
  if (pass != ConvPass::grad_weight) {
    const std::size_t reduction_length =
        pass == ConvPass::forward ? shape.IC / shape.G : shape.OC / shape.G;
    return rounding_bound(path + reduction_length + 1) * transforms.amplification / 9.0;
  }
  const WinogradWeightGradientPlan blocks = winograd_weight_gradient_plan(shape, 1);
  const double tiles = static_cast<double>(std::max<std::size_t>(tiling.tiles, 1));
  const double terms = static_cast<double>(std::max<std::size_t>(shape.terms(pass), 1));
  return rounding_bound(path + blocks.chunk_tiles + blocks.chunks) * transforms.amplification *
         tiles / terms;
}

namespace {

/// What a tile's products, a tile's transforms (per channel) and a pass over the weights cost, per
/// point, in multiply-adds of direct at its best; fitted as all costs are (docs/performance.md).
struct WinogradFactors {
  double product, transform, weight;
};
// Where transformed weights do not stay in the cache, each pass over them costs most.
constexpr WinogradFactors kKeptProduct{1.1, 11.5, 12.0};
constexpr WinogradFactors kStreamedProduct{1.65, 5.7, 19.0};
constexpr WinogradFactors kKeptReduction{1.6, 9.0, 11.0};
constexpr WinogradFactors kStreamedReduction{1.5, 9.0, 7.0};

}  // namespace

double winograd_estimated_cost(const ConvShape& shape, ConvPass pass) {
  const WinogradTiles tiling = winograd_tiles(shape, pass);
  const auto real = [](std::size_t size) { return static_cast<double>(size); };
  const std::size_t channels =
      round_up(shape.IC / shape.G, kMaxLanes) + round_up(shape.OC / shape.G, kMaxLanes);
  const double transforms = real(tiling.tiles) * real(shape.G * channels);
  const double weights = real(shape.IC / shape.G * shape.OC);
  constexpr std::size_t half_rows = kMaxTileRows / 2;
  const auto cost = [&](const WinogradFactors& f, std::size_t products, std::size_t passes) {
    return real(tiling.points) * (f.product * real(shape.G * products) + f.transform * transforms +
                                  f.weight * real(passes) * weights);
  };
  if (pass == ConvPass::grad_weight) {
    const WinogradWeightGradientPlan r = winograd_weight_gradient_plan(shape, 1);
    const std::size_t products =
        round_up(r.rows, half_rows) * round_up(r.columns, kMaxLanes) * tiling.tiles;
    return cost(r.chunk_tasks ? kKeptReduction : kStreamedReduction, products, r.chunks);
  }
  const WinogradForwardPlan p = winograd_forward_plan(shape, pass, 1);
  const std::size_t products =
      round_up(tiling.tiles, half_rows) * p.reduction_length * round_up(p.columns, kMaxLanes);
  if (p.keep_weights) return cost(kKeptProduct, products, 1);
  return cost(kStreamedProduct, products, div_ceil(tiling.tiles, p.super_tiles));
}

WinogradForwardPlan winograd_forward_plan(const ConvShape& shape, ConvPass pass,
                                          std::size_t threads) {
  WinogradForwardPlan p{.tiling = winograd_tiles(shape, pass)};
  const bool forward = pass == ConvPass::forward;
  p.reduction_length = (forward ? shape.IC : shape.OC) / shape.G;
  p.columns = (forward ? shape.OC : shape.IC) / shape.G;
  const std::size_t tiles = std::max<std::size_t>(p.tiling.tiles, 1);
  const std::size_t point_floats = p.tiling.points * sizeof(float);
  p.keep_weights = point_floats * p.reduction_length * p.columns <= kKeptWeightBytes;
  if (p.keep_weights) {
    p.block_tiles = std::min(kKeptBlockTiles, tiles);
    p.super_tiles = p.task_tiles = p.block_tiles;
    p.task_columns = p.columns;
    p.block_columns = std::min(kKeptBlockColumns, p.columns);
  } else {
    const std::size_t most = std::max<std::size_t>(
        2 * kBlockTiles, kKeptTileBytes / (point_floats * p.reduction_length));
    p.super_tiles = std::min(tiles, most);
    p.block_tiles = std::min(kBlockTiles, p.super_tiles);
    p.task_columns = std::min(kTaskColumns, p.columns);
    p.block_columns = p.task_columns;
    const std::size_t column_tasks = div_ceil(p.columns, p.task_columns);
    const std::size_t parts =
        threads == 1 || column_tasks >= 2 * threads ? 1 : div_ceil(2 * threads, column_tasks);
    p.task_tiles = std::max(p.block_tiles, div_ceil(p.super_tiles, parts));
  }
  const std::size_t block_tiles = round_up(std::max(p.block_tiles, kMaxTileRows), kMaxTileRows);
  p.v_stride = spread((p.super_tiles + kMaxTileRows) * round_up(p.reduction_length, kMaxLanes));
  p.u_stride = spread(p.reduction_length * (p.task_columns + kMaxTileColumns));
  p.m_stride =
      spread(block_tiles * round_up(std::max(p.block_columns, kMaxTileColumns), kMaxLanes));
  return p;
}

WinogradWeightGradientPlan winograd_weight_gradient_plan(const ConvShape& shape,
                                                         std::size_t threads) {
  WinogradWeightGradientPlan r{.tiling = winograd_tiles(shape, ConvPass::grad_weight)};
  r.rows = shape.IC / shape.G;
  r.columns = shape.OC / shape.G;
  const std::size_t tiles = std::max<std::size_t>(r.tiling.tiles, 1);
  r.chunk_tiles = std::min(tiles, kChunkTiles);
  r.chunks = div_ceil(tiles, kChunkTiles);
  const std::size_t weight_bytes = r.tiling.points * r.rows * r.columns * sizeof(float);
  r.chunk_tasks = weight_bytes <= kKeptWeightBytes;
  if (r.chunk_tasks) {
    r.step_tiles = std::min(kStepTiles, r.chunk_tiles);
    r.partials = std::min(r.chunks, 2 * threads);
    r.task_columns = r.columns;
    r.task_rows = round_up(r.rows, kMaxTileRows);
  } else {
    r.step_tiles = r.chunk_tiles;
    r.task_columns = std::min(kTaskColumns, r.columns);
    r.task_rows = std::min(kTaskRows, round_up(r.rows, kMaxTileRows));
  }
  r.v_stride = spread((r.rows + kMaxTileRows) * r.step_tiles);
  r.z_stride = spread((r.task_columns + kMaxTileColumns) * r.step_tiles);
  r.w_stride = spread((r.task_rows + kMaxTileRows) * round_up(r.task_columns, kMaxLanes));
  return r;
}

std::size_t winograd_workspace_bytes(const ConvShape& shape, ConvPass pass, std::size_t threads) {
  const auto matrices = [](const WinogradTiles& tiling, std::size_t stride) {
    return piece_bytes<float>(tiling.points * stride);
  };
  const std::size_t zeros = piece_bytes<float>(round_up(std::max(shape.IC, shape.OC), kMaxLanes));
  if (pass != ConvPass::grad_weight) {
    const WinogradForwardPlan p = winograd_forward_plan(shape, pass, threads);
    const std::size_t v = matrices(p.tiling, p.v_stride);
    const std::size_t u = matrices(p.tiling, p.u_stride);
    const std::size_t m = matrices(p.tiling, p.m_stride);
    return zeros + (p.keep_weights ? u + threads * (v + m) : v + threads * (u + m));
  }
  const WinogradWeightGradientPlan r = winograd_weight_gradient_plan(shape, threads);
  const std::size_t v = matrices(r.tiling, r.v_stride);
  const std::size_t z = matrices(r.tiling, r.z_stride);
  const std::size_t w = matrices(r.tiling, r.w_stride);
  if (!r.chunk_tasks) return zeros + v + threads * (z + w);
  return zeros + threads * (v + z + w) + r.partials * piece_bytes<float>(9 * r.rows * r.columns);
}

}  // namespace reprise
