/// \file
/// Attributes of a record as the report uses them: names and texts are untrusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <variant>

#include "reprise/record/record.hpp"
#include "untrusted_text.hpp"

namespace reprise::reports {

using Setting = std::variant<std::int64_t, double, UntrustedText>;
using Settings = std::map<UntrustedText, Setting>;

/// Texts are whole, however long: they are pasted as well as shown.
Settings settings_of(const Attributes& attributes);

/// A record's /environment, with the texts of several lines, which are datasets.
Settings environment_of(const Group& environment);

/// As text to be shown: numbers in their shortest form, long texts shortened.
UntrustedText setting_text(const Setting& setting);
/// "" if there is none of this name.
UntrustedText setting_text(const Settings& settings, const UntrustedText& name);
/// Nothing if there is no whole number of this name.
std::optional<std::int64_t> setting_number(const Settings& settings, const UntrustedText& name);

}  // namespace reprise::reports
