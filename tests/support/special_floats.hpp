/// \file
/// Floats that are not as others.
#pragma once

#include <limits>

namespace reprise::test {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMax = std::numeric_limits<float>::max();

}  // namespace reprise::test
