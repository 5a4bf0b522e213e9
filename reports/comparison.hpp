/// \file
/// A record of compare_convolutions as the report uses it: read once, checked whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training_run.hpp"

namespace reprise::reports {

/// One pass of one layer by one algorithm.
struct ComparisonRow {
  UntrustedText shape;            ///< a line of benchdnn's grammar
  UntrustedText name;             ///< "alexnet:conv2", or the shape's line where it has no name
  UntrustedText pass, algorithm;  ///< such as "forward", "direct"
  UntrustedText reproducibility;  ///< "portable" or "machine"
  UntrustedText status;           ///< "ok", "unsupported: why", "WRONG", "untrusted"; "" if not run
  double flops = 0;
  std::int64_t workspace_bytes = 0;
  double worst_ulp = 0, rms_relative = 0;
  double worst_of_bound = 0;                        ///< largest error as a fraction of its bound
  double median_ms = 0, least_ms = 0, most_ms = 0;  ///< NaN where not timed
  double peak_flops = 0;                            ///< of one core when it was timed
  double ideal_saving = 0;  ///< NaN if the record does not say, as those of earlier releases

  /// The pass in words: "forward", "input gradient", "weight gradient".
  [[nodiscard]] UntrustedText pass_text() const;
  /// The part of its name before the first colon, "" if there is none.
  [[nodiscard]] UntrustedText network() const;
  [[nodiscard]] bool is_timed() const;
  [[nodiscard]] bool is_wrong() const { return status == "WRONG"; }
  [[nodiscard]] bool is_unsupported() const { return status.starts_with("unsupported"); }
  /// Its result was compared with the reference.
  [[nodiscard]] bool is_checked() const { return !status.empty() && !is_unsupported(); }
  [[nodiscard]] bool is_portable() const { return reproducibility == "portable"; }
  [[nodiscard]] double gflops() const { return flops / median_ms / 1e6; }
  /// Largest minus smallest time, as a fraction of the median.
  [[nodiscard]] double spread() const { return (most_ms - least_ms) / median_ms; }
};

/// Tables have a column for each algorithm, and each network has tables.
inline constexpr std::size_t kMaxAlgorithms = 64;
inline constexpr std::size_t kMaxNetworks = 256;

struct Comparison {
  UntrustedText name;  ///< of the record
  std::string digest;  ///< 64 hexadecimal digits, computed
  std::vector<ComparisonRow> rows;
  std::int64_t threads = 1;
  double peak_flops = 0;        ///< measured on one core, before all rows
  double memory_bandwidth = 0;  ///< of the threads, bytes/s; 0 if the record has none
  Settings environment;

  [[nodiscard]] bool is_timed() const;
  std::vector<UntrustedText> algorithms;  ///< in the order of the rows, at most kMaxAlgorithms
  /// Of the cores of the threads, FLOP/s.
  [[nodiscard]] double peak() const { return peak_flops * static_cast<double>(threads); }
  /// A row's rate as a fraction of what the cores of the threads had then. Above 1 where an
  /// algorithm needs fewer operations than a plain sum of products.
  [[nodiscard]] double share_of_peak(const ComparisonRow& row) const {
    return row.gflops() * 1e9 / (row.peak_flops * static_cast<double>(threads));
  }
};

/// Whether the record says that it is a comparison's.
bool is_comparison(const Record& record);

/// Error, with the record's name, if anything of the above is missing, or of another type or
/// length, or if there are more algorithms or networks than tables can show.
Comparison read_comparison(const NamedRecord& source);

}  // namespace reprise::reports
