/// \file
/// Plots by gnuplot, which is run as a program. gnuplot has a command that starts others, and runs
/// what stands between backticks in double quotes: text from elsewhere goes into its commands by
/// plot_text and tic_text alone, and gnuplot runs without rights (child_process.hpp).
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

/// What gnuplot writes to standard output for these commands, an SVG document. Error as in draw.
std::string run_gnuplot(const std::string& commands);

/// From now on gnuplot runs where the kernel takes no filter of system calls, too.
void draw_unconfined();

/// Rows of numbers (plot_number) as gnuplot's "$name << EOD" block.
std::string data_block(std::string_view name, const std::vector<std::vector<std::string>>& rows);

/// A number as gnuplot reads it back exactly.
std::string plot_number(double value);

/// A string of gnuplot's in single quotes, within which it interprets nothing; printable.
std::string plot_text(std::string_view text);

/// Likewise for the label of a tic, which gnuplot takes for a format of a number.
std::string tic_text(std::string_view text);

/// 1, 2, 5, 10, 20, ... so that at most ten steps make `range`.
std::int64_t tick_step(std::int64_t range);

}  // namespace reprise::reports
