// The values of every study as dots, a small panel for each study.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kValuesWidth = 300;     // pixels
constexpr double kValuesRow = 36;        // of a variant: its name above its dots
constexpr double kRest = 86;             // title and axis
constexpr std::size_t kStudyTitle = 38;  // characters that fit
constexpr std::size_t kSmallTitle = 46;  // likewise, of a smaller font
constexpr std::size_t kVariantLabel = 42;

std::string axis_title(const Study& study) {
  if (study.measure == Measure::epochs_to_train_error) return measure_text(study);
  std::string_view unit = words_for(study.measure).suffix;
  unit.remove_prefix(unit.starts_with(' ') ? 1 : 0);
  return fmt::format("{} ({})", measure_text(study), unit);
}

/// The axis: all values with a margin, or a unit around them where they are all the same.
Interval range_of(const Study& study) {
  Interval range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Variant& variant : study.variants) {
    for (const double value : variant.values()) {
      const double shown = printed(study, value);
      if (!is_drawable(shown)) continue;
      range.low = std::min(range.low, shown);
      range.high = std::max(range.high, shown);
    }
  }
  if (range.low > range.high) return {0, 1};
  const double margin = range.high > range.low ? 0.08 * (range.high - range.low)
                                               : std::max(0.05 * std::abs(range.high), 0.01);
  return {range.low - margin, range.high + margin};
}

PlotCommands commands_of(const Study& study, std::vector<UntrustedText>& titles) {
  std::vector<std::vector<PlotCommands>> dots;
  std::vector<std::vector<PlotCommands>> means;
  PlotCommands labels;
  double place = static_cast<double>(study.variants.size());
  for (const Variant& variant : study.variants) {
    for (const StudyRun& run : variant.runs) {
      const double value = run.measured.value;
      dots.push_back({plot_number(printed(study, value)), plot_number(place),
                      point_title(titles, plain_text("{}, seed {}: {}", words_of(variant.name),
                                                     run.run->seed, value_text(study, value)))});
    }
    const double mean = printed(study, spread_of(variant.values()).mean);
    means.push_back({plot_number(mean), plot_number(place - 0.18)});
    labels += PlotCommands::format("set label {} at graph 0,first {} left offset 0.3,0 tc rgb {}\n",
                                   words_of(variant.name).shortened(kVariantLabel),
                                   plot_number(place + 0.41), colour::kText);
    place -= 1;
  }
  const Interval range = range_of(study);
  const UntrustedText title = heading_of(study.name).shortened(kSmallTitle);
  const PlotCommands font =
      title.size() > kStudyTitle ? PlotCommands::literal(" font 'sans-serif,11'") : PlotCommands();
  return PlotCommands::format(
      "{}{}{}set border 1\nunset ytics\nset grid x lt 1 lc rgb {} lw 1\nunset key\n"
      "set xrange [{}:{}]\nset yrange [0.5:{}.7]\nset xtics autofreq {}\nset xlabel {} offset "
      "0,0.4\n"
      "set title {}{} offset 0,-0.5\nset tmargin 2\nset bmargin 3\n"
      "plot $means using 1:2:(0):(0.34) with vectors nohead lw 3 lc rgb {}, "
      "$dots using 1:2:3 with labels hypertext point pt 7 ps 0.5 lc rgb {}\n",
      titled_block("dots", dots), data_block("means", means), labels, colour::kGrid,
      plot_number(range.low), plot_number(range.high), study.variants.size(),
      plot_number(tick_step(range.high - range.low, 5)), axis_title(study), title, font,
      colour::kVermilion, colour::kBlue);
}

UntrustedText alt_of(const Study& study) {
  std::vector<UntrustedText> parts;
  for (const Variant& variant : study.variants) {
    const Spread spread = spread_of(variant.values());
    parts.push_back(plain_text("{} {} ({} to {})", words_of(variant.name),
                               value_text(study, spread.mean), value_text(study, spread.least),
                               value_text(study, spread.most)));
  }
  return plain_text("{}, {}, mean and range over the seeds: {}.", heading_of(study.name),
                    measure_text(study), joined(parts, "; "));
}

}  // namespace

Figure values_figure(const std::vector<Study>& studies) {
  Figure figure;
  figure.source = source_of(runs_of(studies));
  figure.data.titles = {"Study", "Variant", "Seed", "Measure", "Unit", "Value", "Censored"};
  for (const Study& study : studies) {
    const double rows = static_cast<double>(study.variants.size());
    std::vector<UntrustedText> titles;
    const PlotCommands commands = commands_of(study, titles);
    figure.panels.push_back(plotted({"values_" + study.key,
                                     alt_of(study),
                                     {kValuesWidth, kRest + kValuesRow * rows},
                                     commands,
                                     titles}));
    for (const Variant& variant : study.variants) {
      for (const StudyRun& run : variant.runs) {
        figure.data.rows.push_back({study.name, variant.name, count_cell(run.run->seed),
                                    measure_text(study), words_for(study.measure).unit,
                                    value_cell(study, run.measured.value),
                                    run.measured.censored ? "yes" : "no"});
      }
    }
  }
  return figure;
}

}  // namespace reprise::reports
