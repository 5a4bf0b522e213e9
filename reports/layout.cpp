#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>
#include <string_view>

#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kPrintedInARow = 3;  // so many panels share a line on paper

/// "Figure 2", and the page that has it.
struct Number {
  std::string text, page;
};
using Numbers = std::map<std::string, Number>;  ///< by name

/// What a line of the template places: "@figure(NAME): caption".
struct Block {
  bool is_figure = false;
  std::string name, caption;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

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

void number_blocks(const Document& document, Numbers& numbers) {
  FenceWatch fence;
  int figures = 0;
  int tables = 0;
  for (const std::string& line : lines_of(document.text.str())) {
    if (fence.is_code(line)) continue;
    const std::optional<Block> block = block_of(line);
    if (!block) continue;
    const int count = block->is_figure ? ++figures : ++tables;
    const std::string text =
        fmt::format("{} {}{}", block->is_figure ? "Figure" : "Table", document.prefix, count);
    if (!numbers.emplace(block->name, Number{text, document.page}).second) {
      throw std::logic_error("template: placed twice: " + block->name);
    }
  }
}

Numbers numbered(const std::vector<Document>& documents) {
  Numbers numbers;
  for (const Document& document : documents) number_blocks(document, numbers);
  return numbers;
}

/// "figure-2".
std::string anchor(std::string number) {
  for (char& c : number) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  number[number.find(' ')] = '-';
  return number;
}

/// What it takes to set a document.
struct Layout {
  const Draft& draft;
  const Numbers& numbers;
  const std::vector<Document>& documents;
  const Document& document;
  Medium medium;
};

/// Every "@page(NAME)" as the document's file.
std::string with_pages(std::string text, const Layout& layout) {
  for (const Document& document : layout.documents) {
    const std::string mark = kPlace + "page(" + document.name + ")";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
      text.replace(at, mark.size(),
                   layout.medium == Medium::html ? document.page : document.markdown);
    }
  }
  return text;
}

/// Whether a line may not break between the two, as in "p = 0.034", "0.63 to 1.10 points".
bool belong_together(std::string_view before, std::string_view after) {
  static constexpr std::array kUnits = {"points", "percentage points", "epoch", "seed", "image",
                                        "to ",    "training runs",     "s ",    "min ", "h ",
                                        "nats",   "GFLOP/s",           "GB/s"};
  if (before.ends_with(" to")) return before.size() > 3 && is_digit(before[before.size() - 4]);
  if (before.ends_with("adjusted") || before.ends_with(" p") || before.ends_with("(p")) {
    return after.starts_with("p ") || after.starts_with("= ") || after.starts_with("\\< ");
  }
  if (before.ends_with(" p =") || before.ends_with(" p \\<")) return true;
  return !before.empty() && (is_digit(before.back()) || before.back() == '%') &&
         std::any_of(kUnits.begin(), kUnits.end(),
                     [&](std::string_view unit) { return after.starts_with(unit); });
}

/// With no-break spaces where they belong, outside of code spans.
std::string held_together(std::string_view text) {
  std::string result;
  bool in_code = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    in_code ^= text[at] == '`';
    const bool holds =
        text[at] == ' ' && !in_code && belong_together(text.substr(0, at), text.substr(at + 1));
    result += holds ? "\u00a0" : std::string(1, text[at]);
  }
  return result;
}

/// Every "@ref(NAME)" as the number of what it names, and every "@page(NAME)".
std::string with_references(std::string_view line, const Layout& layout) {
  static const std::string opening = kPlace + "ref(";
  const std::string with_links = with_pages(std::string(line), layout);
  std::string_view text = with_links;
  std::string result;
  while (true) {
    const std::size_t at = text.find(opening);
    if (at == std::string_view::npos) {
      result.append(text);
      return layout.medium == Medium::html ? held_together(result) : result;
    }
    result.append(text, 0, at);
    text.remove_prefix(at + opening.size());
    const std::string name(word_of(text));
    const auto found = layout.numbers.find(name);
    if (found == layout.numbers.end() || !text.substr(name.size()).starts_with(')')) {
      throw std::logic_error("template: @ref to what is not placed: " + name);
    }
    text.remove_prefix(name.size() + 1);
    const auto& [number, page] = found->second;
    const std::string where = page == layout.document.page ? "" : page;
    result += layout.medium == Medium::markdown
                  ? number
                  : fmt::format("[{}]({}#{})", number, where, anchor(number));
  }
}

std::string source_text(const std::string& name, const Source& source, bool has_data) {
  std::string text;
  if (source.records == 1 && !source.digest.empty()) {
    text = fmt::format(" Source: record `{}`.", source.digest);
  } else if (!source.digest.empty()) {
    text = fmt::format(" Sources: {} records, digest `{}`.", source.records, source.digest);
  }
  return has_data ? fmt::format("{} [Data]({}). [Command.](data/README.md)", text, data_path(name))
                  : text;
}

/// "**Figure 2.** The caption. Source: record `0123456789ab`. [Data](data/name.csv)."
std::string caption_text(const Block& block, const Source& source, bool has_data,
                         const Layout& layout) {
  return with_references(fmt::format("**{}.** {}{}", layout.numbers.at(block.name).text,
                                     block.caption, source_text(block.name, source, has_data)),
                         layout);
}

/// A paragraph of its own, which with_figures finds again; as the place of the notes is one.
std::string mark(std::string_view what, std::string_view name = "", std::string_view id = "") {
  return fmt::format("{}{} {} {}\n", kPlace, what, name, id);
}

std::string set_figure(const Block& block, const Figure& figure, const Layout& layout) {
  const std::string caption = caption_text(block, figure.source, !figure.data.rows.empty(), layout);
  if (layout.medium == Medium::markdown) {
    std::string images;
    for (const Panel& panel : figure.panels) {
      images +=
          Markdown::format("![{}](figures/{}.svg)\n", panel.alt, place_name(panel.name)).str();
    }
    return fmt::format("{}\n{}\n", images, caption);
  }
  return fmt::format("{}\n{}\n\n{}\n",
                     mark("figure", block.name, anchor(layout.numbers.at(block.name).text)),
                     caption, mark("end-figure"));
}

std::string set_table(const Block& block, const TableEntry& entry, const Layout& layout) {
  const std::string caption = caption_text(block, entry.source, true, layout);
  const std::string table = to_markdown(entry.table).str();
  if (layout.medium == Medium::markdown) return fmt::format("{}\n\n{}", caption, table);
  const std::string& number = layout.numbers.at(block.name).text;
  return fmt::format("{}\n{}\n\n{}\n{}\n{}\n", mark("table", block.name, anchor(number)), caption,
                     mark("rows", number), table, mark("end-table"));
}

template <class Entry>
const Entry& find(const std::map<std::string, Entry>& entries, const std::string& name) {
  const auto found = entries.find(name);
  if (found == entries.end()) throw std::logic_error("template: no figure or table " + name);
  return found->second;
}

std::string set_block(const Block& block, const Layout& layout) {
  return block.is_figure ? set_figure(block, find(layout.draft.figures(), block.name), layout)
                         : set_table(block, find(layout.draft.tables(), block.name), layout);
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
  return Html::format(
      "<figure class=\"{}\" id=\"{}\">\n<div class=\"panels{}\">\n{}</div>\n<figcaption>\n", name,
      id, panels.size() <= kPrintedInARow ? " row" : "", drawings);
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
  if (what == "rows") {  // "Table S3": who has no mouse scrolls it by keys
    return Html::format(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{} {}\" tabindex=\"0\">\n", name, id);
  }
  if (what == "end-table") return Html::format("</div>\n</div>\n");
  throw std::logic_error("layout: no mark " + what);
}

Markdown set_document(const Layout& layout) {
  const std::vector<std::string> lines = lines_of(layout.document.text.str());
  Paragraphs result;
  FenceWatch fence;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (fence.is_code(lines[i])) {
      result.add_code(lines[i]);
      continue;
    }
    std::optional<Block> block = block_of(lines[i]);
    if (!block) {
      result.add(with_references(lines[i], layout));
      continue;
    }
    while (i + 1 < lines.size() && !lines[i + 1].empty()) {
      block->caption.append(" ").append(lines[++i]);
    }
    result.add_block(set_block(*block, layout));
  }
  return Markdown::as_it_is(result.text());
}

}  // namespace

std::string panel_path(const Panel& panel) {
  return "figures/" + place_name(panel.name).str() + ".svg";
}

std::string data_path(const std::string& name) {
  return "data/" + place_name(name).str() + ".csv";
}

std::map<std::string, std::string> numbers_of(const std::vector<Document>& documents) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, number] : numbered(documents)) texts[name] = number.text;
  return texts;
}

std::vector<Markdown> lay_out(const std::vector<Document>& documents, const Draft& draft,
                              Medium medium) {
  const Numbers numbers = numbered(documents);
  check_all_placed(draft, numbers);
  std::vector<Markdown> texts;
  for (const Document& document : documents) {
    texts.push_back(set_document({draft, numbers, documents, document, medium}));
  }
  return texts;
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

Html with_contents(const Html& html, Html& contents) {
  Html result;
  int headings = 0;
  for (const std::string& line : lines_of(html.str())) {
    const bool is_section = line.starts_with("<h2>");
    if (!is_section && !line.starts_with("<h3>")) {
      result += Html::as_it_is(line + "\n");
      continue;
    }
    ++headings;
    const Html text = Html::as_it_is(line.substr(4, line.rfind("</h") - 4));
    const char level = is_section ? '2' : '3';
    contents += Html::format("<li class=\"h{}\"><a href=\"#section-{}\">{}</a></li>\n", level,
                             headings, text);
    result += Html::format("<h{} id=\"section-{}\">{}</h{}>\n", level, headings, text, level);
  }
  return result;
}

}  // namespace reprise::reports
