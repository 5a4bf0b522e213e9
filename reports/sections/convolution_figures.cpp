// Figures of the section on convolution algorithms: time by size of one axis, time by memory.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/convolutions.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr Size kPanel{310, 340};        // pixels; three stand side by side
constexpr std::size_t kMaxPanels = 36;  // of a figure: each is a run of gnuplot
constexpr double kMargin = 1.5;         // factor by which a logarithmic axis goes beyond its values

/// How one algorithm is drawn in every figure: colour, gnuplot's point type, dashes.
struct Look {
  std::string_view algorithm, colour;
  int point;
  bool dashed = false;
};

// Colours as in svg.hpp (Okabe and Ito); marks differ too.
constexpr std::array kLooks = {
    Look{"naive", "#595959", 2},     Look{"im2col_gemm", "#b07800", 5},
    Look{"direct", "#0072b2", 7},    Look{"fft", "#009e73", 9},
    Look{"winograd", "#d55e00", 13}, Look{"onednn", "#1a1a1a", 6, true},
};

Look look_of(const UntrustedText& algorithm) {
  for (const Look& look : kLooks) {
    if (algorithm == look.algorithm) return look;
  }
  return {"", "#a3568a", 4};
}

struct Range {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  void include(double value) {
    if (!is_drawable(value) || value <= 0) return;
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

/// 1, 2, 5, 10, ... or, on a long axis, powers of ten.
PlotCommands time_axis(const Range& times) {
  const bool is_empty = times.most == 0;  // then any axis will do
  const double low = is_empty ? 0.1 : times.least / kMargin;
  const double high = is_empty ? 10 : times.most * kMargin;
  const bool is_long = high / low > 300;
  std::vector<PlotCommands> ticks;
  for (int power = -7; power < 10; ++power) {
    for (const int factor : {1, 2, 5}) {
      const double tick = factor * std::pow(10.0, power);
      if (tick < low || tick > high || (is_long && factor > 1)) continue;
      ticks.push_back(PlotCommands::format("'{:g}' {:g}", tick, tick));
    }
  }
  return PlotCommands::format(
      "set logscale y\nset yrange [{}:{}]\nset ytics ({})\nset ylabel 'Median time (ms)'\n",
      plot_number(low), plot_number(high), joined(ticks, ", "));
}

PlotCommands line_style(const Look& look) {
  const PlotCommands line =
      look.dashed ? PlotCommands::format("lw 1.5 dt (6,4)") : PlotCommands::format("lw 2 dt solid");
  return PlotCommands::format("{} pt {} ps 0.6 lc rgb {}", line, look.point, look.colour);
}

/// The curves of one pass of one kind of shape.
struct SweepPanel {
  UntrustedText kind, pass;
  std::set<int> sizes;
  std::map<UntrustedText, std::map<int, const ComparisonRow*>> rows;  ///< by algorithm and size
};

/// "3x3" and 64 of "channels:3x3:64", "" and 5 of "kernel:5"; false for any other name.
bool parse_sweep_name(const UntrustedText& name, const Sweep& sweep, UntrustedText& kind,
                      int& size) {
  const std::string prefix = std::string(sweep.prefix) + ":";
  if (!name.starts_with(prefix)) return false;
  const std::size_t colon = name.rfind(':');
  const std::int64_t number = name.substr(colon + 1).integer().value_or(0);
  if (number < 1 || number > 999'999) return false;
  size = static_cast<int>(number);
  kind = colon + 1 > prefix.size() ? name.substr(prefix.size(), colon - prefix.size()) : "";
  return true;
}

/// In the order of the record.
std::vector<SweepPanel> panels_of(const Comparison& comparison, const Sweep& sweep) {
  std::vector<SweepPanel> panels;
  for (const ComparisonRow& row : comparison.rows) {
    UntrustedText kind;
    int size = 0;
    if (!row.is_timed() || !parse_sweep_name(row.name, sweep, kind, size)) continue;
    auto panel = std::find_if(panels.begin(), panels.end(), [&](const SweepPanel& candidate) {
      return candidate.kind == kind && candidate.pass == row.pass;
    });
    if (panel == panels.end()) panel = panels.insert(panel, {kind, row.pass, {}, {}});
    panel->sizes.insert(size);
    panel->rows[row.algorithm][size] = &row;
  }
  return panels;
}

UntrustedText panel_title(const SweepPanel& panel) {
  return panel.kind.empty() ? panel.pass : plain_text("{}, {}", panel.kind, panel.pass);
}

PlotCommands size_axis(const std::set<int>& sizes, const Sweep& sweep) {
  const int first = *sizes.begin();
  const int last = *sizes.rbegin();
  if (!sweep.doubles) {
    return PlotCommands::format("set xrange [{}:{}]\nset xtics {},{}\n", first - 0.5, last + 0.5,
                                first, last - first > 8 ? 2 : 1);
  }
  std::vector<PlotCommands> ticks;
  for (const int size : sizes) ticks.push_back(PlotCommands::format("'{}' {}", size, size));
  return PlotCommands::format("set logscale x\nset xrange [{}:{}]\nset xtics ({})\n", 0.8 * first,
                              1.25 * last, joined(ticks, ", "));
}

/// "direct from 0.012 to 3.4".
UntrustedText curve_alt(const UntrustedText& algorithm,
                        const std::map<int, const ComparisonRow*>& rows) {
  return plain_text("{} {} at {} to {} at {}", algorithm,
                    significant(rows.begin()->second->median_ms), rows.begin()->first,
                    significant(rows.rbegin()->second->median_ms), rows.rbegin()->first);
}

Panel draw_sweep(const SweepPanel& panel, const Sweep& sweep,
                 const std::vector<UntrustedText>& algorithms, const std::string& name) {
  Range times;
  std::vector<std::vector<PlotCommands>> data;
  for (const int size : panel.sizes) data.push_back({PlotCommands::format("{}", size)});
  std::vector<PlotCommands> curves;
  std::vector<UntrustedText> alt;
  for (const UntrustedText& algorithm : algorithms) {
    const auto found = panel.rows.find(algorithm);
    if (found == panel.rows.end()) continue;
    auto line = data.begin();
    for (const int size : panel.sizes) {
      const auto row = found->second.find(size);
      const double time = row == found->second.end() ? std::nan("") : row->second->median_ms;
      times.include(time);
      (line++)->push_back(plot_number(time));
    }
    curves.push_back(PlotCommands::format("$times using 1:{} with linespoints {} title {}",
                                          curves.size() + 2, line_style(look_of(algorithm)),
                                          algorithm));
    alt.push_back(curve_alt(algorithm, found->second));
  }
  const PlotCommands commands = PlotCommands::format(
      "{}{}{}set key maxrows 3 samplen 1.2 width -4 font ',12'\nset title {}\nset xlabel {}\n"
      "plot {}\n",
      data_block("times", data), time_axis(times), size_axis(panel.sizes, sweep),
      panel_title(panel), sweep.quantity, joined(curves, ", "));
  return plotted({name,
                  plain_text("Median time in milliseconds by {}, {}: {}.", sweep.quantity,
                             panel_title(panel), joined(alt, "; ")),
                  kPanel, commands});
}

const ComparisonRow* fastest_portable(const SweepPanel& panel, int size) {
  const ComparisonRow* best = nullptr;
  for (const auto& [algorithm, rows] : panel.rows) {
    const auto found = rows.find(size);
    if (found == rows.end() || !found->second->is_portable()) continue;
    if (best == nullptr || found->second->median_ms < best->median_ms) best = found->second;
  }
  return best;
}

/// A run of sizes at which one algorithm is the fastest.
struct FastestRange {
  UntrustedText algorithm;
  int first = 0, last = 0;
};

std::vector<FastestRange> fastest_ranges(const SweepPanel& panel) {
  std::vector<FastestRange> ranges;
  for (const int size : panel.sizes) {
    const ComparisonRow* best = fastest_portable(panel, size);
    const UntrustedText algorithm = best == nullptr ? UntrustedText() : best->algorithm;
    if (ranges.empty() || ranges.back().algorithm != algorithm) {
      ranges.push_back({algorithm, size, size});
    }
    ranges.back().last = size;
  }
  std::erase_if(ranges, [](const FastestRange& range) { return range.algorithm.empty(); });
  return ranges;
}

/// "`direct` up to 4 and `fft` from 5 on".
Markdown ranges_text(const SweepPanel& panel) {
  const std::vector<FastestRange> ranges = fastest_ranges(panel);
  std::vector<Markdown> parts;
  for (const FastestRange& range : ranges) {
    std::string where;
    if (ranges.size() == 1) {
      where = "throughout";
    } else if (range.first == range.last) {
      where = fmt::format("at {}", range.first);
    } else if (range.first == *panel.sizes.begin()) {
      where = fmt::format("up to {}", range.last);
    } else if (range.last == *panel.sizes.rbegin()) {
      where = fmt::format("from {} on", range.first);
    } else {
      where = fmt::format("from {} to {}", range.first, range.last);
    }
    parts.push_back(Markdown::format("{} {}", code_span(range.algorithm), where));
  }
  return listed(parts);
}

/// "`onednn` takes 0.3 to 1.1 times as long." for each algorithm that is not portable.
Markdown machine_text(const SweepPanel& panel) {
  std::vector<Markdown> parts;
  for (const auto& [algorithm, rows] : panel.rows) {
    Range ratios;
    for (const auto& [size, row] : rows) {
      const ComparisonRow* best = fastest_portable(panel, size);
      if (best != nullptr && !row->is_portable()) ratios.include(row->median_ms / best->median_ms);
    }
    if (ratios.most > 0) {
      parts.push_back(Markdown::format("{} takes {} to {} times as long", code_span(algorithm),
                                       significant(ratios.least), significant(ratios.most)));
    }
  }
  return parts.empty() ? Markdown() : Markdown::format("; {}", listed(parts));
}

/// Workspaces on a logarithmic axis, on which none stands at the left of the rest.
struct MemoryAxis {
  Range bytes;
  [[nodiscard]] double none() const { return bytes.most > 0 ? bytes.least / 16 : 1; }
  [[nodiscard]] double place(double value) const { return value > 0 ? value : none(); }

  [[nodiscard]] PlotCommands commands() const {
    const double high = bytes.most > 0 ? bytes.most * 2 : 2;
    std::vector<PlotCommands> ticks = {PlotCommands::format("'none' {}", plot_number(none()))};
    double step = 4;
    while (std::log(high / none()) / std::log(step) > 4) step *= 2;
    for (double tick = 1; tick <= high; tick *= step) {
      if (tick >= bytes.least / 2) {
        ticks.push_back(PlotCommands::format("{} {}", bytes_text(tick), plot_number(tick)));
      }
    }
    return PlotCommands::format("set logscale x\nset xrange [{}:{}]\nset xtics ({})\n",
                                plot_number(none() / 2), plot_number(high * kMargin),
                                joined(ticks, ", "));
  }
};

using Rows = std::vector<const ComparisonRow*>;

Panel draw_memory(const Rows& rows, const std::string& name) {
  Range times;
  MemoryAxis axis;
  for (const ComparisonRow* row : rows) {
    times.include(row->median_ms);
    axis.bytes.include(static_cast<double>(row->workspace_bytes));
  }
  PlotCommands data;
  std::vector<PlotCommands> points;
  std::vector<UntrustedText> alt;
  for (const ComparisonRow* row : rows) {
    const auto bytes = static_cast<double>(row->workspace_bytes);
    const std::size_t number = points.size();
    const Look look = look_of(row->algorithm);
    data += data_block(fmt::format("point{}", number),
                       {{plot_number(axis.place(bytes)), plot_number(row->median_ms)}});
    points.push_back(
        PlotCommands::format("$point{} using 1:2 with points pt {} ps 1 lw 2 lc rgb {} title {}",
                             number, look.point, look.colour, row->algorithm));
    alt.push_back(plain_text("{} {} and {} ms", row->algorithm, bytes_text(bytes),
                             significant(row->median_ms)));
  }
  const ComparisonRow& first = *rows.front();
  const PlotCommands commands = PlotCommands::format(
      "{}{}{}set key maxrows 3 samplen 1 width -4 font ',12'\nset title {}\n"
      "set xlabel 'Workspace'\nplot {}\n",
      data, time_axis(times), axis.commands(), first.pass, joined(points, ", "));
  return plotted({name,
                  plain_text("Workspace and median time of {}, {}: {}.", first.name, first.pass,
                             joined(alt, "; ")),
                  kPanel, commands});
}

}  // namespace

Crossover crossover(const Comparison& comparison, const Sweep& sweep, const std::string& name) {
  Crossover result;
  result.figure.source = short_digest(comparison.digest);
  for (const SweepPanel& panel : panels_of(comparison, sweep)) {
    const std::size_t number = result.figure.panels.size() + 1;
    if (number > kMaxPanels) {
      ++result.left_out;
      continue;
    }
    result.figure.panels.push_back(
        draw_sweep(panel, sweep, comparison.algorithms, fmt::format("{}_{}", name, number)));
    const Markdown ranges = ranges_text(panel);
    if (ranges.empty()) continue;
    result.crossovers +=
        Markdown::format("- {}: {}{}.\n", panel_title(panel), ranges, machine_text(panel));
  }
  return result;
}

UntrustedText memory_layer(const Comparison& comparison) {
  const ComparisonRow* largest = nullptr;
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_timed()) continue;
    if (row.name == "alexnet:conv2") return row.name;
    const bool network_over_sweep =
        largest != nullptr && is_in_sweep(*largest) && !is_in_sweep(row);
    const bool sweep_under_network =
        largest != nullptr && !is_in_sweep(*largest) && is_in_sweep(row);
    if (largest == nullptr || network_over_sweep ||
        (!sweep_under_network && row.flops > largest->flops)) {
      largest = &row;
    }
  }
  return largest == nullptr ? UntrustedText() : largest->name;
}

Figure memory_figure(const Comparison& comparison, const UntrustedText& layer,
                     const std::string& name) {
  std::vector<UntrustedText> passes;
  std::map<UntrustedText, Rows> rows;
  for (const ComparisonRow& row : comparison.rows) {
    if (row.name != layer || !row.is_timed()) continue;
    if (rows[row.pass].empty()) passes.push_back(row.pass);
    rows[row.pass].push_back(&row);
  }
  Figure figure;
  figure.source = short_digest(comparison.digest);
  for (const UntrustedText& pass : passes) {
    if (figure.panels.size() == kMaxPanels) break;
    const std::string number = std::to_string(figure.panels.size() + 1);
    figure.panels.push_back(draw_memory(rows[pass], name + "_" + number));
  }
  return figure;
}

}  // namespace reprise::reports
