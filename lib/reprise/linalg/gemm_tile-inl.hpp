/// \file
/// Register tiles of a matrix product whose operands lie where they are or in copies: internal to
/// gemm_unpacked.cpp.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_LINALG_GEMM_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_GEMM_TILE_INL_HPP
#undef REPRISE_LINALG_GEMM_TILE_INL_HPP
#else
#define REPRISE_LINALG_GEMM_TILE_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reprise/core/integer.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Registers: rows x vectors sums, the vectors of a row of b, one element of a.
constexpr std::size_t kMaxRows = kRegisters == 32 ? 8 : 6;
constexpr std::size_t kMaxVectors = kRegisters == 32 ? 3 : 2;

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
  const std::size_t lanes = hn::Lanes(d);
  const auto place = [&](std::size_t i, std::size_t v) {
    return p.c + i * p.c_row_stride + v * lanes;
  };
  hn::Vec<decltype(d)> acc[rows][vectors];
  load_sums(d, acc, place, p.from_zero);
  PointedNumbers<rows> a{{}, static_cast<std::ptrdiff_t>(p.a.column_stride)};
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) a.row[i] = p.a.data + i * p.a.row_stride;
  continue_chains(d, p.depth, a, RowVectors{p.b, p.b_row_stride}, acc);
  store_sums(d, acc, place);
}

using TileKernel = void (*)(const Product&);

template <std::size_t vectors>
constexpr std::array<TileKernel, kMaxRows> make_kernels() {
  return for_each_size<kMaxRows>([]<std::size_t rows>() { return &tile_kernel<rows, vectors>; });
}

TileKernel kernel_for(std::size_t rows, std::size_t vectors) {
  static constexpr std::array<std::array<TileKernel, kMaxRows>, 3> kernels{
      make_kernels<1>(), make_kernels<std::min<std::size_t>(2, kMaxVectors)>(),
      make_kernels<kMaxVectors>()};
  return kernels[vectors - 1][rows - 1];
}

/// All M rows of `vectors` vectors of columns.
void run_rows(std::size_t M, std::size_t vectors, const Product& product) {
  for_each_part(M, kMaxRows, [&](std::size_t first, std::size_t end) {
    Product p = product;
    p.a.data += first * p.a.row_stride;
    p.c += first * p.c_row_stride;
    kernel_for(end - first, vectors)(p);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
