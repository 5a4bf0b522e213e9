// Discrete Fourier transforms of small real tiles on Highway.
//
// A vector holds neighbouring channels of one cell, so a transform needs no shuffles. Two real rows
// go through one complex transform as its real and imaginary part, and are told apart by symmetry;
// columns 0 and w/2, whose entries are real then, share a complex transform in the same way.
// Between rows and columns the tile lies in a buffer of h x w/2 complex vectors (64 KiB for 32 x 32
// with 16 lanes).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/fft.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <array>

#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fft.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/vectors-inl.hpp"

#ifndef REPRISE_FFT_TABLES
#define REPRISE_FFT_TABLES
namespace reprise {

/// cos(2*pi*k/32) for k = 0..39, so that sin(2*pi*k/32) = cos(2*pi*(k-8)/32) = kCosines[k + 24]
/// mod 32.
inline constexpr std::array<float, 32> kCosines = [] {
  constexpr std::array<double, 9> quarter{1.0,
                                          0.98078528040323044913,
                                          0.92387953251128675613,
                                          0.83146961230254523708,
                                          0.70710678118654752440,
                                          0.55557023301960222474,
                                          0.38268343236508977173,
                                          0.19509032201612826785,
                                          0.0};
  std::array<float, 32> table{};
  for (std::size_t k = 0; k <= 8; ++k) {
    const float value = static_cast<float>(quarter[k]);
    table[k] = value;
    table[16 - k] = k == 8 ? 0.0F : -value;
    table[16 + k] = k == 8 ? 0.0F : -value;
    if (k != 0) table[32 - k] = value;
  }
  return table;
}();

}  // namespace reprise
#endif  // REPRISE_FFT_TABLES

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

struct Complex {
  // Written out, as g++ for ARM compiles implicit ones outside HWY_BEFORE_NAMESPACE's target.
  HWY_INLINE Complex() {}  // NOLINT: unspecified values
  HWY_INLINE Complex(Vector real, Vector imaginary) : re(real), im(imaginary) {}
  Vector re, im;
};

HWY_INLINE Complex operator+(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
HWY_INLINE Complex operator-(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
/// a - I*b and a + I*b.
HWY_INLINE Complex minus_i(const Complex& a, const Complex& b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
HWY_INLINE Complex plus_i(const Complex& a, const Complex& b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
/// a * exp(-2*pi*I*k/32).
HWY_INLINE Complex turn(const Complex& a, std::size_t k) {
  const Tag d;
  const Vector c = hn::Set(d, kCosines[k % 32]);
  const Vector s = hn::Set(d, kCosines[(k + 24) % 32]);
  return {fma(a.im, s, hn::Mul(a.re, c)), negated_fma(a.re, s, hn::Mul(a.im, c))};
}

/// y[k] = sum over n of a[n] * exp(-2*pi*I*k*n/4).
HWY_INLINE void dft4(const Complex* a, Complex* y) {
  const Complex s0 = a[0] + a[2];
  const Complex d0 = a[0] - a[2];
  const Complex s1 = a[1] + a[3];
  const Complex d1 = a[1] - a[3];
  y[0] = s0 + s1;
  y[1] = minus_i(d0, d1);
  y[2] = s0 - s1;
  y[3] = plus_i(d0, d1);
}

/// The same for 8; even and odd entries by dft4.
HWY_INLINE void dft8(const Complex* a, Complex* y) {
  const Tag d;
  const Complex even_in[4] = {a[0], a[2], a[4], a[6]};
  const Complex odd_in[4] = {a[1], a[3], a[5], a[7]};
  Complex even[4];
  Complex odd[4];
  dft4(even_in, even);
  dft4(odd_in, odd);
  y[0] = even[0] + odd[0];
  y[4] = even[0] - odd[0];
  y[2] = minus_i(even[2], odd[2]);
  y[6] = plus_i(even[2], odd[2]);
  // odd[1] * (1 - I)/sqrt(2) and odd[3] * (-1 - I)/sqrt(2).
  const Vector root = hn::Set(d, kCosines[4]);
  const Vector sum1 = hn::Add(odd[1].re, odd[1].im);
  const Vector difference1 = hn::Sub(odd[1].im, odd[1].re);
  const Vector sum3 = hn::Add(odd[3].re, odd[3].im);
  const Vector difference3 = hn::Sub(odd[3].im, odd[3].re);
  y[1] = {fma(sum1, root, even[1].re), fma(difference1, root, even[1].im)};
  y[5] = {negated_fma(sum1, root, even[1].re), negated_fma(difference1, root, even[1].im)};
  y[3] = {fma(difference3, root, even[3].re), negated_fma(sum3, root, even[3].im)};
  y[7] = {negated_fma(difference3, root, even[3].re), fma(sum3, root, even[3].im)};
}

template <std::size_t kSize>
HWY_INLINE void dft(const Complex* a, Complex* y) {
  if constexpr (kSize == 4) {
    dft4(a, y);
  } else {
    dft8(a, y);
  }
}

/// store(k, sum over n of load(n) * exp(-2*pi*I*k*n/kSize)). For 16 and 32, with kSize = 4*Q:
///   X(k1 + 4*k2) = sum over n2 < Q of [ exp(-2*pi*I*k1*n2/kSize) * sum over n1 < 4 of
///                  x(Q*n1 + n2) * exp(-2*pi*I*k1*n1/4) ] * exp(-2*pi*I*k2*n2/Q).
template <std::size_t kSize, class Load, class Store>
HWY_INLINE void fft(const Load& load, const Store& store) {
  if constexpr (kSize == 8) {
    Complex a[8];
    Complex y[8];
    for (std::size_t n = 0; n < 8; ++n) a[n] = load(n);
    dft8(a, y);
    for (std::size_t k = 0; k < 8; ++k) store(k, y[k]);
  } else {
    constexpr std::size_t kQ = kSize / 4;
    constexpr std::size_t kTurn = 32 / kSize;
    Complex between[4][kQ];
    for (std::size_t n2 = 0; n2 < kQ; ++n2) {
      const Complex a[4] = {load(n2), load(kQ + n2), load(2 * kQ + n2), load(3 * kQ + n2)};
      Complex y[4];
      dft4(a, y);
      between[0][n2] = y[0];
      for (std::size_t k1 = 1; k1 < 4; ++k1) between[k1][n2] = turn(y[k1], k1 * n2 * kTurn);
    }
    for (std::size_t k1 = 0; k1 < 4; ++k1) {
      Complex y[kQ];
      dft<kQ>(between[k1], y);
      for (std::size_t k2 = 0; k2 < kQ; ++k2) store(k1 + 4 * k2, y[k2]);
    }
  }
}

/// Between rows and columns: row r's entry v is at r * kRowStride + v * 2 * lanes, real part first;
/// entry 0 holds the real entries 0 and w/2. A vector of space between rows keeps a column's
/// entries out of each other's cache sets.
template <std::size_t kW>
constexpr std::size_t kRowVectors = kW + 2;

HWY_INLINE Complex load_complex(const float* from) {
  const Tag d;
  return {hn::Load(d, from), hn::Load(d, from + hn::Lanes(d))};
}
HWY_INLINE void store_complex(const Complex& value, float* to) {
  const Tag d;
  hn::Store(value.re, d, to);
  hn::Store(value.im, d, to + hn::Lanes(d));
}

/// One row of the tile into cells[0..kW), zeros where `data` (null: everywhere) has no cell.
template <std::size_t kW>
HWY_INLINE void load_row(const FftCells<const float>& cells, const float* data, std::size_t count,
                         Vector* row) {
  const Vector zero = hn::Zero(Tag());
  if (data == nullptr || cells.step_w != 1) {
    for (std::size_t j = 0; j < kW; ++j) row[j] = zero;
    if (data == nullptr) return;
  } else {
    for (std::size_t j = 0; j < cells.begin_w; ++j) row[j] = zero;
    for (std::size_t j = cells.begin_w + cells.count_w; j < kW; ++j) row[j] = zero;
  }
  for (std::size_t j = 0; j < cells.count_w; ++j) {
    row[cells.begin_w + j * cells.step_w] = load_some(data + j * cells.column_stride, count);
  }
}

/// Rows `data` and `data_below` (may be null) through one complex transform; `row` and `row_below`
/// get entries v = 1..kW/2-1 times 2, and entry 0 as the buffer wants it.
template <std::size_t kW>
HWY_NOINLINE void transform_rows(const FftCells<const float>& cells, const float* data,
                                 const float* data_below, std::size_t count,
                                 float* HWY_RESTRICT row, float* HWY_RESTRICT row_below) {
  const std::size_t step = 2 * hn::Lanes(Tag());
  Vector re[kW];
  Vector im[kW];
  Complex z[kW];
  load_row<kW>(cells, data, count, re);
  load_row<kW>(cells, data_below, count, im);
  fft<kW>(
      [&](std::size_t n) HWY_ATTR {
        return Complex{re[n], im[n]};
      },
      [&](std::size_t k, const Complex& value) HWY_ATTR { z[k] = value; });
  store_complex({z[0].re, z[kW / 2].re}, row);
  if (data_below != nullptr) store_complex({z[0].im, z[kW / 2].im}, row_below);
  for (std::size_t v = 1; v < kW / 2; ++v) {
    const Complex a = z[v];
    const Complex b = z[kW - v];
    store_complex({hn::Add(a.re, b.re), hn::Sub(a.im, b.im)}, row + v * step);
    if (data_below != nullptr) {
      store_complex({hn::Add(a.im, b.im), hn::Sub(b.re, a.re)}, row_below + v * step);
    }
  }
}

/// Column 0 of the buffer holds two real columns: splits their transforms, times 2.
template <std::size_t kH>
HWY_NOINLINE void transform_real_columns(const float* HWY_RESTRICT buffer, std::size_t row_stride,
                                         std::size_t last, const FftPoints<float>& points) {
  const Tag d;
  Complex z[kH];
  fft<kH>([&](std::size_t n) HWY_ATTR { return load_complex(buffer + n * row_stride); },
          [&](std::size_t k, const Complex& value) HWY_ATTR { z[k] = value; });
  for (std::size_t u = 0; u <= kH / 2; ++u) {
    const Complex a = z[u];
    const Complex b = z[(kH - u) % kH];
    hn::StoreU(hn::Add(a.re, b.re), d, points.re + u * points.stride);
    hn::StoreU(hn::Sub(a.im, b.im), d, points.im + u * points.stride);
    hn::StoreU(hn::Add(a.im, b.im), d, points.re + (last + u) * points.stride);
    hn::StoreU(hn::Sub(b.re, a.re), d, points.im + (last + u) * points.stride);
  }
}

template <std::size_t kH>
HWY_NOINLINE void transform_column(const float* HWY_RESTRICT buffer, std::size_t row_stride,
                                   float* HWY_RESTRICT re, float* HWY_RESTRICT im,
                                   std::size_t stride) {
  const Tag d;
  fft<kH>([&](std::size_t n) HWY_ATTR { return load_complex(buffer + n * row_stride); },
          [&](std::size_t k, const Complex& value) HWY_ATTR {
            hn::StoreU(value.re, d, re + k * stride);
            hn::StoreU(value.im, d, im + k * stride);
          });
}

template <std::size_t kH, std::size_t kW>
void fft2d_channels(std::size_t count, const FftCells<const float>& cells,
                    const FftPoints<float>& points) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t row_stride = kRowVectors<kW> * lanes;
  HWY_ALIGN float buffer[kH * kRowVectors<kW> * hn::MaxLanes(d)];
  bool filled[kH] = {};
  for (std::size_t i = 0; i < cells.count_h; i += 2) {
    const std::size_t row = cells.begin_h + i * cells.step_h;
    const bool below = i + 1 < cells.count_h;
    const float* data = cells.data + i * cells.row_stride;
    transform_rows<kW>(cells, data, below ? data + cells.row_stride : nullptr, count,
                       buffer + row * row_stride,
                       buffer + (below ? row + cells.step_h : row) * row_stride);
    filled[row] = true;
    if (below) filled[row + cells.step_h] = true;
  }
  for (std::size_t r = 0; r < kH; ++r) {
    if (!filled[r]) std::fill_n(buffer + r * row_stride, kW * lanes, 0.0F);
  }
  constexpr FftTile tile{kH, kW};
  transform_real_columns<kH>(buffer, row_stride, fft_column_begin(tile, kW / 2), points);
  for (std::size_t v = 1; v < kW / 2; ++v) {
    const std::size_t offset = fft_column_begin(tile, v) * points.stride;
    transform_column<kH>(buffer + 2 * v * lanes, row_stride, points.re + offset, points.im + offset,
                         points.stride);
  }
}

/// The way back from columns 0 and w/2 to the buffer's column 0. Inverse transforms are forward
/// ones with real and imaginary parts swapped on both sides.
template <std::size_t kH>
HWY_NOINLINE void invert_real_columns(const FftPoints<const float>& points, std::size_t last,
                                      float* HWY_RESTRICT buffer, std::size_t row_stride) {
  const Tag d;
  Complex z[kH];
  for (std::size_t u = 0; u <= kH / 2; ++u) {
    const Vector are = hn::LoadU(d, points.re + u * points.stride);
    const Vector aim = hn::LoadU(d, points.im + u * points.stride);
    const Vector bre = hn::LoadU(d, points.re + (last + u) * points.stride);
    const Vector bim = hn::LoadU(d, points.im + (last + u) * points.stride);
    if (u == 0 || u == kH / 2) {
      z[u] = {are, bre};
    } else {
      z[u] = {hn::Sub(are, bim), hn::Add(aim, bre)};
      z[kH - u] = {hn::Add(are, bim), hn::Sub(bre, aim)};
    }
  }
  fft<kH>(
      [&](std::size_t n) HWY_ATTR {
        return Complex{z[n].im, z[n].re};
      },
      [&](std::size_t k, const Complex& value) HWY_ATTR {
        store_complex({value.im, value.re}, buffer + k * row_stride);
      });
}

template <std::size_t kH>
HWY_NOINLINE void invert_column(const float* HWY_RESTRICT re, const float* HWY_RESTRICT im,
                                std::size_t stride, float* HWY_RESTRICT buffer,
                                std::size_t row_stride) {
  const Tag d;
  fft<kH>(
      [&](std::size_t n) HWY_ATTR {
        return Complex{hn::LoadU(d, im + n * stride), hn::LoadU(d, re + n * stride)};
      },
      [&](std::size_t k, const Complex& value) HWY_ATTR {
        store_complex({value.im, value.re}, buffer + k * row_stride);
      });
}

/// Two rows of the buffer back to cells; data_below may be null.
template <std::size_t kW>
HWY_NOINLINE void invert_rows(const float* HWY_RESTRICT row, const float* HWY_RESTRICT row_below,
                              std::size_t count, float scale, const float* bias,
                              const FftCells<float>& cells, float* HWY_RESTRICT data,
                              float* HWY_RESTRICT data_below) {
  const Tag d;
  const std::size_t step = 2 * hn::Lanes(d);
  Complex z[kW];
  Complex y[kW];
  const Complex first = load_complex(row);
  const Complex first_below = load_complex(row_below);
  z[0] = {first.re, first_below.re};
  z[kW / 2] = {first.im, first_below.im};
  for (std::size_t v = 1; v < kW / 2; ++v) {
    const Complex a = load_complex(row + v * step);
    const Complex b = load_complex(row_below + v * step);
    z[v] = {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
    z[kW - v] = {hn::Add(a.re, b.im), hn::Sub(b.re, a.im)};
  }
  fft<kW>(
      [&](std::size_t n) HWY_ATTR {
        return Complex{z[n].im, z[n].re};
      },
      [&](std::size_t k, const Complex& value) HWY_ATTR { y[k] = value; });
  const Vector factor = hn::Set(d, scale);
  const Vector shift = bias == nullptr ? hn::Zero(d) : load_some(bias, count);
  for (std::size_t j = 0; j < cells.count_w; ++j) {
    const Complex value = y[cells.begin_w + j * cells.step_w];
    const std::size_t at = j * cells.column_stride;
    store_some(fma(value.im, factor, shift), data + at, count);
    if (data_below != nullptr) {
      store_some(fma(value.re, factor, shift), data_below + at, count);
    }
  }
}

template <std::size_t kH, std::size_t kW>
void inverse_fft2d_channels(std::size_t count, const FftPoints<const float>& points, float scale,
                            const float* bias, const FftCells<float>& cells) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t row_stride = kRowVectors<kW> * lanes;
  HWY_ALIGN float buffer[kH * kRowVectors<kW> * hn::MaxLanes(d)];
  constexpr FftTile tile{kH, kW};
  invert_real_columns<kH>(points, fft_column_begin(tile, kW / 2), buffer, row_stride);
  for (std::size_t v = 1; v < kW / 2; ++v) {
    const std::size_t offset = fft_column_begin(tile, v) * points.stride;
    invert_column<kH>(points.re + offset, points.im + offset, points.stride, buffer + 2 * v * lanes,
                      row_stride);
  }
  for (std::size_t i = 0; i < cells.count_h; i += 2) {
    const std::size_t row = cells.begin_h + i * cells.step_h;
    const bool below = i + 1 < cells.count_h;
    float* data = cells.data + i * cells.row_stride;
    invert_rows<kW>(buffer + row * row_stride,
                    buffer + (below ? row + cells.step_h : row) * row_stride, count, scale, bias,
                    cells, data, below ? data + cells.row_stride : nullptr);
  }
}

/// Calls body.template operator()<kH, kW>() for the tile's sides.
template <class Body>
HWY_INLINE void with_sides(FftTile tile, const Body& body) {
  const auto with_width = [&](auto h) HWY_ATTR {
    if (tile.w == 8) {
      body(h, std::integral_constant<std::size_t, 8>());
    } else if (tile.w == 16) {
      body(h, std::integral_constant<std::size_t, 16>());
    } else {
      body(h, std::integral_constant<std::size_t, 32>());
    }
  };
  if (tile.h == 8) {
    with_width(std::integral_constant<std::size_t, 8>());
  } else if (tile.h == 16) {
    with_width(std::integral_constant<std::size_t, 16>());
  } else {
    with_width(std::integral_constant<std::size_t, 32>());
  }
}

void fft2d_all(FftTile tile, std::size_t channels, FftCells<const float> cells,
               FftPoints<float> points) {
  const std::size_t lanes = hn::Lanes(Tag());
  for (std::size_t c = 0; c < channels; c += lanes) {
    const std::size_t count = std::min(lanes, channels - c);
    with_sides(tile, [&](auto h, auto w) HWY_ATTR { fft2d_channels<h, w>(count, cells, points); });
    cells.data += lanes;
    points.re += lanes;
    points.im += lanes;
  }
}

void inverse_fft2d_all(FftTile tile, std::size_t channels, FftPoints<const float> points,
                       float scale, const float* bias, FftCells<float> cells) {
  const std::size_t lanes = hn::Lanes(Tag());
  for (std::size_t c = 0; c < channels; c += lanes) {
    const std::size_t count = std::min(lanes, channels - c);
    with_sides(tile, [&](auto h, auto w) HWY_ATTR {
      inverse_fft2d_channels<h, w>(count, points, scale, bias, cells);
    });
    cells.data += lanes;
    points.re += lanes;
    points.im += lanes;
    if (bias != nullptr) bias += lanes;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(fft2d_all);
HWY_EXPORT(inverse_fft2d_all);

float fft_cosine(std::size_t k) {
  return kCosines[k % 32];
}
float fft_sine(std::size_t k) {
  return kCosines[(k + 24) % 32];
}

void fft2d(FftTile tile, std::size_t channels, const FftCells<const float>& cells,
           const FftPoints<float>& points) {
  REPRISE_DISPATCH(fft2d_all)(tile, channels, cells, points);
}

void inverse_fft2d(FftTile tile, std::size_t channels, const FftPoints<const float>& points,
                   float scale, const float* bias, const FftCells<float>& cells) {
  REPRISE_DISPATCH(inverse_fft2d_all)(tile, channels, points, scale, bias, cells);
}

}  // namespace reprise
#endif  // HWY_ONCE
