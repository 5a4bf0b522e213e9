// A kernel of `direct`: the gradient of the weights where few values of grad_output are not zero,
// as behind maximum pooling and ReLU, where three quarters are 0 at least.
//
// A step whose value of grad_output is 0 leaves its chains as they are (but for the sign of a zero)
// and is left out. Some rows of the source are copied with their padding; the other values of
// grad_output are listed column by column; then a column's vectors of rows stay in registers while
// its chains run over the list.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/direct/sparse_weight.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/conv/direct/sparse_plan.hpp"
#include "reprise/conv/direct/transpose-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise::direct {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMostVectors = 10;  // of a tile, besides a value of grad_output

/// sums + rows[v].row continue their chains over the listed values.
template <std::size_t width, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const float* HWY_RESTRICT grads,
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
      acc[v] = hn::MulAdd(hn::LoadU(d, from[v] + window), g, acc[v]);
    }
  }
  REPRISE_UNROLL
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(acc[v], d, sums + rows[v].row);
}

using TileKernel = void (*)(const float*, const std::uint32_t*, std::size_t, const float*,
                            const RowVector*, float*);

/// tile_kernel<width, vectors>; vectors is at most kMostVectors.
template <std::size_t width, std::size_t... index>
TileKernel kernel_for(std::size_t vectors, std::index_sequence<index...> /*all*/) {
  static constexpr std::array<TileKernel, sizeof...(index)> kernels{
      tile_kernel<width, index + 1>...};
  return kernels[vectors - 1];
}

/// Lists the values of columns [j_begin, j_end) that are not 0 at the band's positions [begin,
/// end), column by column: lanes hold positions. `grad` is at the band's first position.
void list_values(const Correlation& c, const SparseWeightPlan& plan, const WindowBand& band,
                 std::size_t begin, std::size_t end, const float* grad,
                 const SparseWeightScratch& scratch) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t columns = band.j_end - band.j_begin;
  const std::size_t capacity = plan.capacity(c);
  float* HWY_RESTRICT grads = scratch.grads + band.j_begin * capacity;
  std::uint32_t* HWY_RESTRICT windows = scratch.windows + band.j_begin * capacity;
  std::size_t* HWY_RESTRICT listed = scratch.count + band.j_begin;
  std::fill_n(listed, columns, 0);
  for (std::size_t p = begin; p < end; p += lanes) {
    // The last vector begins earlier, with positions that are listed already or come before.
    const std::size_t first = end < lanes ? 0 : std::min(p, end - lanes);
    read_lanes(grad + first * c.columns + band.j_begin, c.columns, end - first, columns,
               scratch.lanes, hn::Lanes(d));
    const auto fresh = hn::AndNot(hn::FirstN(d, p - first), hn::FirstN(d, end - first));
    const auto window = hn::LoadU(du, scratch.window + first);
    for (std::size_t j = 0; j < columns; ++j) {
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
void sum_in_vectors(const Correlation& c, const SparseWeightPlan& plan,
                    const WeightGradientData& data, std::size_t j_begin, std::size_t j_end,
                    const SparseWeightScratch& scratch) {
  const std::size_t vectors = list_rows<width>(c, plan, scratch.rows);
  const std::size_t tiles = div_ceil(vectors, kMostVectors);
  const std::size_t capacity = plan.capacity(c);
  const auto add_band = [&](const SourceBand& source_band, std::size_t begin, std::size_t end) {
    const WindowBand band{source_band, j_begin, j_end};
    copy_band(c, plan.windows, data.source, band, scratch.band);
    const std::size_t first = (band.n * c.A + band.a_begin) * c.B;
    list_values(c, plan, band, begin, end, data.grad_output + first * c.columns, scratch);
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t row = tile * vectors / tiles;
      const TileKernel kernel = kernel_for<width>((tile + 1) * vectors / tiles - row,
                                                  std::make_index_sequence<kMostVectors>());
      for (std::size_t j = j_begin; j < j_end; ++j) {
        kernel(scratch.grads + j * capacity, scratch.windows + j * capacity, scratch.count[j],
               scratch.band, scratch.rows + row, scratch.sums + j * plan.sum_rows());
      }
    }
  };
  for_each_band(c, plan.windows, 0, data.begin, data.end, add_band);
}

/// Sums of columns [j_begin, j_end) over the data's positions.
void sum_columns(const Correlation& c, const SparseWeightPlan& plan, const WeightGradientData& data,
                 std::size_t j_begin, std::size_t j_end, const SparseWeightScratch& scratch) {
  const auto sum = plan.width == kHalfUnit ? sum_in_vectors<kHalfUnit> : sum_in_vectors<kMostLanes>;
  sum(c, plan, data, j_begin, j_end, scratch);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::direct
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::direct {
HWY_EXPORT(sum_columns);

std::size_t weight_gradient_sparse_bytes(const Correlation& c, std::size_t threads) {
  const SparseWeightPlan plan(c);
  return plan.fits(c) ? std::max<std::size_t>(threads, 1) * plan.bytes(c) : 0;
}

bool sparse_weight_gradient_pays(const Correlation& c, std::size_t nonzeros) {
  const SparseWeightPlan plan(c);
  if (!plan.fits(c)) return false;
  // In vectors: a value's window and its place in the list; and reading all of grad_output.
  const auto values = static_cast<double>(c.positions() * c.columns);
  const auto vectors = static_cast<double>(plan.sum_rows()) / static_cast<double>(plan.width);
  const double sparse = static_cast<double>(nonzeros) * (vectors + 5.0) + values / 3.0;
  return sparse * kMostLanes < estimated_weight_gradient_cost(c);
}

void weight_gradient_of_sparse(const Correlation& c, const WeightGradientData& data,
                               std::byte* workspace, std::size_t threads) {
  const SparseWeightPlan plan(c);
  const std::size_t parts = std::min(c.columns, std::max<std::size_t>(threads, 1));
  parallel_for(threads, parts, [&](std::size_t part, std::size_t worker) {
    const SparseWeightScratch scratch(c, plan, workspace + worker * plan.bytes(c));
    const std::size_t j_begin = part * c.columns / parts;
    const std::size_t j_end = (part + 1) * c.columns / parts;
    HWY_DYNAMIC_DISPATCH(sum_columns)(c, plan, data, j_begin, j_end, scratch);
    for (std::size_t k = 0; k < c.depth(); ++k) {
      const std::size_t row = k / plan.windows.run * plan.pitch + k % plan.windows.run;
      float* const result = data.grad_weight + k * c.w_channel;
      for (std::size_t j = j_begin; j < j_end; ++j) {
        result[j] = scratch.sums[j * plan.sum_rows() + row] + 0.0F;
      }
    }
  });
}

}  // namespace reprise::direct
#endif  // HWY_ONCE
