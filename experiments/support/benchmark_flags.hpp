/// \file
/// Google Benchmark's flags on a program's command line, and in the environment: those that the
/// program serves itself, and the others, for the library.
#pragma once

#include <string>
#include <vector>

namespace reprise {

enum class BenchmarkFormat { console, json, csv };

struct BenchmarkFlags {
  std::string filter;
  bool list_tests = false;
  BenchmarkFormat format = BenchmarkFormat::console;
  std::string out;  ///< a file; "" for none
  BenchmarkFormat out_format = BenchmarkFormat::json;
  bool report_aggregates_only = false;   ///< on standard output and in the file
  bool display_aggregates_only = false;  ///< on standard output
  std::vector<std::string> others;       ///< with the defaults that the program has for them
};

/// Takes what begins with --benchmark_ out of `arguments` (without the program's name). As in the
/// library, a flag is written --benchmark_NAME=VALUE, or without a value if it is a switch, the
/// last one counts, and BENCHMARK_NAME in the environment goes before the default. UsageError for a
/// value that the library would not take: it prints its usage then and ends with success.
BenchmarkFlags take_benchmark_flags(std::vector<std::string>& arguments);

}  // namespace reprise
