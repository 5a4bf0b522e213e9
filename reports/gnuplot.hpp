/// \file
/// Plots by gnuplot, which is run as a program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "draft.hpp"
#include "svg.hpp"

namespace reprise::reports {

/// gnuplot commands that come after the terminal, the font, the border and the grid are set. Data
/// goes into them as a here-document (data_block).
struct Plot {
  std::string name;  ///< of the panel
  std::string alt;
  Size size;  ///< pixels
  std::string commands;
};

/// Runs gnuplot. Error if it is missing or fails, with its reason.
Panel draw(const Plot& plot);

/// Rows of numbers and text as gnuplot's "$name << EOD" block; NaN where a value is not finite.
std::string data_block(std::string_view name, const std::vector<std::vector<std::string>>& rows);

/// A number as gnuplot reads it back exactly.
std::string plot_number(double value);

/// A string literal of gnuplot's, also one column of a data block.
std::string plot_text(std::string_view text);

/// 1, 2, 5, 10, 20, ... so that at most ten steps make `range`.
std::int64_t tick_step(std::int64_t range);

}  // namespace reprise::reports
