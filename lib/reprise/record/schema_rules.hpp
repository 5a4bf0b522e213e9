/// \file
/// The rules that description.hpp and schema.cpp state and schema_check.cpp applies; not for use
/// outside this folder and its tests, which break each rule once.
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
  enum class Numbers { any, within, within_or_nan } numbers = Numbers::any;
  enum class Text { any, not_empty, digest } text = Text::any;  ///< digest: 64 hexadecimal digits
  std::vector<std::string_view> one_of{};                       ///< texts; empty: all
};

/// An attribute of a group, of a type's name (details.hpp).
struct AttributeRule {
  std::string group;  ///< "/data"
  std::string_view name;
  std::string type;
  Allowed allowed;
  bool optional = false;
};

/// A dataset. Axes with one name have one size, throughout a table.
struct DatasetRule {
  std::string group;
  std::string_view name, type;
  std::vector<std::string_view> axes;
  Allowed allowed;
  bool optional = false;
};

/// The name of an axis' size, which is that of the axis, but "class" for "true_class" and
/// "predicted_class".
std::string_view size_name(std::string_view axis);

/// An attribute says the size of an axis.
struct SizeRule {
  std::string_view axis, group, attribute;
};

/// The sizes that an axis may have.
struct AxisRule {
  std::string_view axis;
  std::size_t least, most;
};

/// The values of a dataset are places along an axis, from 0.
struct IndexRule {
  std::string_view group, name, axis;
};

/// A table. A group that is named must be there.
struct Schema {
  std::vector<std::string> groups{};  ///< those that no rule below names
  std::vector<AttributeRule> attributes{};
  std::vector<SizeRule> sizes{};
  std::vector<DatasetRule> datasets{};
  std::vector<AxisRule> axes{};
  std::vector<IndexRule> indices{};
};

/// The tables that a record of its kind fits, in the order in which they are applied: the kind's
/// own first, then those of parts that not every record has. None for a kind that is not known.
std::vector<Schema> schemas_of(const Record& record);

/// Applies tables. Error, naming `where` and the path, for the first rule that is broken.
class SchemaCheck {
 public:
  SchemaCheck(const Record& record, std::string_view where) : record_(record), where_(where) {}

  void apply(const Schema& schema);

  [[nodiscard]] const Record& record() const { return record_; }
  /// The size of an axis that apply() met; 0 if there was none.
  [[nodiscard]] std::size_t size_of(std::string_view axis) const;
  [[noreturn]] void refuse(const std::string& path, const std::string& given,
                           const std::string& expected) const;

 private:
  struct Size {
    std::size_t size;
    std::string from;  ///< a path
  };
  [[nodiscard]] const Group& group(std::string_view path) const;
  void check(const AttributeRule& rule) const;
  void check(const SizeRule& rule);
  void check(const DatasetRule& rule);
  void check(const AxisRule& rule) const;
  void check(const IndexRule& rule) const;
  void set_size(const std::string& path, std::string_view axis, std::size_t size);

  const Record& record_;
  std::string where_;
  std::map<std::string, Size, std::less<>> sizes_;
};

/// What no table says. It is checked once all tables hold; the axes are those of the first.
struct Relation {
  std::string_view name;
  void (*check)(const SchemaCheck& check);
};
/// The relations of a kind; none for a kind that is not known.
const std::vector<Relation>& relations_of(std::string_view kind);

}  // namespace reprise::details
