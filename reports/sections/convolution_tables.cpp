// Tables of the section on convolution algorithms: networks, errors, statuses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "format.hpp"
#include "sections/convolutions.hpp"

namespace reprise::reports {
namespace {

constexpr std::string_view kNothing = "–";

/// One line of a table: the rows of one pass of one layer, by algorithm.
struct Line {
  UntrustedText name, pass;
  std::map<UntrustedText, const ComparisonRow*> rows;
};

/// In the order of the record. `keep` chooses among the rows.
template <class Keep>
std::vector<Line> lines_of(const Comparison& comparison, const Keep& keep) {
  std::vector<Line> lines;
  std::map<std::pair<UntrustedText, UntrustedText>, std::size_t> places;
  for (const ComparisonRow& row : comparison.rows) {
    if (!keep(row)) continue;
    const auto [place, is_new] = places.emplace(std::pair(row.name, row.pass), lines.size());
    if (is_new) lines.push_back({row.name, row.pass, {}});
    lines[place->second].rows[row.algorithm] = &row;
  }
  return lines;
}

const ComparisonRow* fastest_portable(const Line& line) {
  const ComparisonRow* best = nullptr;
  for (const auto& [algorithm, row] : line.rows) {
    if (!row->is_timed() || !row->is_portable()) continue;
    if (best == nullptr || row->median_ms < best->median_ms) best = row;
  }
  return best;
}

std::string measured(const ComparisonRow& row, Cell what) {
  switch (what) {
    case Cell::time:
      return significant_cell(row.median_ms);
    case Cell::rate:
      return significant_cell(row.gflops());
    case Cell::workspace:
      return significant_cell(static_cast<double>(row.workspace_bytes) / 1024);
    case Cell::error:
      return significant_cell(row.worst_ulp);
  }
  return "";
}

Markdown status_text(const ComparisonRow& row) {
  if (row.is_wrong()) return Markdown::format("**WRONG**");
  if (row.is_unsupported()) return kNothing;
  return row.status.empty() ? "not run" : row.status;
}

std::vector<Table::Column> algorithm_columns(const Comparison& comparison, const std::string& first,
                                             Align align) {
  std::vector<Table::Column> columns = {{first}, {"Pass"}};
  for (const UntrustedText& name : comparison.algorithms) {
    columns.push_back({name, align});
  }
  return columns;
}

/// What the table of errors says of one algorithm.
struct Tally {
  UntrustedText reproducibility;
  std::int64_t checked = 0, unsupported = 0, untrusted = 0, wrong = 0;
  const ComparisonRow* worst = nullptr;  ///< by share of its bound
  double worst_ulp = 0, worst_rms = 0;
};

/// Like std::max, but what is not a number is the larger.
double worse(double a, double b) {
  return std::isnan(a) || a > b ? a : b;
}

void count(const ComparisonRow& row, Tally& tally) {
  tally.reproducibility = row.reproducibility;
  tally.unsupported += row.is_unsupported() ? 1 : 0;
  if (!row.is_checked()) return;
  ++tally.checked;
  tally.untrusted += row.status == "untrusted" ? 1 : 0;
  tally.wrong += row.is_wrong() ? 1 : 0;
  tally.worst_ulp = worse(tally.worst_ulp, row.worst_ulp);
  tally.worst_rms = worse(tally.worst_rms, row.rms_relative);
  if (tally.worst == nullptr || std::isnan(row.worst_of_bound) ||
      row.worst_of_bound > tally.worst->worst_of_bound) {
    tally.worst = &row;
  }
}

std::string scientific(double value) {
  return std::isfinite(value) ? fmt::format("{:.1e}", value) : cell(value, 0);
}

/// In percent: "12", and below a hundredth with the digits that count.
std::string share_cell(double share) {
  return percent_cell(share, share < 0.01 ? 2 : 0);
}

/// Such that three digits count.
int decimals_that_count(double value) {
  if (!std::isfinite(value) || value == 0) return 0;
  const double decimals =
      std::clamp(2 - std::floor(std::log10(std::abs(value) * 1.0005)), 0.0, 6.0);
  return static_cast<int>(decimals);
}

/// Of the rows that were timed; NaN for none.
double largest_spread(const Line& line) {
  double largest = std::nan("");
  for (const auto& [algorithm, row] : line.rows) {
    if (row->is_timed() && !(row->spread() <= largest)) largest = row->spread();
  }
  return largest;
}

}  // namespace

std::string significant(double value) {
  if (std::isfinite(value) && std::abs(value) >= 1e15) return scientific(value);
  const bool is_large = std::isfinite(value) && std::abs(value) >= 999.5;
  return is_large ? grouped(whole_number(std::round(value)))
                  : fixed(value, decimals_that_count(value));
}

std::string significant_cell(double value) {
  return cell(value, decimals_that_count(value));
}

std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB"};
  if (bytes <= 0) return "0";
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit < 3; ++unit) bytes /= 1024;
  const bool whole = bytes >= 10 || bytes == std::floor(bytes);
  return fmt::format("{:.{}f} {}", bytes, whole ? 0 : 1, kUnits[unit]);
}

UntrustedText layer_of(const ComparisonRow& row) {
  const UntrustedText network = row.network();
  return network.empty() ? row.name : row.name.substr(network.size() + 1);
}

bool is_in_sweep(const ComparisonRow& row) {
  const UntrustedText network = row.network();
  return network == kKernelSweep.prefix || network == kChannelSweep.prefix;
}

std::vector<UntrustedText> timed_networks(const Comparison& comparison) {
  std::vector<UntrustedText> networks;
  for (const ComparisonRow& row : comparison.rows) {
    const UntrustedText network = row.network();
    const bool known = std::find(networks.begin(), networks.end(), network) != networks.end();
    if (row.is_timed() && !is_in_sweep(row) && !known) networks.push_back(network);
  }
  return networks;
}

TableEntry network_table(const Comparison& comparison, const UntrustedText& network, Cell what) {
  TableEntry entry;
  entry.source = short_digest(comparison.digest);
  entry.table.columns = algorithm_columns(comparison, "Layer", Align::right);
  if (what == Cell::time) entry.table.columns.push_back({"Largest spread (%)", Align::right});
  const auto in_network = [&](const ComparisonRow& row) { return row.network() == network; };
  for (const Line& line : lines_of(comparison, in_network)) {
    const ComparisonRow* best = fastest_portable(line);
    std::vector<Markdown> cells = {layer_of(*line.rows.begin()->second), line.pass};
    for (const UntrustedText& algorithm : comparison.algorithms) {
      const auto found = line.rows.find(algorithm);
      if (found == line.rows.end()) {
        cells.emplace_back("not run");
        continue;
      }
      const ComparisonRow& row = *found->second;
      const Markdown text = row.is_timed() ? measured(row, what) : status_text(row);
      cells.push_back(&row == best ? Markdown::format("**{}**", text) : text);
    }
    if (what == Cell::time) {
      const double spread = largest_spread(line);
      cells.emplace_back(or_dash(spread, percent_cell(spread, 0)));
    }
    entry.table.rows.push_back(std::move(cells));
  }
  return entry;
}

TableEntry error_table(const Comparison& comparison) {
  std::map<UntrustedText, Tally> tallies;
  for (const ComparisonRow& row : comparison.rows) count(row, tallies[row.algorithm]);
  TableEntry entry;
  entry.source = short_digest(comparison.digest);
  entry.table.columns = {{"Algorithm"},
                         {"Class"},
                         {"Largest error (% of its bound)", Align::right},
                         {"where"},
                         {"Largest error (ulp)", Align::right},
                         {"RMS error, relative", Align::right},
                         {"Checked", Align::right},
                         {"WRONG", Align::right},
                         {"Untrusted", Align::right},
                         {"Unsupported", Align::right}};
  for (const UntrustedText& algorithm : comparison.algorithms) {
    const Tally& tally = tallies[algorithm];
    const bool any = tally.worst != nullptr;
    const std::string none(kNothing);
    entry.table.rows.push_back(
        {code_span(algorithm), tally.reproducibility,
         any ? share_cell(tally.worst->worst_of_bound) : none,
         any ? plain_text("{}, {}", tally.worst->name, tally.worst->pass) : none,
         any ? significant_cell(tally.worst_ulp) : none, any ? scientific(tally.worst_rms) : none,
         std::to_string(tally.checked),
         tally.wrong > 0 ? Markdown::format("**{}**", tally.wrong) : std::to_string(tally.wrong),
         std::to_string(tally.untrusted), std::to_string(tally.unsupported)});
  }
  return entry;
}

TableEntry status_table(const Comparison& comparison) {
  TableEntry entry;
  entry.source = short_digest(comparison.digest);
  entry.table.columns = algorithm_columns(comparison, "Shape", Align::left);
  for (const Line& line : lines_of(comparison, [](const ComparisonRow&) { return true; })) {
    std::vector<Markdown> cells = {line.name, line.pass};
    for (const UntrustedText& algorithm : comparison.algorithms) {
      const auto found = line.rows.find(algorithm);
      cells.push_back(found == line.rows.end() ? Markdown("not run") : status_text(*found->second));
    }
    entry.table.rows.push_back(std::move(cells));
  }
  return entry;
}

TableEntry wrong_table(const Comparison& comparison) {
  TableEntry entry;
  entry.source = short_digest(comparison.digest);
  entry.table.columns = {{"Algorithm"},
                         {"Pass"},
                         {"Name"},
                         {"Shape"},
                         {"Largest error (% of its bound)", Align::right}};
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_wrong()) continue;
    entry.table.rows.push_back({code_span(row.algorithm), row.pass, row.name, code_span(row.shape),
                                share_cell(row.worst_of_bound)});
  }
  return entry;
}

Markdown unsupported_reasons(const Comparison& comparison) {
  std::map<UntrustedText, std::vector<UntrustedText>> reasons;  // by algorithm
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_unsupported()) continue;
    const std::size_t colon = row.status.find(": ");
    const UntrustedText reason =
        colon == std::string::npos ? row.status : row.status.substr(colon + 2);
    std::vector<UntrustedText>& known = reasons[row.algorithm];
    if (std::find(known.begin(), known.end(), reason) == known.end()) known.push_back(reason);
  }
  Markdown text;
  for (const UntrustedText& algorithm : comparison.algorithms) {
    const auto found = reasons.find(algorithm);
    if (found == reasons.end()) continue;
    text += Markdown::format("- {}: {}.\n", code_span(algorithm), joined(found->second, "; "));
  }
  return text;
}

}  // namespace reprise::reports
