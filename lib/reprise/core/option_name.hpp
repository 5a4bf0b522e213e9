/// \file
/// How error lines name an option: as programs have it, or as Python does.
#pragma once

#include <string>
#include <string_view>

namespace reprise {

enum class OptionStyle { command_line, python };

/// For all error lines of the process from now on; command_line until then.
void set_option_style(OptionStyle style);

/// An option that is given or not: "--no-checksum", or "no_checksum=True".
std::string flag_name(std::string_view words);
/// One that has a value: "--initial", or "initial=".
std::string option_name(std::string_view words);

}  // namespace reprise
