#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reading.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/schema.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kMostOfCommandLine = 20'000;  // bytes; a part of one is no command

/// Copies a dataset into one member of each row.
template <class T>
void read_column(const Group& group, const std::string& name, T ComparisonRow::*member,
                 std::vector<ComparisonRow>& rows) {
  const std::vector<T> values = values_of_length<T>(group, name, rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = values[i];
}

void read_column(const Group& group, const std::string& name, UntrustedText ComparisonRow::*member,
                 std::vector<ComparisonRow>& rows) {
  const std::vector<UntrustedText> values = texts_of_length(group, name, rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = values[i];
}

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

void read_rows(const Record& record, std::vector<ComparisonRow>& rows) {
  const Group& group = record.group("comparison");
  rows.resize(group.values<std::string>("name").size());
  read_column(group, "shape", &ComparisonRow::shape, rows);
  read_column(group, "name", &ComparisonRow::name, rows);
  read_column(group, "pass", &ComparisonRow::pass, rows);
  read_column(group, "algorithm", &ComparisonRow::algorithm, rows);
  read_column(group, "reproducibility", &ComparisonRow::reproducibility, rows);
  read_column(group, "status", &ComparisonRow::status, rows);
  read_column(group, "flops", &ComparisonRow::flops, rows);
  read_column(group, "workspace_bytes", &ComparisonRow::workspace_bytes, rows);
  read_column(group, "worst_ulp", &ComparisonRow::worst_ulp, rows);
  read_column(group, "rms_relative", &ComparisonRow::rms_relative, rows);
  read_column(group, "worst_of_bound", &ComparisonRow::worst_of_bound, rows);
  const Group& environment = record.group("environment");
  read_column(environment, "median_ms", &ComparisonRow::median_ms, rows);
  read_column(environment, "min_ms", &ComparisonRow::least_ms, rows);
  read_column(environment, "max_ms", &ComparisonRow::most_ms, rows);
}

void read_all(const Record& record, Comparison& comparison) {
  read_rows(record, comparison.rows);
  require(!comparison.rows.empty(), "no rows");
  comparison.algorithms = each_once(
      comparison.rows, [](const ComparisonRow& row) { return row.algorithm; }, kMostAlgorithms,
      "algorithms");
  each_once(
      comparison.rows, [](const ComparisonRow& row) { return row.network(); }, kMostNetworks,
      "networks");
  const Group& environment = record.group("environment");
  comparison.threads = record.group("configuration").attribute<std::int64_t>("threads");
  comparison.peak_flops = environment.attribute<double>("peak_flops");
  require(comparison.threads >= 1, "threads below 1");
  require(comparison.peak_flops > 0, "peak_flops not above 0");
  const Settings machine = settings_of(environment.attributes);
  comparison.cpu = setting_text(machine, "cpu");
  comparison.simd = setting_text(machine, "simd");
  const auto line = environment.attributes.find("command_line");
  if (line == environment.attributes.end()) return;
  const auto* text = std::get_if<std::string>(&line->second);
  if (text != nullptr && text->size() <= kMostOfCommandLine) comparison.command_line = *text;
}

}  // namespace

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
  check_schema(source.record, "comparison", source.name);
  Comparison comparison;
  comparison.name = source.name;
  try {
    comparison.digest = digest_of(source.record);
    read_all(source.record, comparison);
  } catch (const std::runtime_error& problem) {
    throw Error(source.name, problem.what(), "the whole record of compare_convolutions");
  }
  return comparison;
}

}  // namespace reprise::reports
