// A kernel of `direct`: correlations with vector lanes across the positions of a row of the result,
// for groups of few columns.
//
// The source of some images is copied into one plane per channel, its rows padded with zeros;
// within a row the cells that a step apart positions read stand side by side, so that a tap of
// `lanes` neighbouring positions is one load. A tile of up to kMostTile columns x kVectors vectors
// of positions stays in registers for the whole chain: each step loads the vectors and multiplies
// them with one broadcast weight per column. The rows of a tile have the same taps inside the
// image.
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
constexpr std::size_t kWantedPlaneFloats = std::size_t{1} << 15;  // 128 KiB
constexpr std::size_t kMostPlaneFloats = std::size_t{1} << 18;    // 1 MiB
constexpr std::size_t kMostWeightFloats = std::size_t{1} << 17;   // 512 KiB

/// How planes lie in memory: (image, channel, row, phase, cell).
struct Planes {
  explicit Planes(const Correlation& c)
      : phases(c.step_w),
        cells((c.B + kMostLanes - 1) / kMostLanes * kMostLanes +
              static_cast<std::size_t>(c.w.highest() - c.w.lowest()) / c.step_w),
        row(phases * cells) {
    const auto span = static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1;
    const std::size_t per_row = std::max<std::size_t>(c.channels, 1) * row;
    const std::size_t fitting = kWantedPlaneFloats / per_row;
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
struct PixelSizes {
  PixelSizes(const Correlation& c, const Planes& p)
      : planes(p.images * p.image),
        weights(c.depth() * c.columns),
        columns(c.columns),
        taps(c.h.count * c.w.count) {}
  std::size_t planes, weights, columns, taps;
  [[nodiscard]] bool fit() const {
    return planes <= kMostPlaneFloats && weights <= kMostWeightFloats;
  }
  [[nodiscard]] std::size_t bytes() const {
    return piece_bytes<float>(planes) + piece_bytes<float>(weights) + piece_bytes<float>(columns) +
           piece_bytes<std::ptrdiff_t>(taps);
  }
};

/// The scratch of one worker.
struct PixelScratch {
  PixelScratch(const PixelSizes& sizes, std::byte* memory) {
    WorkspacePieces pieces({memory, sizes.bytes()});
    planes = pieces.take<float>(sizes.planes);
    weights = pieces.take<float>(sizes.weights);
    start = pieces.take<float>(sizes.columns);
    taps = pieces.take<std::ptrdiff_t>(sizes.taps);
  }
  float* planes;
  float* weights;        ///< tiles of (depth, columns of the tile)
  float* start;          ///< (columns)
  std::ptrdiff_t* taps;  ///< offsets of the taps in a plane
};

/// Columns are taken in equal tiles: how many.
inline std::size_t tile_count(const Correlation& c) {
  return (c.columns + kMostTile - 1) / kMostTile;
}

/// A unit of work: rows of positions [a_begin, a_end) of images [n_begin, n_end) of group g, which
/// read source rows [h_begin, h_end).
struct Unit {
  std::size_t g, n_begin, n_end, a_begin, a_end, h_begin, h_end;
};

/// Copies one row of the source's cells, of one channel, to its phases.
inline void fill_row(const Correlation& c, const Planes& p, const float* source, float* to) {
  const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
  const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
  const std::size_t stride = c.step_w * c.source_channels();
  for (std::size_t phase = 0; phase < p.phases; ++phase, to += p.cells) {
    // Cell i is column i * step_w + phase + skipped - left of the source.
    const std::size_t first = phase >= left ? 0 : (left - phase + c.step_w - 1) / c.step_w;
    const std::size_t begin = std::min(first, p.cells);
    const std::size_t column = begin * c.step_w + phase + skipped - left;
    const std::size_t existing = column < c.SW ? (c.SW - column - 1) / c.step_w + 1 : 0;
    const std::size_t end = begin + std::min(existing, p.cells - begin);
    const float* const from = source + column * c.source_channels();
    std::fill(to, to + begin, 0.0F);
    if (stride == 1) {
      std::copy_n(from, end - begin, to + begin);
    } else {
      for (std::size_t i = begin; i < end; ++i) to[i] = from[(i - begin) * stride];
    }
    std::fill(to + end, to + p.cells, 0.0F);
  }
}

/// Copies the unit's source rows into planes.
inline void fill_planes(const Correlation& c, const Planes& p, const float* source,
                        const Unit& unit, float* planes) {
  for (std::size_t n = unit.n_begin; n < unit.n_end; ++n, planes += p.image) {
    for (std::size_t h = unit.h_begin; h < unit.h_end; ++h) {
      const float* const from =
          source + (n * c.SH + h) * c.SW * c.source_channels() + unit.g * c.channels;
      for (std::size_t channel = 0; channel < c.channels; ++channel) {
        fill_row(c, p, from + channel, planes + channel * p.plane + (h - unit.h_begin) * p.row);
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

/// A class's part of the chains: taps [begin, begin + count) of all.
struct TapRange {
  std::size_t begin, count;
};

/// The chains of `columns` columns for all positions of `vectors`, stored into
/// sums(column, vector, lane).
template <std::size_t columns>
HWY_NOINLINE void tile_kernel(const PositionVectors& vectors,
                              const std::ptrdiff_t* HWY_RESTRICT taps, std::size_t tap_count,
                              std::size_t channels, std::size_t plane,
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
    std::ptrdiff_t offset = taps[tap];
    for (std::size_t channel = 0; channel < channels; ++channel) {
      Vector x[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, vectors.x[v] + offset);
      for (std::size_t j = 0; j < columns; ++j) {
        const Vector w = hn::Set(d, weights[j]);
        for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::MulAdd(x[v], w, acc[j][v]);
      }
      weights += columns;
      offset += static_cast<std::ptrdiff_t>(plane);
    }
  }
  const Vector zero = hn::Zero(d);
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(hn::Add(acc[j][v], zero), d, sums + (j * kVectors + v) * lanes);
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
              const TapRange& taps, const PixelScratch& scratch, std::size_t j_begin) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float sums[columns * kVectors * hn::MaxLanes(d)];
  const float* const weights =
      scratch.weights + c.depth() * j_begin + taps.begin * c.channels * columns;
  tile_kernel<columns>(vectors, scratch.taps + taps.begin, taps.count, c.channels, plane, weights,
                       scratch.start + j_begin, sums);
  for (std::size_t v = 0; v < vectors.size; ++v) {
    write_positions<columns>(sums + v * lanes, kVectors * lanes, vectors.count[v],
                             vectors.result[v] + j_begin, c.r_cell);
  }
}

using RunTile = void (*)(const Correlation&, std::size_t, const PositionVectors&, const TapRange&,
                         const PixelScratch&, std::size_t);

/// All columns for the positions of `vectors`.
void run_vectors(const Correlation& c, std::size_t plane, PositionVectors& vectors,
                 const TapRange& taps, const PixelScratch& scratch) {
  static constexpr RunTile run[kMostTile] = {run_tile<1>, run_tile<2>, run_tile<3>,
                                             run_tile<4>, run_tile<5>, run_tile<6>};
  for (std::size_t v = vectors.size; v < kVectors; ++v) vectors.x[v] = vectors.x[v - 1];
  const std::size_t tiles = tile_count(c);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t j_begin = tile * c.columns / tiles;
    const std::size_t j_end = (tile + 1) * c.columns / tiles;
    run[j_end - j_begin - 1](c, plane, vectors, taps, scratch, j_begin);
  }
}

/// The unit's rows of one class, whose planes, weights and taps are in the scratch.
void run_class(const Correlation& c, const Planes& p, const Unit& unit, const AxisClass& rows,
               float* result, const PixelScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const TapRange taps{rows.tap_begin * c.w.count, (rows.tap_end - rows.tap_begin) * c.w.count};
  PositionVectors vectors;
  vectors.size = 0;
  for (std::size_t n = unit.n_begin; n < unit.n_end; ++n) {
    for (std::size_t a = rows.begin; a < rows.end; ++a) {
      const float* const row = scratch.planes + (n - unit.n_begin) * p.image +
                               (a * c.step_h - unit.h_begin) * p.row;  // may wrap; taps undo that
      float* const out = result + c.r_first + n * c.r_image + a * c.r_row + unit.g * c.columns;
      for (std::size_t b = 0; b < c.B; b += lanes) {
        vectors.x[vectors.size] = row + b;
        vectors.result[vectors.size] = out + b * c.r_cell;
        vectors.count[vectors.size] = std::min(lanes, c.B - b);
        if (++vectors.size < kVectors) continue;
        run_vectors(c, p.plane, vectors, taps, scratch);
        vectors.size = 0;
      }
    }
  }
  if (vectors.size > 0) run_vectors(c, p.plane, vectors, taps, scratch);
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
HWY_EXPORT(run_class);
HWY_EXPORT(fewer_by_pixels);

bool pixels_pay(const Correlation& c) {
  return c.depth() > 0 && PixelSizes(c, Planes(c)).fit() &&
         HWY_DYNAMIC_DISPATCH(fewer_by_pixels)(c);
}

std::size_t pixels_workspace_bytes(const Correlation& c, std::size_t threads) {
  const PixelSizes sizes(c, Planes(c));
  return sizes.fit() ? std::max<std::size_t>(threads, 1) * sizes.bytes() : 0;
}

namespace {

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

void run_unit(const Correlation& c, const Planes& p, const CorrelationData& data,
              const std::vector<AxisClass>& classes, const Unit& unit,
              const PixelScratch& scratch) {
  fill_planes(c, p, data.source, unit, scratch.planes);
  for (AxisClass rows : classes) {
    rows.begin = std::max(rows.begin, unit.a_begin);
    rows.end = std::min(rows.end, unit.a_end);
    if (rows.begin >= rows.end) continue;
    HWY_DYNAMIC_DISPATCH(run_class)(c, p, unit, rows, data.result, scratch);
  }
}

}  // namespace

void correlate_by_pixels(const Correlation& c, const CorrelationData& data, std::byte* workspace,
                         std::size_t threads) {
  const Planes planes(c);
  const PixelSizes sizes(c, planes);
  const std::vector<AxisClass> classes = axis_classes(c.h, c.A, c.step_h, c.SH);
  const std::size_t bands = (c.A + planes.band - 1) / planes.band;
  const std::size_t units = (c.N + planes.images - 1) / planes.images * bands;  // per group
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
    for (std::size_t index = part * units / tasks; index < (part + 1) * units / tasks; ++index) {
      const Unit unit =
          make_unit(c, planes, g, index / bands * planes.images, index % bands * planes.band);
      run_unit(c, planes, data, classes, unit, scratch);
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
