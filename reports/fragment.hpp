/// \file
/// Text that is written in a language already: Markdown, HTML with SVG, commands of gnuplot, shell
/// commands, TOML, CSV, JSON.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "untrusted_text.hpp"

namespace reprise::reports {

/// Each language's rule for text: `escaped` is the only way in. `kTemplates` is how the names of
/// its templates end.
struct MarkdownContext {
  static constexpr std::string_view kTemplates = ".md.mustache";
  /// Shown as it is, printable (core/text.hpp); line ends become blanks.
  static std::string escaped(const UntrustedText& text);
  static std::string code(const UntrustedText& text);
  static std::string block(const UntrustedText& text, std::string_view language);
};
struct HtmlContext {
  static constexpr std::string_view kTemplates = ".html.mustache";
  /// Shown as it is, printable, in an element or an attribute.
  static std::string escaped(const UntrustedText& text);
};
struct GnuplotContext {
  /// A string in single quotes, within which gnuplot interprets nothing; printable.
  static std::string escaped(const UntrustedText& text);
  static std::string format_of_tic(const UntrustedText& text);
};
struct ShellContext {
  /// One word for bash, on one line, printable.
  static std::string escaped(const UntrustedText& text);
  static std::vector<UntrustedText> words(const UntrustedText& line);
};
struct TomlContext {
  /// A string in double quotes; what cannot be seen stands as printable() writes it.
  static std::string escaped(const UntrustedText& text);
};
struct CsvContext {
  /// One cell of a file as RFC 4180 has it, printable and on one line. A cell that a spreadsheet
  /// would take for a formula has an apostrophe in front.
  static std::string escaped(const UntrustedText& text);
};
struct JsonContext {
  /// A string in double quotes, printable, without characters that HTML interprets.
  static std::string escaped(const UntrustedText& text);
};
/// Text that is not in any language yet, made of parts.
struct PlainContext {
  static std::string escaped(const UntrustedText& text) { return text.bytes_; }
};

/// A literal of the source code.
struct Literal {
  consteval Literal(const char* literal) : text(literal) {}  // NOLINT(google-explicit-constructor)
  std::string_view text;
};

template <class Context>
class Fragment;

/// What may enter a fragment: numbers, fragments of the same language, and text. A fragment of
/// another language does not compile.
template <class Value, class Context>
concept EntersFragment = std::is_arithmetic_v<Value> || std::same_as<Value, Fragment<Context>> ||
    std::is_convertible_v<const Value&, UntrustedText>;

/// What then stands there: numbers and fragments as they are, text by the language's rule.
template <class Context, class Value>
auto entered(const Value& value) {
  if constexpr (std::is_arithmetic_v<Value>) {
    return value;
  } else if constexpr (std::is_same_v<Value, Fragment<Context>>) {
    return value.str();
  } else {
    return Context::escaped(value);
  }
}
template <class Context, class... Values>
using FormatOf = fmt::format_string<decltype(entered<Context>(std::declval<const Values&>()))...>;

template <class Context>
class Fragment {
 public:
  Fragment() = default;
  /// Text, escaped.
  template <class Text>
  requires std::is_convertible_v<const Text&, UntrustedText> Fragment(
      const Text& text)  // NOLINT(google-explicit-constructor): it escapes
      : text_(Context::escaped(text)) {}

  /// fmt's rules; the literal is the report's own, in the language at hand, and is checked when it
  /// is compiled.
  template <EntersFragment<Context>... Values>
  static Fragment format(FormatOf<Context, Values...> literal, const Values&... values) {
    return as_it_is(fmt::format(literal, entered<Context>(values)...));
  }
  static Fragment literal(Literal literal) { return as_it_is(std::string(literal.text)); }
  /// What a tool or a function here has made in this language. tests/check_output lists who may.
  static Fragment as_it_is(std::string text) {
    Fragment fragment;
    fragment.text_.swap(text);
    return fragment;
  }

  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// Of fragments alone: a bare text would be escaped, line ends with it.
  template <std::same_as<Fragment> Other>
  Fragment& operator+=(const Other& other) {
    text_ += other.str();
    return *this;
  }
  // NOLINTNEXTLINE(modernize-use-nullptr): a fault of clang-tidy's, which sees a zero in <=>
  friend auto operator<=>(const Fragment&, const Fragment&) = default;

 private:
  std::string text_;
};

using Markdown = Fragment<MarkdownContext>;
using Html = Fragment<HtmlContext>;
using Svg = Html;  ///< stands in pages as it is; the rule is the same
using PlotCommands = Fragment<GnuplotContext>;
using ShellCommands = Fragment<ShellContext>;
using Toml = Fragment<TomlContext>;
using Csv = Fragment<CsvContext>;
using Json = Fragment<JsonContext>;

/// Plain text from parts, by fmt's rules.
template <EntersFragment<PlainContext>... Values>
UntrustedText plain_text(FormatOf<PlainContext, Values...> literal, const Values&... values) {
  return fmt::format(literal, entered<PlainContext>(values)...);
}

/// The items with `between`, which is in their language, between them.
template <class Item>
Item joined(const std::vector<Item>& items, Literal between) {
  Item separator;
  if constexpr (requires { Item::literal(between); }) {
    separator = Item::literal(between);
  } else {
    separator = between.text;
  }
  Item text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  return text;
}

/// "a", "a and b", "a, b and c".
template <class Item>
Item listed(const std::vector<Item>& items) {
  if (items.size() < 2) return joined(items, "");
  const std::vector<Item> before(items.begin(), items.end() - 1);
  return joined(std::vector<Item>{joined(before, ", "), items.back()}, " and ");
}

}  // namespace reprise::reports
