// A kernel of `direct`: correlations with vector lanes across the output channels of the result.
//
// A tile of up to kRows positions x up to kMaxVectors vectors of output channels stays in registers
// while its chains run: each step broadcasts one source value per position and multiplies it with
// the vectors of one row of weights. Source values are read where they are, through one pointer per
// position, and so are weights whose rows fill vectors and lie next to each other, or near if few
// positions use them; others are packed. The positions of a tile have the same taps inside the
// image, so that padding costs nothing. Output channels and chains are cut into blocks whose
// weights stay in the L2 cache while all tiles of a task pass; a later block of a chain goes on
// from the result in memory. The chains of 1x1 kernels are short and their tensors come from far:
// where cells follow each other, tiles do without pointers, and prefetch what the next one needs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/igemm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_IGEMM_PLAN
#define REPRISE_CONV_DIRECT_IGEMM_PLAN
namespace reprise::direct::igemm {
namespace {

constexpr std::size_t kMaxOutChannels = 64;    // of a block: a panel of the widest vectors
constexpr std::size_t kMaxBlockLength = 1024;  // of a block

/// Floats of a row of packed weights, or of starts, for `out_channels` output channels.
std::size_t packed_row(std::size_t out_channels) {
  return round_up(out_channels, kMaxLanes);
}

/// Whether the weights of the chain's steps are rows, w_channel apart, that fill vectors and need
/// no packing for this many positions. Rows that lie far apart fall into few sets of the caches and
/// into a page each: they are packed, unless few positions use them. So are vectors that are not
/// aligned: each takes two cache lines every time that it is read, a fifth of the time.
bool weights_are_rows(const Correlation& c, const float* weight, std::size_t positions) {
  constexpr std::size_t few = 256;
  constexpr std::size_t near = 192;
  if (c.w_channel <= 1 || c.out_channels % kMaxLanes != 0) return false;  // not of a forward pass
  if (positions < few) return c.w_channel <= near;
  const bool aligned = reinterpret_cast<std::uintptr_t>(weight) % (kMaxLanes * sizeof(float)) == 0;
  return aligned && c.w_channel <= kMaxOutChannels;
}

/// Whether position p reads the source's cell p alone and has the result's cell p.
bool cells_follow(const Correlation& c) {
  return c.reads_cells_in_order() && c.r_row == c.B * c.r_cell && c.r_image == c.A * c.r_row;
}

/// How a task's output channels and chains are cut; the same for every target.
struct IgemmBlocks {
  explicit IgemmBlocks(const Correlation& c)
      : out_channels(std::min(c.out_channels, kMaxOutChannels)),
        length(std::clamp<std::size_t>(c.reduction_length(), 1, kMaxBlockLength)),
        packed(length * packed_row(out_channels)) {}
  std::size_t out_channels;  ///< of the result, at a time
  std::size_t length;        ///< steps of the chain, at a time
  std::size_t packed;        ///< floats of packed weights
};

/// The scratch of one worker.
struct IgemmScratch {
  IgemmScratch(WorkspacePieces& pieces, const IgemmBlocks& blocks)
      : weights(pieces.take<float>(blocks.packed)),
        start(pieces.take<float>(packed_row(blocks.out_channels))) {}
  float* weights;  ///< (length, packed_row)
  float* start;    ///< (out_channels), zeros beyond those of the result
};

/// One block of the chains of one block of output channels.
struct Block {
  std::size_t k_begin, k_end, j_begin, j_end;
};

}  // namespace
}  // namespace reprise::direct::igemm
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::igemm {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using direct::HWY_NAMESPACE::read_lanes;
using reprise::HWY_NAMESPACE::continue_chains;
using reprise::HWY_NAMESPACE::kRegisters;
using reprise::HWY_NAMESPACE::load_sums;
using reprise::HWY_NAMESPACE::PointedNumbers;
using reprise::HWY_NAMESPACE::RowVectors;
using reprise::HWY_NAMESPACE::store_results;
using reprise::HWY_NAMESPACE::StridedNumbers;

// Registers: rows x vectors sums, the vectors of one row of weights, one source value. A tile has
// kRows positions; panels of more vectors take it in parts.
constexpr std::size_t kRows = 12;
constexpr std::size_t kTileVectors = kRegisters == 32 ? 24 : 12;
constexpr std::size_t kMaxVectors = kTileVectors / 6;
constexpr std::size_t rows_of(std::size_t vectors) {
  return std::min(kRows, kTileVectors / vectors);
}

constexpr std::size_t kPrefetchedSteps = 16;  // a cache line

/// A tile's positions.
struct Tile {
  const float* cell[kRows];  ///< the source at the position, the group's channel 0
  float* result[kRows];      ///< at the group's output channel 0
  std::size_t count;         ///< the others repeat the last
  std::size_t ahead;         ///< to the next tile's source, in floats; 0 if it is here already
};

/// The weights of a block: of step k and output channel j, both counted from the block's first, at
/// k * row + j.
struct BlockWeights {
  const float* first;
  std::size_t row;
};

/// What the kernels need to know of one panel: output channels [begin, begin +
/// out_channels) of the group.
struct Panel {
  const std::vector<Segment>& segments;
  std::size_t first_k;   ///< of the block
  BlockWeights weights;  ///< from the panel's first output channel on
  const float* start;    ///< (vectors * lanes), or null if the chains go on from the result
  std::size_t begin, out_channels;
  std::size_t ahead;  ///< to the source of the next tile, if it shall be prefetched
};

/// Continues the chains of rows [first, first + rows) of the tile, from[i] to to[i] (each vectors *
/// lanes), over the panel's segments.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Panel& panel, const float* const* cell,
                              const float* const* from, float* const* to) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = hn::LoadU(d, from[i] + v * lanes);
      hwy::Prefetch(to[i] + v * lanes);  // to be there when it is stored
    }
  }
  PointedNumbers<rows> source{{}, 1};
  std::copy_n(cell, rows, source.row);
  for (const Segment& segment : panel.segments) {
    source.at = segment.offset;
    const std::size_t row = panel.weights.row;
    RowVectors weights{panel.weights.first + (segment.k - panel.first_k) * row, row};
    if (panel.ahead == 0) {
      continue_chains(d, segment.length, source, weights, acc);
      continue;
    }
    for (std::size_t left = segment.length; left > 0;) {
      for (std::size_t i = 0; i < rows; ++i) {
        hwy::Prefetch(source.row[i] + source.at + static_cast<std::ptrdiff_t>(panel.ahead));
      }
      const std::size_t steps = std::min(kPrefetchedSteps, left);
      continue_chains(d, steps, source, weights, acc);
      source.at += static_cast<std::ptrdiff_t>(steps);
      weights.at += steps * row;
      left -= steps;
    }
  }
  store_results(d, acc, [&](std::size_t i, std::size_t v) { return to[i] + v * lanes; });
}

/// kRows positions whose cells follow each other in the source, and in the result; the panel's part
/// of it.
struct Cells {
  const float* source;  ///< the first one's, at the block's first step
  std::size_t source_stride;
  float* result;  ///< the first one's, at the panel's first output channel
  std::size_t result_stride;
  std::size_t length;  ///< of the block's chains
};

/// The same for rows [first, first + rows) of the cells; prefetches those of the next kRows.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void cells_kernel(const Panel& panel, const Cells& cells, std::size_t first) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t stride = cells.source_stride;
  const float* const source = cells.source + first * stride;
  float* const result = cells.result + first * cells.result_stride;
  const auto place = [&](std::size_t i, std::size_t v) {
    return result + i * cells.result_stride + v * lanes;
  };
  hn::Vec<decltype(d)> acc[rows][vectors];
  if (panel.start != nullptr) {
    load_sums(d, acc, [&](std::size_t, std::size_t v) { return panel.start + v * lanes; });
  } else {
    load_sums(d, acc, place);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < vectors * lanes; j += kPrefetchedSteps) {
      hwy::Prefetch(result + (kRows + i) * cells.result_stride + j);
    }
  }
  RowVectors weights{panel.weights.first, panel.weights.row};
  if (panel.ahead == 0) {
    continue_chains(d, cells.length, StridedNumbers{source, stride, 1}, weights, acc);
  } else {
    for (std::size_t k = 0; k < cells.length; k += kPrefetchedSteps) {
      for (std::size_t i = 0; i < rows; ++i) hwy::Prefetch(source + k + i * stride + panel.ahead);
      const std::size_t steps = std::min(kPrefetchedSteps, cells.length - k);
      continue_chains(d, steps, StridedNumbers{source + k, stride, 1}, weights, acc);
      weights.at += steps * weights.step_stride;
    }
  }
  store_results(d, acc, place);
}

/// The panel for rows [first, first + rows) of the tile.
template <std::size_t vectors>
void run_rows(const Panel& panel, const Tile& tile, std::size_t first) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t rows = rows_of(vectors);
  const std::size_t width = vectors * hn::Lanes(d);
  HWY_ALIGN float copy[rows * vectors * hn::MaxLanes(d)];
  const std::size_t count = std::min(rows, tile.count - first);
  const bool whole = panel.out_channels == width;
  const float* from[rows];
  float* to[rows];
  for (std::size_t i = 0; i < rows; ++i) {
    float* const result = tile.result[first + i] + panel.begin;
    // Positions that are missing in the last tile are computed and dropped.
    to[i] = whole && i < count ? result : copy + i * width;
    from[i] = panel.start != nullptr ? panel.start : to[i];
    if (panel.start == nullptr && to[i] != result) std::copy_n(result, panel.out_channels, to[i]);
  }
  constexpr std::size_t half = rows / 2;
  constexpr std::size_t few = rows / 4;
  const auto kernel = count > half  ? tile_kernel<rows, vectors>
                      : count > few ? tile_kernel<half, vectors>
                                    : tile_kernel<few, vectors>;
  kernel(panel, tile.cell + first, from, to);
  if (whole) return;
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(to[i], panel.out_channels, tile.result[first + i] + panel.begin);
  }
}

template <std::size_t vectors>
void run_panel(const Panel& panel, const Tile& tile) {
  for (std::size_t first = 0; first < tile.count; first += rows_of(vectors)) {
    run_rows<vectors>(panel, tile, first);
  }
}

/// The vectors of the panel that begins with `left` output channels to go.
HWY_INLINE std::size_t panel_vectors(std::size_t left) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  if (kMaxVectors == 4 && left > 3 * lanes) return 4;
  return left > lanes ? 2 : 1;
}

/// packed(k, i) = from(k + i * out_channel_stride) for k < length, i < count; anything for count <=
/// i < row. By blocks of steps, so that a cache line is read once: with 512 channels a output
/// channel apart, lines of all output channels fall into two sets of the cache and would not stay
/// there.
void pack_transposed(const float* from, std::size_t length, std::size_t count,
                     std::size_t out_channel_stride, std::size_t row, float* HWY_RESTRICT packed) {
  constexpr std::size_t kSteps = 16;
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t first = 0; first < length; first += kSteps) {
    const std::size_t steps = std::min(kSteps, length - first);
    for (std::size_t i = 0; i < count; ++i) {
      hwy::Prefetch(from + first + kSteps + i * out_channel_stride);  // for the next steps
    }
    for (std::size_t i = 0; i < count; i += lanes) {
      read_lanes(from + first + i * out_channel_stride, out_channel_stride,
                 std::min(lanes, count - i), steps, packed + first * row + i, row);
    }
  }
}

/// Packs the weights of a block, with zeros from its last output channel to the end of a row.
void pack_weights(const Correlation& c, const float* weight, const Block& block, std::size_t row,
                  float* HWY_RESTRICT packed) {
  const std::size_t count = block.j_end - block.j_begin;
  std::vector<Segment> taps;
  append_segments(c, all_taps(c.h), all_taps(c.w), block.k_begin, block.k_end, false, taps);
  for (const Segment& segment : taps) {
    const float* from = weight + segment.weight + block.j_begin * c.w_out_channel;
    const bool transposed = c.w_channel == 1;  // or w_out_channel is
    if (transposed) pack_transposed(from, segment.length, count, c.w_out_channel, row, packed);
    for (std::size_t k = 0; k < segment.length; ++k, packed += row, from += c.w_channel) {
      if (!transposed) std::copy_n(from, count, packed);
      std::fill(packed + count, packed + row, 0.0F);
    }
  }
}

/// The weights of a block of the task's group: where they are, or packed into the scratch.
BlockWeights block_weights(const Correlation& c, const float* weight, const PositionRange& task,
                           const Block& block, const IgemmScratch& scratch) {
  const float* const group = weight + task.g * c.w_group;
  const std::size_t positions = (task.n_end - task.n_begin) * (task.a_end - task.a_begin) * c.B;
  if (weights_are_rows(c, group, positions)) {
    return {group + block.k_begin * c.w_channel + block.j_begin, c.w_channel};
  }
  const std::size_t row = packed_row(block.j_end - block.j_begin);
  pack_weights(c, group, block, row, scratch.weights);
  return {scratch.weights, row};
}

/// Calls run(panel, its vectors as a constant) for all panels of a block; `ahead` is the first's.
template <class Run>
void for_each_panel(const std::vector<Segment>& segments, const Block& block,
                    const BlockWeights& weights, const float* start, std::size_t ahead,
                    const Run& run) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t j = block.j_begin; j < block.j_end;) {
    const std::size_t vectors = panel_vectors(block.j_end - j);
    const std::size_t out_channels = std::min(vectors * lanes, block.j_end - j);
    const std::size_t at = j - block.j_begin;
    const Panel panel{.segments = segments,
                      .first_k = block.k_begin,
                      .weights = {weights.first + at, weights.row},
                      .start = block.k_begin == 0 ? start + at : nullptr,
                      .begin = j,
                      .out_channels = out_channels,
                      .ahead = at == 0 ? ahead : 0};
    if (vectors == 1) run(panel, std::integral_constant<std::size_t, 1>());
    if (vectors == 2) run(panel, std::integral_constant<std::size_t, 2>());
    if (vectors == 4) run(panel, std::integral_constant<std::size_t, kMaxVectors>());
    j += out_channels;
  }
}

/// All panels of one tile for one block.
void run_tile(const std::vector<Segment>& segments, const Tile& tile, const Block& block,
              const BlockWeights& weights, const float* start) {
  for_each_panel(segments, block, weights, start, tile.ahead,
                 [&](const Panel& panel, auto vectors) { run_panel<vectors()>(panel, tile); });
}

/// The task's positions by kRows, where their cells follow each other and panels are whole; returns
/// how many positions that are.
std::size_t run_cells(const Correlation& c, const Operands& data, const PositionRange& task,
                      const Block& block, const BlockWeights& weights, const float* start,
                      const std::vector<Segment>& segments) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  if (!cells_follow(c) || (block.j_end - block.j_begin) % lanes != 0) return 0;
  const std::size_t begin = (task.n_begin * c.A + task.a_begin) * c.B;
  const std::size_t positions = (task.n_end - task.n_begin) * (task.a_end - task.a_begin) * c.B;
  const float* source = data.source + begin * c.source_channels() + task.g * c.channels;
  float* result = data.result + c.r_first + begin * c.r_cell + task.g * c.out_channels;
  std::size_t position = 0;
  for (; position + kRows <= positions; position += kRows) {
    for_each_panel(segments, block, weights, start, kRows * c.source_channels(),
                   [&](const Panel& panel, auto vectors) {
                     constexpr std::size_t rows = rows_of(vectors());
                     const Cells cells{source + block.k_begin, c.source_channels(),
                                       result + panel.begin, c.r_cell, block.k_end - block.k_begin};
                     for (std::size_t first = 0; first < kRows; first += rows) {
                       cells_kernel<rows, vectors()>(panel, cells, first);
                     }
                   });
    source += kRows * c.source_channels();
    result += kRows * c.r_cell;
  }
  return position;
}

/// The task's positions of one class.
void run_class(const Correlation& c, const Operands& data, const PositionRange& task,
               const AxisClass& h, const AxisClass& w, const Block& block,
               const BlockWeights& weights, const float* start, std::vector<Segment>& segments) {
  segments.clear();
  append_segments(c, h, w, block.k_begin, block.k_end, true, segments);
  if (segments.empty() && block.k_begin > 0) return;
  const std::size_t positions = (task.n_end - task.n_begin) * (h.end - h.begin) * (w.end - w.begin);
  ClassWalk walk(c, task, h, w);
  Tile tile;
  // Sources that no other tile reads come from far.
  const bool once = segments.size() == 1 && segments[0].length >= 64;
  tile.ahead = once ? kRows * c.step_w * c.source_channels() : 0;
  std::size_t position = run_cells(c, data, task, block, weights, start, segments);
  for (std::size_t i = 0; i < position; ++i) walk.advance();
  for (; position < positions; position += kRows) {
    tile.count = std::min(kRows, positions - position);
    for (std::size_t i = 0; i < kRows; ++i) {
      tile.cell[i] = data.source + walk.source() + task.g * c.channels;
      tile.result[i] = data.result + walk.result() + task.g * c.out_channels;
      if (i + 1 < tile.count) walk.advance();
    }
    walk.advance();
    run_tile(segments, tile, block, weights, start);
  }
}

void run_block(const Correlation& c, const Operands& data, const PositionRange& task,
               const std::vector<AxisClass>& h_classes, const std::vector<AxisClass>& w_classes,
               const Block& block, const IgemmScratch& scratch) {
  const BlockWeights weights = block_weights(c, data.factor, task, block, scratch);
  std::vector<Segment> segments;
  for (AxisClass h : h_classes) {
    h.begin = std::max(h.begin, task.a_begin);
    h.end = std::min(h.end, task.a_end);
    if (h.begin >= h.end) continue;
    for (const AxisClass& w : w_classes) {
      run_class(c, data, task, h, w, block, weights, scratch.start, segments);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::igemm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::igemm {
HWY_EXPORT(run_block);

namespace {

/// Cuts a correlation into tasks: enough positions to be worth packing the weights for, few enough
/// for a block's results to stay in the cache, and where there are few tasks, as many for each
/// thread.
struct PositionRanges {
  PositionRanges(const Correlation& c, std::size_t threads) {
    constexpr std::size_t most = 2000;
    const std::size_t share = div_ceil(c.positions(), threads);
    const std::size_t size = std::clamp<std::size_t>(share, 100, most);
    const std::size_t image = c.A * c.B;
    images = std::max<std::size_t>((size + image / 2) / image, 1);
    if (images > 1 && c.N > 0) images = div_ceil(c.N, round_up(div_ceil(c.N, images), threads));
    rows = images > 1 ? c.A : std::clamp<std::size_t>(div_ceil(size, c.B), 1, c.A);
    image_parts = div_ceil(c.N, images);
    row_parts = div_ceil(c.A, rows);
  }
  std::size_t images, rows;            ///< of a task
  std::size_t image_parts, row_parts;  ///< how many such parts

  [[nodiscard]] PositionRange task(const Correlation& c, std::size_t index) const {
    const std::size_t n = index / row_parts % image_parts * images;
    const std::size_t a = index % row_parts * rows;
    return {index / row_parts / image_parts, n, std::min(c.N, n + images), a,
            std::min(c.A, a + rows)};
  }
};

/// Steps of all chains of an output channel: a class of few positions waits for its weights about
/// as long as one of four does.
double steps_of(const Correlation& c) {
  constexpr std::size_t fewest = 4;
  std::size_t steps = 0;
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
    for (const AxisClass& w : w_classes) {
      const std::size_t positions = c.N * (h.end - h.begin) * (w.end - w.begin);
      const std::size_t taps = (h.tap_end - h.tap_begin) * (w.tap_end - w.tap_begin);
      steps += std::max(positions, fewest) * taps * c.channels;
    }
  }
  return static_cast<double>(steps);
}

double cost(const Correlation& c, std::size_t lanes) {
  return one_vector_penalty(c.out_channels, lanes) * static_cast<double>(c.G) * steps_of(c) *
             in_vectors(c.out_channels, lanes) +
         groups_and_positions(c) * static_cast<double>(c.out_channels) * 2.0;
}

std::size_t workspace_bytes_of(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<IgemmScratch>(threads, IgemmBlocks(c));
}

void run(const Correlation& c, const Operands& data, std::byte* workspace, std::size_t threads) {
  const IgemmBlocks blocks(c);
  const PositionRanges tasks(c, std::max<std::size_t>(threads, 1));
  const std::vector<AxisClass> h_classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  const auto run_task = [&](std::size_t index, std::size_t worker) {
    const auto scratch = take_scratch<IgemmScratch>(workspace, worker, blocks);
    const PositionRange task = tasks.task(c, index);
    for (std::size_t j = 0; j < c.out_channels; j += blocks.out_channels) {
      const std::size_t j_end = std::min(c.out_channels, j + blocks.out_channels);
      std::fill_n(scratch.start, packed_row(blocks.out_channels), 0.0F);
      if (data.start != nullptr) {
        const float* const start = data.start + task.g * c.out_channels;
        std::copy(start + j, start + j_end, scratch.start);
      }
      std::size_t k = 0;
      do {  // once even if the chains have no steps
        const Block block{k, std::min(c.reduction_length(), k + blocks.length), j, j_end};
        REPRISE_DISPATCH(run_block)(c, data, task, h_classes, w_classes, block, scratch);
        k = block.k_end;
      } while (k < c.reduction_length());
    }
  };
  parallel_for(threads, c.G * tasks.image_parts * tasks.row_parts, run_task);
}

}  // namespace

}  // namespace reprise::direct::igemm

namespace reprise::direct {

const Kernel kIgemm{
    .name = "igemm",
    .lanes = "output channels",
    .sum = Sum::correlation,
    .offered = [](const Correlation&) { return true; },
    .cost = igemm::cost,
    .workspace_bytes = igemm::workspace_bytes_of,
    .run = igemm::run,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
