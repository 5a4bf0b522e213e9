/// \file
/// The vector targets that slower tests run on.
#pragma once

#include <string>
#include <vector>

#include "reprise/linalg/simd.hpp"
#include "support/sanitized.hpp"

namespace reprise::test {

/// Those of the machine; not the scalar one with sanitizers, which slow it down many times.
inline std::vector<std::string> targets() {
  std::vector<std::string> names = simd_targets();
  if (kSanitized && names.size() > 1 && names.back() == "scalar") names.pop_back();
  return names;
}

/// Selects the machine's best target when it goes.
struct BestTargetAgain {
  ~BestTargetAgain() { select_simd_target("best"); }
};

}  // namespace reprise::test
