/// \file
/// Whole numbers: quotients and multiples rounded up.
#pragma once

#include <concepts>
#include <cstddef>

namespace reprise {

/// The least whole number not below a / b, for b > 0; a may be negative.
template <std::integral T>
constexpr T div_ceil(T a, T b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

/// The least multiple of `unit` not below `size`, for unit > 0.
constexpr std::size_t round_up(std::size_t size, std::size_t unit) {
  return div_ceil(size, unit) * unit;
}

}  // namespace reprise
