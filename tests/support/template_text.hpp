/// \file
/// Which parts of the report's templates a text has, whatever their words are.
#pragma once

#include <string>

namespace reprise::test {

/// Whether the longest run of literal text in a section of reports/templates/FILE.md.mustache is in
/// `text`, blanks and line breaks being alike. `section` is as in the template, "#several_runs" or
/// "^has_errors", or the way to an inner one, "^has_comparisons #has_studies"; sections inside it
/// do not count. Throws if there is no such section, or no three words in it.
bool says(const std::string& text, const std::string& file, const std::string& section);

}  // namespace reprise::test
