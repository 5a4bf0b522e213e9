// Do these convolution algorithms compute the same thing, and at what cost?
//
// For each shape, pass and algorithm: checks the result against a reference in double, then times
// it with Google Benchmark, and prints a table.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/record/record_file.hpp"
#include "reprise/run/provenance.hpp"
#include "support/conv_comparison.hpp"
#include "support/machine_peak.hpp"
#include "support/program.hpp"

namespace reprise {
namespace {

struct Options {
  std::vector<std::string> shapes{"lenet5"};
  std::vector<std::string> algorithms;
  std::vector<std::string> passes;
  std::size_t threads = 1;
  std::int64_t seed = 1;
  std::string simd = "best";
  std::string record;
  bool force = false;
  bool check_only = false;
  bool quiet = false;  ///< another format than the table was asked for
};

/// One line of the table.
struct Row {
  ConvShape shape;
  ConvPass pass = ConvPass::forward;
  const ConvAlgorithm* algorithm = nullptr;
  std::size_t workspace_bytes = 0;
  ConvCheck check;
  bool checked = false;
  std::vector<double> times_ms;  ///< one per repetition

  [[nodiscard]] double median_ms() const {
    if (times_ms.empty()) return 0.0;
    std::vector<double> sorted = times_ms;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
  /// Largest minus smallest, as a share of the median.
  [[nodiscard]] double spread() const {
    if (times_ms.empty()) return 0.0;
    const auto [least, most] = std::minmax_element(times_ms.begin(), times_ms.end());
    return (*most - *least) / median_ms();
  }
  [[nodiscard]] double gflops() const {
    return times_ms.empty() ? 0.0 : shape.flops() / median_ms() / 1e6;
  }
  [[nodiscard]] std::string label() const {
    return shape.name.empty() ? to_line(shape) : shape.name;
  }
};

std::string shape_list(const std::string& name) {
  return std::string(REPRISE_SHAPES) + "/" + name;
}

/// The names in fixtures/shapes, sorted.
std::vector<std::string> shape_lists() {
  std::vector<std::string> lists;
  for (const auto& entry : std::filesystem::directory_iterator(REPRISE_SHAPES)) {
    lists.push_back(entry.path().filename());
  }
  std::sort(lists.begin(), lists.end());
  return lists;
}

/// What --shapes was given: the name of one file, commas and all, or a list.
std::vector<std::string> shape_names(const std::string& where, const std::string& given) {
  std::error_code none;
  if (std::filesystem::is_regular_file(given, none)) return {given};
  return list_of(where, given);
}

/// The shapes of each list in fixtures/shapes or file. A list goes before a file of its name.
std::vector<ConvShape> shapes_of(const std::vector<std::string>& names) {
  const std::vector<std::string> lists = shape_lists();
  std::vector<ConvShape> shapes;
  for (const std::string& name : names) {
    const bool known = std::find(lists.begin(), lists.end(), name) != lists.end();
    if (!known && !std::filesystem::exists(name)) {
      throw UsageError("option --shapes", "\"" + name + "\"", "a file or one of " + join(lists));
    }
    for (const ConvShape& shape : read_conv_shapes(known ? shape_list(name) : name)) {
      shapes.push_back(shape);
    }
  }
  return shapes;
}

std::vector<ConvPass> passes_of(const std::vector<std::string>& names) {
  std::vector<ConvPass> passes;
  for (const ConvPass pass : kConvPasses) {
    if (names.empty() || std::find(names.begin(), names.end(), name_of(pass)) != names.end()) {
      passes.push_back(pass);
    }
  }
  for (const std::string& name : names) {
    if (name != "forward" && name != "grad_input" && name != "grad_weight") {
      throw Error("--passes", "\"" + name + "\"", "forward, grad_input or grad_weight");
    }
  }
  return passes;
}

std::vector<const ConvAlgorithm*> algorithms_of(const std::vector<std::string>& names) {
  std::vector<const ConvAlgorithm*> algorithms;
  if (names.empty()) algorithms.assign(conv_algorithms().begin(), conv_algorithms().end());
  for (const std::string& name : names) algorithms.push_back(&conv_algorithm(name));
  return algorithms;
}

std::vector<Row> make_rows(const Options& options) {
  std::vector<Row> rows;
  for (const ConvShape& shape : shapes_of(options.shapes)) {
    for (const ConvPass pass : passes_of(options.passes)) {
      for (const ConvAlgorithm* algorithm : algorithms_of(options.algorithms)) {
        Row row;
        row.shape = shape;
        row.pass = pass;
        row.algorithm = algorithm;
        rows.push_back(row);
      }
    }
  }
  return rows;
}

/// Holds the tensors of the row that was asked for last, so that only one problem is in memory.
class CurrentProblem {
 public:
  explicit CurrentProblem(std::int64_t seed) : seed_(static_cast<std::uint64_t>(seed)) {}
  ConvProblem& of(const Row& row) {
    const std::string line = to_line(row.shape);
    if (!problem_ || line_ != line || problem_->pass() != row.pass) {
      problem_.reset();
      problem_ = std::make_unique<ConvProblem>(row.shape, row.pass, seed_);
      line_ = line;
    }
    return *problem_;
  }

 private:
  std::uint64_t seed_;
  std::string line_;
  std::unique_ptr<ConvProblem> problem_;
};

void check_row(Row& row, ConvProblem& problem, std::size_t threads) {
  if (row.checked) return;
  row.checked = true;
  row.check = problem.check(*row.algorithm, threads);
  if (row.check.elements > 0) {
    row.workspace_bytes = row.algorithm->workspace_bytes(row.shape, row.pass, threads);
  }
}

constexpr std::string_view kTableRow =
    "{:<22} {:<11} {:<12} {:>10} {:>7} {:>8} {:>6} {:>10} {:>9} {:>9} {:>7} {:<8} {}";

void print_heading(double peak_flops, std::size_t threads) {
  print_line(fmt::format("{} threads, {}; measured peak of one core: {:.1f} GFLOP/s", threads,
                         simd_target(), peak_flops / 1e9));
  print_line(fmt::format(kTableRow, "shape", "pass", "algorithm", "median ms", "spread", "GFLOP/s",
                         "peak", "workspace", "worst ulp", "rms rel", "bound", "class", "status"));
}

std::string bytes_text(std::size_t bytes) {
  if (bytes >= 10 * 1024 * 1024) return fmt::format("{} MiB", bytes / (1024 * 1024));
  if (bytes >= 10 * 1024) return fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} B", bytes);
}

void print_row(const Row& row, double peak_flops, std::size_t threads) {
  const bool compared = row.check.elements > 0;
  const bool timed = !row.times_ms.empty();
  const double share = row.gflops() * 1e9 / (peak_flops * static_cast<double>(threads));
  print_line(fmt::format(kTableRow, row.label(), name_of(row.pass), row.algorithm->name,
                         timed ? fmt::format("{:.3f}", row.median_ms()) : "-",
                         timed ? fmt::format("{:.0f}%", 100 * row.spread()) : "-",
                         timed ? fmt::format("{:.1f}", row.gflops()) : "-",
                         timed ? fmt::format("{:.0f}%", 100 * share) : "-",
                         compared ? bytes_text(row.workspace_bytes) : "-",
                         compared ? fmt::format("{:.2f}", row.check.worst_ulp) : "-",
                         compared ? fmt::format("{:.1e}", row.check.rms_relative) : "-",
                         compared ? fmt::format("{:.0f}%", 100 * row.check.worst_of_bound) : "-",
                         name_of(row.algorithm->reproducibility), row.check.status));
}

/// Prints a table row for each benchmark that is done and keeps its times.
class TableReporter final : public benchmark::BenchmarkReporter {
 public:
  TableReporter(std::vector<Row>& rows, double peak_flops, std::size_t threads, bool print)
      : rows_(rows), peak_flops_(peak_flops), threads_(threads), print_(print) {}

  bool ReportContext(const Context& /*context*/) override {
    if (print_) print_heading(peak_flops_, threads_);
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    if (runs.empty()) return;
    const std::string name = runs.front().run_name.function_name;
    Row& row = rows_.at(std::stoul(name.substr(0, name.find(':'))));
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration && !run.error_occurred && run.iterations > 0) {
        row.times_ms.push_back(run.real_accumulated_time / static_cast<double>(run.iterations) *
                               1e3);
      }
    }
    const bool are_aggregates = runs.front().run_type == Run::RT_Aggregate;  // of repetitions
    if (print_ && !are_aggregates) print_row(row, peak_flops_, threads_);
  }

 private:
  std::vector<Row>& rows_;
  double peak_flops_;
  std::size_t threads_;
  bool print_;
};

/// Benchmark names begin with the row's number, so that the reporter finds the row again.
void register_benchmarks(std::vector<Row>& rows, CurrentProblem& current, std::size_t threads) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string name = fmt::format("{}:{}/{}/{}", i, rows[i].label(), name_of(rows[i].pass),
                                         rows[i].algorithm->name);
    benchmark::RegisterBenchmark(
        name.c_str(),
        [&, i](benchmark::State& state) {
          Row& row = rows[i];
          ConvProblem& problem = current.of(row);
          check_row(row, problem, threads);
          if (row.check.status != "ok" && row.check.status != "untrusted") {
            state.SkipWithError(row.check.status.c_str());
            return;
          }
          for (auto _ : state) problem.run(*row.algorithm, threads);
        })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

/// Takes Google Benchmark's own flags out of the command line, with defaults for two of them.
void initialize_benchmark(int& argc, char** argv) {
  static std::vector<std::string> arguments(argv, argv + argc);
  const auto given = [&](const std::string& flag) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [&](const std::string& a) { return a.rfind(flag, 0) == 0; });
  };
  if (!given("--benchmark_repetitions")) arguments.emplace_back("--benchmark_repetitions=5");
  if (!given("--benchmark_min_time")) arguments.emplace_back("--benchmark_min_time=0.1");
  static std::vector<char*> pointers;
  std::vector<std::string> own;
  for (std::string& argument : arguments) {
    if (pointers.empty() || argument.rfind("--benchmark_", 0) == 0) {
      pointers.push_back(argument.data());
    }
  }
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count > 1) throw Error("command line", pointers[1], "a flag that Google Benchmark knows");
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]).rfind("--benchmark_", 0) != 0) argv[kept++] = argv[i];
  }
  argc = kept;
}

std::optional<Options> parse(int argc, const char* const* argv) {
  Options options;
  CommandLine line("compare_convolutions",
                   "Checks convolution algorithms against a reference in double, times them, and "
                   "prints a table.");
  line.add_option(
      "--shapes", "LIST", join(options.shapes, ","),
      "files of shapes in benchdnn's grammar, or names in fixtures/shapes: " + join(shape_lists()),
      [&](const std::string& where, const std::string& given) {
        options.shapes = shape_names(where, given);
      });
  line.add_list("--algorithms", options.algorithms, "names, separated by commas; default all");
  line.add_list("--passes", options.passes,
                "of forward, grad_input, grad_weight, separated by commas; default all");
  line.add_size("--threads", options.threads, kThreads,
                "threads of each algorithm; they change no bit of a result but onednn's");
  line.add_integer("--seed", options.seed, {0}, "where the tensors' values come from");
  line.add_text(
      "--simd", options.simd,
      "vector instructions of the portable algorithms, best or one of: " + join(simd_targets()));
  line.add_text("--record", options.record, "saves the comparison's record there");
  line.add_flag("--force", options.force, "overwrite the record if it exists");
  line.add_flag("--check-only", options.check_only, "check, do not time");
  line.set_footer(
      "Columns: time (median over repetitions; spread is largest minus smallest), share of the "
      "measured\npeak of the threads' cores, workspace, largest error in units in the last place "
      "of the largest element,\nroot-mean-square error relative to the result's, largest error as "
      "a share of the declared bound,\nreproducibility class, status. Exit status 1 if anything is "
      "WRONG, 2 for bad usage.\n\nGoogle Benchmark's flags work too: --benchmark_filter=REGEX, "
      "--benchmark_repetitions=N,\n--benchmark_min_time=SECONDS, --benchmark_format=json, "
      "--benchmark_out=FILE.\n\nExample:\n  compare_convolutions --shapes alexnet --algorithms "
      "direct,onednn --passes forward");
  if (!line.parse(argc, argv)) return std::nullopt;
  as_usage([&] {
    passes_of(options.passes);
    algorithms_of(options.algorithms);
    select_simd_target(options.simd);
  });
  return options;
}

/// What holds on every machine outside /environment, times and the machine inside.
Record comparison_record(const std::vector<Row>& rows, const Options& options, double peak_flops,
                         const RunEnvironment& environment) {
  std::vector<std::string> lines, names, passes, algorithms, classes, statuses;
  std::vector<std::int64_t> workspace;
  std::vector<double> flops, worst_ulp, rms, of_bound, median, least, most;
  for (const Row& row : rows) {
    lines.push_back(to_line(row.shape));
    names.push_back(row.label());
    passes.emplace_back(name_of(row.pass));
    algorithms.emplace_back(row.algorithm->name);
    classes.emplace_back(name_of(row.algorithm->reproducibility));
    statuses.push_back(row.check.status);
    workspace.push_back(static_cast<std::int64_t>(row.workspace_bytes));
    flops.push_back(row.shape.flops());
    worst_ulp.push_back(row.check.worst_ulp);
    rms.push_back(row.check.rms_relative);
    of_bound.push_back(row.check.worst_of_bound);
    const bool timed = !row.times_ms.empty();
    const double none = std::nan("");
    median.push_back(timed ? row.median_ms() : none);
    least.push_back(timed ? *std::min_element(row.times_ms.begin(), row.times_ms.end()) : none);
    most.push_back(timed ? *std::max_element(row.times_ms.begin(), row.times_ms.end()) : none);
  }
  Record record;
  record.attributes["kind"] = std::string("comparison");
  record.groups["configuration"].attributes = {
      {"seed", options.seed}, {"threads", static_cast<std::int64_t>(options.threads)}};
  Group& comparison = record.groups["comparison"];
  comparison.datasets = {{"shape", list(lines, "row")},
                         {"name", list(names, "row")},
                         {"pass", list(passes, "row")},
                         {"algorithm", list(algorithms, "row")},
                         {"reproducibility", list(classes, "row")},
                         {"status", list(statuses, "row")},
                         {"flops", list(flops, "row")},
                         {"workspace_bytes", list(workspace, "row")},
                         {"worst_ulp", list(worst_ulp, "row")},
                         {"rms_relative", list(rms, "row")},
                         {"worst_of_bound", list(of_bound, "row")}};
  Group& machine = record.groups["environment"];
  machine = environment_group(environment);
  machine.attributes["program"] = "compare_convolutions";
  machine.attributes["peak_flops"] = peak_flops;
  machine.datasets["median_ms"] = list(median, "row");
  machine.datasets["min_ms"] = list(least, "row");
  machine.datasets["max_ms"] = list(most, "row");
  return record;
}

/// Says so where im2col_gemm is judged by kernels that are older than the CPU.
void warn_of_slow_blas(const std::vector<Row>& rows) {
  const bool used = std::any_of(rows.begin(), rows.end(), [](const Row& row) {
    return row.algorithm->name == std::string_view("im2col_gemm");
  });
  if (!used) return;
  const std::string better = better_blas_core(blas_core(), simd_targets());
  if (!better.empty()) {
    print_line(fmt::format(
        "note: OpenBLAS uses its kernels for {}, older than this CPU ({}); for a fair im2col_gemm "
        "set OPENBLAS_CORETYPE={}",
        blas_core(), simd_targets().front(), better));
  }
}

/// Says so where bits depend on --threads.
void note_threads_that_show(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    const std::string name(row.algorithm->name);
    if (!row.algorithm->threads_may_show) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (names.empty()) return;
  print_line(fmt::format("note: bits of {} depend on --threads as well; those of the others do not",
                         join(names)));
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
        "  compare_convolutions --shapes FILE --algorithms {} --passes {} --threads {} --seed {} "
        "--simd {} --check-only",
        row.algorithm->name, name_of(row.pass), options.threads, options.seed, options.simd));
  }
  return wrong == 0 ? 0 : 1;
}

int compare_convolutions(int argc, char** argv) {
  RunEnvironment environment;
  environment.command_line = command_line_text(argc, argv);
  const bool table =
      environment.command_line.find("--benchmark_format=json") == std::string::npos &&
      environment.command_line.find("--benchmark_format=csv") == std::string::npos;
  initialize_benchmark(argc, argv);
  const std::optional<Options> options = parse(argc, argv);
  if (!options) return 0;
  environment.threads = options->threads;
  set_blas_threads(1);
  const Overwrite overwrite = options->force ? Overwrite::yes : Overwrite::no;
  if (!options->record.empty()) check_writable(options->record, overwrite);

  std::vector<Row> rows = make_rows(*options);
  CurrentProblem current(options->seed);
  const double peak_flops = measured_peak_flops();
  if (table) {
    warn_of_slow_blas(rows);
    note_threads_that_show(rows);
  }
  if (options->check_only) {
    print_heading(peak_flops, options->threads);
    for (Row& row : rows) {
      check_row(row, current.of(row), options->threads);
      print_row(row, peak_flops, options->threads);
    }
  } else {
    register_benchmarks(rows, current, options->threads);
    TableReporter reporter(rows, peak_flops, options->threads, table);
    if (table) {
      benchmark::RunSpecifiedBenchmarks(&reporter);
    } else {
      benchmark::RunSpecifiedBenchmarks();
    }
  }
  if (!options->record.empty()) {
    const Record record = comparison_record(rows, *options, peak_flops, environment);
    save_record(record, options->record, overwrite);
    print_line("record " + options->record);
    print_line("digest sha256:" + digest_of(record));
  }
  return report_wrong(rows, *options);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::run_program("compare_convolutions",
                              [&] { return reprise::compare_convolutions(argc, argv); });
}
