/// \file
/// Fused multiply-add for processors that have no instruction for it.
#pragma once

#include <bit>
#include <cstdint>

namespace reprise {

/// x * y + z, rounded once to binary32, as IEEE 754's fusedMultiplyAdd, in rounding to nearest. By
/// operations in double: the product is exact there (48 of 53 bits). The sum is rounded, and the
/// second rounding, to binary32, goes wrong only where that sum lies midway between two numbers of
/// binary32 while the exact one does not: it is then moved by one unit towards the exact one.
inline float exact_fma(float x, float y, float z) {
  const double product = static_cast<double>(x) * static_cast<double>(y);
  const double addend = z;
  double sum = product + addend;
  auto bits = std::bit_cast<std::uint64_t>(sum);
  // A number midway ends in 28 zeros or more, those of subnormal numbers in 29 or more.
  if ((bits & 0x0fffffffU) == 0) [[unlikely]] {
    // What the sum lost (Knuth's two-sum); NaN if the sum is infinite or NaN, 0 if it is 0.
    const double part = sum - product;
    const double lost = (product - (sum - part)) + (addend - part);
    if (lost > 0.0 || lost < 0.0) {
      bits += (lost > 0.0) == (sum > 0.0) ? 1U : ~std::uint64_t{0};
      sum = std::bit_cast<double>(bits);
    }
  }
  return static_cast<float>(sum);
}

}  // namespace reprise
