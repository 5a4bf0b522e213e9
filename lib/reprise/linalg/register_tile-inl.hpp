/// \file
/// The inner loop of all matrix products: a register tile of sums continues its chains.
///
///   acc(i, v) = fma(a(k, i), b(k, v), acc(i, v))   for k = 0, 1, ..., length - 1
///
/// a(k, i) is a number that is broadcast, b(k, v) a vector. Vector lanes hold different sums, so
/// their number cannot change a bit. Where the operands lie is the kernels' only difference; a
/// policy says so. A policy is at step 0 when it is made and goes on by advance(); one of
/// numbers may have a begin(), called first in each step:
///   number(i)     a(k, i):  StridedNumbers, PointedNumbers, ListedNumbers
///   vector(d, v)  b(k, v):  PackedVectors, RowVectors, PointedVectors
///
/// Highway: to be included after foreach_target.h, once per target.
#if defined(REPRISE_LINALG_REGISTER_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_LINALG_REGISTER_TILE_INL_HPP
#undef REPRISE_LINALG_REGISTER_TILE_INL_HPP
#else
#define REPRISE_LINALG_REGISTER_TILE_INL_HPP
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <utility>

#include "reprise/linalg/fma-inl.hpp"
#include "reprise/linalg/unroll.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {

/// Vector registers of the target: a tile's sums, the vectors of one step and a broadcast number
/// share them.
constexpr std::size_t kRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 32 : 16;

/// acc(i, v) = the vector at place(i, v), or 0.
template <std::size_t rows, std::size_t vectors, class D, class Place>
HWY_INLINE void load_sums(D d, hwy::HWY_NAMESPACE::Vec<D> (&acc)[rows][vectors], const Place& place,
                          bool from_zero = false) {
  namespace hn = hwy::HWY_NAMESPACE;
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      acc[i][v] = from_zero ? hn::Zero(d) : hn::LoadU(d, place(i, v));
    }
  }
}

/// The vector at place(i, v) = acc(i, v).
template <std::size_t rows, std::size_t vectors, class D, class Place>
HWY_INLINE void store_sums(D d, const hwy::HWY_NAMESPACE::Vec<D> (&acc)[rows][vectors],
                           const Place& place) {
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hwy::HWY_NAMESPACE::StoreU(acc[i][v], d, place(i, v));
    }
  }
}

/// The same where chains end: a zero is stored without a sign.
template <std::size_t rows, std::size_t vectors, class D, class Place>
HWY_INLINE void store_results(D d, const hwy::HWY_NAMESPACE::Vec<D> (&acc)[rows][vectors],
                              const Place& place) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Vec<D> zero = hn::Zero(d);
  REPRISE_UNROLL
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) {
      hn::StoreU(hn::Add(acc[i][v], zero), d, place(i, v));
    }
  }
}

/// `length` steps of the chains of a tile.
template <std::size_t rows, std::size_t vectors, class D, class Numbers, class Vectors>
HWY_INLINE void continue_chains(D d, std::size_t length, Numbers a, Vectors b,
                                hwy::HWY_NAMESPACE::Vec<D> (&acc)[rows][vectors]) {
  namespace hn = hwy::HWY_NAMESPACE;
  using Vector = hn::Vec<D>;
  for (std::size_t k = 0; k < length; ++k) {
    if constexpr (requires { a.begin(); }) a.begin();
    Vector row[vectors];
    for (std::size_t v = 0; v < vectors; ++v) row[v] = b.vector(d, v);
    REPRISE_UNROLL
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector number = hn::Set(d, a.number(i));
      for (std::size_t v = 0; v < vectors; ++v) acc[i][v] = fma(number, row[v], acc[i][v]);
    }
    a.advance();
    b.advance();
  }
}

// ---- Numbers

/// Packed, or anything else with a stride between rows and one between steps.
struct StridedNumbers {
  const float* HWY_RESTRICT at;
  std::size_t row_stride, step_stride;

  HWY_INLINE float number(std::size_t i) const { return at[i * row_stride]; }
  HWY_INLINE void advance() { at += step_stride; }
};

/// One pointer for each row; steps are `step_stride` apart.
template <std::size_t rows>
struct PointedNumbers {
  const float* row[rows];
  std::ptrdiff_t step_stride;
  std::ptrdiff_t at = 0;

  HWY_INLINE float number(std::size_t i) const { return row[i][at]; }
  HWY_INLINE void advance() { at += step_stride; }
};

/// One pointer for each step, and an offset for each row.
template <std::size_t rows>
struct ListedNumbers {
  const float* const* HWY_RESTRICT step;
  std::size_t offset[rows];

  HWY_INLINE float number(std::size_t i) const { return (*step)[offset[i]]; }
  HWY_INLINE void advance() { ++step; }
};

// ---- Vectors

/// Rows of neighbouring vectors, `step_stride` apart, aligned.
struct PackedVectors {
  const float* HWY_RESTRICT at;
  std::size_t step_stride;

  template <class D>
  HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> vector(D d, std::size_t v) const {
    return hwy::HWY_NAMESPACE::Load(d, at + v * hwy::HWY_NAMESPACE::Lanes(d));
  }
  HWY_INLINE void advance() { at += step_stride; }
};

/// The same, where they are.
struct RowVectors {
  const float* HWY_RESTRICT at;
  std::size_t step_stride;

  template <class D>
  HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> vector(D d, std::size_t v) const {
    return hwy::HWY_NAMESPACE::LoadU(d, at + v * hwy::HWY_NAMESPACE::Lanes(d));
  }
  HWY_INLINE void advance() { at += step_stride; }
};

/// One pointer for each vector; steps are `step_stride` apart.
template <std::size_t vectors>
struct PointedVectors {
  const float* first[vectors];
  std::size_t step_stride;
  std::size_t at = 0;

  template <class D>
  HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> vector(D d, std::size_t v) const {
    return hwy::HWY_NAMESPACE::LoadU(d, first[v] + at);
  }
  HWY_INLINE void advance() { at += step_stride; }
};

// ---- Kernels for each size of a tile

/// {make<1>(), make<2>(), ..., make<most>()}: pointers to a kernel unrolled for each size.
template <std::size_t most, class Make>
constexpr auto for_each_size(const Make& make) {
  return [&]<std::size_t... index>(std::index_sequence<index...>) {
    return std::array{make.template operator()<index + 1>()...};
  }
  (std::make_index_sequence<most>());
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
