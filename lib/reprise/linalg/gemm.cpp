// Portable matrix product on Highway.
//
// Contract: each element of c is one ascending fma chain, so neither the width of a vector (lanes
// hold different columns) nor cache blocks (a later k-block continues the chain from c) nor threads
// (they own different rows) change a bit.
//
// Layout: b is packed into panels of `lanes * kTileVectors` columns, a into panels of kTileRows
// rows, K-block by K-block, for the micro-kernel of gemm_kernel-inl.hpp. Small products do without
// (gemm_unpacked.cpp).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/gemm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/gemm_kernel-inl.hpp"
#include "reprise/linalg/gemm_unpacked.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kDepthBlock = 384;
constexpr std::size_t kRowPanels = 24;
constexpr std::size_t kColumnPanels = 64;

/// A tile that sticks out of c: works on a copy of full size.
HWY_NOINLINE void edge_kernel(std::size_t depth, const float* a_panel, const float* b_panel,
                              float* c, std::size_t c_row_stride, bool from_zero, std::size_t rows,
                              std::size_t columns) {
  const hn::ScalableTag<float> d;
  const std::size_t width = kTileVectors * hn::Lanes(d);
  HWY_ALIGN float tile[kTileRows * kTileVectors * hn::MaxLanes(d)] = {};
  if (!from_zero) {
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(c + i * c_row_stride, columns, tile + i * width);
    }
  }
  micro_kernel<StepMajor, kTileRows, kTileVectors>(depth, a_panel, b_panel, tile, width, from_zero);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(tile + i * width, columns, c + i * c_row_stride);
  }
}

/// Packs `count` <= width vectors of length `depth` side by side: packed(k, v), zeros beyond count.
/// Source element (k, v) is source[k * depth_stride + v * vector_stride].
void pack_panel(std::size_t depth, std::size_t count, std::size_t width, const float* source,
                std::size_t depth_stride, std::size_t vector_stride, float* HWY_RESTRICT packed) {
  for (std::size_t k = 0; k < depth; ++k, packed += width) {
    const float* from = source + k * depth_stride;
    if (vector_stride == 1) {
      std::copy_n(from, count, packed);
    } else {
      for (std::size_t v = 0; v < count; ++v) packed[v] = from[v * vector_stride];
    }
    std::fill(packed + count, packed + width, 0.0F);
  }
}

/// Rows [row_begin, row_end) of the product.
void multiply_rows(std::size_t row_begin, std::size_t row_end, std::size_t N, std::size_t K,
                   ConstMatrix a, ConstMatrix b, float* c, std::size_t c_row_stride,
                   bool accumulate) {
  const hn::ScalableTag<float> d;
  const std::size_t width = kTileVectors * hn::Lanes(d);
  const std::size_t row_block = kTileRows * kRowPanels;
  const std::size_t column_block = width * kColumnPanels;
  const std::size_t depth_most = std::min(K, kDepthBlock);
  const auto a_packed = hwy::AllocateAligned<float>(
      std::min(row_block, round_up(row_end - row_begin, kTileRows)) * depth_most);
  const auto b_packed =
      hwy::AllocateAligned<float>(std::min(column_block, round_up(N, width)) * depth_most);

  for (std::size_t n0 = 0; n0 < N; n0 += column_block) {
    const std::size_t columns = std::min(column_block, N - n0);
    for (std::size_t k0 = 0; k0 < K; k0 += kDepthBlock) {
      const std::size_t depth = std::min(kDepthBlock, K - k0);
      const bool from_zero = k0 == 0 && !accumulate;
      for (std::size_t n = 0; n < columns; n += width) {
        pack_panel(depth, std::min(width, columns - n), width,
                   b.data + k0 * b.row_stride + (n0 + n) * b.column_stride, b.row_stride,
                   b.column_stride, b_packed.get() + n * depth);
      }
      for (std::size_t m0 = row_begin; m0 < row_end; m0 += row_block) {
        const std::size_t rows = std::min(row_block, row_end - m0);
        for (std::size_t m = 0; m < rows; m += kTileRows) {
          pack_panel(depth, std::min(kTileRows, rows - m), kTileRows,
                     a.data + (m0 + m) * a.row_stride + k0 * a.column_stride, a.column_stride,
                     a.row_stride, a_packed.get() + m * depth);
        }
        for (std::size_t n = 0; n < columns; n += width) {
          for (std::size_t m = 0; m < rows; m += kTileRows) {
            const float* a_panel = a_packed.get() + m * depth;
            const float* b_panel = b_packed.get() + n * depth;
            float* tile = c + (m0 + m) * c_row_stride + n0 + n;
            if (m + kTileRows <= rows && n + width <= columns) {
              micro_kernel<StepMajor, kTileRows, kTileVectors>(depth, a_panel, b_panel, tile,
                                                               c_row_stride, from_zero);
            } else {
              edge_kernel(depth, a_panel, b_panel, tile, c_row_stride, from_zero,
                          std::min(kTileRows, rows - m), std::min(width, columns - n));
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(multiply_rows);

void gemm(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b, float* c,
          std::size_t c_row_stride, bool accumulate, std::size_t threads) {
  const FloatEnvironment environment;
  if (K == 0 && !accumulate) {
    for (std::size_t m = 0; m < M; ++m) std::fill_n(c + m * c_row_stride, N, 0.0F);
  }
  if (M == 0 || N == 0 || K == 0) return;
  if (threads <= 1 && gemm_unpacked(M, N, K, a, b, c, c_row_stride, accumulate)) return;
  constexpr std::size_t rows_per_task = 168;
  parallel_for(threads, div_ceil(M, rows_per_task), [&](std::size_t task, std::size_t) {
    const std::size_t begin = task * rows_per_task;
    const std::size_t end = threads == 1 ? M : std::min(M, begin + rows_per_task);
    if (threads == 1 && task != 0) return;
    REPRISE_DISPATCH(multiply_rows)(begin, end, N, K, a, b, c, c_row_stride, accumulate);
  });
}

}  // namespace reprise
#endif  // HWY_ONCE
