/// \file
/// The one-dimensional transforms of Winograd convolution, written once over an arithmetic `Ops`.
///
/// With interpolation points a_0..a_{n-2} and infinity, n = M + 2, for a kernel of 3 and M outputs:
///   output(k) = sum over i of A(k,i) * (sum over s of G(i,s) kernel(s)) * (sum over d of B(i,d)
///   input(d)), where A(k,i) = a_i^k, G(i,s) = a_i^s / N_i, N_i = product over j != i of (a_i -
///   a_j), and row i of B holds the coefficients of the product over j != i of (x - a_j); at
///   infinity A(k) = (k == M-1), G(s) = (s == 2), and B holds the product over all points.
/// The roles of kernel (3) and output (M) change places for the weight gradient: `grad` is G with M
/// columns, `kernel` is A with 3 rows; B is the same.
///
/// F2: points 0, 1, -1 (row 0 of B and G negated). F4: points 0, +-5/8, +-3/2. All elements of A
/// and B are dyadic, so exact in float; those of G are rounded once. The usual points 0, +-1, +-2
/// have 4.1 times the amplification (2304 for 564) and 2.2 times the measured error.
///
/// Ops has a type Value and: constant(numerator, denominator), mul(x, y), fma(x, y, z) = x*y + z,
/// negated_fma(x, y, z) = z - x*y, add, sub. A path of roundings: the most that any input passes.
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_CONV_WINOGRAD_TRANSFORMS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_CONV_WINOGRAD_TRANSFORMS_INL_HPP
#undef REPRISE_CONV_WINOGRAD_TRANSFORMS_INL_HPP
#else
#define REPRISE_CONV_WINOGRAD_TRANSFORMS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace winograd {

/// F(2,3), tiles of 4.
struct F2 {
  static constexpr std::size_t kOutputs = 2;
  static constexpr std::size_t kTile = 4;

  /// v(4) = B d(4). Path 1.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void input(Ops ops, const Value* d, Value* v) {
    v[0] = ops.sub(d[0], d[2]);
    v[1] = ops.add(d[1], d[2]);
    v[2] = ops.sub(d[2], d[1]);
    v[3] = ops.sub(d[3], d[1]);
  }

  /// u(4) = G g(3). Path 2.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void weight(Ops ops, const Value* g, Value* u) {
    const Value half = ops.constant(1, 2);
    const Value even = ops.mul(half, ops.add(g[0], g[2]));
    u[0] = g[0];
    u[1] = ops.fma(half, g[1], even);
    u[2] = ops.negated_fma(half, g[1], even);
    u[3] = g[2];
  }

  /// y(2) = A m(4). Path 2.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void output(Ops ops, const Value* m, Value* y) {
    y[0] = ops.add(m[0], ops.add(m[1], m[2]));
    y[1] = ops.add(ops.sub(m[1], m[2]), m[3]);
  }

  /// z(4) = G g(2), the weight gradient's. Path 1.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void grad(Ops ops, const Value* g, Value* z) {
    const Value half = ops.constant(1, 2);
    const Value even = ops.mul(half, g[0]);
    z[0] = g[0];
    z[1] = ops.fma(half, g[1], even);
    z[2] = ops.negated_fma(half, g[1], even);
    z[3] = g[1];
  }

  /// y(3) = A m(4), the weight gradient's. Path 2.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void kernel(Ops ops, const Value* m, Value* y) {
    const Value even = ops.add(m[1], m[2]);
    y[0] = ops.add(m[0], even);
    y[1] = ops.sub(m[1], m[2]);
    y[2] = ops.add(even, m[3]);
  }
};

/// F(4,3), tiles of 6. Below, p = 5/8 and q = 3/2.
struct F4 {
  static constexpr std::size_t kOutputs = 4;
  static constexpr std::size_t kTile = 6;

  /// v(6) = B d(6). Path 2.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void input(Ops ops, const Value* d, Value* v) {
    const Value p = ops.constant(5, 8);
    const Value q = ops.constant(3, 2);
    const Value p2 = ops.constant(25, 64);
    const Value q2 = ops.constant(9, 4);
    const Value sum = ops.constant(169, 64);       // p^2 + q^2
    const Value product = ops.constant(225, 256);  // p^2 q^2
    const Value p_even = ops.negated_fma(q2, d[2], d[4]);
    const Value p_odd = ops.negated_fma(q2, d[1], d[3]);
    const Value q_even = ops.negated_fma(p2, d[2], d[4]);
    const Value q_odd = ops.negated_fma(p2, d[1], d[3]);
    v[0] = ops.negated_fma(sum, d[2], ops.fma(product, d[0], d[4]));
    v[1] = ops.fma(p, p_odd, p_even);
    v[2] = ops.negated_fma(p, p_odd, p_even);
    v[3] = ops.fma(q, q_odd, q_even);
    v[4] = ops.negated_fma(q, q_odd, q_even);
    v[5] = ops.negated_fma(sum, d[3], ops.fma(product, d[1], d[5]));
  }

  /// u(6) = G g(3). Path 4, the constants' rounding included.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void weight(Ops ops, const Value* g, Value* u) {
    const Value p_even =
        ops.fma(ops.constant(-32, 119), g[2], ops.mul(ops.constant(-2048, 2975), g[0]));
    const Value q_even =
        ops.fma(ops.constant(32, 119), g[2], ops.mul(ops.constant(128, 1071), g[0]));
    const Value p_odd = ops.constant(-256, 595);
    const Value q_odd = ops.constant(64, 357);
    u[0] = ops.mul(ops.constant(256, 225), g[0]);
    u[1] = ops.fma(p_odd, g[1], p_even);
    u[2] = ops.negated_fma(p_odd, g[1], p_even);
    u[3] = ops.fma(q_odd, g[1], q_even);
    u[4] = ops.negated_fma(q_odd, g[1], q_even);
    u[5] = g[2];
  }

  /// y(4) = A m(6). Path 3.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void output(Ops ops, const Value* m, Value* y) {
    const Value p_even = ops.add(m[1], m[2]);
    const Value p_odd = ops.sub(m[1], m[2]);
    const Value q_even = ops.add(m[3], m[4]);
    const Value q_odd = ops.sub(m[3], m[4]);
    y[0] = ops.add(ops.add(m[0], p_even), q_even);
    y[1] = ops.fma(ops.constant(5, 8), p_odd, ops.mul(ops.constant(3, 2), q_odd));
    y[2] = ops.fma(ops.constant(25, 64), p_even, ops.mul(ops.constant(9, 4), q_even));
    y[3] = ops.fma(ops.constant(125, 512), p_odd, ops.fma(ops.constant(27, 8), q_odd, m[5]));
  }

  /// z(6) = G g(4), the weight gradient's. Path 4, the constants' rounding included.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void grad(Ops ops, const Value* g, Value* z) {
    const Value p_even =
        ops.fma(ops.constant(-32, 119), g[2], ops.mul(ops.constant(-2048, 2975), g[0]));
    const Value p_odd =
        ops.fma(ops.constant(-20, 119), g[3], ops.mul(ops.constant(-256, 595), g[1]));
    const Value q_even =
        ops.fma(ops.constant(32, 119), g[2], ops.mul(ops.constant(128, 1071), g[0]));
    const Value q_odd = ops.fma(ops.constant(48, 119), g[3], ops.mul(ops.constant(64, 357), g[1]));
    z[0] = ops.mul(ops.constant(256, 225), g[0]);
    z[1] = ops.add(p_even, p_odd);
    z[2] = ops.sub(p_even, p_odd);
    z[3] = ops.add(q_even, q_odd);
    z[4] = ops.sub(q_even, q_odd);
    z[5] = g[3];
  }

  /// y(3) = A m(6), the weight gradient's. Path 3.
  template <class Ops, class Value = typename Ops::Value>
  static HWY_INLINE void kernel(Ops ops, const Value* m, Value* y) {
    const Value p_even = ops.add(m[1], m[2]);
    const Value p_odd = ops.sub(m[1], m[2]);
    const Value q_even = ops.add(m[3], m[4]);
    const Value q_odd = ops.sub(m[3], m[4]);
    y[0] = ops.add(ops.add(m[0], p_even), q_even);
    y[1] = ops.fma(ops.constant(5, 8), p_odd, ops.mul(ops.constant(3, 2), q_odd));
    y[2] = ops.fma(ops.constant(25, 64), p_even, ops.fma(ops.constant(9, 4), q_even, m[5]));
  }
};

}  // namespace winograd
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
