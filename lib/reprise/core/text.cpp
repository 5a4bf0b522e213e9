#include "reprise/core/text.hpp"

#include <array>
#include <cstdint>

namespace reprise {
namespace {

/// The bytes that a character takes by its first one; 0 if no character starts so.
std::size_t announced_size(std::uint8_t first) {
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC0 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF8) return 4;
  return 0;
}

/// The bytes of the character that `rest` begins with; 0 if it begins with none.
std::size_t character_size(std::string_view rest) {
  constexpr std::array<std::uint32_t, 5> lowest = {0, 1, 0x80, 0x800, 0x10000};
  const auto first = static_cast<std::uint8_t>(rest[0]);
  const std::size_t size = announced_size(first);
  if (size == 0 || size > rest.size()) return 0;
  std::uint32_t code = size == 1 ? first : first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(rest[i]);
    if ((byte & 0xC0) != 0x80) return 0;
    code = (code << 6) | (byte & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < lowest[size] || code > 0x10FFFF || surrogate ? 0 : size;
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

}  // namespace reprise
