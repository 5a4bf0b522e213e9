/// \file
/// A record's settings as text, /configuration/toml: no part of the digest, but what people read
/// and paste.
#pragma once

#include <string>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise {

/// A setting as a line of TOML, with its newline. Text is quoted (core/text.hpp); a float64 is the
/// shortest decimal number that reads back as it, with a point or an exponent.
std::string setting_line(const std::string& name, const AttributeValue& value);

/// Where /configuration/toml is not what every release writes: the setting_line of each attribute
/// of /configuration, each once and nothing else, in any order. One line for each of the first
/// `most` places, "/configuration/toml, line 2: ...". None for a record without such a text.
std::vector<std::string> configuration_text_differences(const Record& record,
                                                        std::size_t most = 20);

}  // namespace reprise
