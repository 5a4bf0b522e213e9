/// \file
/// What counts as text: UTF-8 without a zero byte. Records keep nothing else as text.
#pragma once

#include <string>
#include <string_view>

namespace reprise {

/// Whether the bytes are well-formed UTF-8 (RFC 3629) without a zero byte.
bool is_text(std::string_view bytes);

/// The bytes without the byte order mark of UTF-8 that some editors put before a text file's first.
std::string_view without_byte_order_mark(std::string_view bytes);

/// The bytes with U+FFFD in place of each one that keeps them from being text: for what comes from
/// outside, such as a log or a diff.
std::string clean_text(std::string_view bytes);

}  // namespace reprise
