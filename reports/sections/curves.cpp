// Curves by epoch as lines, with the spread over seeds as bands.
#include "sections/curves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "format.hpp"
#include "reprise/core/integer.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kKeyLine = 18;            // pixels of a line of the key
constexpr std::size_t kTitledPoints = 60;  // of a curve at most: evenly spaced if there are more
constexpr std::size_t kMarkedPoints = 25;  // of a curve; with more it has no marks

struct CurveLook {
  std::string_view colour;
  Literal dash;  ///< gnuplot's list of lengths, or "solid"
};

// Colours that colour-blind readers tell apart; dashes differ too.
constexpr std::array kCurveLooks = {
    CurveLook{colour::kVermilion, "(6,4)"},  CurveLook{colour::kBlue, "solid"},
    CurveLook{colour::kGreen, "(10,3)"},     CurveLook{colour::kPurple, "(2,3)"},
    CurveLook{colour::kOrange, "(8,3,2,3)"}, CurveLook{colour::kSky, "(4,2)"},
    CurveLook{colour::kText, "(1,2)"},
};

/// The top of the axis: a little above all, but for a training error never above what guessing
/// gives (all curves begin there).
double top_of(const CurvePlot& plot) {
  double most = plot.threshold;
  for (const Curve& curve : plot.curves) {
    for (const CurvePoint& point : curve.points) {
      if (is_drawable(point.spread.most)) most = std::max(most, point.spread.most);
    }
  }
  return most > 0 ? 1.05 * most : 1;
}

/// "12.3%", "0.512 nats".
std::string value_of(double value, const CurvePlot& plot) {
  return significant(value) + (plot.unit == "%" ? "" : " ") + plot.unit;
}

/// "7", "0.14".
std::string epoch_text(double epoch) {
  return fixed(epoch, epoch == std::floor(epoch) ? 0 : 2);
}

/// The points' data, a block for a curve, and one of those with titles.
PlotCommands curve_blocks(const CurvePlot& plot, std::size_t index,
                          std::vector<UntrustedText>& titles) {
  const Curve& curve = plot.curves[index];
  std::vector<std::vector<PlotCommands>> rows;
  std::vector<std::vector<PlotCommands>> titled;
  const std::size_t every = div_ceil<std::size_t>(curve.points.size(), kTitledPoints);
  for (const CurvePoint& point : curve.points) {
    rows.push_back({plot_number(point.epoch), plot_number(point.spread.mean),
                    plot_number(point.spread.least), plot_number(point.spread.most)});
    if (rows.size() % every != 0) continue;
    titled.push_back({rows.back()[0], rows.back()[1],
                      point_title(titles, plain_text("Epoch {}, {}: {}", epoch_text(point.epoch),
                                                     words_of(curve.label),
                                                     value_of(point.spread.mean, plot)))});
  }
  return PlotCommands::format("{}{}", data_block(fmt::format("curve{}", index), rows),
                              titled_block(fmt::format("titled{}", index), titled));
}

PlotCommands commands_of(const CurvePlot& plot, std::vector<UntrustedText>& titles) {
  PlotCommands text;
  std::vector<PlotCommands> bands;
  std::vector<PlotCommands> lines;
  double first = plot.threshold > 0 ? 0 : std::numeric_limits<double>::infinity();
  double last = 0;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    const CurveLook& look = kCurveLooks.at(i % kCurveLooks.size());
    if (curve.points.empty()) continue;
    text += curve_blocks(plot, i, titles);
    first = std::min(first, curve.points.front().epoch);
    last = std::max(last, curve.points.back().epoch);
    bands.push_back(
        PlotCommands::format("$curve{} using 1:3:4 with filledcurves fs transparent solid 0.2 "
                             "noborder lc rgb {} notitle",
                             i, look.colour));
    const PlotCommands marks = PlotCommands::format("pt {} ps 0.4", 4 + 2 * (i % 5) + 1);
    const PlotCommands style = curve.points.size() <= kMarkedPoints
                                   ? PlotCommands::format("linespoints {}", marks)
                                   : PlotCommands::format("lines");
    lines.push_back(PlotCommands::format("$curve{} using 1:2 with {} lw 2 dt {} lc rgb {} title {}",
                                         i, style, PlotCommands::literal(look.dash), look.colour,
                                         words_of(curve.label)));
    lines.push_back(
        PlotCommands::format("$titled{} using 1:2:3 with labels hypertext point {} lc rgb {} "
                             "notitle",
                             i, marks, look.colour));
  }
  const double margin = last > first ? 0.03 * (last - first) : 0.5;
  text += PlotCommands::format(
      "set xrange [{}:{}]\nset yrange [0:{}]\nset xlabel 'Epoch'\nset ylabel {}\n"
      "set xtics {}\n"
      "set key tmargin left vertical maxrows {} Left reverse samplen 3 width 1\n",
      plot_number(first > 0 ? first - margin : 0), plot_number(last + margin),
      plot_number(top_of(plot)), fmt::format("{} ({})", plot.quantity, plot.unit),
      tick_step(whole_number(std::ceil(last))), plot.curves.size());
  if (plot.threshold > 0) {
    text += PlotCommands::format(
        "set arrow from graph 0,first {0} to graph 1,first {0} nohead dt (5,4) lw 1.5 lc rgb "
        "{1}\nset label {2} at graph 0.985,first {0} right offset 0,0.6 tc rgb {1}\n",
        plot_number(plot.threshold), colour::kQuiet, fixed(plot.threshold, 0) + plot.unit);
  }
  text += PlotCommands::format("plot {}, {}\n", joined(bands, ", "), joined(lines, ", "));
  return text;
}

}  // namespace

Panel curves_panel(const CurvePlot& plot) {
  std::vector<UntrustedText> courses;
  for (const Curve& curve : plot.curves) {
    if (curve.points.empty()) continue;
    courses.push_back(plain_text("{} from {} to {}", words_of(curve.label),
                                 value_of(curve.points.front().spread.mean, plot),
                                 value_of(curve.points.back().spread.mean, plot)));
  }
  UntrustedText alt =
      plain_text("{} by epoch{}: {}.", plot.quantity, plot.mean_over, joined(courses, "; "));
  if (plot.threshold > 0) {
    alt += plain_text(" A dashed line marks {}{}.", fixed(plot.threshold, 0), plot.unit);
  }
  std::vector<UntrustedText> titles;
  const PlotCommands commands = commands_of(plot, titles);
  const double key = kKeyLine * static_cast<double>(plot.curves.size());
  return plotted({plot.name, alt, {plot.size.width, plot.size.height + key}, commands, titles});
}

}  // namespace reprise::reports
