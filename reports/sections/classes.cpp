// LeNet-5: confusion matrix and error by class.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "class_statistics.hpp"
#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/sections.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr double kCell = 35;         // pixels, of the confusion matrix
constexpr double kErrorStretch = 4;  // errors are coloured this much stronger than right answers
constexpr std::string_view kEmptyCell = "#f6f6f6";
constexpr double kCharacterWidth = 7.6;  // pixels, about, of a label
constexpr std::size_t kClassLabel = 24;  // bytes

double longest_label(const std::vector<UntrustedText>& names) {
  std::size_t longest = 0;
  for (const UntrustedText& name : names) {
    longest = std::max(longest, name.shortened(kClassLabel).size());
  }
  return kCharacterWidth * static_cast<double>(longest);
}

/// Place, title, colour, count and its colour of each cell, the first class at the top.
std::vector<std::vector<PlotCommands>> confusion_cells(const TrainingRun& run,
                                                       std::vector<UntrustedText>& titles) {
  std::vector<std::vector<PlotCommands>> cells;
  for (const ClassErrors& of : errors_by_class(run)) {
    for (std::size_t predicted = 0; predicted < run.classes(); ++predicted) {
      const std::size_t count = run.confused(of.label, predicted);
      const double fraction =
          static_cast<double>(count) / std::max(1.0, static_cast<double>(of.images));
      const Rgb rgb = of.label == predicted ? tint(colour::kBlue, fraction)
                                            : tint(colour::kVermilion, kErrorStretch * fraction);
      const UntrustedText title = plain_text("{} labelled {}: {}", run.class_names[of.label],
                                             run.class_names[predicted], count);
      cells.push_back({PlotCommands::format("{}", predicted), PlotCommands::format("{}", of.label),
                       point_title(titles, title),
                       colour_number(count == 0 ? kEmptyCell : hex_colour(rgb)),
                       PlotCommands::format("{}", count), colour_number(ink_on(rgb))});
    }
  }
  return cells;
}

Plot confusion_plot(const TrainingRun& run, const UntrustedText& alt) {
  std::vector<PlotCommands> tics;
  for (std::size_t label = 0; label < run.classes(); ++label) {
    tics.push_back(PlotCommands::format(
        "{} {}", tic_text(run.class_names[label].shortened(kClassLabel)), label));
  }
  std::vector<UntrustedText> titles;
  const std::vector<std::vector<PlotCommands>> cells = confusion_cells(run, titles);
  const double labels = longest_label(run.class_names) + 34;
  const double side = kCell * static_cast<double>(run.classes());
  const Size size{labels + side + 6, labels + side + 6};
  const PlotCommands commands = PlotCommands::format(
      "{}set border 0\nunset grid\nunset key\nset xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\n"
      "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\n"
      "set bmargin at screen {}\nset xtics scale 0 rotate by 90 right ({})\n"
      "set ytics scale 0 ({})\n"
      "set label 'true class' at screen {},graph 0.5 center rotate by 90 tc rgb {}\n"
      "set label 'predicted class' at graph 0.5,screen {} center tc rgb {}\n"
      "plot $cells using 1:2:3:4 with labels hypertext point pt 5 ps {} lc rgb variable, "
      "$cells using 1:2:($5 > 0 ? sprintf('%d', $5) : ''):6 with labels tc rgb variable\n",
      data_block("cells", cells), run.classes() - 1, run.classes() - 1,
      plot_number(labels / size.width), plot_number(1 - 6 / size.width),
      plot_number(1 - 6 / size.height), plot_number(labels / size.height), joined(tics, ", "),
      joined(tics, ", "), plot_number(12 / size.width), colour::kQuiet,
      plot_number(10 / size.height), colour::kQuiet, plot_number((kCell - 1) / 2 / 4.875));
  return {"confusion", alt, size, commands, titles, false};
}

Panel confusion_panel(const TrainingRun& run) {
  const std::vector<ConfusedPair> pairs = confused_pairs(run);
  UntrustedText alt = plain_text(
      "Confusion matrix of {} classes; {} of {} test images lie on its "
      "diagonal.",
      run.classes(), grouped(static_cast<std::int64_t>(run.right())),
      grouped(static_cast<std::int64_t>(run.test_images)));
  if (!pairs.empty()) {
    alt += plain_text(" The largest entries off it are between {} and {}.",
                      run.class_names[pairs[0].a], run.class_names[pairs[0].b]);
  }
  return plotted(confusion_plot(run, alt));
}

TableEntry class_table(const TrainingRun& run, const std::vector<ClassErrors>& classes) {
  TableEntry entry{{{"Class", "Images", "Errors", "Error (%)", "CI from (%)", "CI to (%)",
                     "Most often taken for", "Times"},
                    {}},
                   short_digest(run.digest)};
  for (const ClassErrors& errors : classes) {
    const int decimals = percent_decimals(errors.images);
    const Interval interval = errors.interval();
    entry.table.rows.push_back(
        {run.class_names[errors.label], count_cell(errors.images), count_cell(errors.errors),
         percent_cell(errors.error(), decimals), percent_cell(interval.low, decimals),
         percent_cell(interval.high, decimals),
         errors.taken_for_count > 0 ? Cell(run.class_names[errors.taken_for]) : Cell(),
         count_cell(errors.taken_for_count)});
  }
  return entry;
}

/// (true class, predicted class), counts.
Table confusion_data(const TrainingRun& run) {
  Table data{{"True class", "Predicted class", "Images"}, {}};
  for (std::size_t truth = 0; truth < run.classes(); ++truth) {
    for (std::size_t predicted = 0; predicted < run.classes(); ++predicted) {
      data.rows.push_back({run.class_names[truth], run.class_names[predicted],
                           count_cell(run.confused(truth, predicted))});
    }
  }
  return data;
}

}  // namespace

void add_classes(const TrainingRun& run, Draft& draft) {
  const std::vector<ClassErrors> classes = worst_first(errors_by_class(run));
  draft.add("confusion",
            Figure{{confusion_panel(run)}, short_digest(run.digest), confusion_data(run)});
  draft.add("classes", class_table(run, classes));
  draft.set("worst_class", run.class_names[classes.front().label]);
  draft.set("worst_class_error", percent(classes.front().error(), 1));
  draft.set("best_class", run.class_names[classes.back().label]);
  draft.set("best_class_error", percent(classes.back().error(), 1));
}

}  // namespace reprise::reports
