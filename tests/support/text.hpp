/// \file
/// What tests ask of texts.
#pragma once

#include <string>
#include <vector>

namespace reprise::test {

bool holds(const std::string& text, const std::string& part);

/// How often `part` is in the text.
std::size_t count_of(const std::string& text, const std::string& part);

/// The text's lines, without their ends.
std::vector<std::string> lines_of(const std::string& text);

/// The text with `with` in place of the first `part`, which must be there.
std::string replaced(std::string text, const std::string& part, const std::string& with);

}  // namespace reprise::test
