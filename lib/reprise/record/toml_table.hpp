/// \file
/// TOML files and their tables, read key by key: settings, studies and plans. Not installed: it
/// needs toml++.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise {

/// A TOML file as parsed, with its text, which tells numbers too small for a double from 0.
struct TomlFile {
  std::string name;
  std::string text;
  toml::table table;

  /// "FILE:3".
  [[nodiscard]] std::string where(const toml::node& node) const;
};

/// Error with the line if it is not TOML.
TomlFile parse_toml(const std::string& name, const std::string& text);

/// Error if `node` is of a floating-point number that is not 0 but too small for a double.
void check_not_too_small(const TomlFile& file, const toml::node& node, std::string_view name);

/// A table of a file. Every reader gives what an absent key stands for ("", 0, false, no items)
/// unless it takes that as a parameter; a value of another type, text that is no line of UTF-8 and
/// a list of too many items are Errors with the file and the line.
class TomlTable {
 public:
  static constexpr std::size_t kMaxText = 500;  ///< bytes of a text
  static constexpr std::size_t kMaxItems = 64;  ///< of a list

  /// Error, with the nearest known one, for a key that is not in `known`.
  TomlTable(const TomlFile& file, const toml::table& table, const std::vector<std::string>& known);

  [[nodiscard]] const toml::node* find(const std::string& key) const { return table_.get(key); }
  [[nodiscard]] std::string where(const std::string& key) const;
  [[noreturn]] void fail(const std::string& key, const std::string& given,
                         const std::string& expected) const;
  /// Error if the key is missing.
  void require(const std::string& key) const;

  /// A sentence or less.
  [[nodiscard]] std::string text(const std::string& key) const;
  /// One of `known`.
  [[nodiscard]] std::string choice(const std::string& key, const std::vector<std::string>& known,
                                   const std::string& otherwise) const;
  [[nodiscard]] double real(const std::string& key) const;
  [[nodiscard]] bool flag(const std::string& key) const;
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t otherwise) const;
  /// nullptr if the key is missing.
  [[nodiscard]] const toml::table* table(const std::string& key) const;

  /// What `item` makes of each of a list's items, which are 1 to `most`.
  template <class Item>
  [[nodiscard]] auto list(const std::string& key, const Item& item,
                          std::size_t most = kMaxItems) const {
    std::vector<decltype(item(std::declval<const toml::node&>()))> values;
    if (const toml::array* array = array_of(key, most)) {
      for (const toml::node& one : *array) values.push_back(item(one));
    }
    return values;
  }
  [[nodiscard]] std::vector<std::string> texts(const std::string& key) const;
  [[nodiscard]] std::vector<double> reals(const std::string& key) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& key,
                                                   std::size_t most = kMaxItems) const;

 private:
  [[nodiscard]] const toml::array* array_of(const std::string& key, std::size_t most) const;
  [[nodiscard]] std::string text_of(const toml::node& node, const std::string& key) const;
  [[nodiscard]] double real_of(const toml::node& node, const std::string& key) const;
  [[nodiscard]] std::int64_t integer_of(const toml::node& node, const std::string& key) const;

  const TomlFile& file_;
  const toml::table& table_;
};

}  // namespace reprise
