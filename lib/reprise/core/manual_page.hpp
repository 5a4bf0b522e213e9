/// \file
/// Manual pages in roff's man macros: the parts that command_line.cpp puts together.
#pragma once

#include <string>

namespace reprise {

/// Text in which roff sees no command and no hyphen that may become another character.
std::string roff_text(const std::string& text);
/// The same for whole lines, each of which may begin with anything; ends with a newline.
std::string roff_lines(const std::string& text);
/// A heading in capitals and quotes.
std::string roff_heading(const std::string& text);

/// Everything from the title to the synopsis, where the options and operands follow; the page of
/// "reprise train" is "reprise-train". `description` gives the line of NAME.
std::string manual_head(const std::string& program, const std::string& description);
/// An item of a list: `tag` is roff, `initial` a default or "".
std::string manual_item(const std::string& tag, const std::string& description,
                        const std::string& initial);
/// The text at the end of --help: lines that begin with a blank stay as they are, others flow; what
/// follows a line "Example:" goes into a section of its own.
std::string manual_footer(const std::string& footer);

}  // namespace reprise
