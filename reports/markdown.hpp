/// \file
/// GitHub-flavoured Markdown: escapes, tables, code, and its conversion to HTML by cmark-gfm.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::reports {

/// Any text so that Markdown shows it as it is, printable (core/text.hpp); line ends become spaces.
std::string markdown_text(std::string_view text);

/// `text`, printable, in a code span; line ends become spaces.
std::string code_span(std::string_view text);

/// A fenced block that holds `text`, printable, whatever is in it.
std::string code_block(std::string_view text, std::string_view language = "");

enum class Align { left, right };

/// Cells are Markdown already: pass text from elsewhere through markdown_text or code_span.
struct Table {
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `columns`
};

std::string to_markdown(const Table& table);

/// `trusted` text may hold HTML, which passes; otherwise HTML and unsafe links are left out.
enum class Trust { trusted, untrusted };
std::string html_from_markdown(const std::string& markdown, Trust trust);

/// Text so that HTML and SVG show it as it is, printable, in an element or an attribute.
std::string html_text(std::string_view text);

}  // namespace reprise::reports
