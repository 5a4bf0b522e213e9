/// \file
/// Numbers as bytes, least significant byte first: so files, digests and messages have them,
/// whatever the machine's own order is. `machine` is another than the machine's order in tests
/// only.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

namespace reprise {

static_assert(std::endian::native == std::endian::little ||
              std::endian::native == std::endian::big);

/// Turns numbers of the machine's order into such of little-endian order, in place, and back. Does
/// nothing on a little-endian machine.
template <std::endian machine = std::endian::native, class Number, std::size_t Extent>
void swap_little_endian(std::span<Number, Extent> numbers) {
  static_assert(std::is_arithmetic_v<Number>);
  if constexpr (machine == std::endian::big && sizeof(Number) > 1) {
    for (Number& number : numbers) {
      const auto bytes = std::as_writable_bytes(std::span(&number, 1));
      std::reverse(bytes.begin(), bytes.end());
    }
  }
}

/// Passes the numbers' bytes to sink(std::span<const std::byte>), in one piece or in several.
template <std::endian machine = std::endian::native, class Number, class Sink>
void to_little_endian(std::span<const Number> numbers, const Sink& sink) {
  if constexpr (machine == std::endian::little) {
    sink(std::as_bytes(numbers));
  } else {
    std::array<Number, 512> turned;
    while (!numbers.empty()) {
      const auto piece = std::span(turned).first(std::min(turned.size(), numbers.size()));
      std::memcpy(piece.data(), numbers.data(), piece.size_bytes());
      swap_little_endian<machine>(piece);
      sink(std::as_bytes(piece));
      numbers = numbers.subspan(piece.size());
    }
  }
}

/// The numbers that the first of `bytes` are; there are enough of them.
template <std::endian machine = std::endian::native, class Number, std::size_t Extent>
void from_little_endian(std::span<const std::byte> bytes, std::span<Number, Extent> numbers) {
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size_bytes());
  swap_little_endian<machine>(numbers);
}
template <class Number>
Number from_little_endian(std::span<const std::byte> bytes) {
  Number number{};
  from_little_endian(bytes, std::span(&number, 1));
  return number;
}

}  // namespace reprise
