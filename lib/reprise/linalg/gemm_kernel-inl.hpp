/// \file
/// The micro-kernel of all matrix products: a register tile of c continues its chains.
///
/// c(i,j) = chain over k = 0..depth-1 in ascending order of acc = fma(a(k,i), b(k,j), acc). Vector
/// lanes hold different columns of c, so their number cannot change a bit. The tile is kTileRows x
/// kTileVectors vectors: as many as the registers hold besides one row of b and a broadcast element
/// of a (AVX-512: 14 x 2 of 32 registers, AVX2: 6 x 2 of 16, NEON: 8 x 3 of 32).
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_LINALG_GEMM_KERNEL_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_GEMM_KERNEL_INL_HPP
#undef REPRISE_LINALG_GEMM_KERNEL_INL_HPP
#else
#define REPRISE_LINALG_GEMM_KERNEL_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "reprise/core/integer.hpp"
#include "reprise/linalg/register_tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {

constexpr std::size_t kTileRows = HWY_TARGET == HWY_NEON ? 8 : kRegisters == 32 ? 14 : 6;
constexpr std::size_t kTileVectors = HWY_TARGET == HWY_NEON ? 3 : 2;

/// Columns of a tile, and of a panel of b.
HWY_INLINE std::size_t tile_columns() {
  const hwy::HWY_NAMESPACE::ScalableTag<float> d;
  return kTileVectors * hwy::HWY_NAMESPACE::Lanes(d);
}

/// Panel of a with the kTileRows elements of a step side by side: a(k,i) = a[k * kTileRows + i].
struct StepMajor {
  static constexpr std::size_t kSteps = kMaxElements;  ///< one block
  static constexpr std::size_t kStepStride = kTileRows;
  static constexpr std::size_t kRowStride = 1;
  static constexpr std::size_t kBlockGap = 0;
};

/// Panel of a in blocks of one vector of steps, for sources with vectors along k:
/// a(k,i) = a[((k / L) * kTileRows + i) * L + k % L], L lanes.
struct VectorMajor {
  static constexpr std::size_t kSteps =
      hwy::HWY_NAMESPACE::MaxLanes(hwy::HWY_NAMESPACE::ScalableTag<float>());
  static constexpr std::size_t kStepStride = 1;
  static constexpr std::size_t kRowStride = kSteps;
  static constexpr std::size_t kBlockGap = (kTileRows - 1) * kSteps;  ///< behind the last step
};

/// Rows x Vectors vectors of c continue their chains over `depth` steps, or begin them at zero.
/// b is (depth, tile_columns()), aligned to vectors; c's rows are c_row_stride apart.
template <class Panel, std::size_t Rows, std::size_t Vectors>
HWY_INLINE void micro_kernel(std::size_t depth, const float* HWY_RESTRICT a,
                             const float* HWY_RESTRICT b, float* HWY_RESTRICT c,
                             std::size_t c_row_stride, bool from_zero) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto place = [&](std::size_t i, std::size_t j) { return c + i * c_row_stride + j * lanes; };
  hn::Vec<decltype(d)> acc[Rows][Vectors];
  load_sums(d, acc, place, from_zero);
  for (std::size_t k0 = 0; k0 < depth; k0 += Panel::kSteps) {
    const std::size_t steps = std::min(Panel::kSteps, depth - k0);
    continue_chains(d, steps, StridedNumbers{a, Panel::kRowStride, Panel::kStepStride},
                    PackedVectors{b, kTileVectors * lanes}, acc);
    a += steps * Panel::kStepStride + Panel::kBlockGap;
    b += steps * kTileVectors * lanes;
  }
  store_sums(d, acc, place);
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
