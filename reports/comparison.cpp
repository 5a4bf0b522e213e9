#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reprise/core/error.hpp"
#include "reprise/record/schema.hpp"

namespace reprise::reports {
namespace {

/// Copies a dataset into one member of each row.
template <class T>
void read_column(const Group& group, const std::string& name, T ComparisonRow::*member,
                 std::vector<ComparisonRow>& rows) {
  const std::vector<T>& values = group.values<T>(name);
  if (values.size() != rows.size()) {
    throw std::runtime_error(
        fmt::format("{} values of {}, not {}", values.size(), name, rows.size()));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = values[i];
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

std::string text_or_none(const Group& group, const std::string& name) {
  const auto found = group.attributes.find(name);
  return found == group.attributes.end() ? "" : attribute_text(found->second);
}

void read_all(const Record& record, Comparison& comparison) {
  read_rows(record, comparison.rows);
  if (comparison.rows.empty()) throw std::runtime_error("no rows");
  const Group& environment = record.group("environment");
  comparison.threads = record.group("configuration").attribute<std::int64_t>("threads");
  comparison.peak_flops = environment.attribute<double>("peak_flops");
  if (comparison.threads < 1) throw std::runtime_error("threads below 1");
  if (!(comparison.peak_flops > 0)) throw std::runtime_error("peak_flops not above 0");
  comparison.command_line = text_or_none(environment, "command_line");
  comparison.cpu = text_or_none(environment, "cpu");
  comparison.simd = text_or_none(environment, "simd");
}

}  // namespace

bool ComparisonRow::is_timed() const {
  return std::isfinite(median_ms) && median_ms > 0 && !is_wrong();
}

bool Comparison::is_timed() const {
  return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.is_timed(); });
}

std::vector<std::string> Comparison::algorithms() const {
  std::vector<std::string> names;
  for (const ComparisonRow& row : rows) {
    if (std::find(names.begin(), names.end(), row.algorithm) == names.end()) {
      names.push_back(row.algorithm);
    }
  }
  return names;
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
