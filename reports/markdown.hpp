/// \file
/// GitHub-flavoured Markdown: code, and its conversion to HTML by cmark-gfm.
#pragma once

#include "fragment.hpp"

namespace reprise::reports {

/// The text, printable, in a code span; line ends become spaces.
Markdown code_span(const UntrustedText& text);

/// A fenced block that holds the text, printable, whatever is in it.
Markdown code_block(const UntrustedText& text, Literal language = "");

/// HTML in the text and links that could run something are left out, whoever wrote it. Cells of
/// tables that name a column or a row are <th scope>.
Html html_from_markdown(const Markdown& markdown);

}  // namespace reprise::reports
