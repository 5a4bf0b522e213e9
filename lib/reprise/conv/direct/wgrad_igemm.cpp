// Two kernels of `direct`: the gradient of the weights, vector lanes across output channels.
//
// `igemm`: a tile of several rows (values of the window that are neighbours in the source) x up to
// two vectors of output channels stays in registers while its chains run over a block of positions:
// each step broadcasts the rows' source values and multiplies them with one packed row of
// grad_output. The source is read where it is, through one pointer per position; positions at which
// a tap is outside are left out. Tiles of few rows come back to a position soon: where cells are
// long, they read a copy of some positions, whose rows fall into all sets of the L1 cache. A 1x1
// kernel takes all cells one after the other and reads each once, from afar: tiles prefetch the
// cells of the next positions meanwhile.
//
// `padded_rows`, for few channels: some rows of the source are copied with their padding, so that
// every position has all taps, and the rows of grad_weight are taken together as they come,
// whatever tap they belong to; grad_output is read where it is. The last vector of output channels
// overlaps the one before.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/wgrad_igemm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/conv/direct/padded_rows.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/register_tile-inl.hpp"
#include "reprise/linalg/vectors-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_WGRAD_IGEMM_PLAN
#define REPRISE_CONV_DIRECT_WGRAD_IGEMM_PLAN
namespace reprise::direct::wgrad_igemm {
namespace {

constexpr std::size_t kMaxWidth = 32;         // output channels of a panel, on any target
constexpr std::size_t kMaxOutChannels = 512;  // of a block
constexpr std::size_t kMaxRows = 2048;        // of a task
constexpr std::size_t kGradFloats = std::size_t{1} << 17;    // of a block of grad_output: 512 KiB
constexpr std::size_t kSourceFloats = std::size_t{1} << 16;  // of its source, a tap: 256 KiB
constexpr std::size_t kMaxPositions = 1024;                  // of a block
constexpr std::size_t kMinPositions = 128;
constexpr std::size_t kInOrder = 256;      // positions of a block whose cells are in order
constexpr std::size_t kMaxChannels = 256;  // that are read or copied for some positions at a time
constexpr std::size_t kMinCopied = 64;     // channels that are worth a copy
constexpr std::size_t kCopyRow = kMaxChannels + 16;  // floats: an odd number of cache lines

/// How the work of one task is cut; the same for every target.
struct WeightBlocks {
  WeightBlocks(const Correlation& c, std::size_t threads)
      : out_channels(std::min(c.out_channels, kMaxOutChannels)),
        positions(std::min(kMaxPositions, kGradFloats / out_channels)) {
    if (c.reads_cells_in_order()) positions = kInOrder;
    if (c.reduction_length() > c.channels) {  // the taps read the same source, one after the other
      positions = std::min(positions, std::max(kMinPositions, kSourceFloats / c.channels));
    }
    positions = std::clamp<std::size_t>(c.positions(), 1, positions);
    const std::size_t share = div_ceil(c.reduction_length(), 2 * threads);
    rows = threads == 1 ? kMaxRows : std::clamp<std::size_t>(share, 28, kMaxRows);
    rows = std::min(rows, c.reduction_length());
  }
  std::size_t out_channels;  ///< of grad_weight, at a time
  std::size_t positions;     ///< at a time
  std::size_t rows;          ///< of grad_weight, per task
};

/// The scratch of one worker.
struct WeightScratch {
  WeightScratch(WorkspacePieces& pieces, const WeightBlocks& blocks)
      : grad(pieces.take<float>((blocks.out_channels + kMaxWidth) * blocks.positions)),
        cell(pieces.take<const float*>(blocks.positions)),
        h(pieces.take<std::size_t>(blocks.positions)),
        w(pieces.take<std::size_t>(blocks.positions)),
        row(pieces.take<const float*>(blocks.positions)),
        at(pieces.take<std::size_t>(blocks.positions)),
        copy(pieces.take<float>(kMinPositions * kCopyRow)) {}
  float* grad;         ///< panels of (positions, width)
  const float** cell;  ///< (positions): where the position is in the source
  std::size_t* h;      ///< (positions): its coordinates there
  std::size_t* w;
  // Of the positions at which a segment is inside:
  const float** row;  ///< where they read the segment's first row
  std::size_t* at;    ///< their number in the block
  float* copy;        ///< (kMinPositions, kCopyRow): what some of them read
};

/// The task's rows of grad_weight: steps [k_begin, k_end) of the window, cut into segments.
struct WeightTask {
  std::size_t g, k_begin, k_end;
  std::vector<Segment> segments;
};

/// Sets row and at for the positions of a block of `count` at which the segment is inside; returns
/// their number.
std::size_t select_positions(const Correlation& c, const Segment& segment, std::size_t count,
                             const WeightScratch& scratch) {
  std::size_t inside = 0;
  for (std::size_t p = 0; p < count; ++p) {
    scratch.row[inside] = scratch.cell[p] + segment.offset;
    scratch.at[inside] = p;
    inside += scratch.h[p] + static_cast<std::size_t>(segment.h) < c.SH &&
                      scratch.w[p] + static_cast<std::size_t>(segment.w) < c.SW
                  ? 1
                  : 0;
  }
  return inside;
}

/// Sets cell, h and w for positions [begin, begin + count).
void locate_positions(const Correlation& c, const float* source, std::size_t begin,
                      std::size_t count, const WeightScratch& scratch) {
  std::size_t b = begin % c.B;
  std::size_t a = begin / c.B % c.A;
  std::size_t n = begin / c.B / c.A;
  for (std::size_t p = 0; p < count; ++p) {
    scratch.h[p] = a * c.step_h;
    scratch.w[p] = b * c.step_w;
    scratch.cell[p] =
        source + ((n * c.SH + scratch.h[p]) * c.SW + scratch.w[p]) * c.source_channels();
    if (++b < c.B) continue;
    b = 0;
    if (++a < c.A) continue;
    a = 0;
    ++n;
  }
}

constexpr std::size_t kMaxPaddedRows = std::size_t{1} << 11;  // of grad_weight
constexpr std::size_t kMaxPaddedSums = std::size_t{1} << 17;  // floats: 512 KiB
constexpr std::size_t kPaddedPositions = 128;                 // at a time

struct PaddedPlan {
  explicit PaddedPlan(const Correlation& c)
      : padded(c), positions(std::min(kPaddedPositions, padded.band * c.B)) {}
  PaddedRows padded;
  std::size_t positions;  ///< of a block

  /// With the output channels that two vectors share.
  [[nodiscard]] static std::size_t sums(const Correlation& c) {
    return c.reduction_length() * (c.out_channels + kMaxLanes);
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.out_channels >= kMaxLanes && c.reduction_length() <= kMaxPaddedRows &&
           padded.band_floats <= kMaxBandFloats && sums(c) <= kMaxPaddedSums;
  }
};

/// Rows [k_begin, k_end) of a group's grad_weight.
struct PaddedTask {
  std::size_t g, k_begin, k_end;
  [[nodiscard]] std::size_t rows() const { return k_end - k_begin; }
};

/// The scratch of one worker.
struct PaddedScratch {
  PaddedScratch(WorkspacePieces& pieces, const Correlation& c, const PaddedPlan& plan)
      : band(pieces.take<float>(plan.padded.band_floats)),
        sums(pieces.take<float>(PaddedPlan::sums(c))),
        window(pieces.take<const float*>(plan.positions)),
        offsets(pieces.take<std::size_t>(c.reduction_length())) {}
  void fill(const Correlation& c, const PaddedPlan& plan) const {
    for (std::size_t k = 0; k < c.reduction_length(); ++k) {
      const std::size_t tap = k / c.channels;
      offsets[k] = plan.padded.offset(c, tap / c.w.count, tap % c.w.count) + k % c.channels;
    }
  }
  float* band;           ///< (source rows, row)
  float* sums;           ///< (vectors of output channels, rows of the task, lanes)
  const float** window;  ///< (positions)
  std::size_t* offsets;  ///< (reduction_length): where a window has each row's value
};

}  // namespace
}  // namespace reprise::direct::wgrad_igemm
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::wgrad_igemm {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using reprise::HWY_NAMESPACE::continue_chains;
using reprise::HWY_NAMESPACE::for_each_size;
using reprise::HWY_NAMESPACE::for_each_vector;
using reprise::HWY_NAMESPACE::kRegisters;
using reprise::HWY_NAMESPACE::ListedNumbers;
using reprise::HWY_NAMESPACE::load_some;
using reprise::HWY_NAMESPACE::load_sums;
using reprise::HWY_NAMESPACE::PackedVectors;
using reprise::HWY_NAMESPACE::PointedVectors;
using reprise::HWY_NAMESPACE::store_results;
using reprise::HWY_NAMESPACE::store_sums;
using reprise::HWY_NAMESPACE::StridedNumbers;

// Registers: rows x vectors sums, the vectors of grad_output, one source value.
constexpr std::size_t kTileVectors = kRegisters == 32 ? 28 : 12;

// Tiles of few rows come back to the same cache lines soon.
constexpr bool kFewRows = kRegisters < 32;

/// How tiles find the source.
enum class Access {
  pointed,   ///< where it is, through a pointer for each position
  copied,    ///< in the copy
  in_order,  ///< where it is, in cells that follow each other, as grad_output does
};

/// Rows of numbers in memory.
struct Rows {
  const float* first;
  std::size_t stride, count, length;  ///< in floats, rows, floats
  [[nodiscard]] std::size_t lines() const { return count * div_ceil(length, kLine); }
  static constexpr std::size_t kLine = 16;  // floats of a cache line
};

/// What is prefetched while tiles run: all lines of some rows, then those of others, `lines` in
/// each group of `steps` steps.
struct Ahead {
  Rows rows, others;
  std::size_t steps, lines;
  std::size_t at = 0;  ///< of the next line in the rows' first

  HWY_INLINE void prefetch() {
    for (std::size_t i = 0; i < lines; ++i) {
      hwy::Prefetch(rows.first + at);
      at += Rows::kLine;
      if (at < rows.length) continue;
      at = 0;
      rows.first += rows.stride;
      if (--rows.count == 0) rows = others;
    }
  }
};

/// Where a tile's operands are: position p multiplies [0, rows) of its source with
/// grad[at[p] * width], or grad[p * width] if cells are in order.
struct Positions {
  std::size_t count;
  const float* const* row;  ///< their sources, or
  const float* source;      ///< the first one's, and
  std::size_t stride;       ///< from one to the next
  const std::size_t* at;
  const float* grad;
  Ahead* ahead;  ///< if cells are in order
};

/// The source's values of rows first + i, one pointer for each position; those of the next tile are
/// prefetched.
template <std::size_t rows>
struct SourceRows {
  const float* const* HWY_RESTRICT row;
  std::size_t first;
  const float* x = nullptr;

  HWY_INLINE void begin() {
    x = *row + first;
    hwy::Prefetch(x + 2 * rows - 1);
  }
  HWY_INLINE float number(std::size_t i) const { return x[i]; }
  HWY_INLINE void advance() { ++row; }
};

/// Rows of packed vectors, one number for each position.
struct GradRows {
  const float* HWY_RESTRICT grad;
  const std::size_t* HWY_RESTRICT at;
  std::size_t width;

  template <class D>
  HWY_INLINE hn::Vec<D> vector(D d, std::size_t v) const {
    return hn::Load(d, grad + *at * width + v * hn::Lanes(d));
  }
  HWY_INLINE void advance() { ++at; }
};

/// grad_weight(i, :) continues its chains over the positions with rows first + i.
template <Access access, std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Positions& positions, std::size_t first,
                              float* HWY_RESTRICT grad_weight, std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto place = [&](std::size_t i, std::size_t v) {
    return grad_weight + i * row_stride + v * lanes;
  };
  hn::Vec<decltype(d)> acc[rows][vectors];
  load_sums(d, acc, place);
  const GradRows grad{positions.grad, positions.at, vectors * lanes};
  const std::size_t stride = positions.stride;
  if constexpr (access == Access::pointed) {
    continue_chains(d, positions.count, SourceRows<rows>{positions.row, first}, grad, acc);
  } else if constexpr (access == Access::copied) {
    continue_chains(d, positions.count, StridedNumbers{positions.source + first, 1, stride}, grad,
                    acc);
  } else {
    Ahead ahead = *positions.ahead;
    for (std::size_t p = 0; p < positions.count; p += ahead.steps) {
      ahead.prefetch();
      continue_chains(d, std::min(ahead.steps, positions.count - p),
                      StridedNumbers{positions.source + p * stride + first, 1, stride},
                      PackedVectors{positions.grad + p * vectors * lanes, vectors * lanes}, acc);
    }
    *positions.ahead = ahead;
  }
  store_results(d, acc, place);
}

using TileKernel = void (*)(const Positions&, std::size_t, float*, std::size_t);

/// tile_kernel<access, rows, vectors>; rows is at most kTileVectors / vectors.
template <Access access>
TileKernel kernel_for(std::size_t rows, std::size_t vectors) {
  static constexpr auto one =
      for_each_size<kTileVectors>([]<std::size_t n>() { return &tile_kernel<access, n, 1>; });
  static constexpr auto two =
      for_each_size<kTileVectors / 2>([]<std::size_t n>() { return &tile_kernel<access, n, 2>; });
  return vectors == 1 ? one[rows - 1] : two[rows - 1];
}

/// One tile against one panel; output channels <= vectors * lanes.
template <Access access>
void run_tile(std::size_t rows, std::size_t vectors, std::size_t out_channels,
              const Positions& positions, std::size_t first, float* grad_weight,
              std::size_t row_stride) {
  const hn::ScalableTag<float> d;
  const std::size_t width = vectors * hn::Lanes(d);
  const TileKernel kernel = kernel_for<access>(rows, vectors);
  if (out_channels == width) {
    kernel(positions, first, grad_weight, row_stride);
    return;
  }
  HWY_ALIGN float copy[kTileVectors * hn::MaxLanes(d)] = {};
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(grad_weight + i * row_stride, out_channels, copy + i * width);
  }
  kernel(positions, first, copy, width);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(copy + i * width, out_channels, grad_weight + i * row_stride);
  }
}

HWY_INLINE std::size_t panel_vectors(std::size_t left) {
  return left > hn::Lanes(hn::ScalableTag<float>()) ? 2 : 1;
}

/// Packs output channels [j_begin, j_end) of `count` rows of grad_output, OC apart, into panels.
void pack_grad(const float* grad_output, std::size_t OC, std::size_t count, std::size_t j_begin,
               std::size_t j_end, float* HWY_RESTRICT packed) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < count; ++p) {
    float* panel = packed;
    for (std::size_t j = j_begin; j < j_end;) {
      const std::size_t width = panel_vectors(j_end - j) * lanes;
      const std::size_t out_channels = std::min(width, j_end - j);
      const float* const from = grad_output + p * OC + j;
      for (std::size_t v = 0; v < width; v += lanes) {
        hn::Store(load_some(from + v, out_channels - v), d, panel + p * width + v);
      }
      panel += count * width;
      j += out_channels;
    }
  }
}

/// What a position's tiles share: the gradient of output channels [j_begin, j_end) in panels of
/// `count` rows, and grad_weight.
struct GradBlock {
  std::size_t count, j_begin, j_end;
  float* grad_weight;  ///< at the first row
  std::size_t row_stride;
};

/// `length` rows of grad_weight against all panels.
template <Access access>
void run_panels(std::size_t length, Positions positions, const GradBlock& block) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t j = block.j_begin; j < block.j_end;) {
    const std::size_t vectors = panel_vectors(block.j_end - j);
    const std::size_t out_channels = std::min(vectors * lanes, block.j_end - j);
    for_each_part(length, kTileVectors / vectors, [&](std::size_t first, std::size_t end) {
      run_tile<access>(end - first, vectors, out_channels, positions, first,
                       block.grad_weight + first * block.row_stride + j, block.row_stride);
    });
    positions.grad += block.count * vectors * lanes;
    j += out_channels;
  }
}

/// copy(p, i) = row[p][first + i] for p < count, i < length.
void copy_rows(const float* const* row, std::size_t count, std::size_t first, std::size_t length,
               float* HWY_RESTRICT copy) {
  for (std::size_t p = 0; p < count; ++p, copy += kCopyRow) {
    const float* const from = row[p] + first;
    for_each_vector(length, [&](auto d, std::size_t i)
                                HWY_ATTR { hn::StoreU(hn::LoadU(d, from + i), d, copy + i); });
  }
}

/// One segment's rows from copies of its selected positions.
void run_copied(std::size_t length, std::size_t inside, const WeightScratch& scratch,
                const GradBlock& block) {
  for (std::size_t p = 0; p < inside; p += kMinPositions) {
    const std::size_t some = std::min(kMinPositions, inside - p);
    for_each_part(length, kMaxChannels, [&](std::size_t first, std::size_t end) {
      copy_rows(scratch.row + p, some, first, end - first, scratch.copy);
      GradBlock part = block;
      part.grad_weight += first * block.row_stride;
      run_panels<kFewRows ? Access::copied : Access::pointed>(  // the others are never called
          end - first,
          {some, nullptr, scratch.copy, kCopyRow, scratch.at + p, scratch.grad, nullptr}, part);
    });
  }
}

/// One segment's rows from the cells of positions, in order: `source` is the first one's.
void run_in_order(const Correlation& c, std::size_t length, const float* source,
                  const float* grad_output, const WeightScratch& scratch, const GradBlock& block) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::size_t stride = c.source_channels();
  const std::size_t count = block.count;
  const Rows next_grad{grad_output + count * c.r_cell, c.r_cell, count,
                       block.j_end - block.j_begin};
  for_each_part(length, kMaxChannels, [&](std::size_t first, std::size_t end) {
    // Next come the same positions' other channels, or the next positions' first ones.
    const bool last = end == length;
    const Rows next{last ? source + count * stride : source + end, stride, count,
                    std::min(kMaxChannels, last ? length : length - end)};
    constexpr std::size_t steps = 8;
    const std::size_t tiles =
        div_ceil(end - first, kTileVectors / 2) * div_ceil(block.j_end - block.j_begin, 2 * lanes);
    const std::size_t lines = next.lines() + (last ? next_grad.lines() : 0);
    Ahead ahead{next, last ? next_grad : next, steps, div_ceil(lines * steps, tiles * count)};
    GradBlock part = block;
    part.grad_weight += first * block.row_stride;
    run_panels<Access::in_order>(
        end - first, {count, nullptr, source + first, stride, nullptr, scratch.grad, &ahead}, part);
  });
}

/// The task's rows over positions [begin, end) of a block.
void run_part(const Correlation& c, const Operands& data, const WeightTask& task, std::size_t begin,
              std::size_t end, const WeightBlocks& blocks, const WeightScratch& scratch) {
  const std::size_t count = end - begin;
  const float* const source = data.source + task.g * c.channels;
  const bool in_order = c.reads_cells_in_order();
  const bool copied = kFewRows && c.channels >= kMinCopied;
  if (!in_order) locate_positions(c, source, begin, count, scratch);
  for (std::size_t j = 0; j < c.out_channels; j += blocks.out_channels) {
    const std::size_t j_end = std::min(c.out_channels, j + blocks.out_channels);
    const float* const grad_output = data.factor + begin * c.r_cell + task.g * c.out_channels;
    pack_grad(grad_output, c.r_cell, count, j, j_end, scratch.grad);
    for (const Segment& segment : task.segments) {
      const GradBlock block{count, 0, j_end - j,
                            data.result + segment.weight + task.g * c.w_group + j, c.w_channel};
      if (in_order) {
        run_in_order(c, segment.length, source + begin * c.source_channels() + segment.offset,
                     grad_output + j, scratch, block);
        continue;
      }
      const std::size_t inside = select_positions(c, segment, count, scratch);
      if (copied) {
        run_copied(segment.length, inside, scratch, block);
      } else {
        run_panels<Access::pointed>(
            segment.length, {inside, scratch.row, nullptr, 0, scratch.at, scratch.grad, nullptr},
            block);
      }
    }
  }
}

/// The task's rows over the block of positions [begin, end).
void run_positions(const Correlation& c, const Operands& data, const WeightTask& task,
                   std::size_t begin, std::size_t end, const WeightBlocks& blocks,
                   const WeightScratch& scratch) {
  // What tiles of few rows read in order shall stay in the L1 cache.
  const bool few = c.reads_cells_in_order() && (kFewRows || c.channels <= kMaxChannels);
  const std::size_t most = few ? kMinPositions : end - begin;
  for (; begin < end; begin += most) {
    run_part(c, data, task, begin, std::min(end, begin + most), blocks, scratch);
  }
}

// ---- From a padded copy of rows

// Registers: rows x vectors sums, the vectors of grad_output, one source value.
constexpr std::size_t kPaddedTileVectors = kRegisters == 32 ? 24 : 12;

/// A block of positions: window[p], and grad_output at grad + p * grad_stride.
struct PaddedPositions {
  std::size_t count;
  const float* const* window;
  const float* grad;
  std::size_t grad_stride;
};

/// The first output channels of a tile's vectors, and where their sums are.
struct TileOutChannels {
  std::size_t first[2];
  float* sums[2];  ///< (row, lanes)
};

/// The sums of rows 0..rows-1, which read a window at offset[row], go on over the positions.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void padded_tile_kernel(const PaddedPositions& positions, const std::size_t* offset,
                                     const TileOutChannels& out_channels) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto place = [&](std::size_t i, std::size_t v) { return out_channels.sums[v] + i * lanes; };
  hn::Vec<decltype(d)> acc[rows][vectors];
  load_sums(d, acc, place);
  ListedNumbers<rows> source{positions.window, {}};
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) source.offset[i] = offset[i];
  PointedVectors<vectors> grad{{}, positions.grad_stride};
  for (std::size_t v = 0; v < vectors; ++v) grad.first[v] = positions.grad + out_channels.first[v];
  continue_chains(d, positions.count, source, grad, acc);
  store_sums(d, acc, place);
}

using PaddedTileKernel = void (*)(const PaddedPositions&, const std::size_t*,
                                  const TileOutChannels&);

constexpr std::size_t kPaddedMaxRows = kPaddedTileVectors / 2;

/// padded_tile_kernel<rows, vectors>; rows is at most kPaddedMaxRows.
PaddedTileKernel padded_kernel_for(std::size_t rows, std::size_t vectors) {
  static constexpr auto one =
      for_each_size<kPaddedMaxRows>([]<std::size_t n>() { return &padded_tile_kernel<n, 1>; });
  static constexpr auto two =
      for_each_size<kPaddedMaxRows>([]<std::size_t n>() { return &padded_tile_kernel<n, 2>; });
  return vectors == 1 ? one[rows - 1] : two[rows - 1];
}

/// The vectors that cover a group's output channels.
struct OutChannelVectors {
  explicit OutChannelVectors(std::size_t all_out_channels)
      : lanes(hn::Lanes(hn::ScalableTag<float>())),
        out_channels(all_out_channels),
        count(div_ceil(out_channels, lanes)) {}
  std::size_t lanes, out_channels, count;
  [[nodiscard]] std::size_t first(std::size_t vector) const {
    return std::min(vector * lanes, out_channels - lanes);
  }
};

/// All tiles of the task's rows over a block of positions.
void run_padded_tiles(const PaddedTask& task, const PaddedPositions& positions,
                      const OutChannelVectors& vectors, const PaddedScratch& scratch) {
  const std::size_t rows = task.rows();
  for_each_part(rows, kPaddedMaxRows, [&](std::size_t first, std::size_t end) {
    for (std::size_t v = 0; v < vectors.count; v += 2) {
      const std::size_t last = std::min(v + 1, vectors.count - 1);
      const auto sums = [&](std::size_t vector) {
        return scratch.sums + (vector * rows + first) * vectors.lanes;
      };
      padded_kernel_for(end - first, last - v + 1)(
          positions, scratch.offsets + task.k_begin + first,
          {{vectors.first(v), vectors.first(last)}, {sums(v), sums(last)}});
    }
  });
}

/// The gradient of a task's rows over the data's positions.
void sum_padded_rows(const Correlation& c, const PaddedPlan& plan, const Operands& data,
                     const PaddedTask& task, const PaddedScratch& scratch) {
  const OutChannelVectors vectors(c.out_channels);
  std::fill_n(scratch.sums, vectors.count * task.rows() * vectors.lanes, 0.0F);
  const auto add_band = [&](const SourceBand& band, std::size_t begin, std::size_t end) {
    copy_band(c, plan.padded, data.source, band, scratch.band);
    const std::size_t first = (band.n * c.A + band.a_begin) * c.B;
    for (std::size_t p = begin; p < end; p += plan.positions) {
      const std::size_t some = std::min(plan.positions, end - p);
      locate_windows(c, plan.padded, scratch.band, p, some, scratch.window);
      const float* const grad = data.factor + (first + p) * c.r_cell + task.g * c.out_channels;
      run_padded_tiles(task, {some, scratch.window, grad, c.r_cell}, vectors, scratch);
    }
  };
  for_each_band(c, plan.padded, task.g, data.begin, data.end, add_band);
  const hn::ScalableTag<float> d;
  const float* sums = scratch.sums;
  for (std::size_t v = 0; v < vectors.count; ++v) {
    for (std::size_t k = task.k_begin; k < task.k_end; ++k, sums += vectors.lanes) {
      hn::StoreU(hn::Add(hn::Load(d, sums), hn::Zero(d)), d,
                 data.result + k * c.w_channel + task.g * c.w_group + vectors.first(v));
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::wgrad_igemm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::wgrad_igemm {
HWY_EXPORT(run_positions);
HWY_EXPORT(sum_padded_rows);

namespace {

/// Whether no tap of any position is outside the image.
bool needs_no_padding(const Correlation& c) {
  const auto all_inside = [](const TapAxis& axis, const std::vector<AxisClass>& classes) {
    return classes.size() == 1 && classes[0].tap_begin == 0 && classes[0].tap_end == axis.count;
  };
  return all_inside(c.h, axis_classes(c.h, c.A, c.step_h, c.SH)) &&
         all_inside(c.w, axis_classes(c.w, c.B, c.step_w, c.SW));
}

/// Short segments hold few sums.
double cost(const Correlation& c, std::size_t lanes) {
  const double inside = inside_fraction_h(c) * inside_fraction_w(c);
  const double short_segments = 1.0 + 4.0 / static_cast<double>(c.channels);
  return groups_and_positions(c) *
         (inside * static_cast<double>(c.reduction_length()) * in_vectors(c.out_channels, lanes) *
          one_vector_penalty(c.out_channels, lanes) * short_segments);
}

std::size_t workspace_bytes_of(const Correlation& c, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  return scratch_of_workers<WeightScratch>(threads, WeightBlocks(c, threads));
}

void run(const Correlation& c, const Operands& data, std::byte* workspace, std::size_t threads) {
  threads = std::max<std::size_t>(threads, 1);
  const WeightBlocks blocks(c, threads);
  const bool merge = needs_no_padding(c);
  const std::size_t row_blocks = div_ceil(c.reduction_length(), blocks.rows);
  parallel_for(threads, c.G * row_blocks, [&](std::size_t index, std::size_t worker) {
    const auto scratch = take_scratch<WeightScratch>(workspace, worker, blocks);
    const std::size_t k_begin = index % row_blocks * blocks.rows;
    const std::size_t k_end = std::min(c.reduction_length(), k_begin + blocks.rows);
    WeightTask task{index / row_blocks, k_begin, k_end, {}};
    append_segments(c, all_taps(c.h), all_taps(c.w), k_begin, k_end, merge, task.segments);
    for (std::size_t k = k_begin; k < k_end; ++k) {
      std::fill_n(data.result + k * c.w_channel + task.g * c.w_group, c.out_channels, 0.0F);
    }
    for (std::size_t p = data.begin; p < data.end; p += blocks.positions) {
      const std::size_t end = std::min(data.end, p + blocks.positions);
      REPRISE_DISPATCH(run_positions)(c, data, task, p, end, blocks, scratch);
    }
  });
}

bool padded_offered(const Correlation& c) {
  return c.reduction_length() > 0 && PaddedPlan(c).fits(c);
}

/// Broadcasts cost some, a tile of one vector waits for them, and a band is copied.
double padded_cost(const Correlation& c, std::size_t lanes) {
  const PaddedPlan plan(c);
  const std::size_t vectors = div_ceil(c.out_channels, lanes);
  const double tiles = 1.15 * static_cast<double>(vectors) + (vectors % 2 == 1 ? 0.35 : 0.0);
  const auto positions_of_band = static_cast<double>(plan.padded.band * c.B);
  return groups_and_positions(c) *
         (static_cast<double>(lanes) *
          (static_cast<double>(c.reduction_length()) * tiles +
           static_cast<double>(plan.padded.band_floats) / (8.0 * positions_of_band)));
}

std::size_t padded_workspace_bytes(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<PaddedScratch>(threads, c, PaddedPlan(c));
}

void run_padded(const Correlation& c, const Operands& data, std::byte* workspace,
                std::size_t threads) {
  const PaddedPlan plan(c);
  const std::size_t parts = std::min(c.reduction_length(), std::max<std::size_t>(threads, 1));
  parallel_for(threads, c.G * parts, [&](std::size_t index, std::size_t worker) {
    const auto scratch = take_scratch<PaddedScratch>(workspace, worker, c, plan);
    scratch.fill(c, plan);
    const std::size_t part = index % parts;
    const PaddedTask task{index / parts, part * c.reduction_length() / parts,
                          (part + 1) * c.reduction_length() / parts};
    REPRISE_DISPATCH(sum_padded_rows)(c, plan, data, task, scratch);
  });
}

}  // namespace

}  // namespace reprise::direct::wgrad_igemm

namespace reprise::direct {

const Kernel kIgemmWeightGradient{
    .name = "igemm",
    .lanes = "output channels",
    .sum = Sum::weight_gradient,
    .offered = [](const Correlation&) { return true; },
    .cost = wgrad_igemm::cost,
    .unit = 1.05,
    .workspace_bytes = wgrad_igemm::workspace_bytes_of,
    .run = wgrad_igemm::run,
};

const Kernel kPaddedRowsWeightGradient{
    .name = "padded_rows",
    .lanes = "output channels",
    .sum = Sum::weight_gradient,
    .finite_only = FiniteOnly::result,
    .offered = wgrad_igemm::padded_offered,
    .cost = wgrad_igemm::padded_cost,
    .unit = 1.5,
    .workspace_bytes = wgrad_igemm::padded_workspace_bytes,
    .run = wgrad_igemm::run_padded,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
