#include "untrusted_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <span>

#include "reprise/core/digest.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kDigestDigits = 12;

bool is_letter_or_digit(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && std::isalnum(byte) != 0;
}

}  // namespace

struct TerminalContext {
  static std::string shown(const UntrustedText& text) { return printable(text.bytes_); }
};

UntrustedText UntrustedText::from_record(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const std::string digest = sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  return fmt::format("{}… ({} bytes, SHA-256 {}…)", beginning_of(text, most), text.size(),
                     digest.substr(0, kDigestDigits));
}

std::optional<std::int64_t> UntrustedText::integer() const {
  return parse_integer(bytes_);
}

std::optional<double> UntrustedText::real() const {
  return parse_real(bytes_);
}

std::string UntrustedText::identifier() const {
  std::string result;
  for (const char c : bytes_) result += is_letter_or_digit(c) ? c : '_';
  return result;
}

UntrustedText UntrustedText::substr(std::size_t at, std::size_t size) const {
  return at < bytes_.size() ? bytes_.substr(at, size) : "";
}

std::vector<UntrustedText> UntrustedText::split(std::string_view separators) const {
  std::vector<UntrustedText> parts;
  std::size_t at = bytes_.find_first_not_of(separators);
  while (at < bytes_.size()) {
    const std::size_t end = std::min(bytes_.find_first_of(separators, at), bytes_.size());
    parts.emplace_back(bytes_.substr(at, end - at));
    at = bytes_.find_first_not_of(separators, end);
  }
  return parts;
}

UntrustedText UntrustedText::capitalized() const {
  std::string text = bytes_;
  const bool has_capital = std::any_of(text.begin(), std::find(text.begin(), text.end(), ' '),
                                       [](unsigned char c) { return std::isupper(c) != 0; });
  if (!text.empty() && !has_capital) {
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  }
  return text;
}

std::string terminal_text(const UntrustedText& text) {
  return TerminalContext::shown(text);
}

}  // namespace reprise::reports
