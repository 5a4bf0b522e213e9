/// \file
/// Whole numbers: quotients and multiples rounded up, equal parts, and how many there may be.
#pragma once

#include <concepts>
#include <cstddef>

namespace reprise {

/// The most elements of a tensor: 2^40, and 2^30 where addresses have 32 bits.
constexpr int kMaxElementBits = sizeof(std::size_t) < 8 ? 30 : 40;
constexpr std::size_t kMaxElements = std::size_t{1} << kMaxElementBits;

/// The least whole number not below a / b, for b > 0; a may be negative.
template <std::integral T>
constexpr T div_ceil(T a, T b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

/// The least multiple of `unit` not below `size`, for unit > 0.
constexpr std::size_t round_up(std::size_t size, std::size_t unit) {
  return div_ceil(size, unit) * unit;
}

/// Calls visit(begin, end) for the fewest ranges of at most `most` numbers, as equal as can be,
/// that cover 0 to size - 1 in ascending order.
template <class Visit>
constexpr void for_each_part(std::size_t size, std::size_t most, const Visit& visit) {
  const std::size_t parts = div_ceil(size, most);
  for (std::size_t part = 0; part < parts; ++part) {
    visit(part * size / parts, (part + 1) * size / parts);
  }
}

}  // namespace reprise
