#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kPrintedInARow = 3;  // so many panels share a line on paper

/// "Figure 2" by name, in the order in which the text places them.
using Numbers = std::map<std::string, std::string>;

const std::regex& block_pattern() {
  static const std::regex pattern(std::string("^") + kPlace + R"((figure|table)\((\w+)\): *)");
  return pattern;
}

/// Walks the lines, telling those of fenced code blocks apart, which stay as they are.
class FenceWatch {
 public:
  bool is_code(const std::string& line) {
    if (fence_.empty()) {
      if (!line.starts_with("```")) return false;
      fence_ = line.substr(0, line.find_first_not_of('`'));
    } else if (line == fence_) {
      fence_.clear();
    }
    return true;
  }

 private:
  std::string fence_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string number_block(const std::smatch& match, Numbers& numbers, int& figures, int& tables) {
  const bool is_figure = match[1] == "figure";
  std::string number =
      is_figure ? fmt::format("Figure {}", ++figures) : fmt::format("Table {}", ++tables);
  if (!numbers.emplace(match[2].str(), number).second) {
    throw std::logic_error("template: placed twice: " + match[2].str());
  }
  return number;
}

Numbers number_blocks(const std::vector<std::string>& lines) {
  Numbers numbers;
  FenceWatch fence;
  int figures = 0;
  int tables = 0;
  for (const std::string& line : lines) {
    std::smatch match;
    if (!fence.is_code(line) && std::regex_search(line, match, block_pattern())) {
      number_block(match, numbers, figures, tables);
    }
  }
  return numbers;
}

/// "figure-2".
std::string anchor(std::string number) {
  number[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(number[0])));
  number[number.find(' ')] = '-';
  return number;
}

std::string with_references(const std::string& text, const Numbers& numbers, Medium medium) {
  static const std::regex pattern(kPlace + std::string(R"(ref\((\w+)\))"));
  std::string result;
  std::string rest = text;
  for (std::smatch match; std::regex_search(rest, match, pattern); rest = match.suffix()) {
    const auto found = numbers.find(match[1].str());
    if (found == numbers.end()) {
      throw std::logic_error("template: @ref to what is not placed: " + match[1].str());
    }
    const std::string& number = found->second;
    result += match.prefix();
    result +=
        medium == Medium::markdown ? number : fmt::format("[{}](#{})", number, anchor(number));
  }
  return result + rest;
}

std::string source_text(const Source& source) {
  if (source.digest.empty()) return "";
  if (source.records == 1) return fmt::format(" Source: record `{}`.", source.digest);
  return fmt::format(" Sources: digest `{}` over {} records of {}ref(records).", source.digest,
                     source.records, kPlace);
}

std::string caption_text(const std::string& number, const std::string& caption,
                         const Source& source, const Numbers& numbers, Medium medium) {
  return with_references(fmt::format("**{}.** {}{}", number, caption, source_text(source)), numbers,
                         medium);
}

std::string set_figure(const std::string& name, const Figure& figure, const std::string& caption,
                       const Numbers& numbers, Medium medium) {
  const std::string& number = numbers.at(name);
  const std::string text = caption_text(number, caption, figure.source, numbers, medium);
  if (medium == Medium::markdown) {
    std::string images;
    for (const Panel& panel : figure.panels) {
      images += fmt::format("![{}]({})\n", markdown_text(panel.alt), panel_path(panel));
    }
    return fmt::format("{}\n{}\n", images, text);
  }
  return fmt::format(
      "<figure id=\"{}\">\n<!--figure:{}-->\n<figcaption>\n\n{}\n\n</figcaption>\n</figure>\n",
      anchor(number), name, text);
}

std::string set_table(const std::string& name, const TableEntry& entry, const std::string& caption,
                      const Numbers& numbers, Medium medium) {
  const std::string& number = numbers.at(name);
  const std::string text = caption_text(number, caption, entry.source, numbers, medium);
  const std::string table = to_markdown(entry.table);
  if (medium == Medium::markdown) return fmt::format("{}\n\n{}", text, table);
  return fmt::format(
      "<div class=\"table {}\" id=\"{}\">\n\n{}\n\n<div class=\"scroll\">\n\n{}\n</div>\n</div>\n",
      name, anchor(number), text, table);
}

std::string set_block(const std::smatch& match, const std::string& caption, const Draft& draft,
                      const Numbers& numbers, Medium medium) {
  const std::string name = match[2].str();
  if (match[1] == "figure") {
    const auto found = draft.figures().find(name);
    if (found == draft.figures().end()) throw std::logic_error("template: no figure " + name);
    return set_figure(name, found->second, caption, numbers, medium);
  }
  const auto found = draft.tables().find(name);
  if (found == draft.tables().end()) throw std::logic_error("template: no table " + name);
  return set_table(name, found->second, caption, numbers, medium);
}

void check_all_placed(const Draft& draft, const Numbers& numbers) {
  const auto check = [&](const std::string& name) {
    if (numbers.count(name) == 0) throw std::logic_error("template: nowhere placed: " + name);
  };
  for (const auto& [name, figure] : draft.figures()) check(name);
  for (const auto& [name, table] : draft.tables()) check(name);
}

/// Whether a line begins an item of a list: "- ", "* ", "12. ".
bool begins_item(const std::string& line) {
  if (line.starts_with("- ") || line.starts_with("* ")) return true;
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  return digits > 0 && line.compare(digits, 2, ". ") == 0;
}

/// Joins the lines of each paragraph, whose breaks mean nothing once values have been filled in, so
/// that no value comes to stand where Markdown would read it as a list or a heading. Runs of empty
/// lines outside code become one. An item of a list ends where the next begins.
class Paragraphs {
 public:
  void add_code(const std::string& line) { add_line(line, false); }
  void add_block(const std::string& block) { add_line(block, false); }
  void add(const std::string& line) {
    const bool is_item = begins_item(line);
    if (line.empty()) {
      if (!text_.empty() && !text_.ends_with("\n\n")) text_ += "\n";
      in_paragraph_ = false;
      in_item_ = false;
    } else if (in_paragraph_ && !(in_item_ && is_item)) {
      text_.back() = ' ';
      text_ += line.substr(line.find_first_not_of(' ')) + "\n";
    } else {
      add_line(line, !line.starts_with('#'));
      in_item_ = is_item;
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add_line(const std::string& line, bool in_paragraph) {
    text_ += line + "\n";
    in_paragraph_ = in_paragraph;
  }

  std::string text_;
  bool in_paragraph_ = false;
  bool in_item_ = false;
};

}  // namespace

std::string panel_path(const Panel& panel) {
  return "figures/" + panel.name + ".svg";
}

std::string lay_out(const std::string& text, const Draft& draft, Medium medium) {
  const std::vector<std::string> lines = lines_of(text);
  const Numbers numbers = number_blocks(lines);
  check_all_placed(draft, numbers);
  Paragraphs result;
  FenceWatch fence;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (fence.is_code(lines[i])) {
      result.add_code(lines[i]);
      continue;
    }
    const std::string& line = lines[i];
    std::smatch match;
    if (!std::regex_search(line, match, block_pattern())) {
      result.add(with_references(line, numbers, medium));
      continue;
    }
    std::string caption = match.suffix();
    while (i + 1 < lines.size() && !lines[i + 1].empty()) caption += " " + lines[++i];
    result.add_block(set_block(match, caption, draft, numbers, medium));
  }
  return result.text();
}

std::string inline_figures(const std::string& html, const Draft& draft) {
  std::string result = html;
  for (const auto& [name, figure] : draft.figures()) {
    std::string drawings;
    for (const Panel& panel : figure.panels) drawings += inline_svg(panel.svg);
    const std::string mark = "<!--figure:" + name + "-->";
    const std::string opening = fmt::format("<div class=\"panels{}\">\n",
                                            figure.panels.size() <= kPrintedInARow ? " row" : "");
    result.replace(result.find(mark), mark.size(), opening + drawings + "</div>");
  }
  return result;
}

}  // namespace reprise::reports
