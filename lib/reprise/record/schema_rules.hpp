/// \file
/// The tables that schema.cpp states and schema_check.cpp applies; not for use outside this folder.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise::details {

/// Which values are allowed.
struct Allowed {
  double least = 0.0, most = 0.0;  ///< of numbers, both inclusive; where `numbers` says so
  enum class Numbers { any, finite, within, within_or_nan } numbers = Numbers::any;
  enum class Text { any, not_empty, digest } text = Text::any;  ///< digest: 64 hexadecimal digits
  std::vector<std::string_view> one_of{};                       ///< texts; empty: all
};

/// An attribute of a group, of a type's name (details.hpp).
struct AttributeRule {
  std::string_view group;  ///< "/data"; "" is the root
  std::string_view name, type;
  Allowed allowed;
  bool optional = false;
};

/// A dataset. Axes with one name have one size, throughout the record.
struct DatasetRule {
  std::string_view group, name, type;
  std::vector<std::string_view> axes;
  Allowed allowed;
  bool optional = false;
};

/// A size that does not follow from the first dataset that has the axis: an attribute says it.
struct SizeRule {
  std::string_view axis, group, attribute;
};

struct Schema {
  std::string_view kind;
  std::vector<SizeRule> sizes;
  std::vector<AttributeRule> attributes;
  std::vector<DatasetRule> datasets;
};

/// Applies one table. Error, naming `where` and the path, for the first rule that is broken.
class SchemaCheck {
 public:
  SchemaCheck(const Record& record, std::string_view where) : record_(record), where_(where) {}

  void apply(const Schema& schema);
  void attribute(const AttributeRule& rule) const;
  void dataset(const DatasetRule& rule);

  /// The size of an axis that apply() met; 0 if there was none.
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::size_t size_of(std::string_view axis) const;
  [[noreturn]] void refuse(const std::string& path, const std::string& given,
                           const std::string& expected) const;
  /// The group at a path such as "/data"; Error if there is none.
  [[nodiscard]] const Group& group(std::string_view path) const;

 private:
  struct Size {
    std::size_t size;
    std::string from;  ///< a path
  };
  void axis_size(const std::string& path, std::string_view axis, std::size_t size);

  const Record& record_;
  std::string where_;
  std::map<std::string, Size, std::less<>> sizes_;
};

}  // namespace reprise::details
