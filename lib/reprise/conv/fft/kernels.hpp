/// \file
/// What fft.cpp does between the transforms of tiles: transforms of convolution kernels, one column
/// of points at a time, and products of complex matrices.
///
/// Channels of the result come in panels of kFftPanel, whatever the vector width; a panel holds
/// real and imaginary parts as (2, kFftPanel) floats.
#pragma once

#include <cstddef>

#include "reprise/linalg/fft.hpp"

namespace reprise {

inline constexpr std::size_t kFftPanel = 32;

/// Where the KH x KW taps of a kernel lie in a tile; the dilated kernel fits in it.
struct FftTaps {
  FftTile tile;
  std::size_t KH, KW;
  std::size_t dilation_h, dilation_w;
};

/// Column v of the conjugate transforms of `depth` x `columns` kernels, columns <= kFftPanel:
///   points(u, d, c) = sum over kh, kw of taps(d, kh, kw, c)
///                     * exp(2*pi*I*(u*kh*dilation_h/h + v*kw*dilation_w/w)), u = 0..h-1.
/// taps is (depth, KH, KW, kFftPanel), points is (h, depth, 2, kFftPanel). The sum over kw is a
/// chain of fused multiply-adds; then kh by residue classes mod 4, a chain each, and a transform of
/// length 4 over the classes. Cost: about KH + 8 + 2*KH*KW/h fused multiply-adds a point.
void transform_taps(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                    const float* taps, float* points);

/// The other way, one column's share of the inverse: with S = points, their real and imaginary
/// parts swapped (which makes I * conj(F) of S = F),
///   taps(d, kh, kw, c) = (v == 0 ? 0 : taps) + factor * real part of the sum over u of
///                        S(u, d, c) * exp(-2*pi*I*(u*kh*dilation_h/h + v*kw*dilation_w/w)),
/// where factor is 1 for v = 0 and v = w/2 and else 2, for the column that is the conjugate.
/// Reads the first fft_column_points of a column. Columns go in ascending order.
void invert_taps(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                 const float* points, float* taps);

/// `points` products c = a * b of complex matrices, (rows x depth) times (depth x columns),
/// columns <= kFftPanel. Strides are in floats.
struct FftProduct {
  std::size_t points, rows, columns, depth;
  const float* a;  ///< a(p, m, k).re is a[p*a_point + m*a_row + k*a_depth], .im a_imaginary further
  std::size_t a_point, a_row, a_depth, a_imaginary;
  const float* b;  ///< (depth, 2, kFftPanel), aligned to vectors
  std::size_t b_point;
  float* c;  ///< (2, kFftPanel) at c + p*c_point + m*c_row
  std::size_t c_point, c_row;
  bool accumulate;  ///< c + product in place of product
};

/// Three real products for each complex one (Gauss). Chains in ascending k from 0:
///   x = fma(a.re + a.im, b.re, x), y = fma(a.re, b.im - b.re, y), z = fma(a.im, b.im + b.re, z);
/// then c.re = x - z, c.im = x + y, or c.re + (x - z) and c.im + (x + y).
void multiply(const FftProduct& product);

}  // namespace reprise
