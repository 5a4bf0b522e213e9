/// \file
/// Arrays of random numbers for tests, functions of (seed, name).
#pragma once

#include <string_view>
#include <vector>

#include "reprise/core/random.hpp"

namespace reprise::test {

/// Uniform in [-1, 1), exact in float32.
inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed,
                                        std::string_view name) {
  const RandomStream stream = RandomStream(seed).child(name);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(2.0 * stream.uniform(i) - 1.0);
  }
  return values;
}

/// Whole numbers in -most..most.
inline std::vector<float> random_integers(std::size_t count, int most, std::uint64_t seed,
                                          std::string_view name) {
  const RandomStream stream = RandomStream(seed).child(name);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto draw = stream.below(2 * static_cast<std::uint64_t>(most) + 1, i);
    values[i] = static_cast<float>(static_cast<int>(draw) - most);
  }
  return values;
}

}  // namespace reprise::test
