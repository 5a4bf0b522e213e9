/// \file
/// SHA-256 (FIPS 180-4) in plain C++, for builds without OpenSSL, whose code is several times as
/// fast where the processor has instructions for it. digest.hpp is what the library calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace reprise {

/// Accumulates bytes; what was added before a finish() is not part of the next digest.
class PlainSha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The digest of all bytes since the start; the object starts anew.
  std::array<std::uint8_t, 32> finish();

 private:
  static constexpr std::size_t kBlock = 64;
  static constexpr std::array<std::uint32_t, 8> kStart{0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                                       0xa54ff53a, 0x510e527f, 0x9b05688c,
                                                       0x1f83d9ab, 0x5be0cd19};

  void add_block(const std::byte* block);

  std::array<std::uint32_t, 8> hash_ = kStart;
  std::array<std::byte, kBlock> pending_{};  ///< the first bytes_ % kBlock of a block
  std::uint64_t bytes_ = 0;
};

}  // namespace reprise
