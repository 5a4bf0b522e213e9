// compare_convolutions as users of Google Benchmark take it: its names, flags, JSON and CSV, and
// what it says when there is nothing to compare.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "reprise/core/text.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/benchmark_flags.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/conv_comparison_output.hpp"
#include "support/conv_comparison_rows.hpp"
#include "support/errors.hpp"
#include "support/json.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kProgram = REPRISE_BINARY_DIR "/experiments/compare_convolutions";
/// Two shapes under three algorithms, of which winograd computes neither.
const std::string kSmall =
    "--shapes lenet5 --passes forward --algorithms direct,winograd,naive "
    "--benchmark_filter=^lenet5: --benchmark_min_time=0.001 --benchmark_repetitions=3 --attempts "
    "1 ";
const std::vector<std::string> kTimed = {
    "lenet5:conv1/forward/direct", "lenet5:conv1/forward/naive", "lenet5:conv2/forward/direct",
    "lenet5:conv2/forward/naive"};
const std::vector<std::string> kCounters = {"workspace_bytes", "worst_ulp", "rms_relative",
                                            "worst_of_bound"};
const std::vector<std::string> kShares = {"peak_before", "peak_after", "share_of_peak",
                                          "share_of_limit"};

CommandResult compare(const std::string& options, const std::string& before = "") {
  return run_command(before + kProgram + " " + options);
}

/// The named member of each benchmark in the program's JSON.
std::vector<std::string> members(const Json& json, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& [key, benchmark] : json.get_child("benchmarks")) {
    values.push_back(member(benchmark, name));
  }
  return values;
}

/// Runs the program and reads its standard output, which must be JSON and nothing else.
Json json_of(const std::string& options) {
  const CommandResult result = compare(options + " --benchmark_format=json");
  INFO(options << "\n" << result.out << result.err);
  REQUIRE(result.status == 0);
  return parse_json(result.out);
}

/// Runs the program, which must print one line on standard error with these texts and nothing else.
void check_refused(const std::string& options, int status, const std::vector<std::string>& texts,
                   const std::string& before = "") {
  const CommandResult result = compare(options, before);
  INFO(options << "\n" << result.out << result.err);
  CHECK(result.status == status);
  CHECK(result.out.empty());
  CHECK(count_of(result.err, "\n") == 1);
  for (const std::string& text : texts) CHECK_THAT(result.err, Catch::Contains(text));
}

ConvShape shape(const std::string& line) {
  return parse_conv_shape(line);
}

std::vector<std::string> names_of(const std::vector<ComparisonRow>& rows) {
  std::vector<std::string> names;
  for (const ComparisonRow& row : rows) {
    if (row.is_selected) names.push_back(row.name());
  }
  return names;
}

}  // namespace

TEST_CASE("a name is shape, pass and algorithm, whatever else is compared") {
  ComparisonChoice choice;
  choice.shapes = {"alexnet"};
  const std::vector<std::string> all = names_of(comparison_rows(choice));
  CHECK(std::count(all.begin(), all.end(), "alexnet:conv2/forward/direct") == 1);
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
  choice.algorithms = {"direct", "direct"};
  choice.passes = {"forward"};
  choice.shapes = {"lenet5", "alexnet", "alexnet"};
  choice.filter = "conv2/";
  CHECK(names_of(comparison_rows(choice)) ==
        std::vector<std::string>{"lenet5:conv2/forward/direct", "alexnet:conv2/forward/direct"});
}

TEST_CASE("no name in the lists of fixtures/shapes depends on the lists beside it") {
  ComparisonChoice choice;
  choice.algorithms = {"naive"};
  std::vector<std::string> alone;
  for (const std::string& list : shape_lists()) {
    if (list == "too_large") continue;
    choice.shapes = {list};
    for (const std::string& name : names_of(comparison_rows(choice))) alone.push_back(name);
    CHECK(alone.size() > 2);
  }
  choice.shapes = shape_lists();
  choice.shapes.erase(std::find(choice.shapes.begin(), choice.shapes.end(), "too_large"));
  CHECK(names_of(comparison_rows(choice)) == alone);
}

TEST_CASE("a shape without a label goes by its line, and so do two of one label") {
  const std::vector<ConvShape> shapes = {shape("ic1ih5oc1oh3kh3"), shape("ic1ih5oc1oh3kh3n\"a\""),
                                         shape("ic1ih6oc1oh4kh3n\"a\""),
                                         shape("ic1ih7oc1oh5kh3n\"b\"")};
  const std::vector<std::string> names = names_of_shapes(shapes);
  CHECK(names[0] == to_line(shapes[0]));
  CHECK(names[1] == to_line(shapes[1]));
  CHECK(names[2] == to_line(shapes[2]));
  CHECK(names[3] == "b");
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 4);
  const TemporaryFolder folder;
  write_file(
      folder / "s",
      "ic1ih5oc1oh3kh3n\"a\"\nic1ih6oc1oh4kh3n\"a\"\nic1ih6oc1oh4kh3n\"a\"\nic2ih9oc1oh7kh3\n");
  const Json json =
      json_of("--shapes " + (folder / "s") + " --algorithms naive --passes forward --check-only");
  CHECK(members(json, "name") ==
        std::vector<std::string>{names[1] + "/forward/naive", names[2] + "/forward/naive",
                                 to_line(shape("ic2ih9oc1oh7kh3")) + "/forward/naive"});
}

TEST_CASE("a filter is an extended regular expression, with a minus sign its contrary") {
  CHECK(selects("", "a"));
  CHECK(selects("all", "b"));
  CHECK(selects("^conv(1|2)/.*/fft$", "conv1/forward/fft"));
  CHECK_FALSE(selects("conv3", "conv1/forward/fft"));
  CHECK(selects("-conv3", "conv1/forward/fft"));
  CHECK_FALSE(selects("-fft$", "conv1/forward/fft"));
  CHECK(
      is_line_with(error_of([] { selects("(", "a"); }), "--benchmark_filter: \"(\"", "expression"));
}

TEST_CASE("reproduce leaves out slow naive loops, by names that are there, and nothing else") {
  const std::string script = test::read_file(REPRISE_SOURCE_DIR "/experiments/reproduce");
  CHECK_THAT(script, Catch::Contains("--benchmark_filter=\"-^($large)/[^/]*/naive$\""));
  ComparisonChoice choice;
  choice.shapes = {"lenet5", "kernels", "channels"};
  const std::vector<std::string> all = names_of(comparison_rows(choice));
  int filters = 0;
  for (std::size_t at = script.find("large='"); at != script.npos;
       at = script.find("large='", at + 1)) {
    const std::size_t begin = at + 7;
    choice.filter =
        "-^(" + script.substr(begin, script.find('\'', begin) - begin) + ")/[^/]*/naive$";
    const std::vector<std::string> left = names_of(comparison_rows(choice));
    INFO(choice.filter);
    CHECK(left.size() + 15 < all.size());
    for (const std::string& name : all) {
      if (std::find(left.begin(), left.end(), name) != left.end()) continue;
      CHECK_THAT(name, Catch::EndsWith("/naive"));
    }
    ++filters;
  }
  CHECK(filters == 2);
}

TEST_CASE("Google Benchmark's flags are taken from arguments and the environment, and checked") {
  std::vector<std::string> arguments = {"--shapes",
                                        "lenet5",
                                        "--benchmark_format=csv",
                                        "--benchmark_format=json",
                                        "--benchmark_list_tests",
                                        "--benchmark_context=a=b",
                                        "--benchmark_min_time=0.5s",
                                        "--",
                                        "--benchmark_filter=x"};
  setenv("BENCHMARK_FORMAT", "csv", 1);
  setenv("BENCHMARK_OUT", "from environment", 1);
  const BenchmarkFlags flags = take_benchmark_flags(arguments);
  unsetenv("BENCHMARK_FORMAT");
  unsetenv("BENCHMARK_OUT");
  CHECK(arguments == std::vector<std::string>{"--shapes", "lenet5", "--", "--benchmark_filter=x"});
  CHECK(flags.format == BenchmarkFormat::json);
  CHECK(flags.out == "from environment");
  CHECK(flags.list_tests);
  CHECK_FALSE(flags.report_aggregates_only);
  CHECK(flags.filter.empty());
  CHECK(flags.others ==
        std::vector<std::string>{"--benchmark_repetitions=5", "--benchmark_min_time=0.5",
                                 "--benchmark_time_unit=ms", "--benchmark_context=a=b"});
  for (const char* wrong :
       {"--benchmark_format=xml", "--benchmark_format", "--benchmark_repetitions=0",
        "--benchmark_repetitions=two", "--benchmark_min_time=-1", "--benchmark_min_time=s",
        "--benchmark_time_unit=h", "--benchmark_color=", "--benchmark_list_tests=maybe",
        "--benchmark_nothing=1", "'--benchmark_filter=('"}) {
    check_refused(std::string("--algorithms direct ") + wrong, 2, {"--benchmark_", "expected"});
  }
}

TEST_CASE("with JSON asked for, standard output is JSON, whatever else is asked for") {
  const TemporaryFolder folder;
  const Json timed = json_of(kSmall + "--record " + (folder / "a.h5"));
  std::vector<std::string> names;
  for (const std::string& name : kTimed) {
    for (const char* which : {"", "", "", "_mean", "_median", "_stddev", "_cv"}) {
      names.push_back(name + which);
    }
  }
  CHECK(members(timed, "name") == names);
  CHECK(timed.get<std::string>("context.threads") == "1");
  for (const auto& [key, run] : timed.get_child("benchmarks")) {
    const std::string name = member(run, "name");
    INFO(name);
    for (const std::string& counter : kCounters) {
      // The share that the spread is of a mean of 0 is no number.
      const bool may_lack = Catch::EndsWith("_cv").match(name);
      CHECK((may_lack || !member(run, counter).empty()));
    }
    CHECK(std::stod(member(run, "GFLOP/s")) > 0);
    CHECK(std::stod(member(run, "real_time")) > 0);
    const bool is_spread =
        Catch::EndsWith("_cv").match(name) || Catch::EndsWith("_stddev").match(name);
    for (const std::string& share : kShares) CHECK(member(run, share).empty() == is_spread);
    if (!is_spread) CHECK(std::stod(member(run, "share_of_peak")) > 0);
    CHECK(member(run, "share_of_peak") == member(run, "share_of_limit"));  // of direct and naive
    if (Catch::EndsWith("direct_median").match(name)) {
      const ConvShape shape =
          parse_conv_shape(name.find("conv1") != name.npos ? "mb128ic1ih28oc6oh28kh5ph2"
                                                           : "mb128ic6ih14oc16oh10kh5ph0");
      const double gflops = shape.flops() / std::stod(member(run, "real_time")) / 1e6;
      // Two clocks, on a machine that may be very busy: a wrong unit is a factor of 1000.
      CHECK(std::stod(member(run, "GFLOP/s")) > gflops / 30);
      CHECK(std::stod(member(run, "GFLOP/s")) < gflops * 30);
      CHECK(std::stod(member(run, "workspace_bytes")) > 0);
      CHECK(std::stod(member(run, "worst_of_bound")) < 1);
    }
  }
  // What is recorded has the times too.
  const Record record = load_record(folder / "a.h5");
  std::size_t times = 0;
  for (const double ms : record.values<double>("environment/median_ms")) times += ms > 0 ? 1 : 0;
  CHECK(times == kTimed.size());
  const auto& medians = record.values<double>("environment/median_ms");
  for (const char* which : {"environment/peak_before", "environment/peak_after"}) {
    const auto& peaks = record.values<double>(which);
    REQUIRE(peaks.size() == medians.size());
    for (std::size_t i = 0; i < peaks.size(); ++i) CHECK((peaks[i] > 1e6) == (medians[i] > 0));
  }
  for (const double saving : record.values<double>("environment/ideal_saving")) {
    CHECK((saving == 1.0 || std::isnan(saving)));
  }
}

TEST_CASE("an algorithm's limit follows from its tiles") {
  const auto saving = [](const char* algorithm, const char* line, ConvPass pass) {
    return ideal_saving(conv_algorithm(algorithm), shape(line), pass);
  };
  // 16x16 outputs are 4x4 tiles of F(4x4), 2x2 outputs one of F(2x2).
  CHECK(saving("winograd", "mb2ic8ih16oc8oh16kh3ph1", ConvPass::forward) == 4.0);
  CHECK(saving("winograd", "mb2ic8ih2oc8oh2kh3ph1", ConvPass::forward) == 2.25);
  // 28x28 outputs of 5x5 taps are one tile of 32x32 cells, of 514 points.
  const char* const one_tile = "mb2ic8ih32oc8oh28kh5ph0";
  // The gradient's 32x32 outputs wrap around into padding.
  for (const ConvPass pass : kConvPasses) {
    CHECK(saving("fft", one_tile, pass) == Approx(28 * 28 * 25 / (3.0 * 514)));
  }
  // In groups and for more images as well.
  CHECK(saving("fft", "g2mb7ic8ih32oc8oh28kh5ph0", ConvPass::forward) ==
        Approx(28 * 28 * 25 / (3.0 * 514)));
  // Nine tiles of 8x8 cells would do with more points than one of 16x16.
  CHECK(saving("fft", "mb1ic8ih12oc8oh12kh5ph2", ConvPass::forward) == Approx(3600 / (3.0 * 130)));
  for (const char* plain : {"naive", "direct", "direct/igemm", "im2col_gemm"}) {
    CHECK(saving(plain, one_tile, ConvPass::forward) == 1.0);
  }
  const ConvAlgorithm& choice = resolve(auto_conv_algorithm(), shape(one_tile), ConvPass::forward);
  CHECK(saving("auto", one_tile, ConvPass::forward) ==
        ideal_saving(choice, shape(one_tile), ConvPass::forward));
}

namespace {

/// A row that is right, for a reporter.
ComparisonRow plain_row(const std::string& name) {
  ComparisonRow row;
  row.shape = shape("ic1ih5oc1oh3kh3");
  row.shape_name = name;
  row.algorithm = &conv_algorithm("naive");
  row.is_selected = true;
  row.is_checked = true;
  row.check = {"ok", 0.5, 1e-7, 0.25, 9};
  return row;
}

/// Times a row by a reporter, as Google Benchmark would.
void report(ComparisonReporter& reporter, const ComparisonRow& row, double milliseconds) {
  reporter.begin_row(row);
  benchmark::BenchmarkReporter::Run run;
  run.run_name.function_name = row.name();
  run.per_family_instance_index = 0;
  run.repetitions = 1;
  run.repetition_index = 0;
  run.iterations = 10;
  run.real_accumulated_time = milliseconds * 10 / 1e3;
  reporter.ReportRuns({run});
}

}  // namespace

TEST_CASE("a row beside which the core's peak moved is timed again, three times at most") {
  std::vector<ComparisonRow> rows = {plain_row("steady"), plain_row("moved"), plain_row("late")};
  // Before and after: steady; then 10% apart, 5%, 20%; then 4% apart and steady.
  std::vector<double> peaks = {100, 102, 100, 110, 100, 104, 100, 105, 102, 100, 120, 100};
  std::size_t next = 0;
  const TemporaryFolder folder;
  BenchmarkFlags flags;
  flags.out = folder / "out";
  flags.out_format = BenchmarkFormat::json;
  ComparisonReporter reporter(rows, flags, {1, 1e11, 3, [&] { return peaks.at(next++) * 1e9; }});
  reporter.ReportContext({});
  report(reporter, rows[0], 1.0);
  CHECK(rows[0].is_timed());
  CHECK(reporter.unsteady_rows().empty());
  report(reporter, rows[1], 2.0);
  report(reporter, rows[2], 3.0);
  CHECK_FALSE(rows[1].is_timed());
  CHECK(reporter.unsteady_rows() == std::vector<ComparisonRow*>{&rows[1], &rows[2]});
  CHECK(reporter.unsteady_rows().empty());
  reporter.ReportContext({});
  report(reporter, rows[1], 4.0);
  report(reporter, rows[2], 5.0);
  CHECK(rows[2].median_ms() == Approx(5.0));
  CHECK(rows[2].remark.empty());
  CHECK(reporter.unsteady_rows() == std::vector<ComparisonRow*>{&rows[1]});
  report(reporter, rows[1], 6.0);
  CHECK(reporter.unsteady_rows().empty());
  reporter.finish();
  CHECK(rows[1].median_ms() == Approx(4.0));  // between the nearest two peaks
  CHECK(rows[1].peaks.best() == Approx(105e9));
  CHECK(rows[1].remark == "peak moved by 5%");
  CHECK(rows[1].share_of_peak(2) == Approx(rows[1].gflops() / 210));
  const Json json = parse_json(test::read_file(flags.out));
  CHECK(members(json, "label") == std::vector<std::string>{"", "", "peak moved by 5%"});
  CHECK(members(json, "family_index") == std::vector<std::string>{"0", "2", "1"});
}

TEST_CASE("checks, lists and aggregates come as JSON as well") {
  const Json checks = json_of(kSmall + "--check-only");
  CHECK(members(checks, "label") ==
        std::vector<std::string>{"ok", "unsupported: kernel 5x5: only 3x3", "ok", "ok",
                                 "unsupported: kernel 5x5: only 3x3", "ok"});
  for (const auto& [key, run] : checks.get_child("benchmarks")) {
    CHECK(member(run, "iterations") == "0");
    for (const std::string& counter : kCounters) {
      CHECK(member(run, counter).empty() == (member(run, "label") != "ok"));
    }
  }
  const Json list = json_of(kSmall + "--benchmark_list_tests");
  CHECK(members(list, "name") == members(checks, "name"));
  for (const char* flag : {"report", "display"}) {
    const Json aggregates =
        json_of(kSmall + "--benchmark_" + flag + "_aggregates_only --benchmark_filter=conv1/");
    CHECK(members(aggregates, "aggregate_name") ==
          std::vector<std::string>{"mean", "median", "stddev", "cv", "mean", "median", "stddev",
                                   "cv"});
  }
  const Json once =
      json_of(kSmall + "--benchmark_report_aggregates_only --benchmark_repetitions=1");
  CHECK(members(once, "name") == kTimed);
}

TEST_CASE("with CSV asked for, standard output is a table of CSV, its heading whole") {
  const std::string two =
      "--shapes lenet5 --passes forward --benchmark_filter=^lenet5: --benchmark_format=csv "
      "--algorithms winograd,direct ";
  // The first row is one without an error.
  const CommandResult checks = compare(two + "--check-only");
  REQUIRE(checks.status == 0);
  const std::vector<std::string> lines = lines_of(checks.out);
  REQUIRE(lines.size() == 5);
  for (const std::string& counter : kCounters) CHECK_THAT(lines[0], Catch::Contains(counter));
  CHECK_THAT(lines[0], Catch::StartsWith("name,iterations,"));
  for (const std::string& line : lines) {
    CHECK(std::count(line.begin(), line.end(), ',') ==
          std::count(lines[0].begin(), lines[0].end(), ','));
  }
  CHECK(compare(two + "--benchmark_list_tests").out ==
        "name\n\"lenet5:conv1/forward/winograd\"\n\"lenet5:conv1/forward/direct\"\n"
        "\"lenet5:conv2/forward/winograd\"\n\"lenet5:conv2/forward/direct\"\n");
}

TEST_CASE("text goes to standard error where standard output is for programs") {
  const TemporaryFolder folder;
  const CommandResult result =
      compare(kSmall + "--benchmark_format=csv --record " + (folder / "a.h5"));
  CHECK_THAT(result.err, Catch::Contains("digest sha256:"));
  CHECK_THAT(result.err, Catch::Contains("2 of 6 are unsupported"));
  CHECK_THAT(result.out, !Catch::Contains("sha256"));
  CHECK_THAT(compare(kSmall + "--record " + (folder / "b.h5")).last_line(),
             Catch::StartsWith("digest sha256:"));
}

TEST_CASE("a file of results beside the table is whole, or an error") {
  const TemporaryFolder folder;
  const std::string file = folder / "out.json";
  for (const std::string mode : {"", "--check-only "}) {
    const CommandResult result = compare(kSmall + mode + "--benchmark_out=" + file);
    INFO(mode << result.out << result.err);
    CHECK(result.status == 0);
    CHECK_THAT(result.out, Catch::Contains("lenet5:conv1"));
    CHECK(members(parse_json(test::read_file(file)), "name").size() > 5);
    CHECK(compare(kSmall + mode + "--benchmark_out=/dev/full").status == 1);
    check_refused(kSmall + mode + "--benchmark_out=" + (folder / "no/where"), 1,
                  {"no/where: No such file or directory"});
    const CommandResult full = compare(kSmall + mode + "--benchmark_format=json >/dev/full");
    CHECK(full.status == 1);
  }
  compare(kSmall + "--benchmark_out_format=csv --benchmark_out=" + file);
  CHECK_THAT(test::read_file(file), Catch::StartsWith("name,iterations"));
}

TEST_CASE("the table shows a row for each that is compared, with aggregates only too") {
  const CommandResult result = compare(kSmall + "--benchmark_report_aggregates_only=true");
  const std::vector<std::string> lines = lines_of(result.out);
  INFO(result.out << result.err);
  REQUIRE(lines.size() == 8);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"direct", "ok"}, {"winograd", "unsupported: kernel 5x5: only 3x3"}, {"naive", "ok"},
      {"direct", "ok"}, {"winograd", "unsupported: kernel 5x5: only 3x3"}, {"naive", "ok"}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK_THAT(lines[i + 2], Catch::Contains(" " + rows[i].first + " "));
    // The status may say that the peak moved.
    CHECK_THAT(lines[i + 2] + ";", Catch::Contains(" " + rows[i].second + ";"));
  }
  CHECK_THAT(result.out, !Catch::Contains("nan"));
}

TEST_CASE("a wrong result is no number in JSON, and an error in both formats") {
  std::vector<ComparisonRow> rows(2);
  for (ComparisonRow& row : rows) {
    row.shape = shape("ic1ih5oc1oh3kh3n\"a\"");
    row.algorithm = &conv_algorithm("naive");
    row.is_selected = true;
  }
  rows[0].shape_name = "first";
  rows[1].shape_name = "second";
  rows[0].check.status = "WRONG";
  rows[0].check.elements = 9;
  rows[0].check.worst_of_bound = std::numeric_limits<double>::infinity();
  rows[0].check.rms_relative = std::numeric_limits<double>::quiet_NaN();
  rows[1].check = {"ok", 0.5, 1e-7, 0.25, 9};
  const TemporaryFolder folder;
  BenchmarkFlags flags;
  for (const auto format : {BenchmarkFormat::json, BenchmarkFormat::csv}) {
    flags.out = folder / "out";
    flags.out_format = format;
    ComparisonReporter reporter(rows, flags, {1, 1e11, 3, [] { return 1e11; }});
    reporter.ReportContext({});
    for (const ComparisonRow& row : rows) reporter.report_check(row);
    reporter.finish();
    const std::string text = test::read_file(flags.out);
    INFO(text);
    if (format == BenchmarkFormat::csv) {
      CHECK_THAT(lines_of(text).at(0), Catch::Contains("worst_of_bound"));
      continue;
    }
    const Json json = parse_json(text);
    CHECK(members(json, "label") == std::vector<std::string>{"WRONG", "ok"});
    CHECK(members(json, "worst_of_bound").at(0).empty());
    CHECK(std::stod(members(json, "worst_of_bound").at(1)) == 0.25);
  }
}

TEST_CASE("a list goes before a folder or a file of its name") {
  const TemporaryFolder folder;
  const std::string here = "cd " + folder.path() + " && ";
  const std::string options = "--passes forward --algorithms direct --benchmark_list_tests";
  const CommandResult expected = compare(options);
  REQUIRE(lines_of(expected.out).size() == 5);
  std::filesystem::create_directory(folder / "lenet5");
  CHECK(compare(options, here).out == expected.out);
  std::filesystem::remove(folder / "lenet5");
  write_file(folder / "lenet5", "ic1ih5oc1oh3kh3n\"mine\"\n");
  CHECK(compare(options, here).out == expected.out);
  CHECK(compare(options + " --shapes ./lenet5", here).out == "mine/forward/direct\n");
}

TEST_CASE("where nothing is compared, one line says why, and nothing is written") {
  const TemporaryFolder folder;
  write_file(folder / "empty", "# nothing\n\n");
  const std::string options = "--passes forward --algorithms direct --record " + (folder / "a.h5");
  for (const std::string mode :
       {"", " --check-only", " --benchmark_format=json", " --benchmark_list_tests"}) {
    check_refused(options + mode + " --shapes " + (folder / "empty"), 1,
                  {"empty: no shape", "lenet5"});
    check_refused(options + mode + " --shapes lenet5," + (folder / "empty"), 1,
                  {"empty: no shape"});
    check_refused(options + mode + " --shapes " + folder.path(), 2, {"folder", "lenet5"});
    check_refused(options + mode + " --benchmark_filter=nothing", 2,
                  {"\"nothing\" selects none of 5", "lenet5:conv1/forward/direct"});
    check_refused(options + mode + " --benchmark_filter=-lenet", 2, {"\"-lenet\" selects none"});
    check_refused(options + mode + " --algorithms winograd --benchmark_filter=winograd", 1,
                  {"lenet5:conv1/forward/winograd is unsupported (kernel 5x5: only 3x3)",
                   "4 others", "direct"});
  }
  CHECK(folder.names() == std::vector<std::string>{"empty"});
}

TEST_CASE("the option --zeros empties grad_output alone, for the kernels that skip its zeros") {
  const std::string options =
      "--shapes lenet5 --algorithms direct,direct/zero_skipping --benchmark_filter=^lenet5:conv2 "
      "--benchmark_min_time=0.001 --benchmark_repetitions=1 ";
  const auto errors = [&](const std::string& passes, const std::string& zeros) {
    return members(json_of(options + "--passes " + passes + " --zeros " + zeros), "rms_relative");
  };
  CHECK(errors("forward", "0.75") == errors("forward", "0"));
  const auto of_grad_input = errors("grad_input", "0.75");
  CHECK(of_grad_input.size() == 2);
  CHECK(of_grad_input != errors("grad_input", "0"));
  CHECK(errors("grad_weight", "0.75") != errors("grad_weight", "0"));
  check_refused(options + "--zeros 1.5", 2, {"--zeros", "1.5", "a number from 0 to 1"});
  check_refused(options + "--zeros nan", 2, {"--zeros"});
  check_refused(options + "--zeros 0.5 --record r.h5", 2, {"--zeros", "--record"});
}

TEST_CASE("digests tell algorithms apart, and not the vectors that computed them") {
  const std::string options =
      "--shapes lenet5 --passes forward --algorithms naive,direct --benchmark_filter=c5/ "
      "--check-only --digests --simd ";
  const std::vector<std::string> best = members(json_of(options + "best"), "label");
  REQUIRE(best.size() == 2);
  for (const std::string& label : best) {
    CHECK_THAT(label, Catch::Matches("ok; sha256:[0-9a-f]{64}"));
  }
  CHECK(best[0] != best[1]);
  CHECK(members(json_of(options + "scalar"), "label") == best);
  CHECK(count_of(compare(kSmall + "--check-only").out, "sha256:") == 0);
}

TEST_CASE("CSV has no percentages in its columns of times") {
  const CommandResult repeated = compare(
      "--shapes lenet5 --passes forward --benchmark_filter=^lenet5:conv1/forward/direct "
      "--benchmark_format=csv --algorithms direct --benchmark_repetitions=2");
  REQUIRE(repeated.status == 0);
  CHECK_THAT(repeated.out, Catch::Contains("_median"));
  CHECK_THAT(repeated.out, !Catch::Contains("_cv"));
  CHECK_THAT(repeated.err, !Catch::Contains("1 threads"));
}

TEST_CASE("explain auto lists the estimates, the choice and what it cost") {
  const CommandResult result =
      run_command(kProgram + " --explain auto --shapes lenet5 --benchmark_min_time=0.001 2>&1");
  REQUIRE(result.status == 0);
  const ConvShape conv2 = make_conv_shape(128, 14, 14, 6, 16, 5, 5);
  for (const ConvPass pass : kConvPasses) {
    const std::string heading = "\nlenet5:conv2/" + std::string(name_of(pass)) + "\n";
    const std::size_t begin = result.out.find(heading);
    REQUIRE(begin != std::string::npos);
    std::istringstream lines(result.out.substr(begin + heading.size()));
    std::string chosen;
    double least = std::numeric_limits<double>::infinity(), chosen_loss = 0.0;
    for (std::string line; std::getline(lines, line) && line.starts_with("  ");) {
      std::istringstream words(line);
      std::string name, alone, together, loss;
      words >> name >> alone >> together >> loss;
      if (name.find('/') != std::string::npos) continue;
      least = std::min(least, std::stod(loss));
      if (line.find("auto's choice") == std::string::npos) continue;
      CHECK(chosen.empty());
      chosen = name;
      chosen_loss = std::stod(loss);
    }
    CHECK(chosen == resolve(auto_conv_algorithm(), conv2, pass).name);
    CHECK(chosen_loss == least);
  }
  CHECK(result.out.find("auto chose the fastest algorithm in ") != std::string::npos);
  CHECK(run_command(kProgram + " --explain direct").status == 2);
  CHECK(run_command(kProgram + " --explain auto --algorithms fft").status == 2);
}

TEST_CASE("a row names the kernels that the environment forces on OpenBLAS") {
  const std::string few =
      "--shapes lenet5 --passes forward --algorithms im2col_gemm,direct "
      "--benchmark_filter=conv2 --check-only";
  const std::string unset = "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE ";
  CHECK(compare(few, unset).out.find("OpenBLAS for") == std::string::npos);
  const CommandResult forced = compare(few, unset + "OPENBLAS_CORETYPE=Haswell ");
  CHECK(forced.status == 0);
  std::size_t named = 0;
  std::istringstream lines(forced.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("OpenBLAS for Haswell by OPENBLAS_CORETYPE=Haswell") == std::string::npos)
      continue;
    CHECK(line.find("im2col_gemm") != std::string::npos);
    ++named;
  }
  CHECK(named >= 1);
}

TEST_CASE("the trend between two comparisons is told by row and by algorithm") {
  ComparisonRecord earlier;
  earlier.settings = {{"threads", std::int64_t{1}}};
  earlier.peak_flops = 100e9;
  earlier.environment.attributes["cpu"] = "One";
  for (const char* algorithm : {"direct", "fft", "naive"}) {
    ComparisonRowRecord row;
    row.shape = "mb1ic3ih8oc4oh6kh3n\"a\"";
    row.name = "a";
    row.pass = "forward";
    row.algorithm = algorithm;
    row.reproducibility = "portable";
    row.status = "ok";
    row.flops = 5e7;
    row.median_ms = row.min_ms = row.max_ms = 1.0;
    earlier.rows.push_back(row);
  }
  ComparisonRecord later = earlier;
  later.rows[0].median_ms = 0.5;
  later.rows[1].median_ms = 2.0;
  later.rows[2].median_ms = std::nan("");  // not timed
  later.peak_before = std::vector<double>{100e9, 50e9, std::nan("")};
  later.peak_after = std::vector<double>{99e9, 50e9, std::nan("")};
  const TemporaryFolder folder;
  const auto trend = [&] {
    save_record(to_tree(earlier), folder / "a.h5", Overwrite::yes);
    save_record(to_tree(later), folder / "b.h5", Overwrite::yes);
    return run_command(REPRISE_BINARY_DIR "/experiments/compare_records --trend " +
                       (folder / "a.h5") + " " + (folder / "b.h5"));
  };
  CommandResult result = trend();
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : lines_of(result.out)) {
    std::istringstream words(line);
    rows.emplace_back(std::istream_iterator<std::string>(words),
                      std::istream_iterator<std::string>());
  }
  const auto has = [&](const std::vector<std::string>& row) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  };
  CHECK(has({"a/forward/direct", "1.000", "0.500", "0.50", "50%", "100%"}));
  CHECK(has({"a/forward/fft", "1.000", "2.000", "2.00", "50%", "50%"}));
  CHECK_THAT(result.out, !Catch::Contains("a/forward/naive"));
  CHECK_THAT(result.out, Catch::Contains("geometric mean of direct: 0.500 in 1 rows"));
  CHECK_THAT(result.out, Catch::Contains("all: 1.000 in 2 rows; in one record alone: 1"));
  CHECK_THAT(result.out, !Catch::Contains("processors differ"));
  later.environment.attributes["cpu"] = "Two";
  CHECK_THAT(trend().out, Catch::Contains("processors differ"));
  for (ComparisonRowRecord& row : later.rows) row.pass = "grad_input";
  result = trend();
  CHECK(result.status == 1);
  CHECK_THAT(result.err, Catch::Contains("no shape, pass and algorithm that both timed"));
  const CommandResult other =
      run_command(REPRISE_BINARY_DIR "/experiments/compare_records --trend " REPRISE_SOURCE_DIR
                                     "/fixtures/records/format_1/training.h5 " +
                  (folder / "b.h5"));
  CHECK(other.status == 1);
  CHECK(count_of(other.err, "\n") == 1);
}

TEST_CASE("an anonymous record names neither the machine nor what was typed") {
  const TemporaryFolder folder;
  const std::string options =
      "--shapes lenet5 --passes forward --algorithms direct --check-only --record ";
  for (const bool anonymous : {false, true}) {
    const std::string file = folder / (anonymous ? "a.h5" : "b.h5");
    REQUIRE(compare(options + file + (anonymous ? " --anonymous" : "")).status == 0);
    const Record record = load_record(file);
    const Group& environment = record.group("environment");
    for (const char* name : {"host", "command_line"}) {
      CHECK(environment.attributes.contains(name) != anonymous);
    }
    for (const char* name : {"git_diff", "log"}) {
      CHECK(environment.datasets.contains(name) != anonymous);
    }
    CHECK(environment.attributes.contains("cpu"));
  }
}
