#include "templates.hpp"

#include <algorithm>
#include <utility>

namespace reprise::reports {
namespace {

namespace mustache = kainjow::mustache;

using Values = std::map<std::string, mustache::data>;

/// The template's text, ready for layout.hpp.
std::string text_of(std::string_view file) {
  std::string text;
  for (const char c : template_files().at(file)) {
    text += c == '@' && file.ends_with(".md.mustache") ? kPlace : std::string(1, c);
  }
  return text;
}

/// Mustache prints nothing for a name that it does not know; here that is an error.
class StrictContext : public mustache::basic_context<std::string> {
 public:
  explicit StrictContext(const Values& values) : values_(values) {
    for (const auto& [file, text] : template_files()) {
      parts_.emplace(file.substr(0, file.find('.')), mustache::data(text_of(file)));
    }
  }
  void push(const mustache::data*) override {}
  void pop() override {}
  [[nodiscard]] const mustache::data* get(const std::string& name) const override {
    return &find(values_, name);
  }
  [[nodiscard]] const mustache::data* get_partial(const std::string& name) const override {
    return &find(parts_, name);
  }

 private:
  static const mustache::data& find(const Values& values, const std::string& name) {
    const auto found = values.find(name);
    if (found == values.end()) throw std::logic_error("template: no value named " + name);
    return found->second;
  }
  const Values& values_;
  Values parts_;
};

/// With the quotes of their cells, the titles first.
std::vector<std::vector<std::string>> quoted_rows(std::string_view file) {
  std::vector<std::vector<std::string>> rows(1);
  std::string cell;
  bool in_quotes = false;
  for (const char c : template_files().at(file)) {
    in_quotes ^= c == '"';
    if (in_quotes || (c != ',' && c != '\n')) {
      cell += c;
      continue;
    }
    rows.back().push_back(std::exchange(cell, ""));
    if (c == '\n') rows.emplace_back();
  }
  rows.pop_back();
  return rows;
}

std::string unquoted(std::string cell) {
  std::erase(cell, '"');
  return cell;
}

Cell fixed_cell(const std::string& cell) {
  if (cell == "–") return {};
  Cell made(unquoted(cell));
  if (!cell.empty() && cell[0] >= '0' && cell[0] <= '9') made.kind = Cell::Kind::number;
  return made;
}

/// The values are written in the template's language already, so nothing is escaped here.
std::string filled(std::string_view file, std::string_view language, const Values& values) {
  if (!file.ends_with(language)) {
    throw std::logic_error("template: of another language: " + std::string(file));
  }
  mustache::mustache parsed(text_of(file));
  parsed.set_custom_escape([](const std::string& text) { return text; });
  StrictContext context(values);
  std::string text = parsed.render(context);
  if (!parsed.is_valid()) throw std::logic_error("template: " + parsed.error_message());
  return text;
}

}  // namespace

std::vector<std::vector<std::string>> fixed_rows(std::string_view file) {
  std::vector<std::vector<std::string>> rows = quoted_rows(file);
  rows.erase(rows.begin());
  for (std::vector<std::string>& row : rows) {
    std::transform(row.begin(), row.end(), row.begin(), unquoted);
  }
  return rows;
}

Table fixed_table(std::string_view file) {
  const std::vector<std::vector<std::string>> rows = quoted_rows(file);
  Table table{{rows[0].begin(), rows[0].end()}, {}};
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<Cell>& row = table.rows.emplace_back();
    for (const std::string& cell : rows[i]) row.push_back(fixed_cell(cell));
  }
  return table;
}

Markdown render_template(std::string_view file, const TemplateValues<Markdown>& values) {
  return Markdown::as_it_is(filled(file, MarkdownContext::kTemplates, values.values()));
}

Html render_template(std::string_view file, const TemplateValues<Html>& values) {
  return Html::as_it_is(filled(file, HtmlContext::kTemplates, values.values()));
}

Markdown place_name(const std::string& name) {
  if (name.empty() || UntrustedText(name).identifier() != name) {
    throw std::logic_error("template: no name of a figure or table: " + name);
  }
  return Markdown::as_it_is(name);
}

}  // namespace reprise::reports
