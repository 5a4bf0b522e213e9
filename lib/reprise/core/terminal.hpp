/// \file
/// What programs print. All text that reaches a terminal goes through these functions, and nothing
/// else in the project writes to standard output or standard error (tests/check_output): text from
/// a record, a file name or a library's message could otherwise move the cursor, colour a verdict
/// or draw a line of its own. Each writes printable(text) (core/text.hpp) at once.
#pragma once

#include <string_view>

namespace reprise {

/// One line to standard output.
void print_line(std::string_view line);

/// The lines of a text that the program itself has put together, such as its help, to standard
/// output.
void print_lines(std::string_view text);

/// One line to standard error.
void print_error_line(std::string_view line);

/// Writes over the line that the cursor of a terminal stands on, and stays on it. The next line
/// that is printed, to standard error as well, wipes it first. Needs a terminal that knows carriage
/// return and ESC [ K, and a line that it does not wrap.
void rewrite_line(std::string_view line);
/// Wipes what rewrite_line() has left on the terminal, if anything.
void wipe_line();

/// From now on nothing is printed, to either output, until it is undone by `false`: one of several
/// processes speaks for all.
void be_silent(bool silent);

/// Whether all that was printed to standard output so far has been written.
bool output_is_written();

}  // namespace reprise
