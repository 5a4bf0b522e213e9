#include "markdown.hpp"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

/// Printable, with line ends as blanks.
std::string shown_on_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return printable(line);
}

/// The longest run of back-ticks in `text`.
std::size_t longest_backticks(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

/// Tables as cmark writes them, a tag to a line: cells of the head name columns, the first of each
/// row of the body names the row.
std::string with_scopes(std::string_view html) {
  std::string result;
  std::string_view before;  // the line before
  while (!html.empty()) {
    const std::string_view line = html.substr(0, html.find('\n'));
    html.remove_prefix(std::min(html.size(), line.size() + 1));
    const bool first = before == "<tr>";
    if (line.starts_with("<th>") || line.starts_with("<th ")) {
      result.append("<th scope=\"col\"").append(line.substr(3));
    } else if (first && line.starts_with("<td") && line.ends_with("</td>")) {
      result.append("<th scope=\"row\"").append(line.substr(3, line.size() - 8)).append("</th>");
    } else {
      result.append(line);
    }
    result += '\n';
    before = line;
  }
  return result;
}

}  // namespace

std::string MarkdownContext::escaped(const UntrustedText& text) {
  static constexpr std::string_view kSpecial = "\\`*_{}[]<>#|~&@!$";
  const std::string shown = shown_on_one_line(text.bytes_);
  const std::size_t digits = shown.find_first_not_of("0123456789");
  std::string escaped;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    // What begins a list, a heading or a block of code where it begins a line.
    const bool opens = i == 0 && std::string_view("-+=").find(c) != std::string_view::npos;
    const bool numbers = i > 0 && i == digits && (c == '.' || c == ')') &&
                         (i + 1 == shown.size() || shown[i + 1] == ' ');
    if (opens || numbers || kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    if (i == 0 && c == ' ') {
      escaped += "&#32;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string MarkdownContext::code(const UntrustedText& text) {
  const std::string shown = shown_on_one_line(text.bytes_);
  if (shown.empty()) return "";
  const std::string ticks(longest_backticks(shown) + 1, '`');
  const bool touches = shown.front() == '`' || shown.back() == '`';
  const std::string blank = touches ? " " : "";
  return ticks + blank + shown + blank + ticks;
}

std::string MarkdownContext::block(const UntrustedText& text, std::string_view language) {
  const std::string shown = printable_lines(text.bytes_);
  const std::string fence(std::max<std::size_t>(3, longest_backticks(shown) + 1), '`');
  std::string block = fence + std::string(language) + "\n" + shown;
  if (!shown.empty() && shown.back() != '\n') block += '\n';
  return block + fence + "\n";
}

Markdown code_span(const UntrustedText& text) {
  return Markdown::as_it_is(MarkdownContext::code(text));
}

Markdown code_block(const UntrustedText& text, Literal language) {
  return Markdown::as_it_is(MarkdownContext::block(text, language.text));
}

Html html_from_markdown(const Markdown& markdown) {
  cmark_gfm_core_extensions_ensure_registered();
  const int options = CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_SAFE;
  const std::unique_ptr<cmark_parser, decltype(&cmark_parser_free)> parser(
      cmark_parser_new(options), cmark_parser_free);
  for (const char* name : {"table", "strikethrough"}) {
    cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser.get(), markdown.str().data(), markdown.str().size());
  const std::unique_ptr<cmark_node, decltype(&cmark_node_free)> root(
      cmark_parser_finish(parser.get()), cmark_node_free);
  const std::unique_ptr<char, decltype(&std::free)> html(
      cmark_render_html(root.get(), options, cmark_parser_get_syntax_extensions(parser.get())),
      std::free);
  return Html::as_it_is(with_scopes(html.get()));
}

std::string HtmlContext::escaped(const UntrustedText& text) {
  std::string escaped;
  for (const char c : printable(text.bytes_)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace reprise::reports
