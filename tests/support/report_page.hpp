/// \file
/// What every report keeps to, whatever is in it.
#pragma once

#include <string>

namespace reprise::test {

/// Cells of right-aligned columns that a spreadsheet would not take for a number, nor are one of
/// the words that say why there is none; "" for none.
std::string cells_without_numbers(const std::string& html);

/// Paragraphs of the report's Markdown that begin as the middle of a sentence would, since a
/// template left an empty line in one; "" for none.
std::string torn_paragraphs(const std::string& markdown);

}  // namespace reprise::test
