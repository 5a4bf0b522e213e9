/// \file
/// What counts as text, which is UTF-8 without a zero byte (records keep nothing else as text), and
/// how it is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise {

/// Whether the bytes are well-formed UTF-8 (RFC 3629) without a zero byte.
bool is_text(std::string_view bytes);

/// The bytes without the byte order mark of UTF-8 that some editors put before a text file's first.
std::string_view without_byte_order_mark(std::string_view bytes);

/// Text as TOML quotes it on one line ("basic string"), with its quotes.
std::string toml_quoted(std::string_view text);

/// Text as one argument in a command line of a POSIX shell, safe to paste: as it is where every
/// character of it means itself, else in single quotes. Characters and bytes that printable() would
/// write out, newlines excepted, become "$(printf '\ooo')", which a terminal shows and a record can
/// keep.
std::string shell_quoted(std::string_view text);

/// The bytes with U+FFFD in place of each one that keeps them from being text: for what comes from
/// outside, such as a log or a diff.
std::string clean_text(std::string_view bytes);

/// The bytes as they can be shown on a terminal or a page, on one line, by visible characters in
/// the order of their bytes. What could act in place of being seen is written out: control
/// characters as "\n", "\r", "\t", "\x1b"; characters without a shape of their own (zero-width
/// ones, those that turn the direction of writing, line and paragraph separators, variation
/// selectors, tags, private use: Unicode's Default_Ignorable_Code_Point, Bidi_Control, Zl and Zp)
/// as "\u{202e}"; bytes that are not UTF-8 as "\xff". A backslash stays one, so that what is
/// printable stays as it is: printable(printable(x)) == printable(x).
std::string printable(std::string_view bytes);

/// The beginning of printable(text) that takes at most `columns` columns of a terminal. A character
/// from U+1100 on counts as two columns, since the wide ones are among those.
std::string fitted(std::string_view text, std::size_t columns);

/// printable(), but keeps newlines and tabs: for a text of several lines, such as a log or TOML.
std::string printable_lines(std::string_view bytes);

/// The text's beginning of at most `most` bytes that cuts no character of UTF-8.
std::string_view beginning_of(std::string_view text, std::size_t most);

/// The shortest decimal number that reads back as the value.
std::string shortest(float value);
std::string shortest(double value);

/// "1 thread", "2 threads".
std::string count_of(std::size_t count, std::string_view singular);

}  // namespace reprise
