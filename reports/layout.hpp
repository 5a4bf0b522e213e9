/// \file
/// Numbers the figures and tables of a rendered template and sets them, for Markdown or for HTML.
///
/// In the text, each on a paragraph of its own with its caption, and anywhere in a sentence:
///   @figure(NAME): caption        @table(NAME): caption        @ref(NAME)
/// where the @ has become kPlace when the template was read.
/// Figures and tables are numbered in the order in which they stand; @ref becomes "Figure 2".
#pragma once

#include <string>

#include "draft.hpp"

namespace reprise::reports {

enum class Medium {
  markdown,  ///< images by relative path, plain references
  html       ///< Markdown still, with marks where figures and tables are; references are links
};

/// std::logic_error if the text places or mentions a figure or table that the draft does not have,
/// places one twice, or leaves one out.
Markdown lay_out(const Markdown& text, const Draft& draft, Medium medium);

/// Puts elements around figures and tables, the drawings inside, and the author's notes in their
/// place, in the HTML that cmark made of lay_out(.., Medium::html).
Html with_figures(const Html& html, const Draft& draft, const Html& notes = {});

/// Where a panel's file is, seen from the report.
std::string panel_path(const Panel& panel);

}  // namespace reprise::reports
