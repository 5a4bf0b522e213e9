/// \file
/// What the readers of records share: they throw std::runtime_error with what does not hold, and
/// whoever knows the record's name puts it in front.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "reprise/record/record.hpp"
#include "untrusted_text.hpp"

namespace reprise::reports {

inline void require(bool holds, const std::string& problem) {
  if (!holds) throw std::runtime_error(problem);
}

/// A double or a whole number.
inline double number(const Group& group, const std::string& name) {
  const auto found = group.attributes.find(name);
  require(found != group.attributes.end(), "no attribute " + name);
  if (const auto* whole = std::get_if<std::int64_t>(&found->second)) {
    return static_cast<double>(*whole);
  }
  return group.attribute<double>(name);
}

/// A positive whole number.
inline std::size_t count(const Group& group, const std::string& name) {
  const auto value = group.attribute<std::int64_t>(name);
  require(value > 0, fmt::format("{} {}", name, value));
  return static_cast<std::size_t>(value);
}

/// An attribute that is text.
inline UntrustedText text(const Group& group, const std::string& name) {
  return UntrustedText::from_record(group.attribute<std::string>(name));
}

/// A dataset of texts.
inline std::vector<UntrustedText> texts(const Group& group, const std::string& name) {
  std::vector<UntrustedText> found;
  for (const std::string& one : group.values<std::string>(name)) {
    found.push_back(UntrustedText::from_record(one));
  }
  return found;
}

template <class T>
std::vector<T> values_of_length(const Group& group, const std::string& name, std::size_t length) {
  const std::vector<T>& values = group.values<T>(name);
  require(values.size() == length,
          fmt::format("{} values of {}, not {}", values.size(), name, length));
  return values;
}

inline std::vector<UntrustedText> texts_of_length(const Group& group, const std::string& name,
                                                  std::size_t length) {
  std::vector<UntrustedText> found = texts(group, name);
  require(found.size() == length,
          fmt::format("{} values of {}, not {}", found.size(), name, length));
  return found;
}

}  // namespace reprise::reports
