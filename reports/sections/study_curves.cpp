// Error curves of a study: the mean over the seeds as a line, least to largest as a band.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kCurvesWidth = 430;  // pixels
constexpr double kPlotHeight = 290;
constexpr double kKeyLine = 18;  // pixels of a line of the key
constexpr int kMaxPoints = 400;

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

struct CurvePoint {
  double epoch = 0;
  Spread spread;  ///< over seeds, in percent
};
using Curve = std::vector<CurvePoint>;

/// Means over seeds of series that begin alike; as long as the shortest.
Curve curve_of(const std::vector<std::vector<double>>& series, const std::vector<double>& epochs) {
  std::size_t length = epochs.size();
  for (const std::vector<double>& values : series) length = std::min(length, values.size());
  const std::size_t step = 1 + length / kMaxPoints;
  Curve curve;
  for (std::size_t i = 0; i < length; ++i) {
    if (i % step != 0 && i + 1 != length) continue;
    std::vector<double> values;
    for (const std::vector<double>& one : series) values.push_back(100 * one[i]);
    curve.push_back({epochs[i], spread_of(values)});
  }
  return curve;
}

std::vector<double> whole_epochs(const TrainingRun& run) {
  return {run.history.epoch.begin(), run.history.epoch.end()};
}

/// Mean error of the last steps, by fractions of epochs.
Curve step_curve(const Variant& variant) {
  std::vector<std::vector<double>> series;
  for (const StudyRun& run : variant.runs) series.push_back(smoothed_error(*run.run));
  const std::size_t steps = variant.runs.front().run->history.steps_per_epoch;
  std::vector<double> epochs;
  for (std::size_t i = 0; i < series.front().size(); ++i) {
    epochs.push_back(static_cast<double>(smoothing_steps(steps) + i) / static_cast<double>(steps));
  }
  return curve_of(series, epochs);
}

Curve epoch_curve(const Variant& variant, std::vector<double> History::*values) {
  std::vector<std::vector<double>> series;
  for (const StudyRun& run : variant.runs) series.push_back(run.run->history.*values);
  return curve_of(series, whole_epochs(*variant.runs.front().run));
}

struct CurvePlot {
  std::string name, quantity;
  std::vector<const Variant*> variants;
  std::vector<Curve> curves;
  double threshold = 0;  ///< percent; 0 for none
};

/// The top of the axis: a little above all, but for a training error never above what guessing
/// gives (all curves begin there).
double top_of(const CurvePlot& plot) {
  double most = plot.threshold;
  for (const Curve& curve : plot.curves) {
    for (const CurvePoint& point : curve) {
      if (std::isfinite(point.spread.most)) most = std::max(most, point.spread.most);
    }
  }
  return most > 0 ? 1.05 * most : 1;
}

PlotCommands curve_block(const Curve& curve, std::size_t index) {
  std::vector<std::vector<PlotCommands>> rows;
  for (const CurvePoint& point : curve) {
    rows.push_back({plot_number(point.epoch), plot_number(point.spread.mean),
                    plot_number(point.spread.least), plot_number(point.spread.most)});
  }
  return data_block(fmt::format("curve{}", index), rows);
}

PlotCommands commands_of(const CurvePlot& plot) {
  PlotCommands text;
  std::vector<PlotCommands> bands;
  std::vector<PlotCommands> lines;
  double first = plot.threshold > 0 ? 0 : std::numeric_limits<double>::infinity();
  double last = 0;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const CurveLook& look = kCurveLooks.at(i % kCurveLooks.size());
    const bool sparse = plot.curves[i].size() <= 25;
    text += curve_block(plot.curves[i], i);
    if (plot.curves[i].empty()) continue;
    first = std::min(first, plot.curves[i].front().epoch);
    last = std::max(last, plot.curves[i].back().epoch);
    bands.push_back(
        PlotCommands::format("$curve{} using 1:3:4 with filledcurves fs transparent solid 0.2 "
                             "noborder lc rgb {} notitle",
                             i, look.colour));
    const PlotCommands style =
        sparse ? PlotCommands::format("linespoints pt {} ps 0.4", 4 + 2 * (i % 5) + 1)
               : PlotCommands::format("lines");
    lines.push_back(PlotCommands::format("$curve{} using 1:2 with {} lw 2 dt {} lc rgb {} title {}",
                                         i, style, PlotCommands::literal(look.dash), look.colour,
                                         words_of(plot.variants[i]->name)));
  }
  const double margin = last > first ? 0.03 * (last - first) : 0.5;
  text += PlotCommands::format(
      "set xrange [{}:{}]\nset yrange [0:{}]\nset xlabel 'Epoch'\nset ylabel {}\n"
      "set xtics {}\n"
      "set key tmargin left vertical maxrows {} Left reverse samplen 3 width 1\n",
      plot_number(first > 0 ? first - margin : 0), plot_number(last + margin),
      plot_number(top_of(plot)), plot.quantity + " (%)", tick_step(whole_number(std::ceil(last))),
      plot.curves.size());
  if (plot.threshold > 0) {
    text += PlotCommands::format(
        "set arrow from graph 0,first {0} to graph 1,first {0} nohead dt (5,4) lw 1.5 lc rgb "
        "{1}\nset label {2} at graph 0.985,first {0} right offset 0,0.6 tc rgb {1}\n",
        plot_number(plot.threshold), colour::kQuiet, percent(plot.threshold / 100, 0));
  }
  text += PlotCommands::format("plot {}, {}\n", joined(bands, ", "), joined(lines, ", "));
  return text;
}

Panel draw_curves(const CurvePlot& plot) {
  std::vector<UntrustedText> courses;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    if (plot.curves[i].empty()) continue;
    courses.push_back(plain_text("{} from {}% to {}%", plot.variants[i]->name,
                                 fixed(plot.curves[i].front().spread.mean, 1),
                                 fixed(plot.curves[i].back().spread.mean, 1)));
  }
  UntrustedText alt =
      plain_text("{} by epoch, mean over seeds: {}.", plot.quantity, joined(courses, "; "));
  if (plot.threshold > 0) {
    alt += plain_text(" A dashed line marks {}%.", fixed(plot.threshold, 0));
  }
  const auto lines = static_cast<double>(plot.curves.size());
  return plotted(
      {plot.name, alt, {kCurvesWidth, kPlotHeight + kKeyLine * lines}, commands_of(plot)});
}

Table data_of(const std::vector<CurvePlot>& plots) {
  Table data{{"Error", "Variant", "Epoch", "Mean (%)", "Least (%)", "Largest (%)"}, {}};
  for (const CurvePlot& plot : plots) {
    for (std::size_t i = 0; i < plot.curves.size(); ++i) {
      for (const CurvePoint& point : plot.curves[i]) {
        data.rows.push_back({plot.quantity, plot.variants[i]->name, number_cell(point.epoch, 2),
                             number_cell(point.spread.mean, 2), number_cell(point.spread.least, 2),
                             number_cell(point.spread.most, 2)});
      }
    }
  }
  return data;
}

}  // namespace

Figure curves_figure(const Study& study) {
  CurvePlot train{"train_" + study.key, "Training error", {}, {}, 0};
  CurvePlot test{"test_" + study.key, "Test error", {}, {}, 0};
  const bool by_step =
      study.measure == Measure::epochs_to_train_error &&
      std::all_of(study.variants.begin(), study.variants.end(),
                  [](const Variant& variant) { return !step_curve(variant).empty(); });
  if (by_step) train.threshold = 100 * study.threshold;
  for (const Variant& variant : study.variants) {
    train.variants.push_back(&variant);
    test.variants.push_back(&variant);
    train.curves.push_back(by_step ? step_curve(variant)
                                   : epoch_curve(variant, &History::train_error));
    test.curves.push_back(epoch_curve(variant, &History::test_error));
  }
  return {{draw_curves(train), draw_curves(test)}, source_of(study.runs()), data_of({train, test})};
}

}  // namespace reprise::reports
