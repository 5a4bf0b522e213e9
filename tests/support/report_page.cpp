#include "support/report_page.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sstream>

namespace reprise::test {
namespace {

/// What stands between the tags of a cell.
std::string text_of(const std::string& line) {
  std::string text;
  bool in_tag = false;
  for (const char c : line) {
    if (c == '<') in_tag = true;
    if (!in_tag) text += c;
    if (c == '>') in_tag = false;
  }
  return text;
}

bool is_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && text.find_first_of("nN") == std::string::npos;
}

bool says_why(const std::string& text) {
  static constexpr std::array kWords = {"–", "not finite"};
  const bool is_bound = text.starts_with("&gt;") || text == "&lt;0.001";
  return is_bound || std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

}  // namespace

std::string cells_without_numbers(const std::string& html) {
  std::string found;
  std::istringstream lines(html);
  for (std::string line; std::getline(lines, line);) {
    const bool is_cell = line.starts_with("<td align=\"right\">") ||
                         line.starts_with("<th scope=\"row\" align=\"right\">");
    if (!is_cell) continue;
    const std::string text = text_of(line);
    if (!is_number(text) && !says_why(text)) found += "[" + text + "]";
  }
  return found;
}

std::string torn_paragraphs(const std::string& markdown) {
  std::string found;
  std::istringstream lines(markdown);
  std::string before;
  bool in_code = false;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.starts_with("```")) in_code = !in_code;
    if (in_code || !before.empty() || line.empty()) continue;
    const auto first = static_cast<unsigned char>(line[0]);
    const bool is_torn = std::islower(first) != 0 || first == ' ' || first == '.' || first == ',' ||
                         first == ';' || first == ':' || first == ')';
    if (is_torn) found += "[" + line.substr(0, 60) + "]";
  }
  return found;
}

}  // namespace reprise::test
