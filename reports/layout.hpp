/// \file
/// Numbers the figures and tables of the report's two documents and sets them, for Markdown or for
/// HTML.
///
/// In the text, each on a paragraph of its own with its caption, and anywhere in a sentence:
///   @figure(NAME): caption        @table(NAME): caption        @ref(NAME)
/// where the @ has become kPlace when the template was read.
/// Figures and tables are numbered in the order in which they stand; @ref becomes "Figure 2", or
/// "Figure S2" for one of the supplement, whichever document it is in. @page(NAME) becomes the file
/// of a document.
#pragma once

#include <string>
#include <vector>

#include "draft.hpp"

namespace reprise::reports {

enum class Medium {
  markdown,  ///< images by relative path, plain references
  html       ///< Markdown still, with marks where figures and tables are; references are links
};

/// The paper or the supplement.
struct Document {
  std::string name;
  std::string page, markdown;  ///< its files of HTML and of Markdown
  std::string prefix;          ///< of its numbers: "" or "S"
  Markdown text;               ///< a rendered template
};

/// The documents' texts. std::logic_error if they place or mention a figure or table that the draft
/// does not have, place one twice, or leave one out.
std::vector<Markdown> lay_out(const std::vector<Document>& documents, const Draft& draft,
                              Medium medium);

/// "Figure 2" or "Table S1" by name.
std::map<std::string, std::string> numbers_of(const std::vector<Document>& documents);

/// Puts elements around figures and tables, the drawings inside, and the author's notes in their
/// place, in the HTML that cmark made of lay_out(.., Medium::html).
Html with_figures(const Html& html, const Draft& draft, const Html& notes = {});

/// Gives each heading below the title an id, and lists them as links.
Html with_contents(const Html& html, Html& contents);

/// Where a panel's file is, and the data of a figure or table, seen from the report.
std::string panel_path(const Panel& panel);
std::string data_path(const std::string& name);

}  // namespace reprise::reports
