/// \file
/// Text that may be anything, since it comes from a record: it enters what the report writes
/// through the rules of a context (fragment.hpp) and in no other way.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::reports {

/// There is no way from here to a std::string but the functions of the friends below, one for each
/// context, so that code which forgets to escape does not compile. Plain text of the report's own
/// becomes an UntrustedText by itself, as nothing is lost by escaping it.
class UntrustedText {
 public:
  /// A text of a record that is longer is shown by its beginning, its length and its SHA-256, by
  /// which it still differs from all others.
  static constexpr std::size_t kMaxBytes = 1000;

  UntrustedText() = default;
  // NOLINTBEGIN(google-explicit-constructor): see above
  UntrustedText(std::string text) : bytes_(std::move(text)) {}
  UntrustedText(std::string_view text) : bytes_(text) {}
  UntrustedText(const char* text) : bytes_(text) {}
  // NOLINTEND(google-explicit-constructor)

  /// A text of a record, cut if it is longer than `most` bytes.
  static UntrustedText from_record(std::string_view text, std::size_t most = kMaxBytes);

  /// As it is shown where it may be too long: itself, or cut as from_record does.
  [[nodiscard]] UntrustedText shortened(std::size_t most = kMaxBytes) const {
    return from_record(bytes_, most);
  }

  // NOLINTNEXTLINE(modernize-use-nullptr): a fault of clang-tidy's, which sees a zero in <=>
  friend auto operator<=>(const UntrustedText&, const UntrustedText&) = default;
  friend UntrustedText operator+(UntrustedText a, const UntrustedText& b) { return a += b; }
  UntrustedText& operator+=(const UntrustedText& other) {
    bytes_ += other.bytes_;
    return *this;
  }

  // What can be asked of it; positions and sizes are in bytes.
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool starts_with(std::string_view text) const { return bytes_.starts_with(text); }
  [[nodiscard]] bool ends_with(std::string_view text) const { return bytes_.ends_with(text); }
  [[nodiscard]] std::size_t find(std::string_view text) const { return bytes_.find(text); }
  [[nodiscard]] std::size_t rfind(char c) const { return bytes_.rfind(c); }
  /// Whether all characters are among these; true of an empty text.
  [[nodiscard]] bool consists_of(std::string_view characters) const {
    return bytes_.find_first_not_of(characters) == std::string::npos;
  }
  /// The number that the whole text is (core/parse.hpp); nullopt if it is none.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<double> real() const;
  /// Its ASCII letters and digits, with an underscore for each other byte: harmless anywhere.
  [[nodiscard]] std::string identifier() const;

  // Parts and changes of it are as untrusted.
  /// From `at` on; "" behind the end.
  [[nodiscard]] UntrustedText substr(std::size_t at, std::size_t size = std::string::npos) const;
  /// What stands between any of these characters, without empty parts.
  [[nodiscard]] std::vector<UntrustedText> split(std::string_view separators) const;
  /// With a capital letter at its beginning, unless its first word has one ("oneDNN").
  [[nodiscard]] UntrustedText capitalized() const;

 private:
  friend struct MarkdownContext;
  friend struct HtmlContext;
  friend struct GnuplotContext;
  friend struct ShellContext;
  friend struct TomlContext;
  friend struct CsvContext;
  friend struct JsonContext;
  friend struct TerminalContext;
  friend struct PlainContext;

  std::string bytes_;
};

/// Adds what is not there yet.
inline void add_once(const UntrustedText& text, std::vector<UntrustedText>& texts) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

/// For a line on the terminal, such as an Error's: printable (core/text.hpp).
std::string terminal_text(const UntrustedText& text);

}  // namespace reprise::reports
