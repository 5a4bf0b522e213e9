// A kernel of `direct`: the gradient of the weights, vector lanes across the values of a window,
// for few columns or few channels.
//
// Some rows of the source are copied with their padding; if the window's runs (one per row of the
// kernel) do not fill vectors well, each position's window is copied to be contiguous as well. A
// tile of up to two vectors of rows x several columns stays in registers while its chains run over
// a block of positions: each step loads the vectors and multiplies them with one broadcast value of
// grad_output per column.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/algorithms/direct_weight_windows.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/algorithms/direct_kernels.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/parallel.hpp"

#ifndef REPRISE_CONV_DIRECT_WEIGHT_WINDOWS_ONCE
#define REPRISE_CONV_DIRECT_WEIGHT_WINDOWS_ONCE
namespace reprise::direct {
namespace {

constexpr std::size_t kVectorUnit = 16;                            // lanes, on any target
constexpr std::size_t kCopyUnit = 8;                               // floats copied at a time
constexpr std::size_t kSlack = 2 * kVectorUnit;                    // floats read past the end
constexpr std::size_t kWantedBandFloats = std::size_t{1} << 14;    // 64 KiB
constexpr std::size_t kMostBandFloats = std::size_t{1} << 18;      // 1 MiB
constexpr std::size_t kWantedWindowFloats = std::size_t{1} << 15;  // 128 KiB
constexpr std::size_t kMostWindow = std::size_t{1} << 11;
constexpr std::size_t kMostSumFloats = std::size_t{1} << 17;  // 512 KiB

constexpr std::size_t round_up(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

/// How windows are copied and summed.
struct WindowPlan {
  explicit WindowPlan(const Correlation& c)
      : run(c.w.spacing == 1 ? c.w.count * c.channels : c.channels),
        runs(c.depth() / std::max<std::size_t>(run, 1)),
        row(((c.B - 1) * c.step_w + static_cast<std::size_t>(c.w.highest() - c.w.lowest()) + 1) *
            c.channels),
        span(static_cast<std::size_t>(c.h.highest() - c.h.lowest()) + 1) {
    const std::size_t apart = runs * round_up(run, kVectorUnit);
    const std::size_t together = round_up(c.depth(), kVectorUnit);
    unroll = together * 4 < apart * 3;
    segments = unroll ? 1 : runs;
    segment = unroll ? c.depth() : run;
    segment_pitch = round_up(segment, kVectorUnit);
    if (unroll) {  // room for what the last run's copy takes too much
      segment_pitch = round_up(segment - run + round_up(run, kCopyUnit), kVectorUnit);
    }
    const std::size_t fitting = kWantedBandFloats / row;
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, c.A);
    band_floats = ((band - 1) * c.step_h + span) * row + kSlack;
    positions = unroll ? std::max<std::size_t>(kWantedWindowFloats / segment_pitch, 16) : 1024;
    positions = std::min(positions, band * c.B);
  }
  std::size_t run;            ///< values of a window that are neighbours in the source
  std::size_t runs;           ///< of a window
  std::size_t row;            ///< floats of a padded row of one group's channels
  std::size_t span;           ///< source rows that a position reads, with those between
  bool unroll;                ///< windows are copied to be contiguous
  std::size_t segments;       ///< what a window consists of then
  std::size_t segment;        ///< length of a segment
  std::size_t segment_pitch;  ///< its length in whole vectors
  std::size_t band;           ///< rows of positions, at a time
  std::size_t band_floats;    ///< of their source rows
  std::size_t positions;      ///< of a block

  /// Rows of grad_weight, with those that fill up vectors.
  [[nodiscard]] std::size_t sum_rows() const { return segments * segment_pitch; }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.depth() <= kMostWindow && band_floats <= kMostBandFloats &&
           sum_rows() * c.columns <= kMostSumFloats;
  }
  [[nodiscard]] std::size_t bytes(const Correlation& c) const {
    return piece_bytes<float>(band_floats) + piece_bytes<float>(window_floats()) +
           piece_bytes<float>(sum_rows() * c.columns) + piece_bytes<const float*>(positions) +
           piece_bytes<std::size_t>(runs);
  }
  [[nodiscard]] std::size_t window_floats() const {
    return unroll ? positions * segment_pitch + kSlack : 0;
  }
};

/// The scratch of one worker.
struct WindowScratch {
  WindowScratch(const Correlation& c, const WindowPlan& plan, std::byte* memory) {
    WorkspacePieces pieces({memory, plan.bytes(c)});
    band = pieces.take<float>(plan.band_floats);
    windows = pieces.take<float>(plan.window_floats());
    sums = pieces.take<float>(plan.sum_rows() * c.columns);
    window = pieces.take<const float*>(plan.positions);
    run_offset = pieces.take<std::size_t>(plan.runs);
    std::fill_n(sums, plan.sum_rows() * c.columns, 0.0F);
    std::fill_n(band, plan.band_floats, 0.0F);
    std::fill_n(windows, plan.window_floats(), 0.0F);
    const std::size_t taps_together = plan.run / c.channels;
    for (std::size_t run = 0; run < plan.runs; ++run) {
      const std::size_t tap = run * taps_together;
      run_offset[run] =
          static_cast<std::size_t>(c.h.at(tap / c.w.count) - c.h.lowest()) * plan.row +
          static_cast<std::size_t>(c.w.at(tap % c.w.count) - c.w.lowest()) * c.channels;
    }
  }
  float* band;              ///< (source rows, row)
  float* windows;           ///< (positions, segment_pitch) if unrolled
  float* sums;              ///< (columns, sum_rows)
  const float** window;     ///< (positions): where a position's segment 0 begins
  std::size_t* run_offset;  ///< (runs): where a run begins, from the position's first cell
};

/// Some rows of positions of one image, for some columns of a group.
struct WindowBand {
  std::size_t g, n, a_begin, a_end, j_begin, j_end;
};

/// Copies the band's source rows; what is outside the image is 0.
inline void copy_band(const Correlation& c, const WindowPlan& plan, const float* source,
                      const WindowBand& band, float* copy) {
  const std::size_t rows = (band.a_end - band.a_begin - 1) * c.step_h + plan.span;
  const auto left = static_cast<std::size_t>(std::max<std::ptrdiff_t>(-c.w.lowest(), 0));
  const auto skipped = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.w.lowest(), 0));
  const std::size_t cells = plan.row / c.channels;
  const std::size_t begin = std::min(left, cells);
  const std::size_t inside = std::min(cells - begin, c.SW > skipped ? c.SW - skipped : 0);
  for (std::size_t row = 0; row < rows; ++row, copy += plan.row) {
    const std::size_t h =
        band.a_begin * c.step_h + row + static_cast<std::size_t>(c.h.lowest());  // may wrap
    const std::size_t existing = h < c.SH ? inside : 0;
    const float* const from =
        source + ((band.n * c.SH + (h < c.SH ? h : 0)) * c.SW + skipped) * c.source_channels() +
        band.g * c.channels;
    float* to = std::fill_n(copy, begin * c.channels, 0.0F);
    if (c.G == 1) {
      to = std::copy_n(from, existing * c.channels, to);
    } else {
      for (std::size_t cell = 0; cell < existing; ++cell) {
        to = std::copy_n(from + cell * c.source_channels(), c.channels, to);
      }
    }
    std::fill(to, copy + plan.row, 0.0F);
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

// Registers: columns x vectors sums, the vectors of a window, one value of grad_output.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 24;
#else
constexpr std::size_t kTileVectors = 12;
#endif
constexpr std::size_t kMostTile = kTileVectors / 2;  // columns of a tile

/// sums(j, rows of the vectors) continue their chains over `count` positions: window[p][first +
/// ...] times grad[p * grad_stride + j].
template <std::size_t columns, std::size_t vectors>
HWY_NOINLINE void tile_kernel(std::size_t count, const float* const* HWY_RESTRICT window,
                              std::size_t first, const float* HWY_RESTRICT grad,
                              std::size_t grad_stride, float* HWY_RESTRICT sums,
                              std::size_t sums_stride) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[columns][vectors];
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[j][v] = hn::LoadU(d, sums + j * sums_stride + v * lanes);
    }
  }
  for (std::size_t p = 0; p < count; ++p, grad += grad_stride) {
    const float* HWY_RESTRICT from = window[p] + first;
    Vector x[vectors];
    for (std::size_t v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, from + v * lanes);
    for (std::size_t j = 0; j < columns; ++j) {
      const Vector g = hn::Set(d, grad[j]);
      for (std::size_t v = 0; v < vectors; ++v) acc[j][v] = hn::MulAdd(x[v], g, acc[j][v]);
    }
  }
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(acc[j][v], d, sums + j * sums_stride + v * lanes);
    }
  }
}

using TileKernel = void (*)(std::size_t, const float* const*, std::size_t, const float*,
                            std::size_t, float*, std::size_t);

template <std::size_t vectors, std::size_t... index>
constexpr std::array<TileKernel, sizeof...(index)> make_kernels(std::index_sequence<index...>) {
  return {tile_kernel<index + 1, vectors>...};
}

/// tile_kernel<columns, vectors>; columns is at most kMostTile, vectors 1 or 2.
TileKernel kernel_for(std::size_t columns, std::size_t vectors) {
  static constexpr auto one = make_kernels<1>(std::make_index_sequence<kMostTile>());
  static constexpr auto two = make_kernels<2>(std::make_index_sequence<kMostTile>());
  return vectors == 1 ? one[columns - 1] : two[columns - 1];
}

/// Copies the windows of a block of positions, run by run in whole vectors: what a run's copy takes
/// too much is overwritten by the next run's, and after the last one lies in what fills up vectors.
void copy_windows(const WindowPlan& plan, std::size_t count, const WindowScratch& scratch) {
  const hn::CappedTag<float, kCopyUnit> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t run = plan.run;
  const std::size_t pitch = plan.segment_pitch;
  const float* const* HWY_RESTRICT window = scratch.window;
  for (std::size_t i = 0; i < plan.runs; ++i) {
    const std::size_t offset = scratch.run_offset[i];
    float* HWY_RESTRICT to = scratch.windows + i * run;
    for (std::size_t p = 0; p < count; ++p, to += pitch) {
      const float* HWY_RESTRICT from = window[p] + offset;
      for (std::size_t k = 0; k < run; k += lanes) hn::StoreU(hn::LoadU(d, from + k), d, to + k);
    }
  }
  for (std::size_t p = 0; p < count; ++p) scratch.window[p] = scratch.windows + p * pitch;
}

/// The band's columns over the block of its positions [begin, begin + count).
void run_positions(const Correlation& c, const WindowPlan& plan, const float* grad_output,
                   const WindowBand& band, std::size_t begin, std::size_t count,
                   const WindowScratch& scratch) {
  for (std::size_t p = 0; p < count; ++p) {
    const std::size_t a = (begin + p) / c.B;
    const std::size_t b = (begin + p) % c.B;
    scratch.window[p] = scratch.band + a * c.step_h * plan.row + b * c.step_w * c.channels;
  }
  if (plan.unroll) copy_windows(plan, count, scratch);

  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::size_t position = (band.n * c.A + band.a_begin) * c.B + begin;
  const float* const grad = grad_output + position * c.r_cell + band.g * c.columns;
  const std::size_t columns = band.j_end - band.j_begin;
  const std::size_t tiles = (columns + kMostTile - 1) / kMostTile;
  for (std::size_t segment = 0; segment < plan.segments; ++segment) {
    const std::size_t offset = plan.unroll ? 0 : scratch.run_offset[segment];
    for (std::size_t row = 0; row < plan.segment;) {
      const std::size_t vectors = plan.segment - row > lanes ? 2 : 1;
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const std::size_t j = band.j_begin + tile * columns / tiles;
        const std::size_t j_end = band.j_begin + (tile + 1) * columns / tiles;
        kernel_for(j_end - j, vectors)(
            count, scratch.window, offset + row, grad + j, c.r_cell,
            scratch.sums + j * plan.sum_rows() + segment * plan.segment_pitch + row,
            plan.sum_rows());
      }
      row += vectors * lanes;
    }
  }
}

/// Whether all exponents are less than the largest.
bool all_finite_values(const float* values, std::size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const std::size_t lanes = hn::Lanes(d);
  const auto largest = hn::Set(di, 0x7f800000);
  auto most = hn::Zero(di);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    most = hn::Max(most, hn::BitCast(di, hn::Abs(hn::LoadU(d, values + i))));
  }
  bool finite = hn::AllTrue(di, hn::Lt(most, largest));
  for (; i < count; ++i) finite = finite && values[i] - values[i] == 0.0F;
  return finite;
}

/// Multiply-adds of vectors for each position, and copies: lanes across rows against lanes across
/// columns, where tiles of one vector read more than they multiply and short pieces hold few sums.
bool fewer_by_windows(const Correlation& c, const WindowPlan& plan) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto vectors = [&](std::size_t count) {
    return static_cast<double>((count + lanes - 1) / lanes);
  };
  const auto columns = static_cast<double>(c.columns);
  const auto depth = static_cast<double>(c.depth());
  const double copied = plan.unroll ? static_cast<double>(plan.runs) * 1.5 + depth / 8 : 0.0;
  const double tiles = static_cast<double>(plan.segments) * vectors(plan.segment) * columns;
  const auto block = static_cast<double>(std::min(plan.positions, c.A * c.B));
  const double by_windows =
      tiles * (1.0 + 3.0 / block) + copied + static_cast<double>(plan.band_floats) / (4.0 * block);
  const double piece = static_cast<double>(c.channels);
  const double loads = (c.columns <= lanes ? 1.35 : 1.0) * (1.0 + 4.0 / piece);
  return by_windows < depth * vectors(c.columns) * loads;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(run_positions);
HWY_EXPORT(all_finite_values);
HWY_EXPORT(fewer_by_windows);

bool all_finite(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(all_finite_values)(values, count);
}

bool windows_pay(const Correlation& c) {
  const WindowPlan plan(c);
  return plan.fits(c) && HWY_DYNAMIC_DISPATCH(fewer_by_windows)(c, plan);
}

std::size_t weight_gradient_windows_bytes(const Correlation& c, std::size_t threads) {
  const WindowPlan plan(c);
  return plan.fits(c) ? std::max<std::size_t>(threads, 1) * plan.bytes(c) : 0;
}

namespace {

/// Columns [j_begin, j_end) of group g over all positions.
void sum_columns(const Correlation& c, const WindowPlan& plan, const WeightGradientData& data,
                 std::size_t g, std::size_t j_begin, std::size_t j_end,
                 const WindowScratch& scratch) {
  for (std::size_t n = 0; n < c.N; ++n) {
    for (std::size_t a = 0; a < c.A; a += plan.band) {
      const WindowBand band{g, n, a, std::min(c.A, a + plan.band), j_begin, j_end};
      copy_band(c, plan, data.source, band, scratch.band);
      const std::size_t positions = (band.a_end - a) * c.B;
      for (std::size_t p = 0; p < positions; p += plan.positions) {
        HWY_DYNAMIC_DISPATCH(run_positions)
        (c, plan, data.grad_output, band, p, std::min(plan.positions, positions - p), scratch);
      }
    }
  }
  for (std::size_t k = 0; k < c.depth(); ++k) {
    const std::size_t row = k / plan.segment * plan.segment_pitch + k % plan.segment;
    float* const result = data.grad_weight + k * c.w_channel + g * c.w_group;
    for (std::size_t j = j_begin; j < j_end; ++j) {
      result[j] = scratch.sums[j * plan.sum_rows() + row] + 0.0F;
    }
  }
}

}  // namespace

void weight_gradient_by_windows(const Correlation& c, const WeightGradientData& data,
                                std::byte* workspace, std::size_t threads) {
  const WindowPlan plan(c);
  const std::size_t parts = std::min(c.columns, std::max<std::size_t>(threads, 1));
  parallel_for(threads, c.G * parts, [&](std::size_t index, std::size_t worker) {
    const WindowScratch scratch(c, plan, workspace + worker * plan.bytes(c));
    const std::size_t part = index % parts;
    sum_columns(c, plan, data, index / parts, part * c.columns / parts,
                (part + 1) * c.columns / parts, scratch);
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
