/// \file
/// Tables: rounded, as Markdown shows them, and in full, as CSV.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "fragment.hpp"

namespace reprise::reports {

struct Cell {
  enum class Kind { text, number, none };
  /// Nothing to tell: a dash, and an empty cell of CSV.
  Cell() = default;
  template <class Text>
  requires std::is_convertible_v<const Text&, UntrustedText> Cell(
      const Text& text)  // NOLINT(google-explicit-constructor): it escapes
      : shown(text), data(text), kind(Kind::text) {}

  Markdown shown = Markdown("–");
  Csv data;
  Kind kind = Kind::none;
};

Cell count_cell(std::int64_t count);
inline Cell count_cell(std::size_t count) {
  return count_cell(static_cast<std::int64_t>(count));
}
/// So many decimals are shown; what is not finite is shown as that.
Cell number_cell(double value, int decimals);
/// A fraction in percent, in CSV too.
Cell percent_cell(double fraction, int decimals);
/// Three digits that count.
Cell significant_cell(double value);
Cell code_cell(const UntrustedText& text);
Cell bold(Cell cell);
/// The cell if the value is finite, else that of nothing.
inline Cell if_finite(double value, const Cell& cell) {
  return std::isfinite(value) ? cell : Cell();
}

struct Table {
  std::vector<UntrustedText> titles;
  std::vector<std::vector<Cell>> rows;  ///< each as long as `titles`; the first cell names it
};

/// The columns of these titles, in this order. std::logic_error if one is not there.
Table with_columns(const Table& table, const std::vector<std::string_view>& titles);

/// Columns of numbers are set right.
Markdown to_markdown(const Table& table);

/// RFC 4180, with the titles as the first line.
Csv to_csv(const Table& table);

}  // namespace reprise::reports
