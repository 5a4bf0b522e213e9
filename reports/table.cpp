#include "table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "format.hpp"
#include "markdown.hpp"
#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

/// A table's cells are split before code spans are read, so a bar needs its backslash there too.
std::string with_escaped_bars(std::string_view cell) {
  std::string escaped;
  std::size_t backslashes = 0;  // before this place
  for (const char c : cell) {
    if (c == '|' && backslashes % 2 == 0) escaped += '\\';
    escaped += c;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return escaped;
}

std::string row_text(const std::vector<Markdown>& cells) {
  std::string line = "|";
  for (const Markdown& cell : cells) {
    line.append(" ").append(with_escaped_bars(cell.str())).append(" |");
  }
  return line + "\n";
}

/// Whether a column has numbers, and nothing else but cells that tell nothing.
bool is_of_numbers(const Table& table, std::size_t column) {
  bool has_number = false;
  for (const std::vector<Cell>& row : table.rows) {
    if (row[column].kind == Cell::Kind::text) return false;
    has_number |= row[column].kind == Cell::Kind::number;
  }
  return has_number;
}

}  // namespace

Cell count_cell(std::int64_t count) {
  Cell made(std::to_string(count));
  made.kind = Cell::Kind::number;
  return made;
}

Cell number_cell(double value, int decimals) {
  Cell made;
  made.shown = Markdown::as_it_is(cell(value, decimals));
  made.data = Csv::format("{}", value);
  made.kind = Cell::Kind::number;
  return made;
}

Cell percent_cell(double fraction, int decimals) {
  return number_cell(100 * fraction, decimals);
}

Cell significant_cell(double value) {
  return number_cell(value, decimals_that_count(value));
}

Cell code_cell(const UntrustedText& text) {
  Cell made(text);
  made.shown = code_span(text);
  return made;
}

Cell bold(Cell cell) {
  cell.shown = Markdown::format("**{}**", cell.shown);
  return cell;
}

std::string CsvContext::escaped(const UntrustedText& text) {
  static constexpr std::array<std::string_view, 8> kFormulas = {
      "=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"};  // full-width ones, too
  std::string cell = printable(text.bytes_);
  const std::size_t first = std::min(cell.find_first_not_of(' '), cell.size());
  const bool begins = text.bytes_.starts_with('\t') || text.bytes_.starts_with('\r');
  const bool is_number = text.real().has_value();  // which a spreadsheet computes nothing from
  if (begins ||
      (!is_number && std::any_of(kFormulas.begin(), kFormulas.end(), [&](std::string_view sign) {
        return std::string_view(cell).substr(first).starts_with(sign);
      }))) {
    cell.insert(0, "'");
  }
  // Some spreadsheets separate cells at semicolons.
  if (cell.find_first_of(",;\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

Table with_columns(const Table& table, const std::vector<std::string_view>& titles) {
  Table chosen{{}, std::vector<std::vector<Cell>>(table.rows.size())};
  for (const std::string_view title : titles) {
    const auto found = std::find(table.titles.begin(), table.titles.end(), UntrustedText(title));
    if (found == table.titles.end()) throw std::logic_error("no column " + std::string(title));
    chosen.titles.push_back(*found);
    const auto column = static_cast<std::size_t>(found - table.titles.begin());
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      chosen.rows[row].push_back(table.rows[row][column]);
    }
  }
  return chosen;
}

Markdown to_markdown(const Table& table) {
  std::vector<Markdown> titles(table.titles.begin(), table.titles.end());
  std::string rules = "|";
  for (std::size_t i = 0; i < titles.size(); ++i) {
    rules += is_of_numbers(table, i) ? " --: |" : " :-- |";
  }
  std::string text = row_text(titles) + rules + "\n";
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<Markdown> cells;
    for (const Cell& cell : row) cells.push_back(cell.shown);
    text += row_text(cells);
  }
  return Markdown::as_it_is(text);
}

Csv to_csv(const Table& table) {
  const std::vector<Csv> titles(table.titles.begin(), table.titles.end());
  Csv text = Csv::format("{}\r\n", joined(titles, ","));
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<Csv> cells;
    for (const Cell& cell : row) cells.push_back(cell.data);
    text += Csv::format("{}\r\n", joined(cells, ","));
  }
  return text;
}

}  // namespace reprise::reports
