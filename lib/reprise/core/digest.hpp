/// \file
/// SHA-256 of numbers and text in one fixed encoding, so that a digest means the same on every
/// machine.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// Accumulates bytes; numbers enter little-endian, text with its length first, so that no two
/// different sequences of calls give the same bytes.
class Sha256 {
 public:
  using Bytes = std::array<std::uint8_t, 32>;

  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update_u64(std::uint64_t value);
  /// Length (u64), then the bytes.
  void update_text(std::string_view text);
  /// Count (u64), then the values' bits, little-endian. Every NaN counts as the positive quiet one
  /// without payload, as its other bits depend on the machine: inf - inf is -NaN by x86, NaN by
  /// ARM.
  void update_floats(std::span<const float> values);
  void update_doubles(std::span<const double> values);

  /// The digest; the object may not be used afterwards.
  Bytes finish();
  /// finish() as 64 lower-case hexadecimal digits.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lower-case hexadecimal.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// SHA-256 of the bytes as they are.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace reprise
