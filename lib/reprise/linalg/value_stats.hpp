/// \file
/// Whether all values of an array are finite, and how many are not 0.
#pragma once

#include <cstddef>

namespace reprise {

struct ValueStats {
  bool finite;           ///< none is infinite or NaN
  std::size_t nonzeros;  ///< how many are not 0
};
ValueStats value_stats(const float* values, std::size_t count);

/// From a sample: many values take as long to read as to work with.
std::size_t estimated_nonzeros(const float* values, std::size_t count);

inline bool all_finite(const float* values, std::size_t count) {
  return value_stats(values, count).finite;
}

}  // namespace reprise
