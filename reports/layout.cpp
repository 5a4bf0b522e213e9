#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>
#include <string_view>

#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kPrintedInARow = 3;  // so many panels share a line on paper

/// "Figure 2" by name, in the order in which the text places them.
using Numbers = std::map<std::string, std::string>;

/// What a line of the template places: "@figure(NAME): caption".
struct Block {
  bool is_figure = false;
  std::string name, caption;
};

/// Letters, digits and underscores at the beginning.
std::string_view word_of(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
  });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::string_view without_blanks_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

std::optional<Block> block_of(std::string_view line) {
  for (const std::string_view kind : {"figure(", "table("}) {
    if (!line.starts_with(kPlace) || !line.substr(kPlace.size()).starts_with(kind)) continue;
    const std::string_view rest = line.substr(kPlace.size() + kind.size());
    const std::string_view name = word_of(rest);
    if (name.empty() || !rest.substr(name.size()).starts_with("):")) continue;
    const std::string_view caption = without_blanks_before(rest.substr(name.size() + 2));
    return Block{kind == "figure(", std::string(name), std::string(caption)};
  }
  return std::nullopt;
}

/// Walks the lines, telling those of fenced code blocks apart, which stay as they are.
class FenceWatch {
 public:
  bool is_code(const std::string& line) {
    if (fence_.empty()) {
      const std::string ticks = line.substr(0, line.find_first_not_of('`'));
      // A line with more backticks begins with a code span of a record's text.
      if (ticks.size() < 3 || line.find('`', ticks.size()) != std::string::npos) return false;
      fence_ = ticks;
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

void number_block(const Block& block, Numbers& numbers, int& figures, int& tables) {
  const std::string number =
      block.is_figure ? fmt::format("Figure {}", ++figures) : fmt::format("Table {}", ++tables);
  if (!numbers.emplace(block.name, number).second) {
    throw std::logic_error("template: placed twice: " + block.name);
  }
}

Numbers number_blocks(const std::vector<std::string>& lines) {
  Numbers numbers;
  FenceWatch fence;
  int figures = 0;
  int tables = 0;
  for (const std::string& line : lines) {
    if (fence.is_code(line)) continue;
    const std::optional<Block> block = block_of(line);
    if (block) number_block(*block, numbers, figures, tables);
  }
  return numbers;
}

/// "figure-2".
std::string anchor(std::string number) {
  number[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(number[0])));
  number[number.find(' ')] = '-';
  return number;
}

/// Every "@ref(NAME)" as the number of what it names.
std::string with_references(std::string_view text, const Numbers& numbers, Medium medium) {
  static const std::string opening = kPlace + "ref(";
  std::string result;
  while (true) {
    const std::size_t at = text.find(opening);
    if (at == std::string_view::npos) return result.append(text);
    result.append(text, 0, at);
    text.remove_prefix(at + opening.size());
    const std::string name(word_of(text));
    const auto found = numbers.find(name);
    if (found == numbers.end() || !text.substr(name.size()).starts_with(')')) {
      throw std::logic_error("template: @ref to what is not placed: " + name);
    }
    text.remove_prefix(name.size() + 1);
    const std::string& number = found->second;
    result +=
        medium == Medium::markdown ? number : fmt::format("[{}](#{})", number, anchor(number));
  }
}

Markdown source_text(const Source& source) {
  if (source.digest.empty()) return {};
  if (source.records == 1) return Markdown::format(" Source: record `{}`.", source.digest);
  return Markdown::format(" Sources: digest `{}` over {} records of {}ref(records).", source.digest,
                          source.records, Markdown::as_it_is(kPlace));
}

std::string caption_text(const std::string& number, const std::string& caption,
                         const Source& source, const Numbers& numbers, Medium medium) {
  return with_references(fmt::format("**{}.** {}{}", number, caption, source_text(source).str()),
                         numbers, medium);
}

/// A paragraph of its own, which with_figures finds again; as the place of the notes is one.
std::string mark(std::string_view what, std::string_view name = "", std::string_view id = "") {
  return fmt::format("{}{} {} {}\n", kPlace, what, name, id);
}

std::string set_figure(const std::string& name, const Figure& figure, const std::string& caption,
                       const Numbers& numbers, Medium medium) {
  const std::string& number = numbers.at(name);
  const std::string text = caption_text(number, caption, figure.source, numbers, medium);
  if (medium == Medium::markdown) {
    std::string images;
    for (const Panel& panel : figure.panels) {
      images +=
          Markdown::format("![{}](figures/{}.svg)\n", panel.alt, place_name(panel.name)).str();
    }
    return fmt::format("{}\n{}\n", images, text);
  }
  return fmt::format("{}\n{}\n\n{}\n", mark("figure", name, anchor(number)), text,
                     mark("end-figure"));
}

std::string set_table(const std::string& name, const TableEntry& entry, const std::string& caption,
                      const Numbers& numbers, Medium medium) {
  const std::string& number = numbers.at(name);
  const std::string text = caption_text(number, caption, entry.source, numbers, medium);
  const std::string table = to_markdown(entry.table).str();
  if (medium == Medium::markdown) return fmt::format("{}\n\n{}", text, table);
  return fmt::format("{}\n{}\n\n{}\n{}\n{}\n", mark("table", name, anchor(number)), text,
                     mark("rows"), table, mark("end-table"));
}

std::string set_block(const Block& block, const Draft& draft, const Numbers& numbers,
                      Medium medium) {
  if (block.is_figure) {
    const auto found = draft.figures().find(block.name);
    if (found == draft.figures().end()) {
      throw std::logic_error("template: no figure " + block.name);
    }
    return set_figure(block.name, found->second, block.caption, numbers, medium);
  }
  const auto found = draft.tables().find(block.name);
  if (found == draft.tables().end()) throw std::logic_error("template: no table " + block.name);
  return set_table(block.name, found->second, block.caption, numbers, medium);
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
    if (without_blanks_before(line).empty()) {
      if (!text_.empty() && !text_.ends_with("\n\n")) text_ += "\n";
      in_paragraph_ = false;
      in_item_ = false;
    } else if (in_paragraph_ && !(in_item_ && is_item)) {
      text_.back() = ' ';
      text_.append(without_blanks_before(line)).append("\n");
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

Html opened_figure(const std::string& name, const std::string& id, const Draft& draft) {
  const std::vector<Panel>& panels = draft.figures().at(name).panels;
  Html drawings;
  for (const Panel& panel : panels) drawings += inline_svg(panel.svg);
  return Html::format("<figure id=\"{}\">\n<div class=\"panels{}\">\n{}</div>\n<figcaption>\n", id,
                      panels.size() <= kPrintedInARow ? " row" : "", drawings);
}

/// The HTML that a mark stands for.
Html meaning(const std::string& mark, const Draft& draft, const Html& notes) {
  std::istringstream words(mark);
  std::string what;
  std::string name;
  std::string id;
  words >> what >> name >> id;
  if (what == "notes") return notes;
  if (what == "figure") return opened_figure(name, id, draft);
  if (what == "end-figure") return Html::format("</figcaption>\n</figure>\n");
  if (what == "table") return Html::format("<div class=\"table {}\" id=\"{}\">\n", name, id);
  if (what == "rows") return Html::format("<div class=\"scroll\">\n");
  if (what == "end-table") return Html::format("</div>\n</div>\n");
  throw std::logic_error("layout: no mark " + what);
}

}  // namespace

std::string panel_path(const Panel& panel) {
  return "figures/" + place_name(panel.name).str() + ".svg";
}

Markdown lay_out(const Markdown& text, const Draft& draft, Medium medium) {
  const std::vector<std::string> lines = lines_of(text.str());
  const Numbers numbers = number_blocks(lines);
  check_all_placed(draft, numbers);
  Paragraphs result;
  FenceWatch fence;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (fence.is_code(lines[i])) {
      result.add_code(lines[i]);
      continue;
    }
    std::optional<Block> block = block_of(lines[i]);
    if (!block) {
      result.add(with_references(lines[i], numbers, medium));
      continue;
    }
    while (i + 1 < lines.size() && !lines[i + 1].empty()) {
      block->caption.append(" ").append(lines[++i]);
    }
    result.add_block(set_block(*block, draft, numbers, medium));
  }
  return Markdown::as_it_is(result.text());
}

Html with_figures(const Html& html, const Draft& draft, const Html& notes) {
  static const std::string opening = "<p>" + kPlace;
  static const std::string closing = "</p>\n";
  Html result;
  std::string_view rest = html.str();
  while (true) {
    const std::size_t begin = std::min(rest.find(opening), rest.size());
    result += Html::as_it_is(std::string(rest.substr(0, begin)));
    rest.remove_prefix(begin);
    if (rest.empty()) return result;
    rest.remove_prefix(opening.size());
    const std::size_t end = rest.find(closing);
    if (end == std::string_view::npos) throw std::logic_error("layout: a mark without an end");
    result += meaning(std::string(rest.substr(0, end)), draft, notes);
    rest.remove_prefix(end + closing.size());
  }
}

}  // namespace reprise::reports
