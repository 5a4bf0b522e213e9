// Small matrix products without packing: those of dense layers on a block of images.
//
// A packed copy pays when it is read many times. Here a register tile reads elements of a and rows
// of b where they are; only columns that do not fill a vector are copied. Where b lies transposed
// and a has few rows, as for the gradient of a layer's input, the product is made transposed: rows
// of b's transpose are broadcast, and lanes hold rows of a, which is small enough to copy.
// The chains are those of gemm.cpp.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/gemm_unpacked.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/linalg/gemm_unpacked.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Registers: rows x vectors sums, the vectors of a row of b, one element of a.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kMostRows = 8;
constexpr std::size_t kMostVectors = 3;
#else
constexpr std::size_t kMostRows = 6;
constexpr std::size_t kMostVectors = 2;
#endif
constexpr std::size_t kDepthBlock = 512;
constexpr std::size_t kRowBlock = 64;

/// One k-block of a product: a is `depth` steps, from_zero says that chains begin here.
struct Product {
  std::size_t depth;
  ConstMatrix a;
  const float* b;
  std::size_t b_row_stride;
  float* c;
  std::size_t c_row_stride;
  bool from_zero;
};

/// The tile at c of `rows` rows and `vectors` vectors of columns.
template <std::size_t rows, std::size_t vectors>
HWY_NOINLINE void tile_kernel(const Product& p) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  Vector acc[rows][vectors];
  const float* a[rows];
  for (std::size_t i = 0; i < rows; ++i) {
    a[i] = p.a.data + i * p.a.row_stride;
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = p.from_zero ? hn::Zero(d) : hn::LoadU(d, p.c + i * p.c_row_stride + v * lanes);
    }
  }
  const float* HWY_RESTRICT b = p.b;
  std::size_t at = 0;
  for (std::size_t k = 0; k < p.depth; ++k, b += p.b_row_stride, at += p.a.column_stride) {
    Vector row[vectors];
    for (std::size_t v = 0; v < vectors; ++v) row[v] = hn::LoadU(d, b + v * lanes);
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector element = hn::Set(d, a[i][at]);
      for (std::size_t v = 0; v < vectors; ++v) {
        acc[i][v] = hn::MulAdd(element, row[v], acc[i][v]);
      }
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(acc[i][v], d, p.c + i * p.c_row_stride + v * lanes);
    }
  }
}

using TileKernel = void (*)(const Product&);

template <std::size_t vectors, std::size_t... index>
constexpr std::array<TileKernel, sizeof...(index)> make_kernels(std::index_sequence<index...>) {
  return {tile_kernel<index + 1, vectors>...};
}

TileKernel kernel_for(std::size_t rows, std::size_t vectors) {
  constexpr std::make_index_sequence<kMostRows> all;
  static constexpr std::array<std::array<TileKernel, kMostRows>, 3> kernels{
      make_kernels<1>(all), make_kernels<std::min<std::size_t>(2, kMostVectors)>(all),
      make_kernels<kMostVectors>(all)};
  return kernels[vectors - 1][rows - 1];
}

/// All M rows of `vectors` vectors of columns.
void run_rows(std::size_t M, std::size_t vectors, const Product& product) {
  const std::size_t tiles = (M + kMostRows - 1) / kMostRows;
  for (std::size_t tile = 0; tile < tiles; ++tile) {  // of as equal heights as can be
    const std::size_t first = tile * M / tiles;
    Product p = product;
    p.a.data += first * p.a.row_stride;
    p.c += first * p.c_row_stride;
    kernel_for((tile + 1) * M / tiles - first, vectors)(p);
  }
}

/// All M rows of the last columns, fewer than a vector: through copies of b and c.
void run_last_columns(std::size_t M, std::size_t columns, const Product& product) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float b[kDepthBlock * hn::MaxLanes(d)];
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
  const std::size_t panels = (whole_vectors + kMostVectors - 1) / kMostVectors;
  for (std::size_t k = 0; k < K; k += kDepthBlock) {
    Product p{
        std::min(kDepthBlock, K - k), a, b.data + k * b.row_stride, b.row_stride, c, c_row_stride,
        k == 0 && !accumulate};
    p.a.data += k * a.column_stride;
    for (std::size_t panel = 0; panel < panels; ++panel) {  // of as equal widths as can be
      const std::size_t first = panel * whole_vectors / panels;
      const std::size_t vectors = (panel + 1) * whole_vectors / panels - first;
      run_rows(M, vectors, p);
      p.b += vectors * lanes;
      p.c += vectors * lanes;
    }
    if (N % lanes > 0) run_last_columns(M, N % lanes, p);
  }
}

/// c = a b, made as its transpose; columns of b are contiguous, and lanes hold rows of a.
void multiply_columns_of_b(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a,
                           ConstMatrix b, float* c, std::size_t c_row_stride, bool accumulate) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float a_copy[kDepthBlock * hn::MaxLanes(d)];
  HWY_ALIGN float c_copy[kRowBlock * hn::MaxLanes(d)];
  for (std::size_t m = 0; m < M; m += lanes) {
    const std::size_t rows = std::min(lanes, M - m);
    for (std::size_t k0 = 0; k0 < K; k0 += kDepthBlock) {
      const std::size_t depth = std::min(kDepthBlock, K - k0);
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t i = 0; i < lanes; ++i) {
          a_copy[k * lanes + i] =
              i < rows ? a.data[(m + i) * a.row_stride + (k0 + k) * a.column_stride] : 0.0F;
        }
      }
      for (std::size_t n = 0; n < N; n += kRowBlock) {
        const std::size_t columns = std::min(kRowBlock, N - n);
        const Product p{depth,
                        {b.data + n * b.column_stride + k0, b.column_stride, 1},
                        a_copy,
                        lanes,
                        c_copy,
                        lanes,
                        k0 == 0 && !accumulate};
        float* const result = c + m * c_row_stride + n;
        if (!p.from_zero) {
          std::fill_n(c_copy, columns * lanes, 0.0F);
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
              c_copy[j * lanes + i] = result[i * c_row_stride + j];
            }
          }
        }
        run_rows(columns, 1, p);
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < columns; ++j) {
            result[i * c_row_stride + j] = c_copy[j * lanes + i];
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
HWY_EXPORT(multiply_rows_of_b);
HWY_EXPORT(multiply_columns_of_b);

bool gemm_unpacked(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b,
                   float* c, std::size_t c_row_stride, bool accumulate) {
  constexpr std::size_t few = 64;  // reads of a packed value
  constexpr std::size_t most_floats = std::size_t{1}
                                      << 18;  // of b: 1 MiB, so that it is in a cache
  if (K * N > most_floats) return false;
  if (b.column_stride == 1 && (M <= few || K <= few)) {
    HWY_DYNAMIC_DISPATCH(multiply_rows_of_b)(M, N, K, a, b, c, c_row_stride, accumulate);
    return true;
  }
  if (b.row_stride == 1 && M <= few) {
    HWY_DYNAMIC_DISPATCH(multiply_columns_of_b)(M, N, K, a, b, c, c_row_stride, accumulate);
    return true;
  }
  return false;
}

}  // namespace reprise
#endif  // HWY_ONCE
