/// \file
/// Operands of a fused multiply-add of binary32, of the kinds at which one that is put together
/// from other operations goes wrong.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace reprise::test {

struct FmaCase {
  float x, y, z;
};

constexpr std::array<const char*, 5> kFmaKinds{"any bits", "near a tie", "subnormal result",
                                               "near overflow", "cancellation"};

/// A function of 128 random bits. `kind`: an index of kFmaKinds.
inline FmaCase fma_case(std::size_t kind, std::uint64_t r, std::uint64_t s) {
  const auto from_bits = [](std::uint64_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  };
  const auto number = [&](std::uint64_t bits, std::uint64_t exponent) {
    return from_bits((bits & 0x807fffff) | exponent << 23);
  };
  const float x = number(r, 127);
  // -8 to 7 units in the last place of 1, most of the time half a one of z or close to it.
  const float around_one = 1.0F + static_cast<float>(static_cast<int>(r >> 32 & 15) - 8) * 0x1p-24F;
  switch (kind) {
    case 1: {  // x * y about half a unit of z, whose exponent leaves room for it
      const std::uint64_t exponent = 50 + (s >> 32) % 200;
      const float half = from_bits((exponent - 24 + (s >> 44) % 3 - 1) << 23);
      const bool whole = (r >> 40 & 1) != 0;
      return {whole ? std::copysign(1.0F, x) : x, half * (whole ? around_one : 1.0F / x),
              number(s, exponent)};
    }
    case 2: {  // half the smallest number, or close to it; or exponents of x and y that give a
               // product about 2^-126 to 2^-152
      const std::uint64_t exponent = 1 + (s >> 32) % 126;
      if ((r >> 40 & 1) != 0) return {0x1p-60F * x, 0x1p-90F / x, from_bits(s & 0x80ffffff)};
      const std::uint64_t sum = 102 + (s >> 44) % 27;
      const std::uint64_t other = sum > exponent ? sum - exponent : 0;
      return {number(r, exponent), number(r >> 9, other), from_bits(s & 0x80ffffff)};
    }
    case 3: {  // around 2^128
      const std::uint64_t exponent = 127 + (s >> 32) % 127;
      const float z = number(s, 252 + (s >> 44) % 3);
      if ((r >> 40 & 1) != 0) {  // half a unit of the largest number
        const float factor = std::copysign((r >> 41 & 1) != 0 ? 1.0F : x, z);
        return {0x1p52F * factor, 0x1p51F / std::abs(factor) * around_one,
                std::copysign(from_bits(0x7f7fffff - (s & 1)), z)};
      }
      return {number(r, exponent), number(r >> 9, 381 - exponent - (s >> 50) % 3), z};
    }
    case 4: {  // z is the product, rounded, or close to it
      const float y = number(r >> 9, 64 + (s >> 32) % 126);
      const float product = x * y;
      return {x, y, from_bits(std::bit_cast<std::uint32_t>(-product) + (s & 3) - 1)};
    }
    default:
      return {from_bits(r), from_bits(r >> 32), from_bits(s)};
  }
}

/// The same number: to the bit, but for NaN, of which all are one.
inline bool same_number(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

}  // namespace reprise::test
