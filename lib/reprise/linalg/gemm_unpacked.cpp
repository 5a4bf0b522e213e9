// Matrix products of few rows or short chains: those of dense layers on a block of images.
//
// A packed copy pays when it is read many times. Here a register tile reads elements of a and rows
// of b where they are; columns that do not fill a vector are computed with some before them, or
// copied where a chain goes on from c. Where b or c is larger than a cache, it goes through once:
// rows of b that lie pages apart are copied in pieces that stay in the L2 cache, and c is written
// in blocks of rows. Where b lies transposed and a has few rows, as for the gradient of a layer's
// input, the product is made transposed: rows of b's transpose are broadcast, and lanes hold rows
// of a, which is copied. The chains are those of gemm.cpp.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/gemm_unpacked.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "reprise/core/integer.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/gemm_tile-inl.hpp"
#include "reprise/linalg/gemm_unpacked.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kUnpackedDepthBlock = 512;
constexpr std::size_t kRowBlock = 64;

/// All M rows of the last columns, fewer than a vector: through copies of b and c.
void run_last_columns(std::size_t M, std::size_t columns, const Product& product) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float b[kUnpackedDepthBlock * hn::MaxLanes(d)];
  HWY_ALIGN float c[kRowBlock * hn::MaxLanes(d)];
  for (std::size_t k = 0; k < product.depth; ++k) {
    std::copy_n(product.b + k * product.b_row_stride, columns, b + k * lanes);
    std::fill(b + k * lanes + columns, b + (k + 1) * lanes, 0.0F);
  }
  for (std::size_t m = 0; m < M; m += kRowBlock) {
    const std::size_t rows = std::min(kRowBlock, M - m);
    float* const result = product.c + m * product.c_row_stride;
    if (!product.from_zero) {
      std::fill_n(c, rows * lanes, 0.0F);
      for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(result + i * product.c_row_stride, columns, c + i * lanes);
      }
    }
    Product p = product;
    p.a.data += m * p.a.row_stride;
    p.b = b;
    p.b_row_stride = lanes;
    p.c = c;
    p.c_row_stride = lanes;
    run_rows(rows, 1, p);
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(c + i * lanes, columns, result + i * product.c_row_stride);
    }
  }
}

/// c = a b; rows of b are contiguous.
void multiply_rows_of_b(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b,
                        float* c, std::size_t c_row_stride, bool accumulate) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::size_t whole_vectors = N / lanes;
  const std::size_t panels = div_ceil(whole_vectors, kMaxVectors);
  for (std::size_t k = 0; k < K; k += kUnpackedDepthBlock) {
    Product p{std::min(kUnpackedDepthBlock, K - k),
              a,
              b.data + k * b.row_stride,
              b.row_stride,
              c,
              c_row_stride,
              k == 0 && !accumulate};
    p.a.data += k * a.column_stride;
    for (std::size_t panel = 0; panel < panels; ++panel) {  // of as equal widths as can be
      const std::size_t first = panel * whole_vectors / panels;
      const std::size_t vectors = (panel + 1) * whole_vectors / panels - first;
      run_rows(M, vectors, p);
      p.b += vectors * lanes;
      p.c += vectors * lanes;
    }
    if (N % lanes == 0) continue;
    const bool begins_and_ends_here = p.from_zero && K <= kUnpackedDepthBlock;
    if (begins_and_ends_here && N > lanes) {  // some columns once more, to the same values
      const std::size_t before = lanes - N % lanes;
      p.b -= before;
      p.c -= before;
      run_rows(M, 1, p);
    } else {
      run_last_columns(M, N % lanes, p);
    }
  }
}

/// packed: for each panel of kMaxVectors vectors (depth, columns of the panel).
void copy_panels(std::size_t depth, std::size_t vectors, const float* b, std::size_t b_row_stride,
                 float* HWY_RESTRICT packed) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t k = 0; k < depth; ++k, b += b_row_stride) {
    for (std::size_t first = 0; first < vectors; first += kMaxVectors) {
      const std::size_t wide = std::min(kMaxVectors, vectors - first);
      float* const to = packed + (first * depth + k * wide) * lanes;
      for (std::size_t v = 0; v < wide; ++v) {
        hn::Store(hn::LoadU(d, b + (first + v) * lanes), d, to + v * lanes);
      }
    }
  }
}

/// copy(k, i) = a(i, k).
void copy_rows(std::size_t rows, std::size_t depth, ConstMatrix a, float* HWY_RESTRICT copy) {
  for (std::size_t i = 0; i < rows; ++i) {
    const float* const from = a.data + i * a.row_stride;
    for (std::size_t k = 0; k < depth; ++k) copy[k * rows + i] = from[k * a.column_stride];
  }
}

/// multiply_rows_of_b for b or c larger than a cache.
void multiply_streamed(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b,
                       float* c, std::size_t c_row_stride, bool accumulate) {
  constexpr std::size_t kDepth = 128;
  constexpr std::size_t kRows = 32;
  constexpr std::size_t kPanelFloats = std::size_t{1} << 16;
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const std::size_t whole = N / lanes;
  const std::size_t most = kPanelFloats / std::min(K, kDepth) / lanes;
  const auto panels = hwy::AllocateAligned<float>(kPanelFloats);
  const auto rows_of_a = hwy::AllocateAligned<float>(kRows * kDepth);
  for (std::size_t k = 0; k < K; k += kDepth) {
    const std::size_t depth = std::min(kDepth, K - k);
    const bool from_zero = k == 0 && !accumulate;
    const float* const b_rows = b.data + k * b.row_stride;
    for (std::size_t first = 0; first < whole; first += most) {
      const std::size_t vectors = std::min(most, whole - first);
      copy_panels(depth, vectors, b_rows + first * lanes, b.row_stride, panels.get());
      for (std::size_t m = 0; m < M; m += kRows) {
        const std::size_t rows = std::min(kRows, M - m);
        const float* const a_rows = a.data + m * a.row_stride + k * a.column_stride;
        if (first == 0 || M > kRows) {
          copy_rows(rows, depth, {a_rows, a.row_stride, a.column_stride}, rows_of_a.get());
        }
        float* const result = c + m * c_row_stride + first * lanes;
        for (std::size_t v = 0; v < vectors; v += kMaxVectors) {
          const std::size_t wide = std::min(kMaxVectors, vectors - v);
          run_rows(rows, wide,
                   {depth,
                    {rows_of_a.get(), 1, rows},
                    panels.get() + v * lanes * depth,
                    wide * lanes,
                    result + v * lanes,
                    c_row_stride,
                    from_zero});
        }
      }
    }
    if (N % lanes > 0) {
      const ConstMatrix a_columns{a.data + k * a.column_stride, a.row_stride, a.column_stride};
      run_last_columns(M, N % lanes,
                       {depth, a_columns, b_rows + whole * lanes, b.row_stride, c + whole * lanes,
                        c_row_stride, from_zero});
    }
  }
}

/// c = a b, made as its transpose; columns of b are contiguous, and lanes hold rows of a.
void multiply_columns_of_b(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a,
                           ConstMatrix b, float* c, std::size_t c_row_stride, bool accumulate) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float c_copy[kRowBlock * kMaxVectors * hn::MaxLanes(d)];
  const std::size_t most = kMaxVectors * lanes;
  const auto a_copy = hwy::AllocateAligned<float>(K * std::min(most, round_up(M, lanes)));
  for (std::size_t m = 0; m < M; m += most) {
    const std::size_t rows = std::min(most, M - m);
    const std::size_t vectors = div_ceil(rows, lanes);
    const std::size_t width = vectors * lanes;
    for (std::size_t k = 0; k < K; ++k) {
      const float* const from = a.data + m * a.row_stride + k * a.column_stride;
      float* const to = a_copy.get() + k * width;
      for (std::size_t i = 0; i < rows; ++i) to[i] = from[i * a.row_stride];
      std::fill(to + rows, to + width, 0.0F);
    }
    for (std::size_t n = 0; n < N; n += kRowBlock) {
      const std::size_t columns = std::min(kRowBlock, N - n);
      float* const result = c + m * c_row_stride + n;
      if (accumulate) {
        std::fill_n(c_copy, columns * width, 0.0F);
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < columns; ++j) {
            c_copy[j * width + i] = result[i * c_row_stride + j];
          }
        }
      }
      for (std::size_t k = 0; k < K; k += kUnpackedDepthBlock) {
        run_rows(columns, vectors,
                 {std::min(kUnpackedDepthBlock, K - k),
                  {b.data + n * b.column_stride + k, b.column_stride, 1},
                  a_copy.get() + k * width,
                  width,
                  c_copy,
                  width,
                  k == 0 && !accumulate});
      }
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          result[i * c_row_stride + j] = c_copy[j * width + i];
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
HWY_EXPORT(multiply_rows_of_b);
HWY_EXPORT(multiply_streamed);
HWY_EXPORT(multiply_columns_of_b);

bool gemm_unpacked(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b,
                   float* c, std::size_t c_row_stride, bool accumulate) {
  constexpr std::size_t few = 64;                              // reads of a packed value
  constexpr std::size_t cached_floats = std::size_t{1} << 18;  // 1 MiB
  if (b.column_stride == 1 && (M <= few || K <= few)) {
    const bool cached = std::max(K, M) * N <= cached_floats;
    if (cached) {
      REPRISE_DISPATCH(multiply_rows_of_b)(M, N, K, a, b, c, c_row_stride, accumulate);
    } else {
      REPRISE_DISPATCH(multiply_streamed)(M, N, K, a, b, c, c_row_stride, accumulate);
    }
    return true;
  }
  if (b.row_stride == 1 && M <= few) {
    REPRISE_DISPATCH(multiply_columns_of_b)(M, N, K, a, b, c, c_row_stride, accumulate);
    return true;
  }
  return false;
}

}  // namespace reprise
#endif  // HWY_ONCE
