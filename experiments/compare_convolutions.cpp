// Do these convolution algorithms compute the same thing, and at what cost?
//
// For each shape, pass and algorithm: checks the result against a reference in double, then times
// it with Google Benchmark, and prints a table.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "reprise/conv/conv_problem.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/provenance.hpp"
#include "support/benchmark_flags.hpp"
#include "support/conv_comparison_output.hpp"
#include "support/conv_comparison_rows.hpp"
#include "support/conv_explanation.hpp"
#include "support/machine_peak.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

using Row = ComparisonRow;

struct Options {
  std::string name;  ///< of this program, for its messages
  ComparisonChoice choice;
  BenchmarkFlags benchmark;
  std::size_t threads = 1;
  std::int64_t seed = 1;
  double zeros = 0.0;
  std::string simd = "best";
  std::string record;
  bool force = false;
  bool anonymous = false;
  std::size_t attempts = 3;
  bool check_only = false;
  bool digests = false;
  std::string explain;
};

/// What --shapes was given: the name of one file, commas and all, or a list.
std::vector<std::string> shapes_given(const std::string& where, const std::string& given) {
  std::error_code none;
  if (std::filesystem::is_regular_file(given, none)) return {given};
  return list_of(where, given);
}

/// Holds the tensors of the row that was asked for last, so that only one problem is in memory.
class CurrentProblem {
 public:
  explicit CurrentProblem(const Options& options)
      : seed_(static_cast<std::uint64_t>(options.seed)), zeros_(options.zeros) {}
  ConvProblem& of(const Row& row) {
    const std::string line = to_line(row.shape);
    if (!problem_ || line_ != line || problem_->pass() != row.pass) {
      problem_.reset();
      problem_ = std::make_unique<ConvProblem>(row.shape, row.pass, seed_, zeros_);
      line_ = line;
    }
    return *problem_;
  }

 private:
  std::uint64_t seed_;
  double zeros_;
  std::string line_;
  std::unique_ptr<ConvProblem> problem_;
};

void check_row(Row& row, CurrentProblem& current, const Options& options) {
  if (row.is_checked) return;
  row.is_checked = true;
  if (!row.unsupported.empty()) {
    row.check.status = "unsupported: " + row.unsupported;
    return;
  }
  row.check = current.of(row).check(*row.algorithm, options.threads);
  row.workspace_bytes = row.algorithm->workspace_bytes(row.shape, row.pass, options.threads);
  if (!options.digests) return;
  row.remark += (row.remark.empty() ? "sha256:" : "; sha256:") + row.check.result_sha256;
}

/// One of the library's calls: as many iterations as it asks for.
void time_row(benchmark::State& state, Row& row, CurrentProblem& current, const Options& options,
              ComparisonReporter& reporter) {
  check_row(row, current, options);
  if (!row.check.is_right()) {
    state.SkipWithError(row.check.status.c_str());
    return;
  }
  ConvProblem& problem = current.of(row);
  reporter.begin_row(row);
  const double started = steady_seconds();
  for (auto _ : state) problem.run(*row.algorithm, options.threads);
  const double seconds = steady_seconds() - started;
  state.counters = counters_of(row);
  // The library's own rates go by the time of this thread alone.
  state.counters["GFLOP/s"] =
      row.shape.flops() * static_cast<double>(state.iterations()) / seconds / 1e9;
  std::string label = row.check.status == "ok" ? "" : row.check.status;
  if (!row.remark.empty()) label += (label.empty() ? "" : "; ") + row.remark;
  if (!label.empty()) state.SetLabel(label);
}

/// Under the rows' names.
void register_benchmarks(const std::vector<Row*>& rows, CurrentProblem& current,
                         const Options& options, ComparisonReporter& reporter) {
  benchmark::ClearRegisteredBenchmarks();
  for (Row* row : rows) {
    benchmark::RegisterBenchmark(row->name().c_str(),
                                 [row, &current, &options, &reporter](benchmark::State& state) {
                                   time_row(state, *row, current, options, reporter);
                                 });
  }
}

/// Gives the library its flags, and none of those that are served here.
void initialize_benchmark(char* program, const BenchmarkFlags& flags) {
  std::vector<std::string> arguments = flags.others;
  for (const char* own :
       {"filter=", "list_tests=false", "format=console", "out=", "out_format=json",
        "report_aggregates_only=false", "display_aggregates_only=false"}) {
    arguments.push_back(std::string("--benchmark_") + own);
  }
  std::vector<char*> pointers = {program};
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  auto count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count > 1) {
    throw UsageError("command line", pointers[1], "a flag that Google Benchmark knows");
  }
}

void describe(CommandLine& line, Options& options) {
  line.add_option(
      "--shapes", "LIST", join(options.choice.shapes, ","),
      "shape files in benchdnn's grammar, or names of lists that come with this program: " +
          join(shape_lists()),
      [&](const std::string& where, const std::string& given) {
        options.choice.shapes = shapes_given(where, given);
      });
  line.set_choices("--shapes", shape_lists());
  line.add_list("--algorithms", options.choice.algorithms, "comma-separated names; default all");
  line.set_choices("--algorithms", conv_algorithm_names());
  line.add_list("--passes", options.choice.passes,
                "comma-separated, of forward, grad_input and grad_weight; default all");
  line.set_choices("--passes", {"forward", "grad_input", "grad_weight"});
  line.add_size("--threads", options.threads, kThreads,
                "threads of each algorithm; only onednn's results depend on their number");
  line.add_integer("--seed", options.seed, {0}, "seed of the tensors' values");
  line.add_real("--zeros", options.zeros,
                "fraction of grad_output's values that are set to 0; behind ReLU and 2x2 maximum "
                "pooling it is 0.75 or more; not with --record");
  add_simd(line, options.simd, "for the portable algorithms; affects the speed, not the result");
  line.add_text("--record", options.record, "save a record of the comparison to this file", "FILE");
  line.add_flag("--force", options.force, "overwrite an existing record");
  line.add_flag("--anonymous", options.anonymous,
                "leave out of the record the machine's name, the command line and changes to the "
                "source that are not committed, for one that is published");
  line.add_size("--attempts", options.attempts, {1},
                "how often a row is timed, at most, while the peaks before and after it differ");
  line.add_flag("--check-only", options.check_only, "check without timing");
  line.add_flag("--digests", options.digests,
                "show the SHA-256 of each result beside its status; portable algorithms give "
                "everyone the same");
  line.add_text("--explain", options.explain,
                "auto: compare the algorithms among which auto chooses, and their kernels; then "
                "say what auto chose, by which estimates, and what that cost",
                "NAME");
  line.set_choices("--explain", {"auto"});
  line.set_footer(
      "Columns: median time over repetitions; spread (largest minus smallest, relative to the "
      "median); GFLOP/s; fraction of the measured peak of the cores in use; fraction of the limit; "
      "workspace; largest error in units in the last place of the largest element; "
      "root-mean-square error relative to that of the result; largest error as a fraction of the "
      "declared bound; reproducibility class; status.\n\n"
      "GFLOP/s count the plain sum of products, whatever the algorithm. The limit is the peak "
      "times how many times fewer operations its products need: 2.25 or 4 for winograd's tiles; "
      "for fft by three real products at each point of the tile, of sides 8 to 32, that needs the "
      "least; 1 for others. A core's peak (fused multiply-adds on registers, of the vectors in "
      "use) is measured before and after each row, and the larger one counts; a single thread "
      "stays on one processor during the row. A row of which the two differ by more than 3% is "
      "timed again after the others, at most --attempts times in all; if they still differ, its "
      "status says by how much, and the times between the two nearest peaks are kept.\n\n"
      "Google Benchmark's flags work too: --benchmark_filter=REGEX (names are "
      "SHAPE/PASS/ALGORITHM), --benchmark_list_tests, --benchmark_repetitions=N, "
      "--benchmark_min_time=SECONDS, --benchmark_format=json or csv, --benchmark_out=FILE. With "
      "JSON or CSV, all other text goes to standard error.\n\n"
      "Exit status: 0; 1 if a result is WRONG or nothing was compared; 2 for bad usage.\n\n"
      "Example:\n  " +
      options.name + " --shapes alexnet --algorithms direct,onednn --passes forward");
}

std::optional<Options> parse(const std::string& name, int argc, const char* const* argv) {
  Options options;
  options.name = name;
  options.choice.shapes = {"lenet5"};
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  options.benchmark = take_benchmark_flags(arguments);
  options.choice.filter = options.benchmark.filter;
  CommandLine line(
      name,
      "Checks convolution algorithms against a double-precision reference, times them, and "
      "prints a table.");
  describe(line, options);
  std::vector<const char*> own = {name.c_str()};
  for (const std::string& argument : arguments) own.push_back(argument.c_str());
  if (!line.parse(static_cast<int>(own.size()), own.data())) return std::nullopt;
  as_usage([&] {
    passes_of(options.choice.passes);
    algorithms_of(options.choice.algorithms);
    select_simd_target(options.simd);
  });
  if (!options.explain.empty()) {
    if (options.explain != "auto") {
      throw UsageError("option --explain", "\"" + options.explain + "\"", "auto");
    }
    if (!options.choice.algorithms.empty()) {
      throw UsageError("option --explain", "auto with --algorithms", "no --algorithms: auto's own");
    }
    options.choice.algorithms = explained_algorithms();
  }
  if (!(options.zeros >= 0.0 && options.zeros <= 1.0)) {
    throw UsageError("option --zeros", fmt::format("{}", options.zeros), "a number from 0 to 1");
  }
  if (options.zeros > 0.0 && !options.record.empty()) {
    throw UsageError("option --zeros", fmt::format("{} with --record", options.zeros),
                     "no --record: a record's tensors have no zeros but by chance");
  }
  return options;
}

/// What holds on every machine outside /environment, times and the machine inside.
ComparisonRecord comparison_record(const std::vector<Row>& rows, const Options& options,
                                   double peak_flops, const RunEnvironment& environment) {
  ComparisonRecord record;
  record.settings = {{"seed", options.seed},
                     {"threads", static_cast<std::int64_t>(options.threads)}};
  for (const Row& row : rows) {
    ComparisonRowRecord& kept = record.rows.emplace_back();
    kept.shape = to_line(row.shape);
    kept.name = row.label();
    kept.pass = name_of(row.pass);
    kept.algorithm = row.algorithm->name;
    kept.reproducibility = name_of(row.algorithm->reproducibility);
    kept.status = row.check.status;
    kept.flops = row.shape.flops();
    kept.workspace_bytes = static_cast<std::int64_t>(row.workspace_bytes);
    kept.worst_ulp = row.check.worst_ulp;
    kept.rms_relative = row.check.rms_relative;
    kept.worst_of_bound = row.check.worst_of_bound;
    const double none = std::nan("");
    kept.median_ms = row.is_timed() ? row.median_ms() : none;
    kept.min_ms = row.is_timed() ? row.min_ms() : none;
    kept.max_ms = row.is_timed() ? row.max_ms() : none;
  }
  std::vector<double> before, after, saving;
  for (const Row& row : rows) {
    before.push_back(row.is_timed() ? row.peaks.before : std::nan(""));
    after.push_back(row.is_timed() ? row.peaks.after : std::nan(""));
    saving.push_back(row.unsupported.empty() ? row.saving() : std::nan(""));
  }
  record.peak_before = std::move(before);
  record.peak_after = std::move(after);
  record.ideal_saving = std::move(saving);
  record.peak_flops = peak_flops;
  record.memory_bandwidth = measured_memory_bandwidth(options.threads);
  record.environment = environment_group(environment);
  record.environment.attributes["program"] = "compare_convolutions";
  if (options.anonymous) {
    for (const char* name : {"host", "command_line"}) {
      record.environment.attributes.erase(name);
    }
    for (const char* name : {"git_diff", "log"}) {
      record.environment.datasets.erase(name);
    }
  }
  return record;
}

/// Text beside the results: to standard output where the table is, else to standard error.
void say(const Options& options, const std::string& text) {
  if (options.benchmark.format == BenchmarkFormat::console) {
    print_line(text);
  } else {
    print_error_line(text);
  }
}

/// Names the kernels that the environment forces on OpenBLAS, in each row that they work for.
void name_forced_blas(std::vector<Row>& rows) {
  std::string forced_by;
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    forced_by += fmt::format("{}{}={}", forced_by.empty() ? "" : ", ", name, value);
  }
  for (Row& row : rows) {
    const bool by_blas = row.algorithm->name == std::string_view("im2col_gemm");
    if (!row.is_selected || !row.unsupported.empty() || !by_blas || forced_by.empty()) continue;
    row.remark = fmt::format("OpenBLAS for {} by {}", blas_core(), forced_by);
  }
}

/// Says so where im2col_gemm is judged by kernels that are older than the CPU.
void warn_of_slow_blas(const std::vector<Row>& rows, const Options& options) {
  const bool used = std::any_of(rows.begin(), rows.end(), [](const Row& row) {
    return row.is_selected && row.algorithm->name == std::string_view("im2col_gemm");
  });
  if (!used) return;
  const std::string better = better_blas_core(blas_core(), simd_targets());
  if (better.empty()) return;
  say(options,
      fmt::format("note: OpenBLAS uses its kernels for {}, older than this CPU ({}); for a fair "
                  "im2col_gemm set OPENBLAS_CORETYPE={}",
                  blas_core(), simd_targets().front(), better));
}

/// Says so where bits depend on --threads.
void note_threads_that_show(const std::vector<Row>& rows, const Options& options) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    const std::string name(row.algorithm->name);
    if (!row.is_selected || !row.algorithm->threads_may_show) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (names.empty()) return;
  say(options,
      fmt::format("note: bits of {} depend on --threads as well; those of the others do not",
                  join(names)));
}

/// Times without a word of what has none would look complete; the table shows it.
void note_unsupported(const std::vector<Row>& rows, const Options& options) {
  if (options.benchmark.format == BenchmarkFormat::console || options.check_only) return;
  std::size_t selected = 0, unsupported = 0;
  const Row* first = nullptr;
  for (const Row& row : rows) {
    if (!row.is_selected) continue;
    ++selected;
    if (row.unsupported.empty()) continue;
    if (unsupported++ == 0) first = &row;
  }
  if (first == nullptr) return;
  say(options, fmt::format("note: {} of {} are unsupported and not timed, such as {} ({}); "
                           "--check-only lists them",
                           unsupported, selected, first->name(), first->unsupported));
}

int report_wrong(const std::vector<Row>& rows, const Options& options) {
  int wrong = 0;
  for (const Row& row : rows) {
    if (row.check.status != "WRONG") continue;
    ++wrong;
    print_error_line(
        fmt::format("WRONG: {} {} of {}; to see it again put that line in a file and run",
                    row.algorithm->name, name_of(row.pass), to_line(row.shape)));
    print_error_line(fmt::format(
        "  {} --shapes FILE --algorithms {} --passes {} --threads {} --seed {} "
        "--simd {}{} --check-only",
        options.name, row.algorithm->name, name_of(row.pass), options.threads, options.seed,
        options.simd, options.zeros > 0.0 ? fmt::format(" --zeros {}", options.zeros) : ""));
  }
  return wrong == 0 ? 0 : 1;
}

/// For a reader of the JSON.
void add_benchmark_context(const Options& options, const ComparisonContext& context) {
  benchmark::AddCustomContext("threads", fmt::format("{}", options.threads));
  benchmark::AddCustomContext("seed", fmt::format("{}", options.seed));
  benchmark::AddCustomContext("zeros", fmt::format("{}", options.zeros));
  benchmark::AddCustomContext("simd", simd_target());
  benchmark::AddCustomContext("peak_gflops", fmt::format("{:.1f}", context.peak_flops / 1e9));
}

/// Checks the selected rows, times them too unless it is --check-only, and shows what comes out.
void compare(std::vector<Row>& rows, const Options& options, const ComparisonContext& context) {
  CurrentProblem current(options);
  ComparisonReporter reporter(rows, options.benchmark, context);
  // What is not supported takes no time: a time of 0 would spoil every mean.
  std::vector<Row*> to_time;
  for (Row& row : rows) {
    if (!row.is_selected) continue;
    if (row.unsupported.empty()) {
      to_time.push_back(&row);
    } else {
      check_row(row, current, options);
    }
  }
  if (!options.check_only) {
    for (; !to_time.empty(); to_time = reporter.unsteady_rows()) {
      register_benchmarks(to_time, current, options, reporter);
      benchmark::RunSpecifiedBenchmarks(&reporter, ".");
    }
    return reporter.finish();
  }
  reporter.ReportContext({});
  for (Row& row : rows) {
    if (!row.is_selected) continue;
    check_row(row, current, options);
    reporter.report_check(row);
  }
  reporter.finish();
}

int compare_convolutions(const std::string& name, int argc, char** argv) {
  RunEnvironment environment;
  environment.command_line = command_line_text(argc, argv);
  const std::optional<Options> options = parse(name, argc, argv);
  if (!options) return 0;
  initialize_benchmark(argv[0], options->benchmark);
  std::vector<Row> rows = comparison_rows(options->choice);
  if (options->benchmark.list_tests) {
    print_names(rows, options->benchmark.format);
    return 0;
  }
  environment.threads = options->threads;
  set_blas_threads(1);
  const Overwrite overwrite = options->force ? Overwrite::yes : Overwrite::no;
  if (!options->record.empty()) check_writable(options->record, overwrite);

  const ComparisonContext context{options->threads, measured_peak_flops(), options->attempts};
  add_benchmark_context(*options, context);
  name_forced_blas(rows);
  warn_of_slow_blas(rows, *options);
  note_threads_that_show(rows, *options);
  note_unsupported(rows, *options);
  compare(rows, *options, context);
  if (!options->explain.empty()) {
    for (const std::string& line : explanation_of_auto(rows)) say(*options, line);
  }
  if (!options->record.empty()) {
    const Record record =
        to_tree(comparison_record(rows, *options, context.peak_flops, environment));
    save_record(record, options->record, overwrite);
    say(*options, "record " + options->record);
    say(*options, "digest sha256:" + digest_of(record));
  }
  return report_wrong(rows, *options);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("compare_convolutions", argc, argv, [&](const std::string& name) {
    return reprise::compare_convolutions(name, argc, argv);
  });
}
