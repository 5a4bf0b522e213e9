#include "support/template_text.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "support/command.hpp"

namespace reprise::test {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// The words with one blank before, between and after them.
std::string joined(const std::vector<std::string>& words) {
  std::string text = " ";
  for (const std::string& word : words) text += word + " ";
  return text;
}

/// What stands between {{section}} and {{/name}}; throws if it is not there.
std::string body_of(const std::string& text, const std::string& section) {
  const std::string opening = "{{" + section + "}}";
  const std::size_t begin = text.find(opening);
  const std::size_t end = text.find("{{/" + section.substr(1) + "}}", begin);
  if (begin == std::string::npos || end == std::string::npos) {
    throw std::logic_error("no template has the section " + section);
  }
  return text.substr(begin + opening.size(), end - begin - opening.size());
}

/// The literal texts between tags, those inside sections left out.
std::vector<std::string> literals_of(std::string body) {
  std::vector<std::string> literals;
  for (std::size_t tag = body.find("{{"); tag != std::string::npos; tag = body.find("{{")) {
    literals.push_back(body.substr(0, tag));
    const std::size_t end = body.find("}}", tag);
    const std::string name = body.substr(tag + 2, end - tag - 2);
    if (name[0] == '#' || name[0] == '^') {
      const std::string closing = "{{/" + name.substr(1) + "}}";
      body = body.substr(body.find(closing, end) + closing.size());
    } else {
      body = body.substr(body.find_first_not_of('}', end));
    }
  }
  literals.push_back(body);
  return literals;
}

}  // namespace

bool says(const std::string& text, const std::string& file, const std::string& section) {
  std::string body = read_file(REPRISE_SOURCE_DIR "/reports/templates/" + file + ".md.mustache");
  for (const std::string& name : words_of(section)) body = body_of(body, name);
  std::vector<std::string> longest;
  for (const std::string& literal : literals_of(body)) {
    std::vector<std::string> words = words_of(literal);
    if (words.size() > longest.size()) longest = words;
  }
  if (longest.size() < 3) throw std::logic_error("too few words in the section " + section);
  // Its first and last word may stand by a value without a blank, as in "({{value}}) and".
  longest.erase(longest.begin());
  if (longest.size() > 2) longest.pop_back();
  return joined(words_of(text)).find(joined(longest)) != std::string::npos;
}

}  // namespace reprise::test
