/// \file
/// What is compared: a row for each shape, pass and algorithm, and its name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_problem.hpp"
#include "support/ideal_saving.hpp"

namespace reprise {

/// A row is timed again where the core's peaks before and after it differ by more than this.
inline constexpr double kPeaksApart = 0.03;

/// Peaks of one core before and after something, FLOP/s; 0 where not measured.
struct PeakPair {
  double before = 0.0, after = 0.0;

  [[nodiscard]] double best() const { return std::max(before, after); }
  /// By how much the larger one is above the other.
  [[nodiscard]] double apart() const { return best() / std::min(before, after) - 1.0; }
  [[nodiscard]] bool is_steady() const { return apart() <= kPeaksApart; }
};

/// One algorithm on one pass of one shape: what is asked, and then what is found.
struct ComparisonRow {
  ConvShape shape;
  ConvPass pass = ConvPass::forward;
  const ConvAlgorithm* algorithm = nullptr;
  std::string shape_name;    ///< another for each shape, see names_of_shapes()
  std::string unsupported;   ///< why the algorithm does not compute this; "" if it does
  bool is_selected = false;  ///< by the filter
  std::string remark;        ///< on the library behind the algorithm, behind the status; may be ""

  std::size_t workspace_bytes = 0;
  ConvCheck check;
  bool is_checked = false;
  std::vector<double> times_ms;  ///< one per repetition
  PeakPair peaks;                ///< where these times are from

  /// "alexnet:conv2/forward/direct"; no other row has it.
  [[nodiscard]] std::string name() const;
  /// The shape's own label, or its line where it has none.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] bool is_timed() const { return !times_ms.empty(); }
  // These need times.
  [[nodiscard]] double median_ms() const;
  [[nodiscard]] double min_ms() const;
  [[nodiscard]] double max_ms() const;
  /// Largest minus smallest, as a fraction of the median.
  [[nodiscard]] double spread() const { return (max_ms() - min_ms()) / median_ms(); }
  [[nodiscard]] double gflops() const { return shape.flops() / median_ms() / 1e6; }
  /// Of the peak of so many cores; above 1 where an algorithm needs fewer operations than
  /// shape.flops() counts.
  [[nodiscard]] double share_of_peak(std::size_t cores) const {
    return gflops() * 1e9 / (peaks.best() * static_cast<double>(cores));
  }
  [[nodiscard]] double saving() const { return ideal_saving(*algorithm, shape, pass); }
  [[nodiscard]] double share_of_limit(std::size_t cores) const {
    return share_of_peak(cores) / saving();
  }
};

/// What of a comparison is to be done; empty lists mean all.
struct ComparisonChoice {
  std::vector<std::string> shapes;  ///< names in fixtures/shapes or files
  std::vector<std::string> algorithms;
  std::vector<std::string> passes;
  std::string filter;  ///< as selects() takes it
};

/// The names in fixtures/shapes, sorted.
std::vector<std::string> shape_lists();

/// Error names what no pass or algorithm is called.
std::vector<ConvPass> passes_of(const std::vector<std::string>& names);
std::vector<const ConvAlgorithm*> algorithms_of(const std::vector<std::string>& names);

/// A name for each shape: its label, or its line (to_line(), the label included) where it has no
/// label or shares it with another of these shapes. By printable characters.
std::vector<std::string> names_of_shapes(const std::vector<ConvShape>& shapes);

/// Google Benchmark's rule: whether the POSIX extended regular expression is found in the name, or
/// is not where the filter has a minus sign before it. "" and "all" select everything. UsageError
/// if it is no such expression.
bool selects(const std::string& filter, const std::string& name);

/// The rows of a choice, by shape, then pass, then algorithm; one that is asked for twice comes
/// once. Error if a list holds no shape, the filter selects none of the rows, or no algorithm
/// supports what is selected.
std::vector<ComparisonRow> comparison_rows(const ComparisonChoice& choice);

}  // namespace reprise
