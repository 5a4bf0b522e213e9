/// \file
/// What a reader may paste: words of a shell's command line, and settings as TOML.
#pragma once

#include <string>
#include <vector>

#include "fragment.hpp"
#include "setting.hpp"

namespace reprise::reports {

/// A file's name as one word, which no program takes for an option.
ShellCommands shell_file(const UntrustedText& path);

/// The words of a command line: split at blanks that are not within quotes or behind a backslash,
/// which are taken off. What is left open at the end ends there.
std::vector<UntrustedText> words_of_shell(const UntrustedText& line);

/// The settings as TOML, a line for each: a number, or text with its control characters and quotes
/// written out.
Toml toml_text(const Settings& settings);

/// The command that writes TOML to a file. No line of it can end the here-document, as each has an
/// equals sign. std::logic_error if one has not.
ShellCommands write_toml(const UntrustedText& file, const Toml& toml);

}  // namespace reprise::reports
