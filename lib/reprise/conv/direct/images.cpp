// A kernel of `direct`: correlations with vector lanes across images, for few columns.
//
// The source of `lanes` images is copied so that their values of a cell and channel make one
// vector. A tile of up to kMostTile columns x kVectors positions stays in registers for the whole
// chain: each step loads the positions' vectors and multiplies them with one broadcast weight per
// column. The positions of a tile have the same taps inside the image, so that padding costs
// nothing.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/images.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "reprise/conv/direct/columns_plan.hpp"
#include "reprise/conv/direct/pixels_plan.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"

namespace reprise::direct {
#ifndef REPRISE_CONV_DIRECT_IMAGES_SCRATCH
#define REPRISE_CONV_DIRECT_IMAGES_SCRATCH
namespace {

constexpr std::size_t kMostImageFloats = std::size_t{1} << 17;  // of a vector of images: 512 KiB
constexpr std::size_t kMostPositions = 4;                       // of a tile, on any target

/// Floats of an image of the source.
std::size_t source_size(const Correlation& c) {
  return c.SH * c.SW * c.channels;
}

/// Floats of all columns of a tile's positions.
std::size_t sums_size(const Correlation& c) {
  return kMostPositions * c.columns * kMostLanes;
}

std::size_t images_scratch_bytes(const Correlation& c) {
  return piece_bytes<float>(source_size(c) * kMostLanes) +
         piece_bytes<float>(c.depth() * c.columns) + piece_bytes<float>(c.columns) +
         piece_bytes<float>(sums_size(c));
}

/// The scratch of one worker.
struct ImageScratch {
  ImageScratch(const Correlation& c, std::byte* memory) {
    WorkspacePieces pieces({memory, images_scratch_bytes(c)});
    source = pieces.take<float>(source_size(c) * kMostLanes);
    weights = pieces.take<float>(c.depth() * c.columns);
    start = pieces.take<float>(c.columns);
    sums = pieces.take<float>(sums_size(c));
  }
  float* source;   ///< (SH, SW, channels, lanes)
  float* weights;  ///< tiles of (depth, columns of the tile)
  float* start;    ///< (columns)
  float* sums;     ///< (positions of a tile, columns, lanes)
};

}  // namespace
#endif
}  // namespace reprise::direct

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Positions of a vector of images.
struct Positions {
  const float* x[kVectors];  ///< the copy of the source at the position, channel 0
  float* result[kVectors];   ///< of the first image, column 0
  std::size_t size;          ///< how many; the others repeat the last
};

/// The chains of `columns` columns for all positions, stored into sums(position, column, image),
/// `pitch` floats from position to position.
template <std::size_t columns>
HWY_NOINLINE void tile_kernel(const Positions& positions, const std::vector<Piece>& pieces,
                              const float* weights, const float* start, float* HWY_RESTRICT sums,
                              std::size_t pitch) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[columns][kVectors];
  REPRISE_UNROLL
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::Set(d, start[j]);
  }
  for (const Piece& piece : pieces) {
    const float* from[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      from[v] = positions.x[v] + piece.offset * static_cast<std::ptrdiff_t>(lanes);
    }
    const float* HWY_RESTRICT weight = weights + piece.step * columns;
    for (std::size_t at = 0; at < piece.length * lanes; at += lanes, weight += columns) {
      Vector x[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) x[v] = hn::Load(d, from[v] + at);
      REPRISE_UNROLL
      for (std::size_t j = 0; j < columns; ++j) {
        const Vector w = hn::Set(d, weight[j]);
        for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::MulAdd(x[v], w, acc[j][v]);
      }
    }
  }
  const Vector zero = hn::Zero(d);
  REPRISE_UNROLL
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(hn::Add(acc[j][v], zero), d, sums + v * pitch + j * lanes);
    }
  }
}

using TileKernel = void (*)(const Positions&, const std::vector<Piece>&, const float*, const float*,
                            float*, std::size_t);

/// Writes the sums of all columns to the result; what is contiguous there, at once.
void write_positions(const Correlation& c, const Positions& positions, std::size_t images,
                     const float* sums) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t v = 0; v < positions.size;) {
    std::size_t end = v + 1;
    while (end < positions.size &&
           positions.result[end] == positions.result[v] + (end - v) * c.columns) {
      ++end;
    }
    write_lanes(sums + v * c.columns * lanes, lanes, (end - v) * c.columns, images,
                positions.result[v], c.r_image);
    v = end;
  }
}

/// All columns of the positions.
void run_positions(const Correlation& c, Positions& positions, std::size_t images,
                   const std::vector<Piece>& pieces, const ImageScratch& scratch) {
  static constexpr TileKernel kernels[kMostTile] = {tile_kernel<1>, tile_kernel<2>, tile_kernel<3>,
                                                    tile_kernel<4>, tile_kernel<5>, tile_kernel<6>};
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (std::size_t v = positions.size; v < kVectors; ++v) positions.x[v] = positions.x[v - 1];
  const std::size_t tiles = tile_count(c);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t j_begin = tile * c.columns / tiles;
    const std::size_t j_end = (tile + 1) * c.columns / tiles;
    kernels[j_end - j_begin - 1](positions, pieces, scratch.weights + c.depth() * j_begin,
                                 scratch.start + j_begin, scratch.sums + j_begin * lanes,
                                 c.columns * lanes);
  }
  write_positions(c, positions, images, scratch.sums);
}

/// All positions of one class.
void run_class(const Correlation& c, const AxisClass& h, const AxisClass& w, std::size_t images,
               float* result, const ImageScratch& scratch, std::vector<Piece>& pieces) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  pieces.clear();
  append_pieces(c, h, w, 0, c.depth(), true, pieces);
  const ColumnTask first_image{0, 0, 1, 0, c.A};
  ClassWalk walk(c, first_image, h, w);
  const std::size_t count = (h.end - h.begin) * (w.end - w.begin);
  for (std::size_t position = 0; position < count; position += kVectors) {
    Positions positions;
    positions.size = std::min(kVectors, count - position);
    for (std::size_t v = 0; v < positions.size; ++v, walk.advance()) {
      positions.x[v] = scratch.source + walk.source() * lanes;
      positions.result[v] = result + walk.result();
    }
    run_positions(c, positions, images, pieces, scratch);
  }
}

std::size_t lanes_of_images() {
  return hn::Lanes(hn::ScalableTag<float>());
}

/// A vector's images, at most lanes_of_images(): all positions.
void run_images(const Correlation& c, const float* source, std::size_t images, float* result,
                const std::vector<AxisClass>& h_classes, const std::vector<AxisClass>& w_classes,
                const ImageScratch& scratch) {
  read_lanes(source, source_size(c), images, source_size(c), scratch.source,
             hn::Lanes(hn::ScalableTag<float>()));
  std::vector<Piece> pieces;
  for (const AxisClass& h : h_classes) {
    for (const AxisClass& w : w_classes) {
      run_class(c, h, w, images, result, scratch, pieces);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(lanes_of_images);
HWY_EXPORT(run_images);

namespace {

bool images_fit(const Correlation& c) {
  return c.G == 1 && source_size(c) * kMostLanes <= kMostImageFloats &&
         c.depth() * c.columns <= kMostWeightFloats;
}

}  // namespace

namespace {

/// Steps of all chains of a column and image, with those of the positions that fill up tiles.
double steps_in_tiles(const Correlation& c) {
  constexpr std::size_t positions = 4;  // of a tile
  std::size_t steps = 0;
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  for (const AxisClass& h : axis_classes(c.h, c.A, c.step_h, c.SH)) {
    for (const AxisClass& w : w_classes) {
      const std::size_t count = (h.end - h.begin) * (w.end - w.begin);
      const std::size_t taps = (h.tap_end - h.tap_begin) * (w.tap_end - w.tap_begin);
      steps += round_up(count, positions) * (taps * c.channels + 2);
    }
  }
  return static_cast<double>(steps);
}

}  // namespace

double estimated_cost_by_images(const Correlation& c) {
  if (!images_fit(c) || c.depth() == 0 || c.N < kMostLanes / 2) {
    return std::numeric_limits<double>::infinity();
  }
  const std::size_t filled = round_up(c.N, kMostLanes);
  const std::size_t moved = kMostLanes / 4 * (c.A * c.B * c.columns + source_size(c));
  return static_cast<double>(filled * c.columns) * steps_in_tiles(c) +
         static_cast<double>(c.N * moved);
}

bool images_pay(const Correlation& c) {
  return estimated_cost_by_images(c) < estimated_cost(c);
}

std::size_t images_workspace_bytes(const Correlation& c, std::size_t threads) {
  return images_fit(c) ? std::max<std::size_t>(threads, 1) * images_scratch_bytes(c) : 0;
}

void correlate_by_images(const Correlation& c, const CorrelationData& data, std::byte* workspace,
                         std::size_t threads) {
  const std::vector<AxisClass> h_classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::vector<AxisClass> w_classes = axis_classes(c.w, c.B, c.step_w, c.SW);
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(lanes_of_images)();
  const std::size_t units = div_ceil(c.N, lanes);
  const std::size_t tasks = std::min(units, std::max<std::size_t>(threads, 1));
  const std::size_t bytes = images_scratch_bytes(c);
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t worker) {
    const ImageScratch scratch(c, workspace + worker * bytes);
    std::fill_n(scratch.start, c.columns, 0.0F);
    if (data.start != nullptr) std::copy_n(data.start, c.columns, scratch.start);
    pack_tiles(c, data.weight, 0, scratch.weights);
    for (std::size_t unit = task * units / tasks; unit < (task + 1) * units / tasks; ++unit) {
      const std::size_t n = unit * lanes;
      HWY_DYNAMIC_DISPATCH(run_images)
      (c, data.source + n * source_size(c), std::min(lanes, c.N - n), data.result + n * c.r_image,
       h_classes, w_classes, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
