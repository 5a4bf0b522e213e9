/// \file
/// What the functions on records share; not for use outside this folder.
#pragma once

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/record/record.hpp"

namespace reprise::details {

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, float>) return "float32";
  if constexpr (std::is_same_v<T, double>) return "float64";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "uint8";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "uint32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "int64";
  if constexpr (std::is_same_v<T, std::string>) return "text";
}

inline std::string type_of(const AttributeValue& value) {
  return std::visit([](const auto& v) { return type_name<std::decay_t<decltype(v)>>(); }, value);
}

inline std::string type_of(const DatasetValues& values) {
  return std::visit(
      [](const auto& v) { return type_name<typename std::decay_t<decltype(v)>::value_type>(); },
      values);
}

inline std::string shape_text(const std::vector<std::size_t>& shape) {
  std::vector<std::string> sizes;
  for (const std::size_t size : shape) sizes.push_back(std::to_string(size));
  return sizes.empty() ? "scalar" : join(sizes, "x");
}

/// What belongs to the file that keeps a record: at the root, these do not count.
inline bool belongs_to_file(const std::string& name, const AttributeValue&) {
  return name == "digest" || name == "format";
}
inline bool belongs_to_file(const std::string&, const Dataset&) {
  return false;
}
inline bool belongs_to_file(const std::string& name, const Group&) {
  return name == "environment";
}

}  // namespace reprise::details
