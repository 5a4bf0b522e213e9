/// \file
/// Settings from a parsed TOML table. Not installed: it needs toml++.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "reprise/run/configuration.hpp"

namespace reprise {

/// A TOML file as parsed, with its text, which tells numbers too small for a double from 0.
struct TomlFile {
  std::string name;
  std::string text;
  toml::table table;

  /// "FILE:3".
  [[nodiscard]] std::string where(const toml::node& node) const;
};

/// The setting that a key of a table of settings is about: "layers" for "layer", today's name for
/// one of an earlier release.
std::string setting_of_key(std::string_view key);

/// Error with the line if it is not TOML.
TomlFile parse_toml(const std::string& name, const std::string& text);

/// Error if `node` is of a floating-point number that is not 0 but too small for a double.
void check_not_too_small(const TomlFile& file, const toml::node& node, std::string_view name);

/// Sets every setting that `table`, a part of `file`, has, under its name or one that it had in an
/// earlier release (record/format.hpp); returns a line for each of the latter. Error for an unknown
/// key (with the nearest known one), for one setting under two names and for a value of another
/// type. Tables [layer.NAME] in it are the setting `layers` (layer_settings.hpp).
std::vector<std::string> set_settings(const TomlFile& file, const toml::table& table,
                                      const std::vector<Setting>& settings);

}  // namespace reprise
