// A kernel of `direct`: correlations with vector lanes across the positions of a row of the result,
// for groups of few columns.
//
// The source is copied, some rows at a time, into one plane per channel, padded with zeros; within
// a row the cells that a step apart positions read stand side by side, so that a tap of `lanes`
// neighbouring positions is one load. A tile of up to kMostColumns columns x up to kVectors vectors
// of positions stays in registers for the whole chain: each step loads the vectors and multiplies
// them with one broadcast weight per column.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/direct_pixels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "reprise/conv/algorithms/direct_kernels.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"

#ifndef REPRISE_CONV_DIRECT_PIXELS_ONCE
#define REPRISE_CONV_DIRECT_PIXELS_ONCE
namespace reprise::direct {
namespace {

constexpr std::size_t kMostLanes = 16;                            // on any target
constexpr std::size_t kMostTile = 6;                              // columns of a tile
constexpr std::size_t kWantedPlaneFloats = std::size_t{1} << 15;  // planes should fit the L1/L2
constexpr std::size_t kMostPlaneFloats = std::size_t{1} << 18;    // 1 MiB
constexpr std::size_t kMostWeightFloats = std::size_t{1} << 17;   // 512 KiB

/// How planes lie in memory: (channel, row, phase, cell).
struct Planes {
  explicit Planes(const Correlation& c)
      : phases(c.step_w),
        cells((c.B + kMostLanes - 1) / kMostLanes * kMostLanes +
              static_cast<std::size_t>(c.w.highest() - c.w.lowest()) / c.step_w),
        row(phases * cells),
        span(static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1) {
    const std::size_t per_row = std::max<std::size_t>(c.channels, 1) * row;
    const std::size_t fitting = kWantedPlaneFloats / per_row;
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, std::max<std::size_t>(c.A, 1));
    rows = (band - 1) * c.step_h + span;
    plane = rows * row;
  }
  std::size_t phases;  ///< step_w
  std::size_t cells;   ///< of a row and phase
  std::size_t row;     ///< floats of a row
  std::size_t span;    ///< source rows that a position reads, with those between
  std::size_t band;    ///< rows of the result, at a time
  std::size_t rows;    ///< of a plane
  std::size_t plane;   ///< floats of a plane

  /// Where cell (0, phase 0) of the tap stands, from the position's.
  [[nodiscard]] std::size_t tap_offset(const Correlation& c, std::size_t th, std::size_t tw) const {
    const auto h = static_cast<std::size_t>(c.h.at(th) - c.h.lowest());
    const auto w = static_cast<std::size_t>(c.w.at(tw) - c.w.lowest());
    return h * row + w % phases * cells + w / phases;
  }
};

/// Sizes of one worker's scratch.
struct PixelSizes {
  explicit PixelSizes(const Correlation& c)
      : planes(Planes(c).plane * c.channels),
        weights(c.depth() * c.columns),
        columns(c.columns),
        taps(c.h.count * c.w.count) {}
  std::size_t planes, weights, columns, taps;
  [[nodiscard]] bool fit() const {
    return planes <= kMostPlaneFloats && weights <= kMostWeightFloats;
  }
  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>(planes) + piece_bytes<float>(weights) + piece_bytes<float>(columns) +
           piece_bytes<std::size_t>(taps);
  }
};

/// The scratch of one worker.
struct PixelScratch {
  PixelScratch(const PixelSizes& sizes, std::byte* memory) {
    WorkspacePieces pieces({memory, sizes.bytes()});
    planes = pieces.take<float>(sizes.planes);
    weights = pieces.take<float>(sizes.weights);
    start = pieces.take<float>(sizes.columns);
    taps = pieces.take<std::size_t>(sizes.taps);
  }
  float* planes;
  float* weights;     ///< tiles of (depth, columns of the tile)
  float* start;       ///< (columns)
  std::size_t* taps;  ///< offsets of the taps in a plane
};

/// Columns are taken in equal tiles: how many.
inline std::size_t tile_count(const Correlation& c) {
  return (c.columns + kMostTile - 1) / kMostTile;
}

/// A unit of work: a band of rows of one image.
struct Band {
  std::size_t n, a_begin, a_end;
};

/// Copies the source rows of a band into planes.
inline void fill_planes(const Correlation& c, const Planes& p, const float* source, std::size_t g,
                        const Band& band, float* planes) {
  const std::size_t rows = (band.a_end - band.a_begin - 1) * c.step_h + p.span;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t h =
        band.a_begin * c.step_h + row + static_cast<std::size_t>(c.h.lowest());  // may wrap
    const float* const from =
        source + (band.n * c.SH + h) * c.SW * c.source_channels() + g * c.channels;
    for (std::size_t phase = 0; phase < p.phases; ++phase) {
      float* const to = planes + row * p.row + phase * p.cells;
      for (std::size_t cell = 0; cell < p.cells; ++cell) {
        const std::size_t w =
            cell * c.step_w + phase + static_cast<std::size_t>(c.w.lowest());  // may wrap
        const bool inside = h < c.SH && w < c.SW;
        const float* const x = from + w * c.source_channels();
        for (std::size_t channel = 0; channel < c.channels; ++channel) {
          to[channel * p.plane + cell] = inside ? x[channel] : 0.0F;
        }
      }
    }
  }
}

/// packed: for each tile of columns (depth, columns of the tile).
inline void pack_tiles(const Correlation& c, const float* weight, std::size_t g, float* packed) {
  const std::size_t tiles = tile_count(c);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t j_begin = tile * c.columns / tiles;
    const std::size_t j_end = (tile + 1) * c.columns / tiles;
    for (std::size_t th = 0; th < c.h.count; ++th) {
      for (std::size_t tw = 0; tw < c.w.count; ++tw) {
        const std::size_t kh = c.h.kernel_first + th * c.h.kernel_spacing;
        const std::size_t kw = c.w.kernel_first + tw * c.w.kernel_spacing;
        const float* tap = weight + (kh * c.KW + kw) * c.w_tap + g * c.w_group;
        for (std::size_t channel = 0; channel < c.channels; ++channel, tap += c.w_channel) {
          for (std::size_t j = j_begin; j < j_end; ++j) *packed++ = tap[j * c.w_column];
        }
      }
    }
  }
}

}  // namespace
}  // namespace reprise::direct
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kVectors = 4;
#else
constexpr std::size_t kVectors = 2;
#endif

/// Vectors of positions: each begins at position (a, b) and holds `count` of them.
struct PositionVectors {
  const float* x[kVectors];  ///< the plane of channel 0 at tap offset 0
  float* result[kVectors];   ///< of the first position, at the group's column 0
  std::size_t count[kVectors];
  std::size_t size;  ///< how many vectors; the others repeat the last
};

/// The chains of `columns` columns for all positions of `vectors`, stored into
/// sums(column, vector, lane).
template <std::size_t columns>
HWY_NOINLINE void tile_kernel(const PositionVectors& vectors, const std::size_t* HWY_RESTRICT taps,
                              std::size_t tap_count, std::size_t channels, std::size_t plane,
                              const float* HWY_RESTRICT weights, const float* start,
                              float* HWY_RESTRICT sums) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[columns][kVectors];
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::Set(d, start[j]);
  }
  for (std::size_t tap = 0; tap < tap_count; ++tap) {
    std::size_t offset = taps[tap];
    for (std::size_t channel = 0; channel < channels; ++channel, offset += plane) {
      Vector x[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, vectors.x[v] + offset);
      for (std::size_t j = 0; j < columns; ++j) {
        const Vector w = hn::Set(d, weights[j]);
        for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::MulAdd(x[v], w, acc[j][v]);
      }
      weights += columns;
    }
  }
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(acc[j][v], d, sums + (j * kVectors + v) * lanes);
    }
  }
}

/// result(position, j) = sums(j, position) for one vector of positions, `cell` floats apart.
template <std::size_t columns>
HWY_INLINE void write_positions(const float* HWY_RESTRICT sums, std::size_t sums_column,
                                std::size_t count, float* HWY_RESTRICT result, std::size_t cell) {
  for (std::size_t i = 0; i < count; ++i, result += cell) {
    for (std::size_t j = 0; j < columns; ++j) result[j] = sums[j * sums_column + i];
  }
}

template <std::size_t columns>
void run_tile(const Correlation& c, std::size_t plane, const PositionVectors& vectors,
              const PixelScratch& scratch, std::size_t j_begin) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float sums[columns * kVectors * hn::MaxLanes(d)];
  tile_kernel<columns>(vectors, scratch.taps, c.h.count * c.w.count, c.channels, plane,
                       scratch.weights + c.depth() * j_begin, scratch.start + j_begin, sums);
  for (std::size_t v = 0; v < vectors.size; ++v) {
    write_positions<columns>(sums + v * lanes, kVectors * lanes, vectors.count[v],
                             vectors.result[v] + j_begin, c.r_cell);
  }
}

using RunTile = void (*)(const Correlation&, std::size_t, const PositionVectors&,
                         const PixelScratch&, std::size_t);

/// All columns for the positions of `vectors`.
void run_vectors(const Correlation& c, std::size_t plane, PositionVectors& vectors,
                 const PixelScratch& scratch) {
  static constexpr RunTile run[kMostTile] = {run_tile<1>, run_tile<2>, run_tile<3>,
                                             run_tile<4>, run_tile<5>, run_tile<6>};
  for (std::size_t v = vectors.size; v < kVectors; ++v) vectors.x[v] = vectors.x[v - 1];
  const std::size_t tiles = tile_count(c);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t j_begin = tile * c.columns / tiles;
    const std::size_t j_end = (tile + 1) * c.columns / tiles;
    run[j_end - j_begin - 1](c, plane, vectors, scratch, j_begin);
  }
}

/// A band of group g, whose planes, weights and taps are in the scratch.
void run_band(const Correlation& c, const Planes& p, const Band& band, std::size_t g, float* result,
              const PixelScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  PositionVectors vectors;
  vectors.size = 0;
  for (std::size_t a = band.a_begin; a < band.a_end; ++a) {
    for (std::size_t b = 0; b < c.B; b += lanes) {
      vectors.x[vectors.size] = scratch.planes + (a - band.a_begin) * c.step_h * p.row + b;
      vectors.result[vectors.size] =
          result + c.r_first + band.n * c.r_image + a * c.r_row + b * c.r_cell + g * c.columns;
      vectors.count[vectors.size] = std::min(lanes, c.B - b);
      if (++vectors.size < kVectors) continue;
      run_vectors(c, p.plane, vectors, scratch);
      vectors.size = 0;
    }
  }
  if (vectors.size > 0) run_vectors(c, p.plane, vectors, scratch);
}

/// Multiply-adds of vectors, and what comes to them, for each position: lanes across positions
/// against lanes across columns.
bool fewer_by_pixels(const Correlation& c) {
  const auto lanes = static_cast<double>(hn::Lanes(hn::ScalableTag<float>()));
  const auto vectors = [&](std::size_t count) {
    return std::ceil(static_cast<double>(count) / lanes);
  };
  const auto depth = static_cast<double>(c.depth());
  const auto columns = static_cast<double>(c.columns);
  const double copied = 1.5 * (static_cast<double>(c.channels * c.step_h * c.step_w) + columns);
  const double by_pixels = depth * columns * vectors(c.B) / static_cast<double>(c.B) + copied;
  return by_pixels < depth * vectors(c.columns);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(run_band);
HWY_EXPORT(fewer_by_pixels);

bool pixels_pay(const Correlation& c) {
  return c.depth() > 0 && PixelSizes(c).fit() && HWY_DYNAMIC_DISPATCH(fewer_by_pixels)(c);
}

std::size_t pixels_workspace_bytes(const Correlation& c, std::size_t threads) {
  const PixelSizes sizes(c);
  return sizes.fit() ? std::max<std::size_t>(threads, 1) * sizes.bytes() : 0;
}

void correlate_by_pixels(const Correlation& c, const CorrelationData& data, std::byte* workspace,
                         std::size_t threads) {
  const Planes planes(c);
  const PixelSizes sizes(c);
  const std::size_t bands = (c.A + planes.band - 1) / planes.band;
  const std::size_t units = c.N * bands;  // per group
  const std::size_t tasks = std::min(units, threads <= 1 ? 1 : 4 * threads);
  parallel_for(threads, c.G * tasks, [&](std::size_t task, std::size_t worker) {
    const PixelScratch scratch(sizes, workspace + worker * sizes.bytes());
    const std::size_t g = task / tasks;
    const std::size_t part = task % tasks;
    std::fill_n(scratch.start, c.columns, 0.0F);
    if (data.start != nullptr) std::copy_n(data.start + g * c.columns, c.columns, scratch.start);
    pack_tiles(c, data.weight, g, scratch.weights);
    for (std::size_t tap = 0; tap < sizes.taps; ++tap) {
      scratch.taps[tap] = planes.tap_offset(c, tap / c.w.count, tap % c.w.count);
    }
    for (std::size_t unit = part * units / tasks; unit < (part + 1) * units / tasks; ++unit) {
      const std::size_t a = unit % bands * planes.band;
      const Band band{unit / bands, a, std::min(c.A, a + planes.band)};
      fill_planes(c, planes, data.source, g, band, scratch.planes);
      HWY_DYNAMIC_DISPATCH(run_band)(c, planes, band, g, data.result, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
