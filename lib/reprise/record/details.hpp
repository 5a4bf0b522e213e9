/// \file
/// What the functions on records share; not for use outside this folder.
#pragma once

#include <map>
#include <memory>
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

/// "[3,2]", the place of an element in row-major order; "" in a scalar.
inline std::string index_text(std::size_t flat, const std::vector<std::size_t>& shape) {
  std::vector<std::string> indices(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    indices[axis] = std::to_string(flat % shape[axis]);
    flat /= shape[axis];
  }
  return indices.empty() ? "" : std::string("[").append(join(indices, ",")).append("]");
}

/// "\"0.1 # note\" against \"0.1\"": two texts from shortly before the place where they part.
std::string text_contrast(const std::string& a, const std::string& b);

/// The parts of a record that its digest counts, at the root. Refers to the record.
struct CountedRecord {
  Attributes attributes;
  std::map<std::string, const Dataset*> datasets;
  std::map<std::string, const Group*> groups;
  std::unique_ptr<const Group> configuration;  ///< where it counts otherwise than it is kept
};

/// By the rules of a format (docs/record_format.md). With `in_full`, settings that have the
/// format's default are there too: for comparing two records setting by setting.
CountedRecord counted(const Record& record, int format, bool in_full);

}  // namespace reprise::details
