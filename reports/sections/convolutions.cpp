// Convolution algorithms: a part of the paper and one of the supplement for each comparison's
// record.
#include "sections/convolutions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "format.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

// ---- Tables

/// What the table of errors says of one algorithm.
struct Tally {
  UntrustedText reproducibility;
  std::size_t checked = 0, unsupported = 0, not_run = 0, untrusted = 0, wrong = 0;
  const ComparisonRow* worst = nullptr;  ///< by fraction of its bound
  double worst_ulp = 0, worst_rms = 0;
};

/// Like std::max, but what is not a number is the larger.
double worse(double a, double b) {
  return std::isnan(a) || a > b ? a : b;
}

void count(const ComparisonRow& row, Tally& tally) {
  tally.reproducibility = row.reproducibility;
  tally.unsupported += row.is_unsupported() ? 1 : 0;
  tally.not_run += row.status.empty() ? 1 : 0;
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

Cell scientific_cell(double value) {
  Cell made = number_cell(value, 0);
  if (std::isfinite(value)) made.shown = fmt::format("{:.1e}", value);
  return made;
}

/// In percent: "12", and below a hundredth with the digits that count.
Cell bound_cell(double fraction) {
  return percent_cell(fraction, fraction < 0.01 ? 2 : 0);
}

TableEntry error_table(const Comparison& comparison) {
  std::map<UntrustedText, Tally> tallies;
  for (const ComparisonRow& row : comparison.rows) count(row, tallies[row.algorithm]);
  Table table{{"Algorithm", "Class", "Error (% of bound)", "Worst case (of bound)", "Error (ulp)",
               "RMS, relative", "Checked", "Wrong", "Untrusted", "Unsupported", "Not run"},
              {}};
  for (const UntrustedText& algorithm : comparison.algorithms) {
    const Tally& tally = tallies[algorithm];
    std::vector<Cell> row = {
        words_of(algorithm), tally.reproducibility, Cell(), Cell(), Cell(), Cell()};
    if (tally.worst != nullptr) {
      row[2] = bound_cell(tally.worst->worst_of_bound);
      row[3] = plain_text("{}, {}", tally.worst->name, tally.worst->pass_text());
      row[4] = significant_cell(tally.worst_ulp);
      row[5] = scientific_cell(tally.worst_rms);
    }
    const Cell wrong = count_cell(tally.wrong);
    for (const Cell& cell :
         {count_cell(tally.checked), tally.wrong > 0 ? bold(wrong) : wrong,
          count_cell(tally.untrusted), count_cell(tally.unsupported), count_cell(tally.not_run)}) {
      row.push_back(cell);
    }
    table.rows.push_back(std::move(row));
  }
  return {with_columns(table,
                       {"Algorithm", "Class", "Error (% of bound)", "Worst case (of bound)",
                        "Error (ulp)", "Checked", "Wrong", "Untrusted", "Unsupported", "Not run"}),
          short_digest(comparison.digest), table};
}

std::vector<Cell> row_of(const ComparisonRow& row, const Comparison& comparison) {
  const auto timed = [&](double value, const Cell& cell) {
    return row.is_timed() ? if_finite(value, cell) : Cell();
  };
  const auto checked = [&](const Cell& cell) { return row.is_checked() ? cell : Cell(); };
  const Cell status = row.status.empty() ? UntrustedText("not run") : row.status;
  const double fraction = comparison.share_of_peak(row);
  const double of_limit = fraction / row.ideal_saving;
  return {row.name,
          row.shape,
          row.pass,
          row.algorithm,
          row.reproducibility,
          row.is_wrong() ? bold(status) : status,
          number_cell(row.flops, 0),
          timed(row.median_ms, significant_cell(row.median_ms)),
          timed(row.least_ms, significant_cell(row.least_ms)),
          timed(row.most_ms, significant_cell(row.most_ms)),
          timed(row.spread(), percent_cell(row.spread(), 0)),
          timed(row.gflops(), significant_cell(row.gflops())),
          timed(fraction, percent_cell(fraction, 1)),
          timed(of_limit, percent_cell(of_limit, 1)),
          checked(significant_cell(static_cast<double>(row.workspace_bytes) / 1024)),
          checked(bound_cell(row.worst_of_bound)),
          checked(significant_cell(row.worst_ulp)),
          checked(scientific_cell(row.rms_relative))};
}

/// Wrong rows first; the page shows those of networks that were run, the data all.
TableEntry rows_table(const Comparison& comparison) {
  Table all{{"Layer", "Shape", "Pass", "Algorithm", "Class", "Status", "FLOP", "Median (ms)",
             "Least (ms)", "Largest (ms)", "Spread (%)", "GFLOP/s", "Peak (%)", "Limit (%)",
             "Workspace (KiB)", "Error (% of bound)", "Error (ulp)", "RMS, relative"},
            {}};
  Table shown{all.titles, {}};
  std::vector<const ComparisonRow*> rows;
  for (const ComparisonRow& row : comparison.rows) rows.push_back(&row);
  std::stable_partition(rows.begin(), rows.end(), [](const auto* row) { return row->is_wrong(); });
  for (const ComparisonRow* row : rows) {
    all.rows.push_back(row_of(*row, comparison));
    const bool is_shown = row->is_wrong() || (row->is_checked() && !is_in_sweep(*row));
    if (is_shown) shown.rows.push_back(all.rows.back());
  }
  return {with_columns(shown, {"Layer", "Pass", "Algorithm", "Status", "Median (ms)", "Spread (%)",
                               "GFLOP/s", "Peak (%)", "Limit (%)", "Workspace (KiB)",
                               "Error (% of bound)", "Error (ulp)"}),
          short_digest(comparison.digest), all};
}

// ---- Text

/// "direct 30, FFT 40, Winograd 11": in how many cases of a shape and a pass each is the fastest.
UntrustedText fastest(const Comparison& comparison, bool of_portable, std::size_t& cases) {
  std::map<std::pair<UntrustedText, UntrustedText>, const ComparisonRow*> best;
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_timed() || (of_portable && !row.is_portable())) continue;
    const ComparisonRow*& known = best[{row.name, row.pass}];
    if (known == nullptr || row.median_ms < known->median_ms) known = &row;
  }
  std::map<UntrustedText, std::size_t> wins;
  for (const auto& [key, row] : best) ++wins[row->algorithm];
  std::vector<UntrustedText> parts;
  for (const auto& [algorithm, count] : wins) {
    parts.push_back(plain_text("{} {}", words_of(algorithm), count));
  }
  cases = best.size();
  return joined(parts, ", ");
}

/// Of all rows that were timed.
std::vector<double> spreads_of(const Comparison& comparison) {
  std::vector<double> spreads;
  for (const ComparisonRow& row : comparison.rows) {
    if (row.is_timed()) spreads.push_back(row.spread());
  }
  return spreads;
}

/// "11% to 80%": direct's share of the peak on the layers of networks.
std::string direct_share(const Comparison& comparison) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const ComparisonRow& row : comparison.rows) {
    if (!row.is_timed() || is_in_sweep(row) || row.algorithm != "direct") continue;
    least = std::min(least, comparison.share_of_peak(row));
    most = std::max(most, comparison.share_of_peak(row));
  }
  return std::isfinite(least) ? fmt::format("{} to {}", percent(least, 0), percent(most, 0))
                              : "an unknown fraction";
}

/// The variables by which the environment chose OpenBLAS's kernels; "" for none.
UntrustedText blas_variables(const Settings& environment) {
  const auto variables = environment.find("variables");
  if (variables == environment.end()) return {};
  std::vector<UntrustedText> found;
  for (const UntrustedText& line : std::get<UntrustedText>(variables->second).split("\n")) {
    if (line.starts_with("OPENBLAS_CORETYPE=") || line.starts_with("OPENBLAS_L2_SIZE=")) {
      found.push_back(line.shortened());
    }
  }
  return listed(found);
}

void add_figure(const std::string& key, const std::string& name, Figure figure, Draft& part,
                Draft& draft) {
  part.set("has_" + key, !figure.panels.empty());
  part.set(key, place_name(name));
  if (!figure.panels.empty()) draft.add(name, std::move(figure));
}

std::size_t wrong_rows(const Comparison& comparison) {
  return static_cast<std::size_t>(std::count_if(comparison.rows.begin(), comparison.rows.end(),
                                                [](const auto& row) { return row.is_wrong(); }));
}

/// The values for both parts; figures and tables of the second and later records carry a number.
Draft part_of(const Comparison& comparison, std::size_t index, Draft& draft) {
  const std::string suffix = index == 0 ? "" : fmt::format("_{}", index + 1);
  Draft part;
  std::size_t cases = 0;
  part.set("fastest_portable", fastest(comparison, true, cases));
  part.set("fastest", fastest(comparison, false, cases));
  part.set("cases", std::to_string(cases));
  part.set("timed", comparison.is_timed());
  part.set("record", code_span(comparison.name));
  part.set("digest", code_span("sha256:" + comparison.digest));
  for (const char* name : {"cpu", "simd"}) {
    const UntrustedText value = setting_text(comparison.environment, name);
    part.set(name, value.empty() ? "not recorded" : value);
  }
  part.set("threads", counted(comparison.threads, "thread"));
  const std::vector<double> spreads = spreads_of(comparison);
  part.set("spread", percent(median_of(spreads), 0));
  part.set("most_spread",
           percent(spreads.empty() ? 0 : *std::max_element(spreads.begin(), spreads.end()), 0));
  const UntrustedText variables = blas_variables(comparison.environment);
  part.set("has_blas_variables", !variables.empty());
  part.set("blas_variables", variables);
  part.set("direct_share", direct_share(comparison));
  part.set("peak", significant(comparison.peak_flops / 1e9));
  part.set("checked", grouped(static_cast<std::int64_t>(
                          std::count_if(comparison.rows.begin(), comparison.rows.end(),
                                        [](const auto& row) { return row.is_checked(); }))));
  const std::size_t wrong = wrong_rows(comparison);
  part.set("has_wrong", wrong > 0);
  part.set("wrong_count", grouped(wrong));
  add_figure("map", "convolution_map" + suffix, map_figure(comparison, "convolution_map" + suffix),
             part, draft);
  part.set("has_limits", std::any_of(comparison.rows.begin(), comparison.rows.end(),
                                     [](const auto& row) { return row.ideal_saving > 0; }));
  part.set("bandwidth", significant(comparison.memory_bandwidth / 1e9));
  add_figure("roofline", "roofline" + suffix, roofline_figure(comparison, "roofline" + suffix),
             part, draft);
  add_figure("share", "convolution_share" + suffix,
             share_figure(comparison, "convolution_share" + suffix), part, draft);
  add_figure("saving", "convolution_saving" + suffix,
             saving_figure(comparison, "convolution_saving" + suffix), part, draft);
  part.set("errors", place_name("convolution_errors" + suffix));
  part.set("rows", place_name("convolution_rows" + suffix));
  draft.add("convolution_errors" + suffix, error_table(comparison));
  draft.add("convolution_rows" + suffix, rows_table(comparison));
  return part;
}

}  // namespace

void add_convolutions(const std::vector<Comparison>& comparisons, Draft& draft) {
  Markdown of_paper;
  Markdown of_supplement;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const Draft part = part_of(comparisons[i], i, draft);
    of_paper += render_template("convolutions.md.mustache", part);
    of_supplement += render_template("convolution_rows.md.mustache", part);
    wrong += wrong_rows(comparisons[i]);
  }
  draft.set("has_comparisons", !comparisons.empty());
  draft.set("comparison_parts", of_paper);
  draft.set("comparison_rows", of_supplement);
  draft.set("has_wrong_convolutions", wrong > 0);
  draft.set("wrong_convolutions", counted(wrong, "result"));
}

}  // namespace reprise::reports
