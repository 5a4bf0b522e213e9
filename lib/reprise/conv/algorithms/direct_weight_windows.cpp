// A kernel of `direct`: the gradient of the weights, vector lanes across the values of a window,
// for few columns or few channels.
//
// Some rows of the source are copied with their padding. A window consists of runs, one per row of
// the kernel, that are contiguous there; if vectors would hold little of them, each position's
// window is copied to be one run. A tile of up to three vectors of rows x several columns stays in
// registers while its chains run over a block of positions: each step loads the vectors and
// multiplies them with one broadcast value of grad_output per column.
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
constexpr std::size_t kHalfUnit = 8;                               // of shorter vectors
constexpr std::size_t kSlack = 2 * kVectorUnit;                    // floats read past the end
constexpr std::size_t kWantedBandFloats = std::size_t{1} << 14;    // 64 KiB
constexpr std::size_t kMostBandFloats = std::size_t{1} << 18;      // 1 MiB
constexpr std::size_t kWantedWindowFloats = std::size_t{1} << 12;  // 16 KiB
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
    choose_vectors(c);
    const std::size_t fitting = kWantedBandFloats / row;
    band = fitting > span ? (fitting - span) / c.step_h + 1 : 1;
    band = std::min(band, c.A);
    band_floats = ((band - 1) * c.step_h + span) * row + kSlack;
    positions = unroll ? std::max<std::size_t>(kWantedWindowFloats / segment_pitch, 64) : 1024;
    positions = std::min(positions, band * c.B);
  }
  std::size_t run;            ///< values of a window that are neighbours in the source
  std::size_t runs;           ///< of a window
  std::size_t row;            ///< floats of a padded row of one group's channels
  std::size_t span;           ///< source rows that a position reads, with those between
  std::size_t width;          ///< most lanes of a vector
  bool unroll;                ///< windows are copied to be contiguous
  std::size_t segments;       ///< what a window consists of then
  std::size_t segment;        ///< length of a segment
  std::size_t segment_pitch;  ///< its length in whole vectors
  std::size_t band;           ///< rows of positions, at a time
  std::size_t band_floats;    ///< of their source rows
  std::size_t positions;      ///< of a block
  double cost;                ///< of a position, in multiply-adds of whole vectors

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

 private:
  /// Whole vectors, half vectors (two at a time) or contiguous windows, whichever costs least where
  /// a vector has 16 lanes.
  void choose_vectors(const Correlation& c) {
    const auto columns = static_cast<double>(c.columns);
    const auto vectors = [](std::size_t size, std::size_t unit) {
      return static_cast<double>((size + unit - 1) / unit);
    };
    const auto count = static_cast<double>(runs);
    const double whole = count * vectors(run, kVectorUnit) * columns;
    const double half = count * vectors(run, kHalfUnit) * columns * 0.55;
    const double copied =
        vectors(c.depth(), kVectorUnit) * columns + count * 2.5 * vectors(run, kHalfUnit);
    cost = std::min({whole, half, copied});
    unroll = copied == cost;
    width = !unroll && half == cost ? kHalfUnit : kVectorUnit;
    segments = unroll ? 1 : runs;
    segment = unroll ? c.depth() : run;
    segment_pitch = round_up(segment, width);
    if (unroll) {  // room for what the last run's copy takes too much
      segment_pitch = round_up(segment - run + round_up(run, kHalfUnit), width);
    }
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
    if (plan.unroll) fill_tails(plan);
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

 private:
  /// Zeros where no copy of a window reaches.
  void fill_tails(const WindowPlan& plan) const {
    const std::size_t reached = plan.segment - plan.run + round_up(plan.run, kHalfUnit);
    for (std::size_t p = 0; p < plan.positions; ++p) {
      float* const tail = windows + p * plan.segment_pitch;
      std::fill(tail + reached, tail + plan.segment_pitch, 0.0F);
    }
    std::fill_n(windows + plan.positions * plan.segment_pitch, kSlack, 0.0F);
  }
};

/// Neighbouring rows of grad_weight that make a vector.
struct RowVector {
  std::size_t offset;  ///< in a window
  std::size_t row;     ///< of the sums
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
constexpr std::size_t kMostVectors = 3;
constexpr std::size_t kMostTile = 8;  // columns of a tile
constexpr std::size_t tile_columns(std::size_t vectors) {
  return std::min(kMostTile, kTileVectors / vectors);
}

/// A block of positions: window[p] and the values of grad_output at grad + p * grad_stride.
struct Positions {
  std::size_t count;
  const float* const* window;
  const float* grad;
  std::size_t grad_stride;
};

/// sums + j * sums_stride + rows[v].row, for column j, continue their chains over the positions.
template <std::size_t width, std::size_t vectors, std::size_t columns>
HWY_NOINLINE void tile_kernel(const Positions& positions, const RowVector* rows, std::size_t j,
                              float* HWY_RESTRICT sums, std::size_t sums_stride) {
  const hn::CappedTag<float, width> d;
  using Vector = hn::Vec<decltype(d)>;
  Vector acc[columns][vectors];
  std::size_t offset[vectors];
  for (std::size_t v = 0; v < vectors; ++v) offset[v] = rows[v].offset;
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = hn::LoadU(d, sums + i * sums_stride + rows[v].row);
    }
  }
  const float* const* HWY_RESTRICT window = positions.window;
  const float* HWY_RESTRICT grad = positions.grad + j;
  const std::size_t grad_stride = positions.grad_stride;
  for (std::size_t p = 0; p < positions.count; ++p, grad += grad_stride) {
    const float* HWY_RESTRICT from = window[p];
    Vector x[vectors];
    for (std::size_t v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, from + offset[v]);
    for (std::size_t i = 0; i < columns; ++i) {
      const Vector g = hn::Set(d, grad[i]);
      for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = hn::MulAdd(x[v], g, acc[i][v]);
    }
  }
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(acc[i][v], d, sums + i * sums_stride + rows[v].row);
    }
  }
}

using TileKernel = void (*)(const Positions&, const RowVector*, std::size_t, float*, std::size_t);

template <std::size_t width, std::size_t vectors, std::size_t... index>
constexpr std::array<TileKernel, sizeof...(index)> make_kernels(std::index_sequence<index...>) {
  return {tile_kernel<width, vectors, index + 1>...};
}

/// tile_kernel<width, vectors, columns>; columns is at most tile_columns(vectors).
template <std::size_t width>
TileKernel kernel_for(std::size_t vectors, std::size_t columns) {
  static constexpr auto one = make_kernels<width, 1>(std::make_index_sequence<tile_columns(1)>());
  static constexpr auto two = make_kernels<width, 2>(std::make_index_sequence<tile_columns(2)>());
  static constexpr auto three = make_kernels<width, 3>(std::make_index_sequence<tile_columns(3)>());
  if (vectors == 1) return one[columns - 1];
  return vectors == 2 ? two[columns - 1] : three[columns - 1];
}

/// All rows of grad_weight as vectors of `width` lanes, or as many as there are.
template <std::size_t width>
std::vector<RowVector> row_vectors(const WindowPlan& plan, const WindowScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, width>());
  std::vector<RowVector> rows;
  for (std::size_t segment = 0; segment < plan.segments; ++segment) {
    const std::size_t offset = plan.unroll ? 0 : scratch.run_offset[segment];
    for (std::size_t row = 0; row < plan.segment; row += lanes) {
      rows.push_back({offset + row, segment * plan.segment_pitch + row});
    }
  }
  return rows;
}

/// All rows for columns [j_begin, j_end) over the positions.
template <std::size_t width>
void run_tiles(const WindowPlan& plan, const std::vector<RowVector>& rows,
               const Positions& positions, std::size_t j_begin, std::size_t j_end, float* sums) {
  const std::size_t groups = (rows.size() + kMostVectors - 1) / kMostVectors;
  const std::size_t columns = j_end - j_begin;
  for (std::size_t group = 0; group < groups; ++group) {
    const std::size_t first = group * rows.size() / groups;
    const std::size_t vectors = (group + 1) * rows.size() / groups - first;
    const std::size_t tiles = (columns + tile_columns(vectors) - 1) / tile_columns(vectors);
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t j = j_begin + tile * columns / tiles;
      const std::size_t next = j_begin + (tile + 1) * columns / tiles;
      kernel_for<width>(vectors, next - j)(positions, rows.data() + first, j,
                                           sums + j * plan.sum_rows(), plan.sum_rows());
    }
  }
}

/// Copies the windows of a block of positions, a run in whole vectors: what a run's copy takes too
/// much is overwritten by the next run's, and after the last one lies in what fills up vectors.
void copy_windows(const WindowPlan& plan, std::size_t count, const WindowScratch& scratch) {
  const hn::CappedTag<float, kHalfUnit> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t run = plan.run;
  const std::size_t runs = plan.runs;
  const std::size_t* HWY_RESTRICT offset = scratch.run_offset;
  float* HWY_RESTRICT window = scratch.windows;
  for (std::size_t p = 0; p < count; ++p, window += plan.segment_pitch) {
    const float* HWY_RESTRICT from = scratch.window[p];
    float* HWY_RESTRICT to = window;
    for (std::size_t i = 0; i < runs; ++i, to += run) {
      hn::StoreU(hn::LoadU(d, from + offset[i]), d, to);
      for (std::size_t k = lanes; k < run; k += lanes) {
        hn::StoreU(hn::LoadU(d, from + offset[i] + k), d, to + k);
      }
    }
    scratch.window[p] = window;
  }
}

/// Sets window for the band's positions [begin, begin + count).
void locate_windows(const Correlation& c, const WindowPlan& plan, std::size_t begin,
                    std::size_t count, const WindowScratch& scratch) {
  std::size_t b = begin % c.B;
  const float* row = scratch.band + begin / c.B * c.step_h * plan.row;
  const std::size_t step = c.step_w * c.channels;
  for (std::size_t p = 0; p < count; row += c.step_h * plan.row, b = 0) {
    for (; b < c.B && p < count; ++b, ++p) scratch.window[p] = row + b * step;
  }
}

/// The band's columns over the block of its positions [begin, begin + count).
template <std::size_t width>
void run_positions(const Correlation& c, const WindowPlan& plan, const float* grad_output,
                   const WindowBand& band, std::size_t begin, std::size_t count,
                   const std::vector<RowVector>& rows, const WindowScratch& scratch) {
  locate_windows(c, plan, begin, count, scratch);
  if (plan.unroll) copy_windows(plan, count, scratch);
  const std::size_t position = (band.n * c.A + band.a_begin) * c.B + begin;
  const float* const grad = grad_output + position * c.r_cell + band.g * c.columns;
  const Positions positions{count, scratch.window, grad, c.r_cell};
  run_tiles<width>(plan, rows, positions, band.j_begin, band.j_end, scratch.sums);
}

template <std::size_t width>
void sum_in_vectors(const Correlation& c, const WindowPlan& plan, const WeightGradientData& data,
                    std::size_t g, std::size_t j_begin, std::size_t j_end,
                    const WindowScratch& scratch) {
  const std::vector<RowVector> rows = row_vectors<width>(plan, scratch);
  for (std::size_t n = 0; n < c.N; ++n) {
    for (std::size_t a = 0; a < c.A; a += plan.band) {
      const WindowBand band{g, n, a, std::min(c.A, a + plan.band), j_begin, j_end};
      copy_band(c, plan, data.source, band, scratch.band);
      const std::size_t positions = (band.a_end - a) * c.B;
      for (std::size_t p = 0; p < positions; p += plan.positions) {
        run_positions<width>(c, plan, data.grad_output, band, p,
                             std::min(plan.positions, positions - p), rows, scratch);
      }
    }
  }
}

/// Sums of columns [j_begin, j_end) of group g over all positions.
void sum_columns(const Correlation& c, const WindowPlan& plan, const WeightGradientData& data,
                 std::size_t g, std::size_t j_begin, std::size_t j_end,
                 const WindowScratch& scratch) {
  const auto sum =
      plan.width == kHalfUnit ? sum_in_vectors<kHalfUnit> : sum_in_vectors<kVectorUnit>;
  sum(c, plan, data, g, j_begin, j_end, scratch);
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

/// Multiply-adds of vectors for each position: lanes across rows against lanes across columns,
/// where tiles of one vector read more than they multiply and short pieces hold few sums.
bool fewer_by_windows(const Correlation& c, const WindowPlan& plan) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto vectors = static_cast<double>((c.columns + lanes - 1) / lanes);
  const auto scale = static_cast<double>(kVectorUnit / std::min(kVectorUnit, lanes));
  const auto block = static_cast<double>(std::min(plan.positions, c.A * c.B));
  const double by_windows = scale * plan.cost * (1.0 + 3.0 / block) +
                            static_cast<double>(plan.band_floats) / (4.0 * block);
  const double loads =
      (c.columns <= lanes ? 1.35 : 1.0) * (1.0 + 4.0 / static_cast<double>(c.channels));
  return by_windows < static_cast<double>(c.depth()) * vectors * loads;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(sum_columns);
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

void weight_gradient_by_windows(const Correlation& c, const WeightGradientData& data,
                                std::byte* workspace, std::size_t threads) {
  const WindowPlan plan(c);
  const std::size_t parts = std::min(c.columns, std::max<std::size_t>(threads, 1));
  parallel_for(threads, c.G * parts, [&](std::size_t index, std::size_t worker) {
    const WindowScratch scratch(c, plan, workspace + worker * plan.bytes(c));
    const std::size_t g = index / parts;
    const std::size_t part = index % parts;
    const std::size_t j_begin = part * c.columns / parts;
    const std::size_t j_end = (part + 1) * c.columns / parts;
    HWY_DYNAMIC_DISPATCH(sum_columns)(c, plan, data, g, j_begin, j_end, scratch);
    for (std::size_t k = 0; k < c.depth(); ++k) {
      const std::size_t row = k / plan.segment * plan.segment_pitch + k % plan.segment;
      float* const result = data.grad_weight + k * c.w_channel + g * c.w_group;
      for (std::size_t j = j_begin; j < j_end; ++j) {
        result[j] = scratch.sums[j * plan.sum_rows() + row] + 0.0F;
      }
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
