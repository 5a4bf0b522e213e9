#include "support/comparison_trend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"

namespace reprise {
namespace {

struct Timing {
  double median_ms = 0.0;
  double share = 0.0;  ///< of the peak of the cores in use
};

std::int64_t threads_of(const ComparisonRecord& record) {
  const auto found = record.settings.find("threads");
  const auto* const threads =
      found == record.settings.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return threads == nullptr ? 1 : std::max<std::int64_t>(*threads, 1);
}

std::string processor_of(const ComparisonRecord& record) {
  const auto found = record.environment.attributes.find("cpu");
  const auto* const text = found == record.environment.attributes.end()
                               ? nullptr
                               : std::get_if<std::string>(&found->second);
  return text == nullptr ? "an unknown processor" : printable(*text);
}

/// Of the peaks beside the row the larger one, where the record has them.
double peak_of(const ComparisonRecord& record, std::size_t row) {
  if (!record.peak_before || !record.peak_after) return record.peak_flops;
  return std::max((*record.peak_before)[row], (*record.peak_after)[row]);
}

using RowKey = std::array<std::string, 3>;  // shape, pass, algorithm

RowKey key_of(const ComparisonRowRecord& row) {
  return {row.shape, row.pass, row.algorithm};
}

std::map<RowKey, Timing> timings(const ComparisonRecord& record) {
  std::map<RowKey, Timing> all;
  const auto threads = static_cast<double>(threads_of(record));
  for (std::size_t i = 0; i < record.rows.size(); ++i) {
    const ComparisonRowRecord& row = record.rows[i];
    if (!(row.median_ms > 0.0)) continue;
    const double rate = row.flops / row.median_ms * 1e3;
    all[key_of(row)] = {row.median_ms, rate / (threads * peak_of(record, i))};
  }
  return all;
}

struct Mean {
  double log_sum = 0.0;
  std::size_t count = 0;
  void add(double ratio) {
    log_sum += std::log(ratio);
    ++count;
  }
  [[nodiscard]] double value() const { return std::exp(log_sum / static_cast<double>(count)); }
};

std::string header_of(const std::string& name, const ComparisonRecord& record) {
  const std::int64_t threads = threads_of(record);
  return fmt::format("  {}: {}, {}, peak of one core {:.1f} GFLOP/s", name, processor_of(record),
                     count_of(static_cast<std::size_t>(threads), "thread"),
                     record.peak_flops / 1e9);
}

}  // namespace

std::vector<std::string> comparison_trend(const std::vector<std::string>& names,
                                          const ComparisonRecord& earlier,
                                          const ComparisonRecord& later) {
  const std::map<RowKey, Timing> before = timings(earlier);
  const std::map<RowKey, Timing> after = timings(later);
  std::vector<std::string> lines = {"trend", header_of(names[0], earlier),
                                    header_of(names[1], later)};
  if (processor_of(earlier) != processor_of(later)) {
    lines.emplace_back("  processors differ: compare shares of the peak, not times");
  }
  lines.push_back(fmt::format("  {:<42}{:>10}{:>10}{:>8}{:>8}{:>8}", "row", "ms", "then", "ratio",
                              "peak", "then"));
  Mean mean;
  std::map<std::string, Mean> means;
  for (const ComparisonRowRecord& row : later.rows) {
    const auto old = before.find(key_of(row));
    const auto now = after.find(key_of(row));
    if (old == before.end() || now == after.end()) continue;
    const double ratio = now->second.median_ms / old->second.median_ms;
    mean.add(ratio);
    means[row.algorithm].add(ratio);
    const std::string name =
        fmt::format("{}/{}/{}", printable(row.name), row.pass, printable(row.algorithm));
    lines.push_back(fmt::format("  {:<42}{:>10.3f}{:>10.3f}{:>8.2f}{:>7.0f}%{:>7.0f}%", name,
                                old->second.median_ms, now->second.median_ms, ratio,
                                100 * old->second.share, 100 * now->second.share));
  }
  if (mean.count == 0) {
    throw Error(names[0] + " and " + names[1], "no shape, pass and algorithm that both timed",
                "comparisons of the same layers");
  }
  for (const auto& [algorithm, of] : means) {
    lines.push_back(fmt::format("  geometric mean of {}: {:.3f} in {} rows", printable(algorithm),
                                of.value(), of.count));
  }
  lines.push_back(fmt::format("  geometric mean of all: {:.3f} in {} rows; in one record alone: {}",
                              mean.value(), mean.count,
                              before.size() + after.size() - 2 * mean.count));
  return lines;
}

}  // namespace reprise
