#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reading.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/contents.hpp"

namespace reprise::reports {
namespace {

/// What the rows have of something, each once, in their order; an error if that is too much.
template <class Of>
std::vector<UntrustedText> each_once(const std::vector<ComparisonRow>& rows, const Of& of,
                                     std::size_t most, std::string_view what) {
  std::vector<UntrustedText> found;
  for (const ComparisonRow& row : rows) {
    const UntrustedText one = of(row);
    if (std::find(found.begin(), found.end(), one) != found.end()) continue;
    require(found.size() < most, fmt::format("more than {} {}", most, what));
    found.push_back(one);
  }
  return found;
}

/// Of the peaks before and after a row the larger one, as compare_convolutions shows it.
double peak_of(const ComparisonRecord& record, std::size_t row) {
  if (!record.peak_before || !record.peak_after) return record.peak_flops;
  const double peak = std::max((*record.peak_before)[row], (*record.peak_after)[row]);
  return peak > 0 ? peak : record.peak_flops;  // NaN where it was not timed
}

ComparisonRow read_row(const ComparisonRecord& record, std::size_t index) {
  const ComparisonRowRecord& row = record.rows[index];
  return {text(row.shape),
          text(row.name),
          text(row.pass),
          text(row.algorithm),
          text(row.reproducibility),
          text(row.status),
          row.flops,
          row.workspace_bytes,
          row.worst_ulp,
          row.rms_relative,
          row.worst_of_bound,
          row.median_ms,
          row.min_ms,
          row.max_ms,
          peak_of(record, index),
          record.ideal_saving ? (*record.ideal_saving)[index]
                              : std::numeric_limits<double>::quiet_NaN()};
}

void read_all(const ComparisonRecord& record, Comparison& comparison) {
  for (std::size_t i = 0; i < record.rows.size(); ++i) {
    comparison.rows.push_back(read_row(record, i));
  }
  comparison.algorithms = each_once(
      comparison.rows, [](const ComparisonRow& row) { return row.algorithm; }, kMaxAlgorithms,
      "algorithms");
  each_once(
      comparison.rows, [](const ComparisonRow& row) { return row.network(); }, kMaxNetworks,
      "networks");
  const auto threads = record.settings.find("threads");
  require(threads != record.settings.end(), "no setting threads");
  comparison.threads = std::get<std::int64_t>(threads->second);
  comparison.peak_flops = record.peak_flops;
  comparison.memory_bandwidth = record.memory_bandwidth.value_or(0);
  comparison.environment = environment_of(record.environment);
}

}  // namespace

UntrustedText ComparisonRow::pass_text() const {
  if (pass == "grad_input") return "input gradient";
  return pass == "grad_weight" ? "weight gradient" : pass;
}

UntrustedText ComparisonRow::network() const {
  const std::size_t colon = name.find(":");
  return colon == std::string::npos ? "" : name.substr(0, colon);
}

bool ComparisonRow::is_timed() const {
  return std::isfinite(median_ms) && median_ms > 0 && !is_wrong();
}

bool Comparison::is_timed() const {
  return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.is_timed(); });
}

bool is_comparison(const Record& record) {
  const auto kind = record.attributes.find("kind");
  return kind != record.attributes.end() &&
         kind->second == AttributeValue(std::string("comparison"));
}

Comparison read_comparison(const NamedRecord& source) {
  const ComparisonRecord record = comparison_from(source.record, source.name);
  Comparison comparison;
  comparison.name = source.name;
  try {
    comparison.digest = digest_of(source.record);
    read_all(record, comparison);
  } catch (const std::runtime_error& problem) {
    throw Error(source.name, problem.what(), "the whole record of compare_convolutions");
  }
  return comparison;
}

}  // namespace reprise::reports
