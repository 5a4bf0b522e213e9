/// \file
/// Where the rows of a comparison go: a table, or Google Benchmark's JSON or CSV, on standard
/// output, and one of them in a file.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "support/benchmark_flags.hpp"
#include "support/conv_comparison_rows.hpp"
#include "support/machine_peak.hpp"

namespace reprise {

/// Of the machine and the run, for headings.
struct ComparisonContext {
  std::size_t threads = 1;
  double peak_flops = 0.0;   ///< of one core
  std::size_t attempts = 3;  ///< how often a row is timed, at most, until the peak stays
  /// Measures the peak again, before and after each row.
  std::function<double()> peak_now = [] { return measured_peak_flops(0.01); };
};

/// The names of the selected rows, in the format that was asked for.
void print_names(const std::vector<ComparisonRow>& rows, BenchmarkFormat format);

/// Prints the table's row for each row that is done. The unsupported ones, which nobody runs, stand
/// where they belong.
class ComparisonTable {
 public:
  ComparisonTable(const std::vector<ComparisonRow>& rows, const ComparisonContext& context);
  void print_heading() const;
  void print(const ComparisonRow& row);
  /// The unsupported rows that are left.
  void finish() { print_unsupported_before(rows_.size()); }

 private:
  void print_unsupported_before(std::size_t index);

  const std::vector<ComparisonRow>& rows_;
  ComparisonContext context_;
  std::size_t next_ = 0;
};

/// A reporter of Google Benchmark with the stream it writes to.
class BenchmarkSink {
 public:
  /// To standard output if `file` is "". Error if the file cannot be opened.
  BenchmarkSink(BenchmarkFormat format, const std::string& file, bool aggregates_only,
                std::size_t threads);

  void begin(const benchmark::BenchmarkReporter::Context& context);
  /// `aggregates_follow`: the next runs are those of the same row, aggregated.
  void take(const std::vector<benchmark::BenchmarkReporter::Run>& runs, const ComparisonRow& row,
            bool aggregates_follow);
  /// Error if the file could not be written.
  void end();

 private:
  void print_whole_lines();

  BenchmarkFormat format_;
  std::string file_;
  bool aggregates_only_;
  std::size_t threads_;
  std::ofstream out_;
  std::ostringstream text_;     ///< for standard output, until it is printed
  std::ostringstream remarks_;  ///< for standard error
  std::unique_ptr<benchmark::BenchmarkReporter> reporter_;
};

/// Hands on what Google Benchmark reports, and keeps the times in the rows. A row beside which the
/// core's peak moved is held back, to be timed again: unsteady_rows().
class ComparisonReporter final : public benchmark::BenchmarkReporter {
 public:
  /// Opens the file of --benchmark_out, if any.
  ComparisonReporter(std::vector<ComparisonRow>& rows, const BenchmarkFlags& flags,
                     const ComparisonContext& context);

  /// What comes before the rows; once, however often it is called.
  bool ReportContext(const Context& context) override;
  /// Before a row's first call: measures the peak. A single thread stays on its processor until
  /// ReportRuns(), which measures it again. Nothing in later calls.
  void begin_row(const ComparisonRow& row);
  void ReportRuns(const std::vector<Run>& runs) override;

  /// Those that were held back since the last call. After the last attempt none is: the times
  /// between the nearest two peaks count, and the row's remark says that they are apart.
  std::vector<ComparisonRow*> unsteady_rows();

  /// A row that was checked and not timed: a run of no iterations, labelled with its status.
  void report_check(const ComparisonRow& row);

  /// After the last row.
  void finish();

 private:
  /// A row's repetitions and what is computed of them.
  struct Attempt {
    std::vector<Run> runs, aggregates;
    PeakPair peaks;
  };
  struct Held {
    Attempt best;
    std::size_t attempts = 0;
  };
  ComparisonRow& row_of(const std::string& name);
  void take_attempt(ComparisonRow& row, Attempt attempt);
  void hand_on(ComparisonRow& row, Attempt& attempt);

  std::vector<ComparisonRow>& rows_;
  ComparisonContext context_;
  std::unique_ptr<ComparisonTable> table_;
  std::vector<std::unique_ptr<BenchmarkSink>> sinks_;
  bool has_begun_ = false;
  std::map<const ComparisonRow*, double> peaks_before_;  ///< of rows that are being timed
  std::optional<OnOneProcessor> on_one_processor_;
  Attempt current_;  ///< until its aggregates come
  std::map<const ComparisonRow*, Held> held_;
  std::vector<ComparisonRow*> unsteady_;
};

/// The error, and the memory, of a row that was checked, for a run's counters; NaN for what is not
/// known.
benchmark::UserCounters counters_of(const ComparisonRow& row);

}  // namespace reprise
