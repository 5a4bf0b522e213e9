// Two kernels of `direct` that skip zeros: gradients where few values of grad_output are not zero,
// as behind maximum pooling and ReLU, where three quarters are 0 at least.
//
// Their tiles have one row and lists of steps, so that they keep loops of their own.
//
// A step whose value of grad_output is 0 leaves its chain as it is (but for the sign of a zero) and
// is left out.
//
// grad_input: each other value is multiplied with its channel's weights and added where they reach.
// With positions in descending order of (oh, ow) and channels in ascending order, an element gets
// its steps in ascending order of (kh, kw, oc). The cells around a position stay in registers while
// its channels are computed. Some images take turns, so that none waits for what it has just
// stored.
//
// grad_weight: some rows of the source are copied with their padding; the other values of
// grad_output are listed by output channel; then an output channel's vectors of rows stay in
// registers while its chains run over the list.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/zero_skipping.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernel.hpp"
#include "reprise/conv/direct/padded_rows.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/byte_order.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

#ifndef REPRISE_CONV_DIRECT_ZERO_SKIPPING_PLAN
#define REPRISE_CONV_DIRECT_ZERO_SKIPPING_PLAN
namespace reprise::direct::zero_skipping {
namespace {

constexpr std::size_t kMaxSparseFloats = std::size_t{1} << 17;  // of any array: 512 KiB
constexpr std::size_t kImagesTogether = 4;

/// The lanes of a vector, at most, for runs of this length.
constexpr std::size_t sparse_width(std::size_t run) {
  return run <= kHalfUnit ? kHalfUnit : kMaxLanes;
}

/// The weights' gradient: a band of source rows at a time.
struct SparseWeightPlan {
  explicit SparseWeightPlan(const Correlation& c)
      : windows(c), width(sparse_width(windows.run)), pitch(round_up(windows.run, width)) {}
  WindowPlan windows;
  std::size_t width;  ///< most lanes of a vector
  std::size_t pitch;  ///< length of a run in whole vectors

  [[nodiscard]] std::size_t sum_rows() const { return windows.runs * pitch; }
  /// Values that a output channel's list takes: those of all positions, in whole vectors.
  [[nodiscard]] std::size_t capacity(const Correlation& c) const {
    return round_up(windows.band * c.B, kMaxLanes);
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.G == 1 && c.reduction_length() > 0 && windows.band_floats <= kMaxSparseFloats &&
           sum_rows() * c.out_channels <= kMaxSparseFloats &&
           capacity(c) * c.out_channels <= kMaxSparseFloats;
  }
};

/// The scratch of one worker.
struct SparseWeightScratch {
  SparseWeightScratch(WorkspacePieces& pieces, const Correlation& c, const SparseWeightPlan& plan)
      : band(pieces.take<float>(plan.windows.band_floats)),
        sums(pieces.take<float>(plan.sum_rows() * c.out_channels)),
        grads(pieces.take<float>(plan.capacity(c) * c.out_channels)),
        windows(pieces.take<std::uint32_t>(plan.capacity(c) * c.out_channels)),
        window(pieces.take<std::uint32_t>(plan.capacity(c))),
        count(pieces.take<std::size_t>(c.out_channels)),
        lanes(pieces.take<float>(c.out_channels * kMaxLanes)),
        rows(pieces.take<RowVector>(plan.sum_rows())) {}
  void fill(const Correlation& c, const SparseWeightPlan& plan) const {
    std::fill_n(band, plan.windows.band_floats, 0.0F);
    std::fill_n(sums, plan.sum_rows() * c.out_channels, 0.0F);
    for (std::size_t p = 0; p < plan.capacity(c); ++p) {
      window[p] = static_cast<std::uint32_t>(p / c.B * c.step_h * plan.windows.row +
                                             p % c.B * c.step_w * c.channels);
    }
  }
  float* band;   ///< (source rows, row)
  float* sums;   ///< (output channels, sum_rows)
  float* grads;  ///< (output channels, capacity): values that are not 0, in ascending order of
                 ///< positions
  std::uint32_t* windows;  ///< likewise: where what a value multiplies begins in the band
  std::uint32_t* window;   ///< (capacity): the same for every position
  std::size_t* count;      ///< (out_channels): of values
  float* lanes;            ///< (output channels, lanes): some positions' values
  RowVector* rows;         ///< the vectors of a window
};

/// The cells of padding before an axis of a forward correlation.
std::size_t pad_of(const TapAxis& axis) {
  return static_cast<std::size_t>(-axis.first);
}

/// grad_input: kImagesTogether images at a time, in copies with padding.
struct SparseInputPlan {
  explicit SparseInputPlan(const Correlation& c)
      : run(c.w.count * c.channels),
        width(sparse_width(run)),
        pitch(round_up(run, width)),
        weights(c.h.count * pitch),
        row(std::max((c.B - 1) * c.step_w + c.w.count, pad_of(c.w) + c.SW) * c.channels),
        image(std::max((c.A - 1) * c.step_h +
                           (c.h.count - 1) * static_cast<std::size_t>(c.h.spacing) + 1,
                       pad_of(c.h) + c.SH) *
                  row +
              kSlack),
        words(div_ceil(c.out_channels, std::size_t{64})) {}
  std::size_t run;      ///< values that are neighbours, of a row of the kernel
  std::size_t width;    ///< most lanes of a vector
  std::size_t pitch;    ///< length of a run in whole vectors
  std::size_t weights;  ///< of an output channel, in whole vectors
  std::size_t row;      ///< floats of a row of a copy
  std::size_t image;    ///< floats of a copy
  std::size_t words;    ///< of 64 output channels, of a position

  [[nodiscard]] std::size_t all_words(const Correlation& c) const {
    return kImagesTogether * c.A * c.B * words;
  }
  [[nodiscard]] bool fits(const Correlation& c) const {
    return c.G == 1 && c.w.spacing == 1 && image <= kMaxSparseFloats &&
           weights * c.out_channels <= kMaxSparseFloats && all_words(c) <= kMaxSparseFloats;
  }
};

/// The scratch of one worker.
struct SparseInputScratch {
  SparseInputScratch(WorkspacePieces& pieces, const Correlation& c, const SparseInputPlan& plan)
      : images(pieces.take<float>(kImagesTogether * plan.image)),
        weights(pieces.take<float>(plan.weights * c.out_channels)),
        offset(pieces.take<std::size_t>(plan.weights)),
        words(pieces.take<std::uint64_t>(plan.all_words(c))) {}
  float* images;         ///< (kImagesTogether, image)
  float* weights;        ///< (OC, KH, pitch)
  std::size_t* offset;   ///< where a vector of weights adds, from a position's first cell
  std::uint64_t* words;  ///< (OH, OW, kImagesTogether, words): which channels are not 0
};

}  // namespace
}  // namespace reprise::direct::zero_skipping
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::direct::zero_skipping {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using direct::HWY_NAMESPACE::read_lanes;
using reprise::HWY_NAMESPACE::fma;
using reprise::HWY_NAMESPACE::for_each_size;

// ---- grad_input

constexpr std::size_t kMaxVectors = 10;  // of a tile, besides a value of grad_output

/// A position of one image.
struct Position {
  const float* grad;           ///< (OC)
  const std::uint64_t* words;  ///< which of them are not 0
  std::size_t word_count;
  float* cell;  ///< of the copy, where the window begins
};

/// The cells at offset[0], offset[1], … continue their chains over the position's values; weights
/// is (OC, stride).
template <std::size_t width, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Position& position, const float* HWY_RESTRICT weights,
                              std::size_t stride, const std::size_t* HWY_RESTRICT offset) {
  const hn::CappedTag<float, width> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  float* const cell = position.cell;
  const float* const grad = position.grad;
  Vector acc[vectors];
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) acc[v] = hn::LoadU(d, cell + offset[v]);
  for (std::size_t word = 0; word < position.word_count; ++word) {
    for (std::uint64_t bits = position.words[word]; bits != 0; bits &= bits - 1) {
      const std::size_t oc = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const Vector g = hn::Set(d, grad[oc]);
      const float* const w = weights + oc * stride;
      REPRISE_UNROLL
      for (std::size_t v = 0; v < vectors; ++v) {
        acc[v] = fma(hn::LoadU(d, w + v * lanes), g, acc[v]);
      }
    }
  }
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[v], d, cell + offset[v]);
}

using TileKernel = void (*)(const Position&, const float*, std::size_t, const std::size_t*);

/// tile_kernel<width, vectors>; vectors is at most kMaxVectors.
template <std::size_t width>
TileKernel kernel_for(std::size_t vectors) {
  static constexpr auto kernels =
      for_each_size<kMaxVectors>([]<std::size_t n>() { return &tile_kernel<width, n>; });
  return kernels[vectors - 1];
}

/// Sets a bit for each of a position's values that is not 0.
void mark_nonzeros(const float* HWY_RESTRICT grad, std::size_t OC, std::uint64_t* words) {
  const hn::CappedTag<float, 64> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t oc = 0;
  for (; oc + lanes <= OC; oc += lanes) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, grad + oc), hn::Zero(d)), bytes);
    const auto bits = from_little_endian<std::uint64_t>(std::as_bytes(std::span(bytes)));
    words[oc / 64] |= bits << (oc % 64);
  }
  for (; oc < OC; ++oc) {
    words[oc / 64] |= std::uint64_t{grad[oc] != 0.0F ? 1U : 0U} << (oc % 64);
  }
}

/// The window of every position of `count` images.
template <std::size_t width>
void add_windows(const Correlation& c, const SparseInputPlan& plan, const float* grad_output,
                 std::size_t count, const SparseInputScratch& scratch) {
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, width>());
  const std::size_t vectors = plan.weights / lanes;
  for_each_part(vectors, kMaxVectors, [&](std::size_t first, std::size_t end) {
    const TileKernel kernel = kernel_for<width>(end - first);
    for (std::size_t p = c.A * c.B; p-- > 0;) {
      const std::size_t cell = p / c.B * c.step_h * plan.row + p % c.B * c.step_w * c.channels;
      for (std::size_t n = 0; n < count; ++n) {
        const Position position{grad_output + (n * c.A * c.B + p) * c.out_channels,
                                scratch.words + (p * kImagesTogether + n) * plan.words, plan.words,
                                scratch.images + n * plan.image + cell};
        kernel(position, scratch.weights + first * lanes, plan.weights, scratch.offset + first);
      }
    }
  });
}

/// grad_input of `count` images, at most kImagesTogether; the weights are in the scratch.
void run_images(const Correlation& c, const SparseInputPlan& plan, const float* grad_output,
                std::size_t count, float* grad_input, const SparseInputScratch& scratch) {
  const hn::ScalableTag<float> d;
  std::fill_n(scratch.images, count * plan.image, 0.0F);
  std::fill_n(scratch.words, plan.all_words(c), 0);
  for (std::size_t p = 0; p < c.A * c.B; ++p) {
    for (std::size_t n = 0; n < count; ++n) {
      mark_nonzeros(grad_output + (n * c.A * c.B + p) * c.out_channels, c.out_channels,
                    scratch.words + (p * kImagesTogether + n) * plan.words);
    }
  }
  const std::size_t lanes =
      std::min(hn::Lanes(d), plan.width);  // as many as the kernels' vectors have
  for (std::size_t i = 0; i < plan.weights; i += lanes) {
    scratch.offset[i / lanes] =
        i / plan.pitch * static_cast<std::size_t>(c.h.spacing) * plan.row + i % plan.pitch;
  }
  const auto add = plan.width == kHalfUnit ? add_windows<kHalfUnit> : add_windows<kMaxLanes>;
  add(c, plan, grad_output, count, scratch);
  const std::size_t row = c.SW * c.channels;
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t ih = 0; ih < c.SH; ++ih) {
      const float* const from = scratch.images + n * plan.image + (pad_of(c.h) + ih) * plan.row +
                                pad_of(c.w) * c.channels;
      float* const to = grad_input + (n * c.SH + ih) * row;
      std::size_t i = 0;
      for (; i + hn::Lanes(d) <= row; i += hn::Lanes(d)) {
        hn::StoreU(hn::Add(hn::LoadU(d, from + i), hn::Zero(d)), d, to + i);
      }
      for (; i < row; ++i) to[i] = from[i] + 0.0F;
    }
  }
}

// ---- grad_weight

/// sums + rows[v].row continue their chains over the listed values.
template <std::size_t width, std::size_t vectors>
HWY_NOINLINE void weight_tile_kernel(const float* HWY_RESTRICT grads,
                                     const std::uint32_t* HWY_RESTRICT windows, std::size_t count,
                                     const float* HWY_RESTRICT band, const RowVector* rows,
                                     float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, width> d;
  using Vector = hn::Vec<decltype(d)>;
  Vector acc[vectors];
  const float* from[vectors];
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) {
    acc[v] = hn::LoadU(d, sums + rows[v].row);
    from[v] = band + rows[v].offset;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Vector g = hn::Set(d, grads[i]);
    const std::size_t window = windows[i];
    REPRISE_UNROLL
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[v] = fma(hn::LoadU(d, from[v] + window), g, acc[v]);
    }
  }
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[v], d, sums + rows[v].row);
}

using WeightTileKernel = void (*)(const float*, const std::uint32_t*, std::size_t, const float*,
                                  const RowVector*, float*);

/// weight_tile_kernel<width, vectors>; vectors is at most kMaxVectors.
template <std::size_t width>
WeightTileKernel weight_kernel_for(std::size_t vectors) {
  static constexpr auto kernels =
      for_each_size<kMaxVectors>([]<std::size_t n>() { return &weight_tile_kernel<width, n>; });
  return kernels[vectors - 1];
}

/// Lists the values of output channels [j_begin, j_end) that are not 0 at the band's positions
/// [begin, end), output channel by output channel: lanes hold positions. `grad` is at the band's
/// first position.
void list_values(const Correlation& c, const SparseWeightPlan& plan, const WindowBand& band,
                 std::size_t begin, std::size_t end, const float* grad,
                 const SparseWeightScratch& scratch) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t out_channels = band.j_end - band.j_begin;
  const std::size_t capacity = plan.capacity(c);
  float* HWY_RESTRICT grads = scratch.grads + band.j_begin * capacity;
  std::uint32_t* HWY_RESTRICT windows = scratch.windows + band.j_begin * capacity;
  std::size_t* HWY_RESTRICT listed = scratch.count + band.j_begin;
  std::fill_n(listed, out_channels, 0);
  for (std::size_t p = begin; p < end; p += lanes) {
    // The last vector begins earlier, with positions that are listed already or come before.
    const std::size_t first = end < lanes ? 0 : std::min(p, end - lanes);
    read_lanes(grad + first * c.out_channels + band.j_begin, c.out_channels, end - first,
               out_channels, scratch.lanes, hn::Lanes(d));
    const auto fresh = hn::AndNot(hn::FirstN(d, p - first), hn::FirstN(d, end - first));
    const auto window = hn::LoadU(du, scratch.window + first);
    for (std::size_t j = 0; j < out_channels; ++j) {
      const auto values = hn::Load(d, scratch.lanes + j * lanes);
      const auto nonzero = hn::And(hn::Ne(values, hn::Zero(d)), fresh);
      const std::size_t at = j * capacity + listed[j];
      hn::StoreU(hn::Compress(values, nonzero), d, grads + at);
      hn::StoreU(hn::Compress(window, hn::RebindMask(du, nonzero)), du, windows + at);
      listed[j] += hn::CountTrue(d, nonzero);
    }
  }
}

/// Lists a window's vectors; returns their number.
template <std::size_t width>
std::size_t list_rows(const Correlation& c, const SparseWeightPlan& plan, RowVector* rows) {
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, width>());
  const std::size_t taps_together = plan.windows.run / c.channels;
  std::size_t count = 0;
  for (std::size_t run = 0; run < plan.windows.runs; ++run) {
    const std::size_t tap = run * taps_together;
    const auto h = static_cast<std::size_t>(c.h.at(tap / c.w.count) - c.h.lowest());
    const auto w = static_cast<std::size_t>(c.w.at(tap % c.w.count) - c.w.lowest());
    for (std::size_t k = 0; k < plan.windows.run; k += lanes) {
      rows[count++] = {h * plan.windows.row + w * c.channels + k, run * plan.pitch + k};
    }
  }
  return count;
}

template <std::size_t width>
void sum_in_vectors(const Correlation& c, const SparseWeightPlan& plan, const Operands& data,
                    std::size_t j_begin, std::size_t j_end, const SparseWeightScratch& scratch) {
  const std::size_t vectors = list_rows<width>(c, plan, scratch.rows);
  const std::size_t capacity = plan.capacity(c);
  const auto add_band = [&](const SourceBand& source_band, std::size_t begin, std::size_t end) {
    const WindowBand band{source_band, j_begin, j_end};
    copy_band(c, plan.windows, data.source, band, scratch.band);
    const std::size_t first = (band.n * c.A + band.a_begin) * c.B;
    list_values(c, plan, band, begin, end, data.factor + first * c.out_channels, scratch);
    for_each_part(vectors, kMaxVectors, [&](std::size_t row, std::size_t last_row) {
      const WeightTileKernel kernel = weight_kernel_for<width>(last_row - row);
      for (std::size_t j = j_begin; j < j_end; ++j) {
        kernel(scratch.grads + j * capacity, scratch.windows + j * capacity, scratch.count[j],
               scratch.band, scratch.rows + row, scratch.sums + j * plan.sum_rows());
      }
    });
  };
  for_each_band(c, plan.windows, 0, data.begin, data.end, add_band);
}

/// Sums of output channels [j_begin, j_end) over the data's positions.
void sum_out_channels(const Correlation& c, const SparseWeightPlan& plan, const Operands& data,
                      std::size_t j_begin, std::size_t j_end, const SparseWeightScratch& scratch) {
  const auto sum = plan.width == kHalfUnit ? sum_in_vectors<kHalfUnit> : sum_in_vectors<kMaxLanes>;
  sum(c, plan, data, j_begin, j_end, scratch);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct::zero_skipping
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct::zero_skipping {
HWY_EXPORT(run_images);
HWY_EXPORT(sum_out_channels);

namespace {

bool input_offered(const Correlation& c) {
  return SparseInputPlan(c).fits(c);
}

/// In vectors: a value's weights; a position's cells, which cross cache lines, there and back, and
/// finding its values.
double input_cost(const Correlation& c, std::size_t lanes) {
  const SparseInputPlan plan(c);
  const std::size_t width = std::min(plan.width, lanes);
  const auto vectors = static_cast<double>(plan.weights) / static_cast<double>(width);
  return static_cast<double>(lanes) * (static_cast<double>(c.nonzeros) * (vectors + 2.0) +
                                       static_cast<double>(c.positions()) * (6.0 * vectors + 30.0));
}

std::size_t input_workspace_bytes(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<SparseInputScratch>(threads, c, SparseInputPlan(c));
}

void run_input_gradient(const Correlation& c, const Operands& data, std::byte* workspace,
                        std::size_t threads) {
  const SparseInputPlan plan(c);
  const std::size_t groups = div_ceil(c.N, kImagesTogether);
  const std::size_t tasks = std::min(groups, std::max<std::size_t>(threads, 1));
  parallel_for(threads, tasks, [&](std::size_t task, std::size_t worker) {
    const auto scratch = take_scratch<SparseInputScratch>(workspace, worker, c, plan);
    std::fill_n(scratch.weights, plan.weights * c.out_channels, 0.0F);
    for (std::size_t i = 0; i < c.h.count * plan.run; ++i) {
      for (std::size_t oc = 0; oc < c.out_channels; ++oc) {
        scratch.weights[oc * plan.weights + i / plan.run * plan.pitch + i % plan.run] =
            data.factor[i * c.out_channels + oc];
      }
    }
    const std::size_t n_end = std::min(c.N, (task + 1) * groups / tasks * kImagesTogether);
    for (std::size_t n = task * groups / tasks * kImagesTogether; n < n_end; n += kImagesTogether) {
      REPRISE_DISPATCH(run_images)
      (c, plan, data.source + n * c.A * c.B * c.out_channels, std::min(kImagesTogether, n_end - n),
       data.result + n * c.SH * c.SW * c.channels, scratch);
    }
  });
}

bool weight_offered(const Correlation& c) {
  return SparseWeightPlan(c).fits(c);
}

/// In vectors: a value's window and its place in the list; and reading all of grad_output.
double weight_cost(const Correlation& c, std::size_t lanes) {
  const SparseWeightPlan plan(c);
  const std::size_t width = std::min(plan.width, lanes);
  const auto values = static_cast<double>(c.positions() * c.out_channels);
  const auto vectors = static_cast<double>(plan.sum_rows()) / static_cast<double>(width);
  return static_cast<double>(lanes) *
         (static_cast<double>(c.nonzeros) * (vectors + 5.0) + values / 3.0);
}

std::size_t weight_workspace_bytes(const Correlation& c, std::size_t threads) {
  return scratch_of_workers<SparseWeightScratch>(threads, c, SparseWeightPlan(c));
}

void run_weight_gradient(const Correlation& c, const Operands& data, std::byte* workspace,
                         std::size_t threads) {
  const SparseWeightPlan plan(c);
  const std::size_t parts = std::min(c.out_channels, std::max<std::size_t>(threads, 1));
  parallel_for(threads, parts, [&](std::size_t part, std::size_t worker) {
    const auto scratch = take_scratch<SparseWeightScratch>(workspace, worker, c, plan);
    scratch.fill(c, plan);
    const std::size_t j_begin = part * c.out_channels / parts;
    const std::size_t j_end = (part + 1) * c.out_channels / parts;
    REPRISE_DISPATCH(sum_out_channels)(c, plan, data, j_begin, j_end, scratch);
    for (std::size_t k = 0; k < c.reduction_length(); ++k) {
      const std::size_t row = k / plan.windows.run * plan.pitch + k % plan.windows.run;
      float* const result = data.result + k * c.w_channel;
      for (std::size_t j = j_begin; j < j_end; ++j) {
        result[j] = scratch.sums[j * plan.sum_rows() + row] + 0.0F;
      }
    }
  });
}

}  // namespace

}  // namespace reprise::direct::zero_skipping

namespace reprise::direct {

const Kernel kZeroSkippingInputGradient{
    .name = "zero_skipping",
    .lanes = "taps and input channels",
    .sum = Sum::input_gradient,
    .finite_only = FiniteOnly::operands,
    .skips_zeros = true,
    .offered = zero_skipping::input_offered,
    .cost = zero_skipping::input_cost,
    .workspace_bytes = zero_skipping::input_workspace_bytes,
    .run = zero_skipping::run_input_gradient,
};

const Kernel kZeroSkippingWeightGradient{
    .name = "zero_skipping",
    .lanes = "taps and input channels",
    .sum = Sum::weight_gradient,
    .finite_only = FiniteOnly::operands,
    .skips_zeros = true,
    .offered = zero_skipping::weight_offered,
    .cost = zero_skipping::weight_cost,
    .workspace_bytes = zero_skipping::weight_workspace_bytes,
    .run = zero_skipping::run_weight_gradient,
};

}  // namespace reprise::direct
#endif  // HWY_ONCE
