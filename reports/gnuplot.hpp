/// \file
/// Plots by gnuplot, which is run as a program. gnuplot has a command that starts others, and runs
/// what stands between backticks in double quotes: text enters PlotCommands in single quotes alone,
/// and gnuplot runs without rights (child_process.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fragment.hpp"
#include "svg.hpp"

namespace reprise::reports {

/// gnuplot commands that come after the terminal, the font, the border and the grid are set. Data
/// goes into them as a here-document (data_block).
struct Plot {
  std::string name;  ///< of the panel
  UntrustedText alt;
  Size size;  ///< pixels
  PlotCommands commands;
  std::vector<UntrustedText> titles = {};  ///< of points, shown under the pointer (point_title)
  bool themed = true;                      ///< follows the reader's scheme of colours
};

/// Adds a title and returns its place, a column of a titled_block, which is drawn "with labels
/// hypertext point".
PlotCommands point_title(std::vector<UntrustedText>& titles, const UntrustedText& text);

/// A colour, "#0072b2", as a number: a column of what is drawn with "lc rgb variable".
PlotCommands colour_number(std::string_view hex);

/// All that gnuplot is given for a plot.
PlotCommands script_of(const Plot& plot);

/// Runs gnuplot. Error if it is missing or fails, with its reason.
Svg draw(const Plot& plot);

/// What gnuplot writes to standard output for these commands, an SVG document. Error as in draw.
std::string run_gnuplot(const std::string& commands);

/// From now on gnuplot runs where the kernel takes no filter of system calls, too.
void draw_unconfined();

/// Rows of numbers (plot_number) as gnuplot's "$name << EOD" block.
PlotCommands data_block(std::string_view name, const std::vector<std::vector<PlotCommands>>& rows);

/// The same with a last row beyond any axis: gnuplot 5.4 crashes if no label of a block has a
/// place.
PlotCommands titled_block(std::string_view name, std::vector<std::vector<PlotCommands>> rows);

/// Whether gnuplot can draw a point there: the number is finite, and stays so when an axis has a
/// margin around it.
bool is_drawable(double value);

/// A number as gnuplot reads it back exactly; NaN, where it draws nothing, for one that is not
/// drawable.
PlotCommands plot_number(double value);

/// Text for the label of a tic, which gnuplot takes for a format of a number.
PlotCommands tic_text(const UntrustedText& text);

/// 1, 2, 5, 10, 20, ... so that at most ten steps make `range`.
std::int64_t tick_step(std::int64_t range);

/// The same of a positive number, of any size, with at most so many steps.
double tick_step(double range, int steps);

}  // namespace reprise::reports
