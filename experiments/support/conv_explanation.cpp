// Why "auto" takes the algorithm that it takes, and what that cost.
#include "support/conv_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace reprise {
namespace {

using Rows = std::vector<const ComparisonRow*>;

/// Rows that differ in their algorithm alone, those that were selected and are offered.
std::vector<Rows> problems(const std::vector<ComparisonRow>& rows) {
  std::vector<Rows> found;
  const ComparisonRow* before = nullptr;
  for (const ComparisonRow& row : rows) {
    if (!row.is_selected || !row.unsupported.empty()) continue;
    if (before == nullptr || before->pass != row.pass || before->shape_name != row.shape_name) {
      found.emplace_back();
    }
    found.back().push_back(&row);
    before = &row;
  }
  return found;
}

bool is_kernel(const ComparisonRow& row) {
  return row.algorithm->name.find('/') != std::string_view::npos;
}

/// The fastest of the algorithms by their times; null if none is timed.
const ComparisonRow* fastest(const Rows& rows) {
  const ComparisonRow* best = nullptr;
  for (const ComparisonRow* row : rows) {
    if (is_kernel(*row) || !row->is_timed()) continue;
    if (best == nullptr || row->median_ms() < best->median_ms()) best = row;
  }
  return best;
}

const ComparisonRow* chosen(const Rows& rows) {
  const ConvAlgorithm& choice =
      resolve(auto_conv_algorithm(), rows.front()->shape, rows.front()->pass);
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ComparisonRow* row) {
    return row->algorithm->name == choice.name;
  });
  return found == rows.end() ? nullptr : *found;
}

std::string estimate(double value, int width) {
  return std::isfinite(value) ? fmt::format("{:>{}.2f}", value, width)
                              : fmt::format("{:>{}}", "-", width);
}

void explain(const Rows& rows, std::vector<std::string>& lines) {
  const ComparisonRow* const choice = chosen(rows);
  const ComparisonRow* const best = fastest(rows);
  lines.push_back(fmt::format("{}/{}", rows.front()->shape_name, name_of(rows.front()->pass)));
  for (const ComparisonRow* row : rows) {
    std::string line = fmt::format("  {:<22}", row->algorithm->name);
    ConvShape shape = row->shape;
    for (const std::size_t images : {std::size_t{1}, kUsualImages}) {
      shape.N = images;
      line += estimate(row->algorithm->estimated_cost(shape, row->pass) / 1e6, 12);
    }
    line += estimate(estimated_loss(*row->algorithm, row->shape, row->pass), 8);
    if (row->is_timed()) {
      line += fmt::format("{:>12.3f}", row->median_ms());
      if (best != nullptr) line += fmt::format("{:>8.2f}", row->median_ms() / best->median_ms());
    }
    if (row == choice) line += "  auto's choice";
    lines.push_back(line);
  }
}

}  // namespace

std::vector<std::string> explained_algorithms() {
  std::vector<std::string> names;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (algorithm->estimated_cost == nullptr) continue;
    names.emplace_back(algorithm->name);
    if (algorithm->kernels == nullptr) continue;
    for (const ConvAlgorithm& kernel : algorithm->kernels()) names.emplace_back(kernel.name);
  }
  return names;
}

std::vector<std::string> explanation_of_auto(const std::vector<ComparisonRow>& rows) {
  std::vector<std::string> lines = {
      fmt::format("What auto chooses by. Estimates: millions of multiply-adds of direct at its "
                  "best, for one image and for {}. Loss: over the least of all algorithms, three "
                  "tenths for one image.",
                  kUsualImages),
      fmt::format("  {:<22}{:>12}{:>12}{:>8}{:>12}{:>8}", "algorithm", "1 image",
                  fmt::format("{} images", kUsualImages), "loss", "median ms", "ratio")};
  std::size_t timed = 0, right = 0;
  double worst = 1.0, log_sum = 0.0;
  std::string where;
  for (const Rows& problem : problems(rows)) {
    explain(problem, lines);
    const ComparisonRow* const choice = chosen(problem);
    const ComparisonRow* const best = fastest(problem);
    if (choice == nullptr || best == nullptr || !choice->is_timed()) continue;
    const double ratio = choice->median_ms() / best->median_ms();
    ++timed;
    if (choice == best) ++right;
    log_sum += std::log(ratio);
    if (ratio > worst) {
      worst = ratio;
      where = fmt::format(" ({}/{}: {}, where {} is faster)", problem.front()->shape_name,
                          name_of(problem.front()->pass), choice->algorithm->name,
                          best->algorithm->name);
    }
  }
  if (timed > 0) {
    lines.push_back(fmt::format(
        "auto chose the fastest algorithm in {} of {}; its times are {:.3f} of the fastest's in "
        "geometric mean, {:.2f} at worst{}",
        right, timed, std::exp(log_sum / static_cast<double>(timed)), worst, where));
  }
  return lines;
}

}  // namespace reprise
