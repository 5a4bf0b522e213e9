/// \file
/// Settings from a parsed TOML table. Not installed: it needs toml++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reprise/record/toml_table.hpp"
#include "reprise/run/configuration.hpp"

namespace reprise {

/// The setting that a key of a table of settings is about: "layers" for "layer", today's name for
/// one of an earlier release.
std::string setting_of_key(std::string_view key);

/// Sets every setting that `table`, a part of `file`, has, under its name or one that it had in an
/// earlier release (record/format.hpp); returns a line for each of the latter. Error for an unknown
/// key (with the nearest known one), for one setting under two names and for a value of another
/// type. Tables [layer.NAME] in it are the setting `layers` (layer_settings.hpp).
std::vector<std::string> set_settings(const TomlFile& file, const toml::table& table,
                                      const std::vector<Setting>& settings);

}  // namespace reprise
