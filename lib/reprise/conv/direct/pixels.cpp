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
#define HWY_TARGET_INCLUDE "reprise/conv/direct/pixels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "reprise/conv/direct/pixels_plan.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

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
  REPRISE_UNROLL
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::Set(d, start[j]);
  }
  for (std::size_t tap = 0; tap < tap_count; ++tap) {
    std::ptrdiff_t offset = taps[tap];
    for (std::size_t channel = 0; channel < channels; ++channel) {
      Vector x[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, vectors.x[v] + offset);
      REPRISE_UNROLL
      for (std::size_t j = 0; j < columns; ++j) {
        const Vector w = hn::Set(d, weights[j]);
        for (std::size_t v = 0; v < kVectors; ++v) acc[j][v] = hn::MulAdd(x[v], w, acc[j][v]);
      }
      weights += columns;
      offset += static_cast<std::ptrdiff_t>(plane);
    }
  }
  const Vector zero = hn::Zero(d);
  REPRISE_UNROLL
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(hn::Add(acc[j][v], zero), d, sums + (j * kVectors + v) * lanes);
    }
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
    write_lanes(sums + v * lanes, kVectors * lanes, columns, vectors.count[v],
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
  const std::size_t bands = div_ceil(c.A, planes.band);
  const std::size_t units = div_ceil(c.N, planes.images) * bands;  // per group
  const std::size_t tasks = std::min(units, threads <= 1 ? 1 : 4 * threads);
  parallel_for(threads, c.G * tasks, [&](std::size_t task, std::size_t worker) {
    const PixelScratch scratch(sizes, workspace + worker * sizes.bytes());
    const std::size_t g = task / tasks;
    const std::size_t part = task % tasks;
    std::fill_n(scratch.planes, sizes.planes, 0.0F);
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
