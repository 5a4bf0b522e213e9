/// \file
/// Where the rows of a comparison go: a table, or Google Benchmark's JSON or CSV, on standard
/// output, and one of them in a file.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/benchmark_flags.hpp"
#include "support/conv_comparison_rows.hpp"

namespace reprise {

/// Of the machine and the run, for headings.
struct ComparisonContext {
  std::size_t threads = 1;
  double peak_flops = 0.0;  ///< of one core
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
  BenchmarkSink(BenchmarkFormat format, const std::string& file, bool aggregates_only);

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
  std::ofstream out_;
  std::ostringstream text_;     ///< for standard output, until it is printed
  std::ostringstream remarks_;  ///< for standard error
  std::unique_ptr<benchmark::BenchmarkReporter> reporter_;
};

/// Hands on what Google Benchmark reports, and keeps the times in the rows.
class ComparisonReporter final : public benchmark::BenchmarkReporter {
 public:
  /// Opens the file of --benchmark_out, if any.
  ComparisonReporter(std::vector<ComparisonRow>& rows, const BenchmarkFlags& flags,
                     const ComparisonContext& context);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

  /// A row that was checked and not timed: a run of no iterations, labelled with its status.
  void report_check(const ComparisonRow& row);

 private:
  ComparisonRow& row_of(const std::string& name);

  std::vector<ComparisonRow>& rows_;
  std::unique_ptr<ComparisonTable> table_;
  std::vector<std::unique_ptr<BenchmarkSink>> sinks_;
};

/// The error, and the memory, of a row that was checked, for a run's counters; NaN for what is not
/// known.
benchmark::UserCounters counters_of(const ComparisonRow& row);

}  // namespace reprise
