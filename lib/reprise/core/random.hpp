/// \file
/// Counter-based random numbers: a value is a function of (seed, stream name, counter), so there is
/// no state to lose and none to share.
///
/// Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
/// 1, 2, 3"). A stream's 64-bit key is the first 8 bytes of SHA-256 over its parent's key and its
/// name, so adding a stream in one place changes no other.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reprise {

class RandomStream {
 public:
  /// The root of a seed's tree of streams.
  explicit RandomStream(std::uint64_t seed);

  /// The stream called `name` below this one.
  [[nodiscard]] RandomStream child(std::string_view name) const;
  /// The stream numbered `index` below this one (an epoch, a step, an image).
  [[nodiscard]] RandomStream child(std::uint64_t index) const;

  /// Four independent 32-bit words for this counter.
  [[nodiscard]] std::array<std::uint32_t, 4> words(std::uint64_t counter) const;
  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits64(std::uint64_t counter) const;
  /// Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double uniform(std::uint64_t counter) const;
  /// Uniform in {0, ..., bound-1}; off from uniform by less than bound * 2^-64. bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound, std::uint64_t counter) const;

  /// A uniformly random order of 0..count-1 (Fisher-Yates).
  [[nodiscard]] std::vector<std::uint32_t> permutation(std::uint32_t count) const;

  [[nodiscard]] std::uint64_t key() const { return key_; }

 private:
  struct Key {
    std::uint64_t value;
  };
  explicit RandomStream(Key key) : key_(key.value) {}
  std::uint64_t key_;
};

}  // namespace reprise
