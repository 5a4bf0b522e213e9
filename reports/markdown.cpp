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

/// A table's cells are split before code spans are read, so a bar needs its backslash there too.
std::string with_escaped_bars(std::string_view cell) {
  std::string escaped;
  std::size_t backslashes = 0;  // before this place
  for (const char c : cell) {
    if (c == '|' && backslashes % 2 == 0) escaped += '\\';
    escaped += c;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return escaped;
}

std::string row_text(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line.append(" ").append(with_escaped_bars(cell)).append(" |");
  }
  return line + "\n";
}

}  // namespace

std::string markdown_text(std::string_view text) {
  static constexpr std::string_view kSpecial = "\\`*_{}[]<>#|~&@!$";
  const std::string shown = shown_on_one_line(text);
  const std::size_t digits = shown.find_first_not_of("0123456789");
  std::string escaped;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    // What begins a list, a heading or a block of code where it begins a line.
    const bool opens = i == 0 && std::string_view("-+=").find(c) != std::string_view::npos;
    const bool numbers = i > 0 && i == digits && (c == '.' || c == ')') &&
                         (i + 1 == shown.size() || shown[i + 1] == ' ');
    if (opens || numbers || kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += i == 0 && c == ' ' ? "&#32;" : std::string(1, c);
  }
  return escaped;
}

std::string code_span(std::string_view text) {
  const std::string shown = shown_on_one_line(text);
  if (shown.empty()) return "";
  const std::string ticks(longest_backticks(shown) + 1, '`');
  const bool touches = shown.front() == '`' || shown.back() == '`';
  const std::string blank = touches ? " " : "";
  return ticks + blank + shown + blank + ticks;
}

std::string code_block(std::string_view text, std::string_view language) {
  const std::string shown = printable_lines(text);
  const std::string fence(std::max<std::size_t>(3, longest_backticks(shown) + 1), '`');
  std::string block = fence + std::string(language) + "\n" + shown;
  if (!shown.empty() && shown.back() != '\n') block += '\n';
  return block + fence + "\n";
}

std::string to_markdown(const Table& table) {
  std::vector<std::string> titles;
  std::vector<std::string> rules;
  for (const Table::Column& column : table.columns) {
    titles.push_back(column.title);
    rules.emplace_back(column.align == Align::right ? "--:" : ":--");
  }
  std::string text = row_text(titles) + row_text(rules);
  for (const std::vector<std::string>& row : table.rows) text += row_text(row);
  return text;
}

std::string html_from_markdown(const std::string& markdown, Trust trust) {
  cmark_gfm_core_extensions_ensure_registered();
  const int options =
      CMARK_OPT_VALIDATE_UTF8 | (trust == Trust::trusted ? CMARK_OPT_UNSAFE : CMARK_OPT_SAFE);
  const std::unique_ptr<cmark_parser, decltype(&cmark_parser_free)> parser(
      cmark_parser_new(options), cmark_parser_free);
  for (const char* name : {"table", "strikethrough"}) {
    cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser.get(), markdown.data(), markdown.size());
  const std::unique_ptr<cmark_node, decltype(&cmark_node_free)> root(
      cmark_parser_finish(parser.get()), cmark_node_free);
  const std::unique_ptr<char, decltype(&std::free)> html(
      cmark_render_html(root.get(), options, cmark_parser_get_syntax_extensions(parser.get())),
      std::free);
  return html.get();
}

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
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
