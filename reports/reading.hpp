/// \file
/// What the readers of records share: they throw std::runtime_error with what does not hold, and
/// whoever knows the record's name puts it in front.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "untrusted_text.hpp"

namespace reprise::reports {

inline void require(bool holds, const std::string& problem) {
  if (!holds) throw std::runtime_error(problem);
}

inline UntrustedText text(const std::string& value) {
  return UntrustedText::from_record(value);
}

inline std::vector<UntrustedText> texts(const std::vector<std::string>& values) {
  std::vector<UntrustedText> found;
  for (const std::string& value : values) found.push_back(text(value));
  return found;
}

}  // namespace reprise::reports
