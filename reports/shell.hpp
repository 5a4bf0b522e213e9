/// \file
/// What a reader may paste: words of a shell's command line, and settings as TOML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise::reports {

/// The text as one word for bash, whatever is in it; on one line, printable.
std::string shell_word(std::string_view text);

/// Likewise for a file's name, which no program takes for an option.
std::string shell_file(std::string_view path);

/// The words of a command line: split at blanks that are not within quotes or behind a backslash,
/// which are taken off. What is left open at the end ends there.
std::vector<std::string> words_of_shell(std::string_view line);

/// The settings as TOML, a line for each: a number, or text with its control characters and quotes
/// written out.
std::string toml_text(const Attributes& settings);

}  // namespace reprise::reports
