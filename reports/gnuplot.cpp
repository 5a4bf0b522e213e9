#include "gnuplot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "child_process.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

Confinement confinement = Confinement::required;

/// Words with one blank between them.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

PlotCommands preamble(const Plot& plot) {
  return PlotCommands::format(
      "set encoding utf8\n"
      "set terminal svg size {},{} fixed noenhanced font 'sans-serif,13' background {} name {}\n"
      "set border 3 lc rgb {} lw 1\n"
      "set tics nomirror out scale 0.5\n"
      "set grid y lt 1 lc rgb {} lw 1\n"
      "set key outside top center horizontal samplen 2.5\n",
      plot.size.width, plot.size.height, colour::kPaper, plot.name, colour::kQuiet, colour::kGrid);
}

}  // namespace

void draw_unconfined() {
  confinement = Confinement::none;
}

std::string run_gnuplot(const std::string& commands) {
  const ChildResult result = run_child({"gnuplot", {"-d", "/dev/stdin"}, commands, confinement});
  if (result.wait_status != 0 || result.output.find("</svg>") == std::string::npos) {
    std::string reason = one_line(result.errors);
    if (reason.empty()) reason = fmt::format("wait status {}", result.wait_status);
    throw Error("gnuplot", reason, "an SVG drawing");
  }
  return result.output;
}

PlotCommands script_of(const Plot& plot) {
  return PlotCommands::format("{}{}", preamble(plot), plot.commands);
}

Svg draw(const Plot& plot) {
  return tidy_gnuplot(run_gnuplot(script_of(plot).str()), plot.name, plot.alt, plot.titles,
                      plot.themed);
}

PlotCommands point_title(std::vector<UntrustedText>& titles, const UntrustedText& text) {
  constexpr std::size_t kMaxBytes = 200;  // bytes: a drawing has hundreds of them
  titles.push_back(text.shortened(kMaxBytes));
  return PlotCommands::format("{}", titles.size() - 1);
}

PlotCommands colour_number(std::string_view hex) {
  return PlotCommands::format("{}", std::stoi(std::string(hex.substr(1)), nullptr, 16));
}

PlotCommands data_block(std::string_view name, const std::vector<std::vector<PlotCommands>>& rows) {
  std::vector<PlotCommands> lines;
  for (const std::vector<PlotCommands>& row : rows) lines.push_back(joined(row, " "));
  lines.push_back(PlotCommands::format("EOD\n"));
  return PlotCommands::format("${} << EOD\n{}", PlotCommands::as_it_is(std::string(name)),
                              joined(lines, "\n"));
}

PlotCommands titled_block(std::string_view name, std::vector<std::vector<PlotCommands>> rows) {
  rows.push_back({PlotCommands::format("1e300 1e300 0 0 0 0 0")});
  return data_block(name, rows);
}

bool is_drawable(double value) {
  return std::abs(value) <= 1e300;  // not so for NaN
}

PlotCommands plot_number(double value) {
  return is_drawable(value) ? PlotCommands::format("{}", value) : PlotCommands::format("NaN");
}

std::string GnuplotContext::escaped(const UntrustedText& text) {
  std::string quoted = "'";
  for (const char c : printable(text.bytes_)) {
    // gnuplot passes numbers of characters on to the SVG: so nothing is left for it to interpret.
    const bool special = std::string_view("'\"`\\&@{}").find(c) != std::string_view::npos;
    quoted += special ? fmt::format("&#x{:x};", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return quoted + "'";
}

std::string GnuplotContext::format_of_tic(const UntrustedText& text) {
  std::string format;
  for (const char c : text.bytes_) {
    if (c == '%') format += c;
    format += c;
  }
  return escaped(format);
}

PlotCommands tic_text(const UntrustedText& text) {
  return PlotCommands::as_it_is(GnuplotContext::format_of_tic(text));
}

double tick_step(double range, int steps) {
  const double power = std::pow(10, std::floor(std::log10(range / steps)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range <= factor * power * steps) return factor * power;
  }
  return 10 * power;
}

std::int64_t tick_step(std::int64_t range) {
  for (std::int64_t power = 1;; power *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (range <= 10 * factor * power) return factor * power;
    }
  }
}

}  // namespace reprise::reports
