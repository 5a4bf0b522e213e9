// Figures on convolution algorithms: where each is the fastest, what fraction of the peak it has,
// and the roofline.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/convolutions.hpp"
#include "svg.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kMaxPanels = 12;       // of a figure: each is a run of gnuplot
constexpr std::size_t kPanelRows = 40;       // of a panel
constexpr std::size_t kAlgorithmLabel = 24;  // bytes of a label

/// How one algorithm is drawn in every figure: colour, gnuplot's point type, letter in maps.
struct Look {
  std::string_view algorithm, colour;
  int point;
  std::string_view letter;
};

// Colours as in svg.hpp (Okabe and Ito); marks and letters differ too.
constexpr std::array kLooks = {
    Look{"naive", colour::kQuiet, 2, "N"},         Look{"im2col_gemm", colour::kOrange, 5, "G"},
    Look{"direct", colour::kBlue, 7, "D"},         Look{"fft", colour::kGreen, 9, "F"},
    Look{"winograd", colour::kVermilion, 13, "W"}, Look{"onednn", colour::kText, 6, "O"},
};
constexpr Look kOther = {"", colour::kPurple, 4, "?"};

const Look& look_of(const UntrustedText& algorithm) {
  for (const Look& look : kLooks) {
    if (algorithm == look.algorithm) return look;
  }
  return kOther;
}

/// The group of this key, new ones behind the others.
template <class Key, class Group>
Group& group_of(const Key& key, std::vector<std::pair<Key, Group>>& groups) {
  for (auto& [known, group] : groups) {
    if (known == key) return group;
  }
  return groups.emplace_back(key, Group()).second;
}

/// Points with titles, by algorithm: in a block each, with its name in the key.
class TitledPoints {
 public:
  void add(const UntrustedText& algorithm, const PlotCommands& x, const PlotCommands& y,
           const UntrustedText& title) {
    places_[algorithm].push_back({x, y, point_title(titles_, title)});
  }
  /// Adds the blocks, and what is to be plotted of them.
  void draw(double size, PlotCommands& data, std::vector<PlotCommands>& plots) const {
    for (const auto& [algorithm, places] : places_) {
      const Look& look = look_of(algorithm);
      const std::size_t number = plots.size();
      const PlotCommands style = PlotCommands::format("pt {} ps {} lw 1.5 lc rgb {}", look.point,
                                                      plot_number(size), look.colour);
      data += titled_block(fmt::format("points{}", number), places);
      plots.push_back(PlotCommands::format(
          "$points{} using 1:2:3 with labels hypertext point {} notitle, keyentry with points {} "
          "title {}",
          number, style, style, words_of(algorithm).shortened(kAlgorithmLabel)));
    }
  }
  [[nodiscard]] const std::vector<UntrustedText>& titles() const { return titles_; }

 private:
  std::map<UntrustedText, std::vector<std::vector<PlotCommands>>> places_;
  std::vector<UntrustedText> titles_;
};

/// NAME_1, NAME_2, ...: of the figure's next panel.
std::string next_name(const std::string& name, const Figure& figure) {
  return fmt::format("{}_{}", name, figure.panels.size() + 1);
}

// ---- The map

/// Kernel size and channels of a cell; the fastest portable row there.
using Map = std::map<std::pair<std::int64_t, std::int64_t>, const ComparisonRow*>;

/// The number behind a key of benchdnn's grammar, as 32 of "ic32"; 0 for none.
std::int64_t field(const UntrustedText& shape, std::string_view key) {
  const std::size_t at = shape.find(key);
  if (at == std::string::npos) return 0;
  for (std::size_t digits = 6; digits > 0; --digits) {
    const auto number = shape.substr(at + key.size(), digits).integer();
    if (number) return std::max<std::int64_t>(*number, 0);
  }
  return 0;
}

/// By pass, in the order of the record.
std::vector<std::pair<UntrustedText, Map>> maps_of(const Comparison& comparison) {
  std::vector<std::pair<UntrustedText, Map>> maps;
  for (const ComparisonRow& row : comparison.rows) {
    if (!is_in_sweep(row) || !row.is_timed() || !row.is_portable()) continue;
    Map& map = group_of(row.pass_text(), maps);
    const ComparisonRow*& best = map[{field(row.shape, "kh"), field(row.shape, "ic")}];
    if (best == nullptr || row.median_ms < best->median_ms) best = &row;
  }
  return maps;
}

/// Places of values on an axis on which each has the same room.
std::map<std::int64_t, std::size_t> places_of(const std::set<std::int64_t>& values) {
  std::map<std::int64_t, std::size_t> places;
  for (const std::int64_t value : values) places.emplace(value, places.size());
  return places;
}

PlotCommands tics(const std::map<std::int64_t, std::size_t>& places) {
  std::vector<PlotCommands> items;
  for (const auto& [value, place] : places) {
    items.push_back(PlotCommands::format("'{}' {}", value, place));
  }
  return joined(items, ", ");
}

Panel map_panel(const UntrustedText& pass, const Map& map, const std::string& name) {
  std::set<std::int64_t> kernels;
  std::set<std::int64_t> channels;
  for (const auto& [cell, row] : map) {
    if (kernels.size() < kPanelRows) kernels.insert(cell.first);
    if (channels.size() < kPanelRows) channels.insert(cell.second);
  }
  const auto rows = places_of(kernels);
  const auto columns = places_of(channels);
  std::map<UntrustedText, std::vector<std::vector<PlotCommands>>> cells;  // by algorithm
  PlotCommands letters;
  std::vector<UntrustedText> alt;
  std::vector<UntrustedText> titles;
  for (const auto& [cell, row] : map) {
    const auto kernel = rows.find(cell.first);
    const auto channel = columns.find(cell.second);
    if (kernel == rows.end() || channel == columns.end()) continue;
    alt.push_back(plain_text("{}×{}, {} channels {}", cell.first, cell.first, cell.second,
                             words_of(row->algorithm)));
    cells[row->algorithm].push_back({PlotCommands::format("{}", channel->second),
                                     PlotCommands::format("{}", kernel->second),
                                     point_title(titles, alt.back())});
    letters += PlotCommands::format("set label {} at {},{} center front tc rgb {}\n",
                                    look_of(row->algorithm).letter, channel->second, kernel->second,
                                    ink_on(tint(look_of(row->algorithm).colour, 1)));
  }
  PlotCommands data;
  std::vector<PlotCommands> boxes;
  for (const auto& [algorithm, places] : cells) {
    data += titled_block(fmt::format("cells{}", boxes.size()), places);
    boxes.push_back(PlotCommands::format(
        "$cells{0} using 1:2:(0.47):(0.47) with boxxyerror fs solid noborder lc rgb {1} title {2}, "
        "$cells{0} using 1:2:3 with labels hypertext point pt 5 ps 1 lc rgb {1} notitle",
        boxes.size(), look_of(algorithm).colour,
        plain_text("{} {}", look_of(algorithm).letter,
                   words_of(algorithm).shortened(kAlgorithmLabel))));
  }
  const PlotCommands commands = PlotCommands::format(
      "{}{}unset grid\nset key at screen 0.5,screen 0.99 center top maxrows 2 samplen 0.5\n"
      "set tmargin 5\nset title {}\n"
      "set xrange [-0.6:{}.6]\nset yrange [-0.6:{}.6]\nset xtics ({})\nset ytics ({})\n"
      "set xlabel 'Channels'\nset ylabel 'Kernel size'\nplot {}\n",
      data, letters, pass.shortened(kAlgorithmLabel), columns.size() - 1, rows.size() - 1,
      tics(columns), tics(rows), joined(boxes, ", "));
  return plotted({name,
                  plain_text("The fastest portable algorithm, {}: {}.", pass, joined(alt, "; ")),
                  {310, 190 + 19.0 * static_cast<double>(rows.size())},
                  commands,
                  titles});
}

// ---- Share of the peak

/// A network's layers and passes, in the order of the record.
struct Lines {
  std::vector<std::pair<UntrustedText, UntrustedText>> keys;       ///< (name, pass)
  std::vector<std::pair<std::size_t, const ComparisonRow*>> rows;  ///< place among the keys
};

std::vector<std::pair<UntrustedText, Lines>> lines_of(const Comparison& comparison) {
  std::vector<std::pair<UntrustedText, Lines>> networks;
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_timed() || is_in_sweep(row)) continue;
    Lines& lines = group_of(row.network(), networks);
    const std::pair<UntrustedText, UntrustedText> key{row.name, row.pass_text()};
    const auto found = std::find(lines.keys.begin(), lines.keys.end(), key);
    const auto place = static_cast<std::size_t>(found - lines.keys.begin());
    if (place == kPanelRows) continue;
    if (found == lines.keys.end()) lines.keys.push_back(key);
    lines.rows.emplace_back(place, &row);
  }
  return networks;
}

Panel share_panel(const UntrustedText& network, const Lines& lines, const Comparison& comparison,
                  const std::string& name) {
  const double count = static_cast<double>(lines.keys.size());
  TitledPoints points;
  std::vector<UntrustedText> alt;
  double most = 100;
  double least = 10;
  for (const auto& [place, row] : lines.rows) {
    const double fraction = 100 * comparison.share_of_peak(*row);
    alt.push_back(plain_text("{}, {}, {} {}%", layer_of(*row), row->pass_text(),
                             words_of(row->algorithm), significant(fraction)));
    points.add(row->algorithm, plot_number(fraction),
               plot_number(count - static_cast<double>(place)), alt.back());
    if (is_drawable(fraction) && fraction > 0) most = std::max(most, fraction);
    if (is_drawable(fraction) && fraction > 0) least = std::min(least, fraction);
  }
  std::vector<PlotCommands> labels;
  for (std::size_t i = 0; i < lines.keys.size(); ++i) {
    const auto& [layer, pass] = lines.keys[i];
    const std::size_t skipped = network.empty() ? 0 : network.size() + 1;
    labels.push_back(PlotCommands::format(
        "{} {}",
        tic_text(plain_text("{} {}", layer.substr(skipped).shortened(kAlgorithmLabel),
                            pass.shortened(kAlgorithmLabel))),
        lines.keys.size() - i));
  }
  PlotCommands data;
  std::vector<PlotCommands> plots;
  points.draw(0.8, data, plots);
  const PlotCommands commands = PlotCommands::format(
      "{}set title {}\nset border 1\nunset grid\nset grid x y lt 1 lc rgb {} lw 1\n"
      "set key at screen 0.5,screen 0.99 center top maxrows 2 samplen 0.5 width -2\nset tmargin 5\n"
      "set logscale x\n"
      "set xrange [{}:{}]\nset yrange [0.4:{}.6]\nset ytics scale 0 ({})\n"
      "set xtics (0.1, 1, 10, 100, 1000)\nset xlabel 'Share of peak (%)'\n"
      "set arrow from 100,graph 0 to 100,graph 1 nohead dt (5,4) lw 1.5 lc rgb {}\nplot {}\n",
      data, network.empty() ? "other shapes" : network.shortened(kAlgorithmLabel), colour::kGrid,
      plot_number(std::max(least / 1.5, 1e-3)), plot_number(std::min(most * 1.5, 1e6)),
      lines.keys.size(), joined(labels, ", "), colour::kQuiet, joined(plots, ", "));
  return plotted({name,
                  plain_text("Share of the machine's peak: {}.", joined(alt, "; ")),
                  {350, 190 + 20.0 * count},
                  commands,
                  points.titles()});
}

// ---- The roofline

struct RooflinePoint {
  const ComparisonRow* row;
  double intensity;  ///< FLOP/byte
};

std::vector<std::pair<UntrustedText, std::vector<RooflinePoint>>> roofline_points(
    const Comparison& comparison) {
  std::vector<std::pair<UntrustedText, std::vector<RooflinePoint>>> passes;
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_timed()) continue;
    group_of(row.pass_text(), passes).push_back({&row, row.flops / tensor_bytes(row)});
  }
  return passes;
}

/// What a logarithmic axis has to show, with a margin; values that cannot be drawn are left out.
struct LogRange {
  double least = 1e9, most = 1e-6;
  void include(double value) {
    if (!is_drawable(value) || value <= 0) return;
    least = std::clamp(value, 1e-6, least);
    most = std::clamp(value, most, 1e9);
  }
  [[nodiscard]] LogRange with_margin() const {
    return least > most ? LogRange{1, 1000} : LogRange{least / 1.5, most * 1.5};
  }
};

/// The roof as far as the points reach, from memory's slope to the peak.
PlotCommands roof(const Comparison& comparison, const LogRange& range) {
  const double bandwidth = comparison.memory_bandwidth / 1e9;
  const double peak = comparison.peak() / 1e9;
  const double ridge = peak / bandwidth;
  std::vector<std::vector<PlotCommands>> corners;
  for (const double at : {range.least, std::clamp(ridge, range.least, range.most), range.most}) {
    corners.push_back({plot_number(at), plot_number(std::min(peak, bandwidth * at))});
  }
  return data_block("roof", corners);
}

Panel roofline_panel(const UntrustedText& pass, const std::vector<RooflinePoint>& points,
                     const Comparison& comparison, const LogRange& across, const LogRange& up,
                     const std::string& name) {
  TitledPoints titled;
  std::vector<UntrustedText> alt;
  for (const auto& [row, intensity] : points) {
    const UntrustedText text =
        plain_text("{} {}: {} FLOP/byte, {} GFLOP/s", row->name, words_of(row->algorithm),
                   significant(intensity), significant(row->gflops()));
    titled.add(row->algorithm, plot_number(intensity), plot_number(row->gflops()), text);
    if (!is_in_sweep(*row)) alt.push_back(text);
  }
  PlotCommands data = roof(comparison, across);
  std::vector<PlotCommands> plots = {PlotCommands::format(
      "$roof using 1:2 with lines lw 2 lc rgb {} title 'roof'", colour::kQuiet)};
  titled.draw(0.6, data, plots);
  const double decades = std::log10(across.most / across.least);
  const PlotCommands commands = PlotCommands::format(
      "{}set title {}\nset grid x y lt 1 lc rgb {} lw 1\n"
      "set key at screen 0.5,screen 0.99 center top maxrows 3 samplen 0.5 width -2\nset tmargin 7\n"
      "set logscale xy\nset xrange [{}:{}]\nset xtics {}\nset yrange [{}:{}]\n"
      "set xlabel 'FLOP/byte'\nset ylabel 'GFLOP/s'\nplot {}\n",
      data, pass.shortened(kAlgorithmLabel), colour::kGrid, plot_number(across.least),
      plot_number(across.most), plot_number(std::pow(10, std::ceil(decades / 4))),
      plot_number(up.least), plot_number(up.most), joined(plots, ", "));
  return plotted({name,
                  plain_text("Roofline, {}: {}.", pass, joined(alt, "; ")),
                  {330, 356},
                  commands,
                  titled.titles()});
}

// ---- The ideal saving

/// Timed rows of an algorithm that needs fewer operations than the plain sum, by pass.
std::vector<std::pair<UntrustedText, std::vector<const ComparisonRow*>>> saving_rows(
    const Comparison& comparison) {
  std::vector<std::pair<UntrustedText, std::vector<const ComparisonRow*>>> passes;
  for (const ComparisonRow& row : comparison.rows) {
    if (row.is_timed() && row.ideal_saving > 1) group_of(row.pass_text(), passes).push_back(&row);
  }
  return passes;
}

/// "FFT 12% to 61%": each algorithm's share of its limit.
UntrustedText limits_text(const std::vector<const ComparisonRow*>& rows,
                          const Comparison& comparison) {
  std::map<UntrustedText, LogRange> shares;
  for (const ComparisonRow* row : rows) {
    shares[row->algorithm].include(100 * comparison.share_of_peak(*row) / row->ideal_saving);
  }
  std::vector<UntrustedText> parts;
  for (const auto& [algorithm, share] : shares) {
    parts.push_back(plain_text("{} {}% to {}%", words_of(algorithm), fixed(share.least, 0),
                               fixed(share.most, 0)));
  }
  return listed(parts);
}

Panel saving_panel(const UntrustedText& pass, const std::vector<const ComparisonRow*>& rows,
                   const Comparison& comparison, const LogRange& across, const LogRange& up,
                   const std::string& name) {
  TitledPoints titled;
  for (const ComparisonRow* row : rows) {
    const double share = 100 * comparison.share_of_peak(*row);
    titled.add(row->algorithm, plot_number(row->ideal_saving), plot_number(share),
               plain_text("{} {}: {} times fewer operations, {}% of the peak, {}% of the limit",
                          row->name, words_of(row->algorithm), significant(row->ideal_saving),
                          significant(share), significant(share / row->ideal_saving)));
  }
  PlotCommands data =
      data_block("limit", {{plot_number(across.least), plot_number(100 * across.least)},
                           {plot_number(across.most), plot_number(100 * across.most)}});
  std::vector<PlotCommands> plots = {PlotCommands::format(
      "$limit using 1:2 with lines lw 2 lc rgb {} title 'limit'", colour::kQuiet)};
  titled.draw(0.6, data, plots);
  const PlotCommands commands = PlotCommands::format(
      "{}set title {}\nset grid x y lt 1 lc rgb {} lw 1\n"
      "set key at screen 0.5,screen 0.99 center top maxrows 1 samplen 0.5 width -2\nset tmargin 4\n"
      "set logscale xy\nset xrange [{}:{}]\nset yrange [{}:{}]\nset xtics (1, 2, 5, 10, 20, 50, "
      "100)\n"
      "set xlabel 'Times fewer operations'\nset ylabel 'Share of peak (%)'\nplot {}\n",
      data, pass.shortened(kAlgorithmLabel), colour::kGrid, plot_number(across.least),
      plot_number(across.most), plot_number(up.least), plot_number(up.most), joined(plots, ", "));
  return plotted(
      {name,
       plain_text("Share of the peak against the ideal saving, {}; share of the limit: {}.", pass,
                  limits_text(rows, comparison)),
       {330, 320},
       commands,
       titled.titles()});
}

}  // namespace

double tensor_bytes(const ComparisonRow& row) {
  const auto of = [&](std::string_view key) { return static_cast<double>(field(row.shape, key)); };
  const double images =
      of("mb") * (of("ic") * of("ih") * of("iw") + of("oc") * of("oh") * of("ow"));
  const double weights = of("oc") * of("ic") / std::max(of("g"), 1.0) * of("kh") * of("kw");
  return 4 * (images + weights);
}

UntrustedText layer_of(const ComparisonRow& row) {
  const UntrustedText network = row.network();
  return network.empty() ? row.name : row.name.substr(network.size() + 1);
}

bool is_in_sweep(const ComparisonRow& row) {
  const UntrustedText network = row.network();
  return network == "kernel" || network == "channels";
}

Figure map_figure(const Comparison& comparison, const std::string& name) {
  Figure figure{{}, short_digest(comparison.digest)};
  figure.data.titles = {"Pass", "Kernel", "Channels", "Fastest portable", "Median (ms)"};
  for (const auto& [pass, map] : maps_of(comparison)) {
    for (const auto& [cell, row] : map) {
      figure.data.rows.push_back({row->pass, count_cell(cell.first), count_cell(cell.second),
                                  row->algorithm, significant_cell(row->median_ms)});
    }
    if (figure.panels.size() == kMaxPanels) continue;
    figure.panels.push_back(map_panel(pass, map, next_name(name, figure)));
  }
  return figure;
}

Figure share_figure(const Comparison& comparison, const std::string& name) {
  Figure figure{{}, short_digest(comparison.digest)};
  figure.data.titles = {"Layer", "Pass", "Algorithm", "GFLOP/s", "Peak (%)"};
  for (const auto& [network, lines] : lines_of(comparison)) {
    for (const auto& [place, row] : lines.rows) {
      figure.data.rows.push_back({row->name, row->pass, row->algorithm,
                                  significant_cell(row->gflops()),
                                  percent_cell(comparison.share_of_peak(*row), 1)});
    }
    if (figure.panels.size() == kMaxPanels) continue;
    figure.panels.push_back(share_panel(network, lines, comparison, next_name(name, figure)));
  }
  return figure;
}

Figure saving_figure(const Comparison& comparison, const std::string& name) {
  Figure figure{{}, short_digest(comparison.digest)};
  figure.data.titles = {"Layer",    "Pass",     "Algorithm", "Times fewer operations",
                        "Peak (%)", "Limit (%)"};
  const auto passes = saving_rows(comparison);
  LogRange across;
  LogRange up;  // the limit in sight
  for (const auto& [pass, rows] : passes) {
    for (const ComparisonRow* row : rows) {
      across.include(row->ideal_saving);
      up.include(100 * comparison.share_of_peak(*row));
      up.include(100 * row->ideal_saving);
    }
  }
  across = across.with_margin();
  up = up.with_margin();
  for (const auto& [pass, rows] : passes) {
    for (const ComparisonRow* row : rows) {
      const double share = comparison.share_of_peak(*row);
      figure.data.rows.push_back({row->name, row->pass, row->algorithm,
                                  significant_cell(row->ideal_saving), percent_cell(share, 1),
                                  percent_cell(share / row->ideal_saving, 1)});
    }
    if (figure.panels.size() == kMaxPanels) continue;
    figure.panels.push_back(
        saving_panel(pass, rows, comparison, across, up, next_name(name, figure)));
  }
  return figure;
}

Figure roofline_figure(const Comparison& comparison, const std::string& name) {
  Figure figure{{}, short_digest(comparison.digest)};
  if (comparison.memory_bandwidth <= 0) return figure;
  figure.data.titles = {"Layer", "Pass", "Algorithm", "FLOP/byte", "GFLOP/s", "Roof (GFLOP/s)"};
  const auto passes = roofline_points(comparison);
  LogRange across;  // of all panels, and the slope in sight
  LogRange up;
  across.include(0.5 * comparison.peak() / comparison.memory_bandwidth);
  up.include(comparison.peak() / 1e9);
  for (const auto& [pass, points] : passes) {
    for (const auto& [row, intensity] : points) {
      across.include(intensity);
      up.include(row->gflops());
    }
  }
  across = across.with_margin();
  up = up.with_margin();
  for (const auto& [pass, points] : passes) {
    for (const auto& [row, intensity] : points) {
      const double roof = std::min(comparison.peak(), comparison.memory_bandwidth * intensity);
      figure.data.rows.push_back({row->name, row->pass, row->algorithm, significant_cell(intensity),
                                  significant_cell(row->gflops()), significant_cell(roof / 1e9)});
    }
    if (figure.panels.size() == kMaxPanels) continue;
    figure.panels.push_back(
        roofline_panel(pass, points, comparison, across, up, next_name(name, figure)));
  }
  return figure;
}

}  // namespace reprise::reports
