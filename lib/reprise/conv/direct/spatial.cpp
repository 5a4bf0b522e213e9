// Two kernels of `direct`: correlations for groups of few output channels, vector lanes across
// positions of a row (`spatial`) or across images (`batch_lanes`).
//
// A tile of up to kMaxTile output channels x kVectors vectors of positions stays in registers for
// the whole chain: each step loads the vectors and multiplies them with one broadcast weight per
// output channel. One output channel alone takes kMaxVectors of them: chains enough to hide the
// latency of multiply-adds, and half as many broadcasts.
//
// `spatial`: the source of some images is copied into one plane per channel, its rows padded with
// zeros; within a row the cells that neighbouring positions read stand side by side, so that a tap
// of `lanes` positions is one load. The rows of a tile have the same taps inside the image.
//
// `batch_lanes`: the source of `lanes` images is copied so that their values of a cell and channel
// make one vector. The positions of a tile have the same taps inside the image, so that padding
// costs nothing.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/spatial.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <span>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/register_tile-inl.hpp"
#include "reprise/linalg/simd.hpp"

#ifndef REPRISE_CONV_DIRECT_SPATIAL_PLAN
#define REPRISE_CONV_DIRECT_SPATIAL_PLAN
namespace reprise::direct::spatial {
namespace {

constexpr std::size_t kMaxTile = 6;                               // output channels of a tile
constexpr std::size_t kMaxVectors = 8;                            // of a tile, on any target
constexpr std::size_t kWantedPlaneFloats = std::size_t{1} << 15;  // 128 KiB
constexpr std::size_t kFewPlaneFloats = std::size_t{1} << 17;     // 512 KiB
constexpr std::size_t kMaxPlaneFloats = std::size_t{1} << 18;     // 1 MiB
constexpr std::size_t kMaxWeightFloats = std::size_t{1} << 17;    // 512 KiB

/// A run of a chain's steps that are equally far apart in the copy of the source: the first value's
/// place from the position's own, and its step's number in the chain of all taps.
struct ChainRun {
  std::ptrdiff_t offset;
  std::size_t k;
  std::size_t length;
};

/// How planes lie in memory: (image, channel, row, phase, cell).
struct Planes {
  explicit Planes(const Correlation& c)
      : phases(c.step_w),
        cells(round_up(c.B, kMaxLanes) +
              static_cast<std::size_t>(c.w.highest() - c.w.lowest()) / c.step_w),
        row(phases * cells) {
    const auto span = static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1;
    const std::size_t per_row = std::max<std::size_t>(c.channels, 1) * row;
    // Neighbouring bands both copy the rows that both read: a band has four times as many, if the
    // L2 cache holds them.
    const std::size_t fitting =
        std::max(kWantedPlaneFloats / per_row, std::min(4 * span, kFewPlaneFloats / per_row));
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, std::max<std::size_t>(c.A, 1));
    rows = std::min((band - 1) * c.step_h + span, c.SH);
    plane = rows * row;
    image = c.channels * plane;
    images = band < c.A ? 1 : std::max<std::size_t>(kWantedPlaneFloats / image, 1);
    images = std::min(images, std::max<std::size_t>(c.N, 1));
  }
  std::size_t phases;  ///< step_w
  std::size_t cells;   ///< of a row and phase
  std::size_t row;     ///< floats of a row
  std::size_t band;    ///< rows of the result, at a time
  std::size_t rows;    ///< of the source that they read
  std::size_t plane;   ///< floats of a plane
  std::size_t image;   ///< floats of an image's planes
  std::size_t images;  ///< at a time

  /// Where a position reads the tap, from where it stands itself.
  [[nodiscard]] std::ptrdiff_t tap_offset(const Correlation& c, std::size_t th,
                                          std::size_t tw) const {
    const auto w = static_cast<std::size_t>(c.w.at(tw) - c.w.lowest());
    return c.h.at(th) * static_cast<std::ptrdiff_t>(row) +
           static_cast<std::ptrdiff_t>(w % phases * cells + w / phases);
  }
};

/// Sizes of one worker's scratch.
struct SpatialSizes {
  SpatialSizes(const Correlation& c, const Planes& p)
      : planes(p.images * p.image),
        weights(c.reduction_length() * c.out_channels),
        out_channels(c.out_channels),
        taps(c.h.count * c.w.count) {}
  std::size_t planes, weights, out_channels, taps;
  [[nodiscard]] bool fit() const {
    return planes <= kMaxPlaneFloats && weights <= kMaxWeightFloats;
  }
};

/// The scratch of one worker.
struct SpatialScratch {
  SpatialScratch(WorkspacePieces& pieces, const SpatialSizes& sizes)
      : planes(pieces.take<float>(sizes.planes)),
        weights(pieces.take<float>(sizes.weights)),
        start(pieces.take<float>(sizes.out_channels)),
        taps(pieces.take<ChainRun>(sizes.taps)) {}
  float* planes;
  float* weights;  ///< tiles of (reduction_length, output channels of the tile)
  float* start;    ///< (out_channels)
  ChainRun* taps;  ///< all taps; offsets in a plane
};

/// A unit of work: rows of positions [a_begin, a_end) of images [n_begin, n_end) of group g, which
/// read source rows [h_begin, h_end).
struct Unit {
  std::size_t g, n_begin, n_end, a_begin, a_end, h_begin, h_end;
};

/// Which cells of a phase's row are inside the image: [begin, end), the first at `output channel`.
struct PhaseCells {
  PhaseCells(const Correlation& c, std::size_t cells, std::size_t phase) {
    // Cell i is column i * step_w + phase + lowest.
    const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
    const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
    begin = phase >= left ? 0 : div_ceil(left - phase, c.step_w);
    begin = std::min(begin, cells);
    out_channel = begin * c.step_w + phase + skipped - left;
    const std::size_t existing = out_channel < c.SW ? div_ceil(c.SW - out_channel, c.step_w) : 0;
    end = begin + std::min(existing, cells - begin);
  }
  std::size_t begin, end, out_channel;
};

/// Copies the unit's source rows into planes, whose cells outside the image are 0 already.
void fill_planes(const Correlation& c, const Planes& p, const float* source, const Unit& unit,
                 float* planes) {
  const std::size_t source_channels = c.source_channels();
  const std::size_t stride = c.step_w * source_channels;
  for (std::size_t phase = 0; phase < p.phases; ++phase) {
    const PhaseCells inside(c, p.cells, phase);
    for (std::size_t n = unit.n_begin; n < unit.n_end; ++n) {
      for (std::size_t h = unit.h_begin; h < unit.h_end; ++h) {
        const float* from = source +
                            ((n * c.SH + h) * c.SW + inside.out_channel) * source_channels +
                            unit.g * c.channels;
        float* const row =
            planes + (n - unit.n_begin) * p.image + (h - unit.h_begin) * p.row + phase * p.cells;
        if (c.channels == 1 && stride == 1) {
          std::copy_n(from, inside.end - inside.begin, row + inside.begin);
          continue;
        }
        for (std::size_t cell = inside.begin; cell < inside.end; ++cell, from += stride) {
          float* to = row + cell;
          for (std::size_t channel = 0; channel < c.channels; ++channel, to += p.plane) {
            *to = from[channel];
          }
        }
      }
    }
  }
}

/// packed: for each tile of output channels (reduction_length, output channels of the tile).
void pack_tiles(const Correlation& c, const float* weight, std::size_t g, float* packed) {
  for_each_part(c.out_channels, kMaxTile, [&](std::size_t j_begin, std::size_t j_end) {
    for (std::size_t th = 0; th < c.h.count; ++th) {
      for (std::size_t tw = 0; tw < c.w.count; ++tw) {
        const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
        const std::size_t kw = c.w.kernel_first + tw * c.w.kernel_spacing;
        const float* tap = weight + (kh * c.KW + kw) * c.w_tap + g * c.w_group;
        for (std::size_t channel = 0; channel < c.channels; ++channel, tap += c.w_channel) {
          for (std::size_t j = j_begin; j < j_end; ++j) *packed++ = tap[j * c.w_out_channel];
        }
      }
    }
  });
}

// ---- batch_lanes

constexpr std::size_t kMaxImageFloats = std::size_t{1} << 17;  // of a vector of images: 512 KiB

/// Floats of an image of the source.
std::size_t source_size(const Correlation& c) {
  return c.SH * c.SW * c.channels;
}

/// The scratch of one worker.
struct BatchScratch {
  BatchScratch(WorkspacePieces& pieces, const Correlation& c)
      : source(pieces.take<float>(source_size(c) * kMaxLanes)),
        weights(pieces.take<float>(c.reduction_length() * c.out_channels)),
        start(pieces.take<float>(c.out_channels)),
        sums(pieces.take<float>(kMaxVectors * c.out_channels * kMaxLanes)) {}
  float* source;   ///< (SH, SW, channels, lanes)
  float* weights;  ///< tiles of (reduction_length, output channels of the tile)
  float* start;    ///< (out_channels)
  float* sums;     ///< (positions of a tile, output channels, lanes)
};

}  // namespace
}  // namespace reprise::direct::spatial
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::spatial {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using direct::HWY_NAMESPACE::read_lanes;
using direct::HWY_NAMESPACE::write_lanes;
using reprise::HWY_NAMESPACE::continue_chains;
using reprise::HWY_NAMESPACE::for_each_size;
using reprise::HWY_NAMESPACE::kRegisters;
using reprise::HWY_NAMESPACE::PointedVectors;
using reprise::HWY_NAMESPACE::store_results;
using reprise::HWY_NAMESPACE::StridedNumbers;

// ---- The tile

constexpr std::size_t kVectors = kRegisters == 32 ? 4 : 2;  // of a tile of many output channels

/// Where the sums of a tile go: of output channel j and vector v to
/// at + j * out_channel_pitch + v * vector_pitch.
struct TileSums {
  float* at;
  std::size_t out_channel_pitch, vector_pitch;
};

/// The chains of `out_channels` output channels for `vectors` vectors of positions, which are read
/// at x[v] + the run's offset, `pitch` floats from step to step; weights are (steps of the chain of
/// all taps, out_channels).
template <std::size_t out_channels, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const float* const* x, std::span<const ChainRun> runs,
                              std::size_t pitch, const float* weights, const float* start,
                              const TileSums& sums) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  Vector acc[out_channels][vectors];
  REPRISE_UNROLL
  for (std::size_t j = 0; j < out_channels; ++j) {
    for (std::size_t v = 0; v < vectors; ++v) acc[j][v] = hn::Set(d, start[j]);
  }
  for (const ChainRun& run : runs) {
    PointedVectors<vectors> values{{}, pitch};
    for (std::size_t v = 0; v < vectors; ++v) values.first[v] = x[v] + run.offset;
    continue_chains(d, run.length, StridedNumbers{weights + run.k * out_channels, 1, out_channels},
                    values, acc);
  }
  store_results(d, acc, [&](std::size_t j, std::size_t v) {
    return sums.at + j * sums.out_channel_pitch + v * sums.vector_pitch;
  });
}

constexpr auto kTileKernels = for_each_size<kMaxTile>(
    []<std::size_t out_channels>() { return &tile_kernel<out_channels, kVectors>; });

/// How many vectors of positions to collect for a tile.
std::size_t tile_vectors(const Correlation& c) {
  return c.out_channels == 1 ? kMaxVectors : kVectors;
}

/// The kernel for `vectors`, at most tile_vectors() of them, which are filled up by the last.
template <class Vectors>
auto tile_kernel_for(std::size_t out_channels, Vectors& vectors) {
  for (std::size_t v = vectors.size; v < kMaxVectors; ++v) vectors.x[v] = vectors.x[v - 1];
  return vectors.size <= kVectors ? kTileKernels[out_channels - 1] : &tile_kernel<1, kMaxVectors>;
}

// ---- spatial

/// Vectors of positions: each begins at position (a, b) and holds `count` of them.
struct PositionVectors {
  const float* x[kMaxVectors];  ///< the plane of channel 0 at tap offset 0
  float* result[kMaxVectors];   ///< of the first position, at the group's output channel 0
  std::size_t count[kMaxVectors];
  std::size_t size;  ///< how many vectors; the others repeat the last
};

/// All output channels for the positions of `vectors`.
void run_vectors(const Correlation& c, std::size_t plane, PositionVectors& vectors,
                 std::span<const ChainRun> taps, const SpatialScratch& scratch) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float sums[kMaxTile * kVectors * hn::MaxLanes(d)];
  for_each_part(c.out_channels, kMaxTile, [&](std::size_t j_begin, std::size_t j_end) HWY_ATTR {
    const std::size_t out_channels = j_end - j_begin;
    tile_kernel_for(out_channels, vectors)(
        vectors.x, taps, plane, scratch.weights + c.reduction_length() * j_begin,
        scratch.start + j_begin, {sums, kVectors * lanes, lanes});
    for (std::size_t v = 0; v < vectors.size; ++v) {
      write_lanes(sums + v * lanes, kVectors * lanes, out_channels, vectors.count[v],
                  vectors.result[v] + j_begin, c.r_cell);
    }
  });
}

/// The unit's rows of one class, whose planes, weights and taps are in the scratch.
void run_rows(const Correlation& c, const Planes& p, const Unit& unit, const AxisClass& rows,
              float* result, const SpatialScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::span<const ChainRun> taps(scratch.taps + rows.tap_begin * c.w.count,
                                       (rows.tap_end - rows.tap_begin) * c.w.count);
  PositionVectors vectors;
  vectors.size = 0;
  for (std::size_t n = unit.n_begin; n < unit.n_end; ++n) {
    for (std::size_t a = rows.begin; a < rows.end; ++a) {
      const float* const row = scratch.planes + (n - unit.n_begin) * p.image +
                               (a * c.step_h - unit.h_begin) * p.row;  // may wrap; taps undo that
      float* const out = result + c.r_first + n * c.r_image + a * c.r_row + unit.g * c.out_channels;
      for (std::size_t b = 0; b < c.B; b += lanes) {
        vectors.x[vectors.size] = row + b;
        vectors.result[vectors.size] = out + b * c.r_cell;
        vectors.count[vectors.size] = std::min(lanes, c.B - b);
        if (++vectors.size < tile_vectors(c)) continue;
        run_vectors(c, p.plane, vectors, taps, scratch);
        vectors.size = 0;
      }
    }
  }
  if (vectors.size > 0) run_vectors(c, p.plane, vectors, taps, scratch);
}

// ---- batch_lanes

/// Positions of a vector of images.
struct Positions {
  const float* x[kMaxVectors];  ///< the copy of the source at the position, channel 0
  float* result[kMaxVectors];   ///< of the first image, output channel 0
  std::size_t size;             ///< how many; the others repeat the last
};

/// Writes the sums of all output channels to the result; what is contiguous there, at once.
void write_positions(const Correlation& c, const Positions& positions, std::size_t images,
                     const float* sums) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t v = 0; v < positions.size;) {
    std::size_t end = v + 1;
    while (end < positions.size &&
           positions.result[end] == positions.result[v] + (end - v) * c.out_channels) {
      ++end;
    }
    write_lanes(sums + v * c.out_channels * lanes, lanes, (end - v) * c.out_channels, images,
                positions.result[v], c.r_image);
    v = end;
  }
}

/// All output channels of the positions.
void run_positions(const Correlation& c, Positions& positions, std::size_t images,
                   std::span<const ChainRun> runs, const BatchScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for_each_part(c.out_channels, kMaxTile, [&](std::size_t j_begin, std::size_t j_end) {
    tile_kernel_for(j_end - j_begin, positions)(
        positions.x, runs, lanes, scratch.weights + c.reduction_length() * j_begin,
        scratch.start + j_begin, {scratch.sums + j_begin * lanes, lanes, c.out_channels * lanes});
  });
  write_positions(c, positions, images, scratch.sums);
}

/// All positions of one class.
void run_class(const Correlation& c, const AxisClass& h, const AxisClass& w, std::size_t images,
               float* result, const BatchScratch& scratch, std::vector<Segment>& segments,
               std::vector<ChainRun>& runs) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  segments.clear();
  append_segments(c, h, w, 0, c.reduction_length(), true, segments);
  runs.clear();
  for (const Segment& segment : segments) {
    runs.push_back(
        {segment.offset * static_cast<std::ptrdiff_t>(lanes), segment.k, segment.length});
  }
  const PositionRange first_image{0, 0, 1, 0, c.A};
  ClassWalk walk(c, first_image, h, w);
  const std::size_t count = (h.end - h.begin) * (w.end - w.begin);
  for (std::size_t position = 0; position < count; position += tile_vectors(c)) {
    Positions positions;
    positions.size = std::min(tile_vectors(c), count - position);
    for (std::size_t v = 0; v < positions.size; ++v, walk.advance()) {
      positions.x[v] = scratch.source + walk.source() * lanes;
      positions.result[v] = result + walk.result();
    }
    run_positions(c, positions, images, runs, scratch);
  }
}

/// A vector's images, at most simd_lanes(): all positions.
void run_images(const Correlation& c, const float* source, std::size_t images, float* result,
                const std::vector<AxisClass>& h_classes, const std::vector<AxisClass>& w_classes,
                const BatchScratch& scratch) {
  read_lanes(source, source_size(c), images, source_size(c), scratch.source,
             hn::Lanes(hn::ScalableTag<float>()));
  std::vector<Segment> segments;
  std::vector<ChainRun> runs;
  for (const AxisClass& h : h_classes) {
    for (const AxisClass& w : w_classes) {
      run_class(c, h, w, images, result, scratch, segments, runs);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::spatial
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::spatial {
HWY_EXPORT(run_rows);
HWY_EXPORT(run_images);

namespace {

// ---- spatial

bool spatial_offered(const Correlation& c) {
  return c.reduction_length() > 0 && SpatialSizes(c, Planes(c)).fit();
}

/// A position's cells are copied into planes: a cycle for each value, and another where channels
/// are so many that each goes to a cache line that has left the L1 cache since. A cycle for each
/// value of the result.
double spatial_cost(const Correlation& c, std::size_t lanes) {
  const Planes planes(c);
  const auto whole = static_cast<double>(lanes);
  const auto out_channels = static_cast<double>(c.out_channels);
  const double cycles = c.channels < kMaxLanes ? 1.0 : 2.0;
  const double copied = whole * cycles * static_cast<double>(c.channels * planes.rows * c.step_w) /
                        static_cast<double>(planes.band);
  const double chains = inside_fraction_h(c) * static_cast<double>(c.reduction_length()) *
                        out_channels * in_vectors(c.B, lanes) / static_cast<double>(c.B);
  return groups_and_positions(c) * (chains + whole * out_channels + copied);
}

/// Many channels' values go to as many planes: a cycle more for each value than cost() counts.
double spatial_overhead(const Correlation& c, std::size_t lanes) {
  if (c.channels < kMaxLanes) return 0.0;
  return groups_and_positions(c) * static_cast<double>(lanes * c.channels * c.step_h * c.step_w);
}

std::size_t spatial_workspace_bytes(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<SpatialScratch>(threads, SpatialSizes(c, Planes(c)));
}

/// Rows [a, a + band) of images [n, n + images).
Unit make_unit(const Correlation& c, const Planes& p, std::size_t g, std::size_t n, std::size_t a) {
  Unit unit{g, n, std::min(c.N, n + p.images), a, std::min(c.A, a + p.band), 0, 0};
  const auto clamped = [&](std::size_t position, std::ptrdiff_t tap) {
    const auto h = static_cast<std::ptrdiff_t>(position * c.step_h) + tap;
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(h, 0, static_cast<std::ptrdiff_t>(c.SH)));
  };
  unit.h_begin = clamped(a, c.h.lowest());
  unit.h_end = clamped(unit.a_end - 1, c.h.highest() + 1);
  return unit;
}

void run_unit(const Correlation& c, const Planes& p, const Operands& data,
              const std::vector<AxisClass>& classes, const Unit& unit,
              const SpatialScratch& scratch) {
  fill_planes(c, p, data.source, unit, scratch.planes);
  for (AxisClass rows : classes) {
    rows.begin = std::max(rows.begin, unit.a_begin);
    rows.end = std::min(rows.end, unit.a_end);
    if (rows.begin >= rows.end) continue;
    REPRISE_DISPATCH(run_rows)(c, p, unit, rows, data.result, scratch);
  }
}

void run_spatial(const Correlation& c, const Operands& data, std::byte* workspace,
                 std::size_t threads) {
  const Planes planes(c);
  const SpatialSizes sizes(c, planes);
  const std::vector<AxisClass> classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::size_t bands = div_ceil(c.A, planes.band);
  const std::size_t units = div_ceil(c.N, planes.images) * bands;  // per group
  const std::size_t tasks = std::min(units, threads <= 1 ? 1 : 4 * threads);
  parallel_for(threads, c.G * tasks, [&](std::size_t task, std::size_t worker) {
    const auto scratch = take_scratch<SpatialScratch>(workspace, worker, sizes);
    const std::size_t g = task / tasks;
    const std::size_t part = task % tasks;
    std::fill_n(scratch.planes, sizes.planes, 0.0F);
    std::fill_n(scratch.start, c.out_channels, 0.0F);
    if (data.start != nullptr)
      std::copy_n(data.start + g * c.out_channels, c.out_channels, scratch.start);
    pack_tiles(c, data.factor, g, scratch.weights);
    for (std::size_t tap = 0; tap < sizes.taps; ++tap) {
      scratch.taps[tap] = {planes.tap_offset(c, tap / c.w.count, tap % c.w.count), tap * c.channels,
                           c.channels};
    }
    for (std::size_t index = part * units / tasks; index < (part + 1) * units / tasks; ++index) {
      const Unit unit =
          make_unit(c, planes, g, index / bands * planes.images, index % bands * planes.band);
      run_unit(c, planes, data, classes, unit, scratch);
    }
  });
}

// ---- batch_lanes

bool batch_offered(const Correlation& c) {
  return c.G == 1 && c.reduction_length() > 0 && source_size(c) * kMaxLanes <= kMaxImageFloats &&
         c.reduction_length() * c.out_channels <= kMaxWeightFloats;
}

/// Positions fill up tiles, images fill up vectors, and a value that is moved takes a quarter of a
/// cycle. Not for less than half a vector of images.
double batch_cost(const Correlation& c, std::size_t lanes) {
  if (c.N < lanes / 2) return std::numeric_limits<double>::infinity();
  const std::size_t tile = lanes == 8 ? 2 : 4;  // kVectors of the target with so many lanes
  std::size_t steps = 0;
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
    for (const AxisClass& w : w_classes) {
      const std::size_t count = (h.end - h.begin) * (w.end - w.begin);
      const std::size_t taps = (h.tap_end - h.tap_begin) * (w.tap_end - w.tap_begin);
      steps += round_up(count, tile) * (taps * c.channels + 2);
    }
  }
  const std::size_t moved = lanes / 4 * (c.A * c.B * c.out_channels + source_size(c));
  return static_cast<double>(round_up(c.N, lanes) * c.out_channels) * static_cast<double>(steps) +
         static_cast<double>(c.N * moved);
}

std::size_t batch_workspace_bytes(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<BatchScratch>(threads, c);
}

void run_batch(const Correlation& c, const Operands& data, std::byte* workspace,
               std::size_t threads) {
  const std::vector<AxisClass> h_classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  const std::size_t lanes = simd_lanes();
  const std::size_t units = div_ceil(c.N, lanes);
  const std::size_t tasks = std::min(units, std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t worker) {
    const auto scratch = take_scratch<BatchScratch>(workspace, worker, c);
    std::fill_n(scratch.start, c.out_channels, 0.0F);
    if (data.start != nullptr) std::copy_n(data.start, c.out_channels, scratch.start);
    pack_tiles(c, data.factor, 0, scratch.weights);
    for (std::size_t unit = task * units / tasks; unit < (task + 1) * units / tasks; ++unit) {
      const std::size_t n = unit * lanes;
      REPRISE_DISPATCH(run_images)
      (c, data.source + n * source_size(c), std::min(lanes, c.N - n), data.result + n * c.r_image,
       h_classes, w_classes, scratch);
    }
  });
}

}  // namespace

}  // namespace reprise::direct::spatial

namespace reprise::direct {

const Kernel kSpatial{
    .name = "spatial",
    .lanes = "positions of a row",
    .sum = Sum::correlation,
    .finite_only = FiniteOnly::weights,
    .offered = spatial::spatial_offered,
    .cost = spatial::spatial_cost,
    .overhead = spatial::spatial_overhead,
    .unit = 1.6,
    .workspace_bytes = spatial::spatial_workspace_bytes,
    .run = spatial::run_spatial,
};

const Kernel kBatchLanes{
    .name = "batch_lanes",
    .lanes = "images",
    .sum = Sum::correlation,
    .offered = spatial::batch_offered,
    .cost = spatial::batch_cost,
    .unit = 0.85,
    .workspace_bytes = spatial::batch_workspace_bytes,
    .run = spatial::run_batch,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
