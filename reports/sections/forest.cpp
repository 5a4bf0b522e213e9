// All differences with their intervals as a drawing: a row for each contrast, its name and verdict
// above a bar for the interval.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "reprise/core/integer.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr double kForestWidth = 385;     // pixels
constexpr double kForestRest = 70;       // axis and margins
constexpr double kMaxLogarithm = 20;     // of a ratio: what lies beyond is at the edge
constexpr std::size_t kForestName = 48;  // bytes; a longer name does without its study
constexpr std::size_t kForestRows = 10;  // of a panel: more are shared out evenly among several

/// What a row shows: a difference in points, or a ratio.
struct Effect {
  const Contrast* contrast;
  double mean;
  Interval interval;
  std::vector<double> seeds;  ///< that of each seed
};

struct Forest {
  std::string name;
  bool is_ratio;
  std::vector<Effect> effects;
  Interval range = {};  ///< of the axis; of ratios their logarithms
};

constexpr double kRowHeight = 60;  // pixels; the places of its parts are in rows from its middle
constexpr double kNamePlace = 0.35, kVerdictPlace = 0.09, kBarPlace = -0.24, kDotsPlace = -0.4;

std::string_view colour_of(Verdict verdict) {
  if (verdict == Verdict::supported) return colour::kBlue;
  return verdict == Verdict::contradicted ? colour::kVermilion : colour::kQuiet;
}

bool is_decided(const Contrast& contrast) {
  return colour_of(contrast.judgement.verdict) != colour::kQuiet;
}

/// Without the reason, so that it fits beside a name.
std::string short_verdict(const Contrast& contrast) {
  switch (contrast.judgement.verdict) {
    case Verdict::out_of_scale:
      return "not at the paper's scale";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::none:
      return contrast.identical ? "compared by digest" : "no claim";
    default:
      return verdict_text(contrast);
  }
}

UntrustedText row_name(const Contrast& contrast) {
  const UntrustedText whole = contrast_name(contrast);
  const UntrustedText fits = whole.size() <= kForestName ? whole : pair_name(contrast);
  return fits.capitalized().shortened(kForestName);
}

std::string value_phrase(const Forest& forest, double value) {
  if (forest.is_ratio) return fixed(value, 2) + " times";
  return (value > 0.005 ? "+" : "") + fixed(value, 2) + " points";
}

/// All values that can be drawn, and no effect, with a margin; of ratios their logarithms.
Interval range_of(const Forest& forest) {
  Interval range = forest.is_ratio ? Interval{-0.1, 0.1} : Interval{-0.025, 0.025};
  const auto include = [&](double value) {
    if (forest.is_ratio) value = std::clamp(std::log(value), -kMaxLogarithm, kMaxLogarithm);
    if (!is_drawable(value)) return;
    range = {std::min(range.low, value), std::max(range.high, value)};
  };
  for (const Effect& effect : forest.effects) {
    for (const double value : {effect.mean, effect.interval.low, effect.interval.high}) {
      include(value);
    }
    std::for_each(effect.seeds.begin(), effect.seeds.end(), include);
  }
  const double margin = 0.06 * (range.high - range.low);
  return {range.low - margin, range.high + margin};
}

/// Ticks at every `step`-th power of two, 1 among them; gnuplot draws those within the range.
PlotCommands powers_of_two(double step) {
  std::vector<PlotCommands> ticks;
  for (int i = -8; i <= 8; ++i) ticks.push_back(plot_number(std::exp2(step * i)));
  return PlotCommands::format("({})", joined(ticks, ", "));
}

PlotCommands axis_commands(const Forest& forest) {
  const Interval range = forest.range;
  const double width = range.high - range.low;
  if (!forest.is_ratio) {
    return PlotCommands::format(
        "set xrange [{}:{}]\nset xtics autofreq {}\nset xlabel 'Difference (percentage points)'\n",
        plot_number(range.low), plot_number(range.high), plot_number(tick_step(width, 6)));
  }
  const double octaves = width / std::log(2.0);
  const PlotCommands tics =
      octaves < 2 ? PlotCommands::literal("(0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)")
                  : powers_of_two(std::ceil(octaves / 7));
  return PlotCommands::format(
      "set logscale x\nset xrange [{}:{}]\nset xtics {}\nset xlabel 'Ratio (logarithmic axis)'\n",
      plot_number(std::exp(range.low)), plot_number(std::exp(range.high)), tics);
}

PlotCommands row_labels(const Contrast& contrast, double place) {
  return PlotCommands::format(
      "set label {} at graph 0,first {} left tc rgb {}\n"
      "set label {} at graph 0,first {} left font 'sans-serif,12' tc rgb {}\n",
      row_name(contrast), plot_number(place + kNamePlace), colour::kText, short_verdict(contrast),
      plot_number(place + kVerdictPlace), colour::kText);
}

/// What gnuplot is given of all rows.
struct Marks {
  PlotCommands labels;
  std::vector<std::vector<PlotCommands>> no_effect;  ///< pieces of a line: place, bottom, height
  std::vector<std::vector<PlotCommands>> means;      ///< place, title, interval, colours
  std::vector<std::vector<PlotCommands>> dots;       ///< place, title
  std::vector<UntrustedText> titles;
};

void add_row(const Forest& forest, const Effect& effect, double place, Marks& marks) {
  const Contrast& contrast = *effect.contrast;
  const UntrustedText name = contrast_name(contrast).capitalized();
  const std::string_view ink = colour_of(contrast.judgement.verdict);
  const auto title = [&](const UntrustedText& text) { return point_title(marks.titles, text); };
  marks.labels += row_labels(contrast, place);
  marks.no_effect.push_back({plot_number(forest.is_ratio ? 1 : 0), plot_number(place - 0.5),
                             plot_number(0.5 + kBarPlace + 0.25)});
  marks.means.push_back({plot_number(effect.mean), plot_number(place + kBarPlace),
                         title(plain_text("{}: {} ({} confidence interval {} to {}), {}", name,
                                          value_phrase(forest, effect.mean),
                                          percent(kConfidence, 0), fixed(effect.interval.low, 2),
                                          fixed(effect.interval.high, 2), verdict_text(contrast))),
                         plot_number(effect.interval.low), plot_number(effect.interval.high),
                         colour_number(ink),
                         colour_number(is_decided(contrast) ? ink : colour::kPaper)});
  for (std::size_t i = 0; i < effect.seeds.size(); ++i) {
    marks.dots.push_back({plot_number(effect.seeds[i]), plot_number(place + kDotsPlace),
                          title(plain_text("{}, seed {}: {}", name, contrast.seeds[i],
                                           value_phrase(forest, effect.seeds[i])))});
  }
}

PlotCommands forest_commands(const Forest& forest, const Marks& marks) {
  return PlotCommands::format(
      "{}{}{}{}{}set border 0\nunset ytics\nset grid x lt 1 lc rgb {} lw 1\nunset key\n"
      "set yrange [0.5:{}.5]\nset lmargin 2\nset rmargin 2\nset tmargin 0.6\nset bmargin 3.2\n"
      "set errorbars 0.7\n"
      "plot $no_effect using 1:2:(0):3 with vectors nohead lw 1.5 lc rgb {}, "
      "$means using 1:2:4:5:6 with xerrorbars pt -1 lw 2.5 lc rgb variable, "
      "$means using 1:2:3:6 with labels hypertext point pt 5 ps 1 lc rgb variable, "
      "$means using 1:2:3:7 with labels hypertext point pt 5 ps 0.6 lc rgb variable, "
      "$dots using 1:2:3 with labels hypertext point pt 5 ps 0.3 lc rgb {}\n",
      axis_commands(forest), marks.labels, data_block("no_effect", marks.no_effect),
      titled_block("means", marks.means), titled_block("dots", marks.dots), colour::kGrid,
      forest.effects.size(), colour::kQuiet, colour::kText);
}

Panel forest_panel(const Forest& forest) {
  std::vector<UntrustedText> texts;
  Marks marks;
  const double count = static_cast<double>(forest.effects.size());
  for (const Effect& effect : forest.effects) {
    add_row(forest, effect, count - static_cast<double>(texts.size()), marks);
    texts.push_back(plain_text("{} {}, {}", contrast_name(*effect.contrast),
                               value_phrase(forest, effect.mean), verdict_text(*effect.contrast)));
  }
  const UntrustedText alt = plain_text(
      "{}, with {} confidence intervals: {}.",
      forest.is_ratio ? "Ratio, variant over baseline" : "Difference, variant minus baseline",
      percent(kConfidence, 0), joined(texts, "; "));
  return plotted({forest.name,
                  alt,
                  {kForestWidth, kForestRest + kRowHeight * count},
                  forest_commands(forest, marks),
                  marks.titles});
}

/// Panels of about equal height, with one axis, so that they can stand side by side.
std::vector<Forest> parts_of(const Forest& forest) {
  const std::size_t rows = forest.effects.size();
  const std::size_t count = div_ceil(rows, kForestRows);
  std::vector<Forest> parts;
  for (std::size_t part = 0; part < count; ++part) {
    const auto first = forest.effects.begin();
    parts.push_back({count == 1 ? forest.name : fmt::format("{}_{}", forest.name, part + 1),
                     forest.is_ratio,
                     {first + static_cast<std::ptrdiff_t>(rows * part / count),
                      first + static_cast<std::ptrdiff_t>(rows * (part + 1) / count)},
                     range_of(forest)});
  }
  return parts;
}

Effect difference_effect(const Contrast& contrast) {
  const PairedTest& test = contrast.test;
  std::vector<double> seeds;
  for (const double difference : contrast.differences) seeds.push_back(100 * difference);
  return {&contrast, 100 * test.mean, {100 * test.interval.low, 100 * test.interval.high}, seeds};
}

Effect ratio_effect(const Contrast& contrast) {
  std::vector<double> seeds;
  for (const double logarithm : contrast.ratio->logarithms) seeds.push_back(std::exp(logarithm));
  return {&contrast, contrast.ratio->mean, contrast.ratio->interval, seeds};
}

}  // namespace

std::vector<Panel> forest_panels(const std::vector<Contrast>& contrasts) {
  Forest errors{"differences", false, {}};
  Forest ratios{"ratios", true, {}};
  for (const Contrast& contrast : contrasts) {
    if (contrast.seeds.empty()) continue;
    if (words_for(contrast.study->measure).is_fraction) {
      errors.effects.push_back(difference_effect(contrast));
    } else if (contrast.ratio) {
      ratios.effects.push_back(ratio_effect(contrast));
    }
  }
  std::vector<Panel> panels;
  for (const Forest* forest : {&errors, &ratios}) {
    for (const Forest& part : parts_of(*forest)) panels.push_back(forest_panel(part));
  }
  return panels;
}

}  // namespace reprise::reports
