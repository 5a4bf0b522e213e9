#include "reprise/core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>

namespace reprise {
namespace {

template <class Real>
std::string shortest_of(Real value) {
  char text[40];
#ifdef __cpp_lib_to_chars
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
#else  // a library that writes whole numbers alone so
  for (int digits = 1;; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(value));
    const bool reads_back = static_cast<Real>(std::strtod(text, nullptr)) == value;
    if (reads_back || digits == std::numeric_limits<Real>::max_digits10) return text;
  }
#endif
}

/// The bytes that a character takes by its first one; 0 if no character starts so.
std::size_t announced_size(std::uint8_t first) {
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC0 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF8) return 4;
  return 0;
}

struct Character {
  std::size_t size = 0;  ///< bytes; 0 if there is no character
  std::uint32_t code = 0;
};

/// The character that `rest`, which is not empty, begins with.
Character first_character(std::string_view rest) {
  constexpr std::array<std::uint32_t, 5> lowest = {0, 1, 0x80, 0x800, 0x10000};
  const auto first = static_cast<std::uint8_t>(rest[0]);
  const std::size_t size = announced_size(first);
  if (size == 0 || size > rest.size()) return {};
  std::uint32_t code = size == 1 ? first : first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(rest[i]);
    if ((byte & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (code < lowest[size] || code > 0x10FFFF || surrogate) return {};
  return {size, code};
}

std::size_t character_size(std::string_view rest) {
  return first_character(rest).size;
}

struct CodeRange {
  std::uint32_t first, last;
};

/// Ascending. Unicode 15's Default_Ignorable_Code_Point with Bidi_Control, Zl, Zp, interlinear
/// annotation, private use and the noncharacters of the first plane.
constexpr CodeRange kUnseen[] = {
    {0xAD, 0xAD},        {0x34F, 0x34F},     {0x61C, 0x61C},     {0x115F, 0x1160},
    {0x17B4, 0x17B5},    {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},    {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},
    {0xFE00, 0xFE0F},    {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF},    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    {0xF0000, 0x10FFFF},
};

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

bool is_unseen(std::uint32_t code) {
  return std::any_of(std::begin(kUnseen), std::end(kUnseen), [code](const CodeRange& range) {
    return code >= range.first && code <= range.last;
  });
}

std::string hexadecimal(std::uint32_t number) {
  char digits[9];
  const int count = std::snprintf(digits, sizeof digits, "%02x", number);
  return {digits, static_cast<std::size_t>(count)};
}

std::string written_out(std::uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x80 ? "\\x" + hexadecimal(code) : "\\u{" + hexadecimal(code) + "}";
  }
}

std::string octal(char byte) {
  char digits[5];
  std::snprintf(digits, sizeof digits, "\\%03o",
                static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return digits;
}

/// Whether a shell takes every character of an argument for itself.
bool is_plain_argument(std::string_view text) {
  constexpr std::string_view plain =
      "=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%";
  if (text.empty() || text.find_first_not_of(plain) != std::string_view::npos) return false;
  return text[0] == '-' || text.find('=') == std::string_view::npos;  // a=b sets a variable
}

/// printable(), except that the characters in `kept` stay.
std::string shown(std::string_view bytes, std::string_view kept) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const bool is_kept = kept.find(bytes[0]) != std::string_view::npos;
    // A zero byte is no character of text, but has a code all the same.
    const Character c = bytes[0] == '\0' ? Character{1, 0} : first_character(bytes);
    if (c.size == 0) {
      text += "\\x" + hexadecimal(static_cast<std::uint8_t>(bytes[0]));
    } else if (!is_kept && (is_control(c.code) || is_unseen(c.code))) {
      text += written_out(c.code);
    } else {
      text += bytes.substr(0, c.size);
    }
    bytes.remove_prefix(std::max<std::size_t>(c.size, 1));
  }
  return text;
}

}  // namespace

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string_view without_byte_order_mark(std::string_view bytes) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (bytes.starts_with(mark)) bytes.remove_prefix(mark.size());
  return bytes;
}

std::string toml_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control) {
      char code[7];
      std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(c));
      quoted += code;
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string shell_quoted(std::string_view text) {
  if (is_plain_argument(text)) return std::string(text);
  std::string word = "'";
  bool by_number = false;
  while (!text.empty()) {
    const Character c = first_character(text);
    const bool is_seen =
        c.size > 0 && (c.code == '\n' || !(is_control(c.code) || is_unseen(c.code)));
    if (is_seen == by_number) {
      word += is_seen ? "')\"'" : "'\"$(printf '";
      by_number = !is_seen;
    }
    for (const char byte : text.substr(0, std::max<std::size_t>(c.size, 1))) {
      word += by_number ? octal(byte) : byte == '\'' ? "'\\''" : std::string(1, byte);
    }
    text.remove_prefix(std::max<std::size_t>(c.size, 1));
  }
  return word + (by_number ? "')\"" : "'");
}

std::string clean_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    text.append(size == 0 ? "\uFFFD" : bytes.substr(0, size));
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return text;
}

std::string printable(std::string_view bytes) {
  return shown(bytes, "");
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::string line = printable(text);
  std::size_t end = 0;
  while (end < line.size()) {
    const Character c = first_character(std::string_view(line).substr(end));
    const std::size_t width = c.code < 0x1100 ? 1 : 2;
    if (width > columns) break;
    columns -= width;
    end += c.size;
  }
  line.resize(end);
  return line;
}

std::string printable_lines(std::string_view bytes) {
  return shown(bytes, "\n\t");
}

std::string_view beginning_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return text.substr(0, most);
}

std::string shortest(float value) {
  return shortest_of(value);
}
std::string shortest(double value) {
  return shortest_of(value);
}

std::string count_of(std::size_t count, std::string_view singular) {
  return std::to_string(count) + ' ' + std::string(singular) + (count == 1 ? "" : "s");
}

}  // namespace reprise
