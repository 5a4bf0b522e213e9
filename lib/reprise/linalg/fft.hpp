/// \file
/// Discrete Fourier transforms of small real tiles, all channels of an NHWC image at once.
///
/// A tile of h x w cells (8, 16 or 32 each, in any pairing) has the transform
///   F(u, v) = 2 * sum over i, j of cell(i, j) * exp(-2*pi*I*(u*i/h + v*j/w)),
/// where the factor 2 saves a multiplication in each point and is undone by `scale` of the inverse.
/// As the cells are real, F(-u, -v) = conj F(u, v), and h*w/2 + 2 points tell all: columns v = 0
/// and v = w/2 keep u = 0..h/2, the columns between keep all u. Points are numbered column by
/// column.
///
/// Every channel is transformed by itself, by the same additions and fused multiply-adds whatever
/// the vector width (lanes hold different channels), so all targets give the same bits.
/// Cost: 2.5 * h*w * log2(h*w) operations a channel, nearly.
/// Error: see kFftStageError.
#pragma once

#include <cstddef>

namespace reprise {

/// Bound on the rounding error of a transform, or inverse, of h x w cells: in the 2-norm over the
/// tile, relative to the exact result, kFftStageError * log2(h*w) units of 2^-24. In these units a
/// butterfly level adds 1; the twiddle factors between two radices add 3 (1 for their own rounding,
/// 2 for a complex product of which one half is fused); the roots of 1/2 in a radix of 8 add 2; and
/// telling two real transforms apart adds 1: sides of 8, 16, 32 come to 6, 8, 11, at most 2.2 times
/// log2 of the side. The rest covers products of these errors.
inline constexpr double kFftStageError = 2.3;

/// Channels are processed in whole vectors: memory for points has room for this multiple of them.
inline constexpr std::size_t kFftChannelMultiple = 16;

/// The largest side of a tile.
inline constexpr std::size_t kFftMaxSide = 32;

struct FftTile {
  std::size_t h = 16, w = 16;  ///< 8, 16 or 32 each
  bool operator==(const FftTile&) const = default;
};

/// The number of points that tell all.
constexpr std::size_t fft_points(FftTile tile) {
  return tile.h * tile.w / 2 + 2;
}

/// How many points column v has, v <= w/2.
constexpr std::size_t fft_column_points(FftTile tile, std::size_t v) {
  return v == 0 || v == tile.w / 2 ? tile.h / 2 + 1 : tile.h;
}

/// The number of column v's first point.
constexpr std::size_t fft_column_begin(FftTile tile, std::size_t v) {
  return v == 0 ? 0 : tile.h / 2 + 1 + (v - 1) * tile.h;
}

/// cos(2*pi*k/32) and sin(2*pi*k/32), rounded to float, for any k.
float fft_cosine(std::size_t k);
float fft_sine(std::size_t k);

/// The cells of a tile that are in an image. Cell (begin_h + i*step_h, begin_w + j*step_w),
/// i < count_h, j < count_w, of channel c is data[i*row_stride + j*column_stride + c].
template <class Float>
struct FftCells {
  Float* data;
  std::size_t row_stride, column_stride;
  std::size_t begin_h, begin_w;
  std::size_t count_h, count_w;
  std::size_t step_h = 1, step_w = 1;
};

/// Channel c of point p is re[p*stride + c] + I * im[p*stride + c]. Transforms of the other
/// orientation swap re and im: that gives I * conj F.
template <class Float>
struct FftPoints {
  Float* re;
  Float* im;
  std::size_t stride;
};

/// points = F(cells), cells outside of `cells` being 0. Writes channels rounded up to a vector.
void fft2d(FftTile tile, std::size_t channels, const FftCells<const float>& cells,
           const FftPoints<float>& points);

/// cells = fma(inverse, scale, bias[c]), where `inverse` is the sum over all h*w points of
/// F(u, v) * exp(2*pi*I*(u*i/h + v*j/w)), so that scale 1/(2*h*w) undoes fft2d. bias null: 0.
void inverse_fft2d(FftTile tile, std::size_t channels, const FftPoints<const float>& points,
                   float scale, const float* bias, const FftCells<float>& cells);

}  // namespace reprise
