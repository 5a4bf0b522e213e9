#include "reprise/run/toml_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>

#include "reprise/core/error.hpp"
#include "reprise/record/format.hpp"
#include "reprise/run/layer_settings.hpp"

namespace reprise {
namespace {

/// The key of the tables of single layers.
constexpr std::string_view kLayerTables = "layer";

/// What its value must be, for errors.
std::string kind_of(const Setting& setting) {
  constexpr std::array<const char*, 3> kinds = {"an integer", "a number", "text"};
  return kinds.at(setting.value.index());
}

/// The value of a layer's key as the setting `layers` has it.
std::string layer_value(const TomlFile& file, const std::string& key, const toml::node& node) {
  check_not_too_small(file, node, key);
  if (const auto whole = node.value_exact<std::int64_t>()) return std::to_string(*whole);
  if (const auto real = node.value_exact<double>()) return fmt::format("{}", *real);
  if (const auto text = node.value_exact<std::string>()) return *text;
  std::ostringstream given;
  given << node.type();
  throw Error(file.where(node), key + " is of type " + given.str(), "a number or text");
}

/// Tables of layers as the setting `layers`.
std::string layers_text(const TomlFile& file, const toml::node& layers) {
  const auto as_table = [&](const toml::node& node) -> const toml::table& {
    if (node.is_table()) return *node.as_table();
    throw Error(file.where(node), "layer settings that are not a table",
                "a table such as [layer.conv1]");
  };
  std::string text;
  for (const auto& [layer, table] : as_table(layers)) {
    const std::string name(layer.str());
    for (const auto& [key_node, node] : as_table(table)) {
      const std::string key(key_node.str());
      const std::string item = layer_item(name, key, layer_value(file, key, node));
      if (item.find(' ') != std::string::npos) {
        throw Error(file.where(node), "\"" + item + "\"", "names and values without blanks");
      }
      canonical_layers(file.where(node), item);  // its errors name the line
      text += (text.empty() ? "" : " ") + item;
    }
  }
  return canonical_layers(file.where(layers), text);
}

void set_from_toml(const TomlFile& file, const toml::node& node, const Setting& setting) {
  const std::string where = file.where(node);
  const bool as_expected = std::visit(
      [&](auto* to) {
        using Value = std::decay_t<decltype(*to)>;
        const std::optional<Value> value = node.value_exact<Value>();
        if (value) *to = *value;
        return value.has_value();
      },
      setting.value);
  if (as_expected && setting.canonical != nullptr) {
    std::string& text = *std::get<std::string*>(setting.value);
    text = setting.canonical(where, text);
  }
  if (as_expected) return;
  // A whole number is a number, too.
  auto* const* real = std::get_if<double*>(&setting.value);
  if (real != nullptr && node.is_integer()) {
    **real = static_cast<double>(node.as_integer()->get());
    return;
  }
  std::ostringstream given;
  given << node.type();
  throw Error(where, "setting " + setting.name + " is of type " + given.str(), kind_of(setting));
}

}  // namespace

std::string setting_of_key(std::string_view key) {
  if (key == kLayerTables) return "layers";
  return name_today(key, format_settings("training"));
}

std::vector<std::string> set_settings(const TomlFile& file, const toml::table& table,
                                      const std::vector<Setting>& settings) {
  std::vector<std::string> notes;
  std::map<std::string, std::string> given;  // by today's name
  for (const auto& [key, node] : table) {
    const std::string written(key.str());
    const std::string name = setting_of_key(written);
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const Setting& setting) { return setting.name == name; });
    if (found == settings.end()) {
      throw Error(file.where(node), "unknown setting \"" + written + "\"",
                  "a known one, such as " + nearest_name(written, names_of(settings)));
    }
    const auto [earlier, is_first] = given.emplace(name, written);
    if (!is_first) {
      throw Error(file.where(node),
                  "the settings " + earlier->second + " and " + written + ", which are the same",
                  "one of them, " + name);
    }
    if (written == kLayerTables) {
      *std::get<std::string*>(found->value) = layers_text(file, node);
      continue;
    }
    if (written != name) {
      notes.push_back(
          fmt::format("{}: the setting {} is called {} now", file.where(node), written, name));
    }
    check_not_too_small(file, node, name);
    set_from_toml(file, node, *found);
  }
  return notes;
}

}  // namespace reprise
