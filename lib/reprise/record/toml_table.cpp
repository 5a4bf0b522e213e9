#include "reprise/record/toml_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"

namespace reprise {
namespace {

/// The number as the file has it, which begins at `at`; columns count code points.
std::string_view number_at(std::string_view text, toml::source_position at) {
  for (toml::source_index line = 1; line < at.line; ++line) {
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  }
  const auto continues = [&] { return !text.empty() && (text.front() & 0xC0) == 0x80; };
  for (toml::source_index column = 1; column < at.column && !text.empty(); ++column) {
    do text.remove_prefix(1);
    while (continues());
  }
  return text.substr(0, text.find_first_not_of("0123456789.eE+-_"));
}

/// toml++ makes 0 of a number that is too small for a double.
bool became_zero(const toml::node& node, std::string_view text) {
  if (node.value_exact<double>() != 0.0) return false;
  const std::string_view number = number_at(text, node.source().begin);
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") !=
         std::string_view::npos;
}

bool is_one_of(const std::string& text, const std::vector<std::string>& known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

}  // namespace

std::string TomlFile::where(const toml::node& node) const {
  return fmt::format("{}:{}", name, node.source().begin.line);
}

TomlFile parse_toml(const std::string& name, const std::string& text) {
  try {
    return {name, text, toml::parse(text)};
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}", name, error.source().begin.line),
                std::string(error.description()), "a readable TOML file");
  }
}

void check_not_too_small(const TomlFile& file, const toml::node& node, std::string_view name) {
  if (!became_zero(node, file.text)) return;
  throw Error(file.where(node), std::string(name) + " is too small",
              "a number in the range of a double");
}

TomlTable::TomlTable(const TomlFile& file, const toml::table& table,
                     const std::vector<std::string>& known)
    : file_(file), table_(table) {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (is_one_of(name, known)) continue;
    throw Error(file_.where(node), "unknown key \"" + name + "\"",
                "a known one, such as " + nearest_name(name, known));
  }
}

std::string TomlTable::where(const std::string& key) const {
  const toml::node* node = find(key);
  return node == nullptr ? file_.name : file_.where(*node);
}

void TomlTable::fail(const std::string& key, const std::string& given,
                     const std::string& expected) const {
  throw Error(where(key), key + " " + given, expected);
}

void TomlTable::require(const std::string& key) const {
  if (find(key) == nullptr) throw Error(file_.where(table_), "no " + key, "one");
}

std::string TomlTable::text(const std::string& key) const {
  const toml::node* node = find(key);
  return node == nullptr ? "" : text_of(*node, key);
}

std::string TomlTable::choice(const std::string& key, const std::vector<std::string>& known,
                              const std::string& otherwise) const {
  if (find(key) == nullptr) return otherwise;
  std::string value = text(key);
  if (!is_one_of(value, known)) fail(key, "\"" + value + "\"", join(known));
  return value;
}

double TomlTable::real(const std::string& key) const {
  const toml::node* node = find(key);
  return node == nullptr ? 0.0 : real_of(*node, key);
}

bool TomlTable::flag(const std::string& key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  if (!node->is_boolean()) fail(key, "is of another type", "true or false");
  return *node->value<bool>();
}

std::int64_t TomlTable::integer(const std::string& key, std::int64_t otherwise) const {
  const toml::node* node = find(key);
  return node == nullptr ? otherwise : integer_of(*node, key);
}

const toml::table* TomlTable::table(const std::string& key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) fail(key, "is of another type", "a table [" + key + "]");
  return node->as_table();
}

std::vector<std::string> TomlTable::texts(const std::string& key) const {
  return list(key, [&](const toml::node& node) { return text_of(node, key); });
}

std::vector<double> TomlTable::reals(const std::string& key) const {
  return list(key, [&](const toml::node& node) { return real_of(node, key); });
}

std::vector<std::int64_t> TomlTable::integers(const std::string& key, std::size_t most) const {
  return list(
      key, [&](const toml::node& node) { return integer_of(node, key); }, most);
}

const toml::array* TomlTable::array_of(const std::string& key, std::size_t most) const {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_array()) fail(key, "is of another type", "a list in brackets");
  const toml::array* array = node->as_array();
  if (array->empty() || array->size() > most) {
    fail(key, fmt::format("has {} items", array->size()), fmt::format("1 to {}", most));
  }
  return array;
}

std::string TomlTable::text_of(const toml::node& node, const std::string& key) const {
  if (!node.is_string()) fail(key, "is of another type", "text in quotes");
  std::string value = *node.value<std::string>();
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (value.empty() || value.size() > kMaxText || control || !is_text(value)) {
    fail(key, value.size() > kMaxText ? "is too long" : "is not a line of text",
         fmt::format("1 to {} bytes of UTF-8 without control characters", kMaxText));
  }
  return value;
}

double TomlTable::real_of(const toml::node& node, const std::string& key) const {
  check_not_too_small(file_, node, key);
  const std::optional<double> value = node.value<double>();
  if (!node.is_number() || !std::isfinite(*value)) fail(key, "is not a finite number", "one");
  return *value;
}

std::int64_t TomlTable::integer_of(const toml::node& node, const std::string& key) const {
  if (!node.is_integer()) fail(key, "is not an integer", "one");
  return *node.value<std::int64_t>();
}

}  // namespace reprise
