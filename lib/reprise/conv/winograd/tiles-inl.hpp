/// \file
/// What all passes of winograd share: transforms of tiles, a vector of channels at a time, and
/// products of packed matrices.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_CONV_WINOGRAD_TILES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_WINOGRAD_TILES_INL_HPP
#undef REPRISE_CONV_WINOGRAD_TILES_INL_HPP
#else
#define REPRISE_CONV_WINOGRAD_TILES_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "reprise/conv/operand_domain.hpp"
#include "reprise/conv/winograd/plan.hpp"
#include "reprise/conv/winograd/transforms-inl.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/gemm_kernel-inl.hpp"
#include "reprise/linalg/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace winograd {

namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;
constexpr std::size_t kLanes = hn::MaxLanes(Lanes());

/// The most whole register tiles in a block of n rows or columns, at least one.
constexpr std::size_t whole_tiles(std::size_t n, std::size_t tile) {
  return std::max(n / tile, std::size_t{1}) * tile;
}

// ---- Two-dimensional transforms of a vector of channels

/// The arithmetic of transforms-inl.hpp on vectors.
struct VectorOps {
  using Value = Vector;
  static HWY_INLINE Value constant(int numerator, int denominator) {
    return hn::Set(Lanes(), static_cast<float>(static_cast<double>(numerator) / denominator));
  }
  static HWY_INLINE Value add(Value x, Value y) { return hn::Add(x, y); }
  static HWY_INLINE Value sub(Value x, Value y) { return hn::Sub(x, y); }
  static HWY_INLINE Value mul(Value x, Value y) { return hn::Mul(x, y); }
  static HWY_INLINE Value fma(Value x, Value y, Value z) { return HWY_NAMESPACE::fma(x, y, z); }
  static HWY_INLINE Value negated_fma(Value x, Value y, Value z) {
    return HWY_NAMESPACE::negated_fma(x, y, z);
  }
};

template <class F>
struct InputTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::input(VectorOps(), x, y); }
};
template <class F>
struct WeightTransform {
  static constexpr std::size_t kIn = 3, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::weight(VectorOps(), x, y); }
};
template <class F>
struct OutputTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = F::kOutputs;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::output(VectorOps(), x, y); }
};
template <class F>
struct GradTransform {
  static constexpr std::size_t kIn = F::kOutputs, kOut = F::kTile;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::grad(VectorOps(), x, y); }
};
template <class F>
struct KernelTransform {
  static constexpr std::size_t kIn = F::kTile, kOut = 3;
  static HWY_INLINE void apply(const Vector* x, Vector* y) { F::kernel(VectorOps(), x, y); }
};

/// sink(i * kOut + j, (T X T^t)(i,j)) for X(h,w) = source(h * kIn + w).
template <class T, class Source, class Sink>
HWY_INLINE void transform_2d(const Source& source, const Sink& sink) {
  Vector half[T::kOut][T::kIn];
  for (std::size_t w = 0; w < T::kIn; ++w) {
    Vector in[T::kIn];
    Vector out[T::kOut];
    for (std::size_t h = 0; h < T::kIn; ++h) in[h] = source(h * T::kIn + w);
    T::apply(in, out);
    for (std::size_t i = 0; i < T::kOut; ++i) half[i][w] = out[i];
  }
  for (std::size_t i = 0; i < T::kOut; ++i) {
    Vector out[T::kOut];
    T::apply(half[i], out);
    for (std::size_t j = 0; j < T::kOut; ++j) sink(i * T::kOut + j, out[j]);
  }
}

/// Source: `count` channels from channel c on of cells anywhere.
struct Cells {
  const float* const* cells;
  std::size_t c;
  std::size_t count;
  HWY_INLINE Vector operator()(std::size_t index) const {
    return load_some(cells[index] + c, count);
  }
};

/// Source and sink: vectors at equal distances.
struct Spaced {
  const float* first;
  std::size_t stride;
  HWY_INLINE Vector operator()(std::size_t index) const {
    return hn::Load(Lanes(), first + index * stride);
  }
};
struct SpacedSink {
  float* first;
  std::size_t stride;
  HWY_INLINE void operator()(std::size_t index, Vector v) const {
    hn::Store(v, Lanes(), first + index * stride);
  }
};

// ---- Tiles of images

/// One group's channels of a batch of images, N,height,width,channels, pixels pixel_stride apart.
struct Images {
  const float* data;
  std::size_t height, width, pixel_stride, channels;
  std::ptrdiff_t origin_h, origin_w;  ///< where the first tile begins; negative in the padding
  const float* zeros;                 ///< `channels` zeros: every cell outside
  std::atomic<std::uint32_t>* largest = nullptr;  ///< magnitude read of each image, or null
};

/// Where a tile begins.
struct TilePlace {
  std::size_t image, h, w;
};
HWY_INLINE TilePlace place_of(const WinogradTiles& tiling, std::size_t tile) {
  const std::size_t in_image = tile % (tiling.tiles_h * tiling.tiles_w);
  return {tile / (tiling.tiles_h * tiling.tiles_w), in_image / tiling.tiles_w * tiling.outputs,
          in_image % tiling.tiles_w * tiling.outputs};
}

/// cells(edge, edge): where each cell of the tile is.
template <std::size_t edge>
HWY_INLINE void find_cells(const Images& images, const WinogradTiles& tiling, std::size_t tile,
                           const float** cells) {
  const TilePlace place = place_of(tiling, tile);
  const float* image =
      images.data + place.image * images.height * images.width * images.pixel_stride;
  for (std::size_t i = 0; i < edge; ++i) {
    // Negative places wrap to huge ones: outside.
    const std::size_t h = place.h + i + static_cast<std::size_t>(images.origin_h);
    for (std::size_t j = 0; j < edge; ++j) {
      const std::size_t w = place.w + j + static_cast<std::size_t>(images.origin_w);
      const bool inside = h < images.height && w < images.width;
      cells[i * edge + j] =
          inside ? image + (h * images.width + w) * images.pixel_stride : images.zeros;
    }
  }
}

/// Keeps the largest magnitude of a tile's cells, `count` channels from `first` on, before they are
/// transformed; not of those that the tiles below and to the right begin with.
template <std::size_t edge>
HWY_INLINE void record_cells(const Images& images, const WinogradTiles& tiling, std::size_t tile,
                             const float* const* cells, std::size_t first, std::size_t count) {
  if (images.largest == nullptr) return;
  const hn::RebindToUnsigned<Lanes> bits;
  const std::size_t in_image = tile % (tiling.tiles_h * tiling.tiles_w);
  const std::size_t own = std::min(edge, tiling.outputs);
  const std::size_t rows = in_image / tiling.tiles_w + 1 == tiling.tiles_h ? edge : own;
  const std::size_t columns = in_image % tiling.tiles_w + 1 == tiling.tiles_w ? edge : own;
  auto most = hn::Zero(bits);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      const float* const cell = cells[i * edge + j] + first;
      for (std::size_t c = 0; c < count; c += kLanes) {
        most = hn::Max(most, hn::BitCast(bits, hn::Abs(load_some(cell + c, count - c))));
      }
    }
  }
  raise_to(images.largest[place_of(tiling, tile).image], hn::GetLane(hn::MaxOfLanes(bits, most)));
}

// ---- Products

template <class Panel, std::size_t Rows>
HWY_INLINE void multiply_tile(std::size_t vectors, std::size_t reduction_length, const float* a,
                              const float* b, float* c, std::size_t c_row_stride, bool from_zero) {
  if (vectors >= kTileVectors) {
    micro_kernel<Panel, Rows, kTileVectors>(reduction_length, a, b, c, c_row_stride, from_zero);
  } else if (vectors == 1) {
    micro_kernel<Panel, Rows, 1>(reduction_length, a, b, c, c_row_stride, from_zero);
  } else {
    micro_kernel<Panel, Rows, 2>(reduction_length, a, b, c, c_row_stride, from_zero);
  }
}

/// c (rows x columns) = or continues a (rows x reduction_length) times b (reduction_length x
/// columns), both in panels that begin a_stride and b_stride apart. Up to kTileRows - 1 rows beyond
/// c's are overwritten.
template <class Panel>
HWY_NOINLINE void multiply(std::size_t rows, std::size_t columns, std::size_t reduction_length,
                           const float* a, std::size_t a_stride, const float* b,
                           std::size_t b_stride, float* c, std::size_t c_row_stride,
                           bool from_zero) {
  for (std::size_t n = 0; n < columns; n += tile_columns(), b += b_stride) {
    const std::size_t vectors = div_ceil(columns - n, kLanes);
    const float* a_panel = a;
    for (std::size_t m = 0; m < rows; m += kTileRows, a_panel += a_stride) {
      float* tile = c + m * c_row_stride + n;
      if (rows - m > kTileRows / 2) {
        multiply_tile<Panel, kTileRows>(vectors, reduction_length, a_panel, b, tile, c_row_stride,
                                        from_zero);
      } else {
        multiply_tile<Panel, kTileRows / 2>(vectors, reduction_length, a_panel, b, tile,
                                            c_row_stride, from_zero);
      }
    }
  }
}

}  // namespace winograd
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
