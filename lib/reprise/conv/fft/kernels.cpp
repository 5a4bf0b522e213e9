// Transforms of convolution kernels and products of complex matrices, on Highway.
//
// Lanes hold channels of the result, so that neither transforms nor products need shuffles.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/conv/fft/kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "reprise/conv/fft/kernels.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

constexpr std::size_t kComplexPanel = 2 * kFftPanel;

struct Complex {
  // Written out, as g++ for ARM compiles implicit ones outside HWY_BEFORE_NAMESPACE's target.
  HWY_INLINE Complex() {}  // NOLINT: unspecified values
  HWY_INLINE Complex(Vector real, Vector imaginary) : re(real), im(imaginary) {}
  Vector re, im;
};

/// cos and sin of 2*pi*n*k*dilation/size for a step k of an axis.
struct Turns {
  float cosine[kFftMaxSide], sine[kFftMaxSide];
};
Turns turns(std::size_t n, std::size_t count, std::size_t dilation, std::size_t size) {
  Turns result;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t index = n * k * dilation * (32 / size);
    result.cosine[k] = fft_cosine(index);
    result.sine[k] = fft_sine(index);
  }
  return result;
}

/// sum over kw of taps * exp(2*pi*I*v*kw*dilation_w/w), a chain.
HWY_INLINE Complex transform_row(const float* HWY_RESTRICT taps, std::size_t count,
                                 const Turns& turn) {
  const Tag d;
  Complex sum{hn::Load(d, taps), hn::Zero(d)};
  for (std::size_t kw = 1; kw < count; ++kw) {
    const Vector tap = hn::Load(d, taps + kw * kFftPanel);
    sum.re = fma(tap, hn::Set(d, turn.cosine[kw]), sum.re);
    sum.im = fma(tap, hn::Set(d, turn.sine[kw]), sum.im);
  }
  return sum;
}

/// kRows >= span of the kernel's rows. With h = 4*Q and u = u0 + Q*u1,
///   F(u0 + Q*u1) = sum over j < 4 of I^(u1*j) * sum over rows r = j mod 4 of
///                  x(r) * exp(2*pi*I*u0*r/h).
template <std::size_t kH, std::size_t kRows>
void transform_taps_rows(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                         const float* HWY_RESTRICT taps, float* HWY_RESTRICT points) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kQ = kH / 4;
  const Turns row_turn = turns(v, at.KW, at.dilation_w, at.tile.w);
  Turns turn[kQ];
  for (std::size_t u = 0; u < kQ; ++u) turn[u] = turns(u, kRows, 1, kH);
  Complex x[kRows];
  for (Complex& value : x) value = {hn::Zero(d), hn::Zero(d)};
  const std::size_t point_stride = depth * kComplexPanel;
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t c = 0; c < columns; c += lanes) {
      const float* from = taps + k * at.KH * at.KW * kFftPanel + c;
      for (std::size_t kh = 0; kh < at.KH; ++kh) {
        x[kh * at.dilation_h] = transform_row(from + kh * at.KW * kFftPanel, at.KW, row_turn);
      }
      float* to = points + k * kComplexPanel + c;
      for (std::size_t u = 0; u < kQ; ++u) {
        Complex sum[4];
        HWY_UNROLL(32)
        for (std::size_t r = 0; r < kRows; ++r) {
          if (r == 0) {
            sum[0] = x[0];
            continue;
          }
          const Vector cosine = hn::Set(d, turn[u].cosine[r]);
          const Vector sine = hn::Set(d, turn[u].sine[r]);
          Complex& s = sum[r % 4];
          if (r < 4) {
            s.re = negated_fma(x[r].im, sine, hn::Mul(x[r].re, cosine));
            s.im = fma(x[r].im, cosine, hn::Mul(x[r].re, sine));
          } else {
            s.re = negated_fma(x[r].im, sine, fma(x[r].re, cosine, s.re));
            s.im = fma(x[r].im, cosine, fma(x[r].re, sine, s.im));
          }
        }
        for (std::size_t r = kRows; r < 4; ++r) sum[r] = {hn::Zero(d), hn::Zero(d)};
        const Complex s0{hn::Add(sum[0].re, sum[2].re), hn::Add(sum[0].im, sum[2].im)};
        const Complex d0{hn::Sub(sum[0].re, sum[2].re), hn::Sub(sum[0].im, sum[2].im)};
        const Complex s1{hn::Add(sum[1].re, sum[3].re), hn::Add(sum[1].im, sum[3].im)};
        const Complex d1{hn::Sub(sum[1].re, sum[3].re), hn::Sub(sum[1].im, sum[3].im)};
        const auto store = [&](std::size_t u1, Vector re, Vector im) HWY_ATTR {
          float* point = to + (u + kQ * u1) * point_stride;
          hn::Store(re, d, point);
          hn::Store(im, d, point + kFftPanel);
        };
        store(0, hn::Add(s0.re, s1.re), hn::Add(s0.im, s1.im));
        store(1, hn::Sub(d0.re, d1.im), hn::Add(d0.im, d1.re));
        store(2, hn::Sub(s0.re, s1.re), hn::Sub(s0.im, s1.im));
        store(3, hn::Add(d0.re, d1.im), hn::Sub(d0.im, d1.re));
      }
    }
  }
}

/// The transpose of transform_taps_rows: x(r) = sum over u0 < Q of exp(-2*pi*I*u0*r/h)
/// * sum over u1 < 4 of S(u0 + Q*u1) * (-I)^(u1*r).
template <std::size_t kH, std::size_t kRows>
void invert_taps_rows(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                      const float* HWY_RESTRICT points, float* HWY_RESTRICT taps) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kQ = kH / 4;
  const bool real_column = v == 0 || v == at.tile.w / 2;
  Turns row_turn = turns(v, at.KW, at.dilation_w, at.tile.w);
  for (std::size_t kw = 0; kw < at.KW && !real_column; ++kw) {
    row_turn.cosine[kw] *= 2.0F;
    row_turn.sine[kw] *= 2.0F;
  }
  Turns turn[kQ];
  for (std::size_t u = 0; u < kQ; ++u) turn[u] = turns(u, kRows, 1, kH);
  const std::size_t point_stride = depth * kComplexPanel;
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t c = 0; c < columns; c += lanes) {
      const float* from = points + k * kComplexPanel + c;
      const auto load = [&](std::size_t u) HWY_ATTR {
        const bool mirrored = real_column && u > kH / 2;
        const float* point = from + (mirrored ? kH - u : u) * point_stride;
        Complex s{hn::Load(d, point + kFftPanel), hn::Load(d, point)};
        if (mirrored) s.im = hn::Neg(s.im);
        return s;
      };
      Complex x[kRows];
      for (std::size_t u = 0; u < kQ; ++u) {
        const Complex p0 = load(u);
        const Complex p1 = load(u + kQ);
        const Complex p2 = load(u + 2 * kQ);
        const Complex p3 = load(u + 3 * kQ);
        const Complex s0{hn::Add(p0.re, p2.re), hn::Add(p0.im, p2.im)};
        const Complex d0{hn::Sub(p0.re, p2.re), hn::Sub(p0.im, p2.im)};
        const Complex s1{hn::Add(p1.re, p3.re), hn::Add(p1.im, p3.im)};
        const Complex d1{hn::Sub(p1.re, p3.re), hn::Sub(p1.im, p3.im)};
        const Complex y[4] = {{hn::Add(s0.re, s1.re), hn::Add(s0.im, s1.im)},
                              {hn::Add(d0.re, d1.im), hn::Sub(d0.im, d1.re)},
                              {hn::Sub(s0.re, s1.re), hn::Sub(s0.im, s1.im)},
                              {hn::Sub(d0.re, d1.im), hn::Add(d0.im, d1.re)}};
        HWY_UNROLL(32)
        for (std::size_t r = 0; r < kRows; ++r) {
          const Complex& value = y[r % 4];
          if (u == 0) {
            x[r] = value;
            continue;
          }
          const Vector cosine = hn::Set(d, turn[u].cosine[r]);
          const Vector sine = hn::Set(d, turn[u].sine[r]);
          x[r].re = fma(value.im, sine, fma(value.re, cosine, x[r].re));
          x[r].im = negated_fma(value.re, sine, fma(value.im, cosine, x[r].im));
        }
      }
      float* to = taps + k * at.KH * at.KW * kFftPanel + c;
      for (std::size_t kh = 0; kh < at.KH; ++kh) {
        const Complex row = x[kh * at.dilation_h];
        for (std::size_t kw = 0; kw < at.KW; ++kw, to += kFftPanel) {
          const Vector before = v == 0 ? hn::Zero(d) : hn::Load(d, to);
          const Vector sum = fma(row.re, hn::Set(d, row_turn.cosine[kw]), before);
          hn::Store(fma(row.im, hn::Set(d, row_turn.sine[kw]), sum), d, to);
        }
      }
    }
  }
}

template <std::size_t kValue>
using Constant = std::integral_constant<std::size_t, kValue>;

/// Calls body(h, rows) with the tile's height and the least of the sizes below that holds the
/// dilated kernel's rows.
template <class Body>
HWY_INLINE void with_sizes(const FftTaps& at, const Body& body) {
  const std::size_t span = at.dilation_h * (at.KH - 1) + 1;
  const auto with_rows = [&](auto h) HWY_ATTR {
    if (span <= 3) return body(h, Constant<3>());
    if (span <= 5) return body(h, Constant<5>());
    if (span <= 7) return body(h, Constant<7>());
    if (span <= 8) return body(h, Constant<8>());
    if constexpr (h > 8) {
      if (span <= 11) return body(h, Constant<11>());
      if (span <= 16) return body(h, Constant<16>());
    }
    if constexpr (h > 16) body(h, Constant<32>());
  };
  if (at.tile.h == 8) {
    with_rows(Constant<8>());
  } else if (at.tile.h == 16) {
    with_rows(Constant<16>());
  } else {
    with_rows(Constant<32>());
  }
}

void transform_taps_all(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                        const float* taps, float* points) {
  with_sizes(at, [&](auto h, auto rows) HWY_ATTR {
    transform_taps_rows<h, rows>(at, v, depth, columns, taps, points);
  });
}

void invert_taps_all(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                     const float* points, float* taps) {
  with_sizes(at, [&](auto h, auto rows)
                     HWY_ATTR { invert_taps_rows<h, rows>(at, v, depth, columns, points, taps); });
}

// The register tile: three chains for each of kRows x kVectors vectors of c, three vectors for each
// of a row of b, and an element of a (AVX-512 and NEON: 24 + 6 + 2 of 32 registers, AVX2: 9 + 3 + 2
// of 16).
#if HWY_TARGET == HWY_AVX2
constexpr std::size_t kRows = 3;
constexpr std::size_t kVectors = 1;
#else
constexpr std::size_t kRows = 4;
constexpr std::size_t kVectors = 2;
#endif

template <std::size_t Rows, std::size_t Vectors>
HWY_INLINE void product_tile(const FftProduct& x, const float* HWY_RESTRICT a,
                             const float* HWY_RESTRICT b, float* HWY_RESTRICT c) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  Vector p1[Rows][Vectors];
  Vector p2[Rows][Vectors];
  Vector p3[Rows][Vectors];
  REPRISE_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) {
    for (std::size_t j = 0; j < Vectors; ++j) p1[i][j] = p2[i][j] = p3[i][j] = hn::Zero(d);
  }
  for (std::size_t k = 0; k < x.depth; ++k) {
    Vector re[Vectors];
    Vector difference[Vectors];
    Vector sum[Vectors];
    for (std::size_t j = 0; j < Vectors; ++j) {
      re[j] = hn::Load(d, b + j * lanes);
      const Vector im = hn::Load(d, b + j * lanes + kFftPanel);
      difference[j] = hn::Sub(im, re[j]);
      sum[j] = hn::Add(im, re[j]);
    }
    REPRISE_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) {
      const Vector are = hn::Set(d, a[i * x.a_row]);
      const Vector aim = hn::Set(d, a[i * x.a_row + x.a_imaginary]);
      for (std::size_t j = 0; j < Vectors; ++j) p2[i][j] = fma(are, difference[j], p2[i][j]);
      const Vector both = hn::Add(are, aim);
      for (std::size_t j = 0; j < Vectors; ++j) p3[i][j] = fma(aim, sum[j], p3[i][j]);
      for (std::size_t j = 0; j < Vectors; ++j) p1[i][j] = fma(both, re[j], p1[i][j]);
    }
    a += x.a_depth;
    b += kComplexPanel;
  }
  REPRISE_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) {
    for (std::size_t j = 0; j < Vectors; ++j) {
      float* to = c + i * x.c_row + j * lanes;
      Vector re = hn::Sub(p1[i][j], p3[i][j]);
      Vector im = hn::Add(p1[i][j], p2[i][j]);
      if (x.accumulate) {
        re = hn::Add(hn::Load(d, to), re);
        im = hn::Add(hn::Load(d, to + kFftPanel), im);
      }
      hn::Store(re, d, to);
      hn::Store(im, d, to + kFftPanel);
    }
  }
}

/// Rows x (all columns) of one point.
template <std::size_t Rows>
HWY_NOINLINE void product_rows(const FftProduct& x, const float* a, const float* b, float* c) {
  const std::size_t lanes = hn::Lanes(Tag());
  std::size_t column = 0;
  for (; column + (kVectors - 1) * lanes < x.columns; column += kVectors * lanes) {
    product_tile<Rows, kVectors>(x, a, b + column, c + column);
  }
  for (; column < x.columns; column += lanes) {
    product_tile<Rows, 1>(x, a, b + column, c + column);
  }
}

void multiply_all(const FftProduct& x) {
  static_assert(kRows <= 4);
  constexpr decltype(&product_rows<1>) kernels[] = {&product_rows<1>, &product_rows<2>,
                                                    &product_rows<3>, &product_rows<4>};
  const std::size_t row_tiles = div_ceil(x.rows, kRows);
  for (std::size_t p = 0; p < x.points; ++p) {
    for (std::size_t tile = 0; tile < row_tiles; ++tile) {
      const std::size_t begin = tile * x.rows / row_tiles;
      const std::size_t end = (tile + 1) * x.rows / row_tiles;
      kernels[end - begin - 1](x, x.a + p * x.a_point + begin * x.a_row, x.b + p * x.b_point,
                               x.c + p * x.c_point + begin * x.c_row);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(transform_taps_all);
HWY_EXPORT(invert_taps_all);
HWY_EXPORT(multiply_all);

void transform_taps(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                    const float* taps, float* points) {
  REPRISE_DISPATCH(transform_taps_all)(at, v, depth, columns, taps, points);
}

void invert_taps(const FftTaps& at, std::size_t v, std::size_t depth, std::size_t columns,
                 const float* points, float* taps) {
  REPRISE_DISPATCH(invert_taps_all)(at, v, depth, columns, points, taps);
}

void multiply(const FftProduct& product) {
  REPRISE_DISPATCH(multiply_all)(product);
}

}  // namespace reprise
#endif  // HWY_ONCE
