// reports: what comparisons of convolution algorithms add, and how a run can be reproduced.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>

#include "format.hpp"
#include "report.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/errors.hpp"
#include "support/report_page.hpp"
#include "support/reports.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"
#include "support/training_record.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

Report report_with(const std::vector<Record>& comparisons) {
  std::vector<NamedRecord> records = {{"run.h5", training_record({1, 2})}};
  for (const Record& comparison : comparisons) {
    records.push_back({"convolutions.h5", comparison});
  }
  return make_report(records, "");
}

/// Made once.
const Report& comparison_report() {
  static const Report report = report_with({comparison_record()});
  return report;
}

std::size_t row_of(const Record& record, const std::string& name, const std::string& pass,
                   const std::string& algorithm) {
  const auto& names = record.values<std::string>("comparison/name");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name && record.values<std::string>("comparison/pass")[i] == pass &&
        record.values<std::string>("comparison/algorithm")[i] == algorithm) {
      return i;
    }
  }
  throw std::logic_error("no such row");
}

/// Sorted; none where there is no folder.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("numbers in tables of comparisons paste as numbers, and no paragraph is torn") {
  CHECK(cells_without_numbers(comparison_report().html + comparison_report().supplement_html)
            .empty());
  CHECK(torn_paragraphs(comparison_report().markdown).empty());
  CHECK(torn_paragraphs(comparison_report().supplement_markdown).empty());
}

TEST_CASE("numbers and bytes keep three digits that count") {
  CHECK(significant(0.012345) == "0.0123");
  CHECK(significant(12.345) == "12.3");
  CHECK(significant(999.7) == "1,000");
  CHECK(significant(9.999) == "10.0");
  CHECK(significant(1234.5) == "1,235");
  CHECK(significant(1e300) == "1.0e+300");  // more than any integer type holds
  CHECK(significant(0) == "0");
  CHECK(bytes_text(0) == "0");
  CHECK(bytes_text(512) == "512 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(64.0 * 1024 * 1024) == "64 MiB");
}

TEST_CASE("without a comparison there is no section on convolution algorithms") {
  const Report report = report_with({});
  CHECK(!holds(whole(report), "# Convolution algorithms"));
  CHECK(!holds(whole(report), "WRONG"));
  CHECK(holds(report.supplement_markdown, "| `run.h5` | – | – | 1 | `"));
}

TEST_CASE("a comparison adds its figures, tables and digest") {
  const std::string& text = comparison_report().markdown;
  const std::string digest = digest_of(comparison_record());
  CHECK(holds(text, "### Convolution algorithms"));
  CHECK(holds(text, "Source: record `" + digest.substr(0, 12) + "`"));
  CHECK(!holds(text, "WRONG:"));
  CHECK(!holds(text, "@ref"));
  CHECK(holds(comparison_report().supplement_markdown, "`sha256:" + digest + "`"));
  CHECK(holds(comparison_report().supplement_markdown,
              "| `convolutions.h5` | comparison of convolutions |"));
  for (const char* figure :
       {"convolution_map_1", "convolution_map_2", "convolution_share_1", "convolution_share_2",
        "convolution_saving_1", "convolution_saving_2", "roofline_1", "roofline_2"}) {
    INFO(figure);
    const std::string path = "figures/" + std::string(figure) + ".svg";
    CHECK(comparison_report().figures.count(path) == 1);
    CHECK(holds(whole(comparison_report()), "](" + path + ")"));
  }
  CHECK(comparison_report().figures.size() == report_with({}).figures.size() + 8);
  const std::string& shares = comparison_report().figures.at("figures/convolution_share_1.svg");
  for (const char* algorithm : {"im2col GEMM", "direct", "FFT", "oneDNN"}) {
    CHECK(holds(shares, algorithm));
  }
}

TEST_CASE("what needs fewer operations stands beside its limit") {
  std::istringstream lines(comparison_report().data.at("data/convolution_saving.csv"));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "Layer,Pass,Algorithm,Times fewer operations,Peak (%),Limit (%)\r");
  std::size_t rows = 0;
  while (std::getline(lines, line)) {
    std::istringstream cells(line.substr(line.find(',', line.find(',') + 1) + 1));
    std::string algorithm, saving, peak, limit;
    for (std::string* cell : {&algorithm, &saving, &peak, &limit}) std::getline(cells, *cell, ',');
    INFO(line);
    CHECK((algorithm == "fft" || algorithm == "winograd"));
    if (algorithm == "winograd") CHECK(saving == "4");
    CHECK(std::stod(limit) * std::stod(saving) == Approx(std::stod(peak)));
    ++rows;
  }
  CHECK(rows > 5);
  const std::string& figure = comparison_report().figures.at("figures/convolution_saving_1.svg");
  CHECK(holds(figure, " times fewer operations, "));
}

TEST_CASE("the map has the fastest portable algorithm of each kernel size and number of channels") {
  const std::string& cells = comparison_report().data.at("data/convolution_map.csv");
  for (const char* row : {"forward,2,32,direct,0.04\r\n", "forward,3,32,winograd,0.045\r\n",
                          "forward,4,32,direct,0.16\r\n", "forward,5,32,fft,0.2\r\n",
                          "forward,3,4,winograd,", "grad_input,5,16,fft,"}) {
    INFO(row);
    CHECK(holds(cells, row));
  }
  CHECK(!holds(cells, "oneDNN"));
  const std::string& map = comparison_report().figures.at("figures/convolution_map_1.svg");
  for (const char* key : {"D direct", "F FFT", "W Winograd"}) CHECK(holds(map, key));
}

TEST_CASE("a roofline has each shape below what the peak and the memory allow") {
  const std::string& points = comparison_report().data.at("data/roofline.csv");
  // conv1's tensors are 81 + 81 + 25 numbers; the peak of two threads is 200 GFLOP/s.
  CHECK(holds(points, "lenet5:conv1,forward,direct,26737.9679144385,100,200\r\n"));
  // kernel:1's are 32 * 81 + 81 + 32, so 1e6 operations are 92 a byte; memory moves 20 GB/s.
  ComparisonRecordOptions options;
  Record slow = comparison_record(options);
  slow.groups["environment"].attributes["memory_bandwidth"] = 1e9;
  const std::string bound = report_with({slow}).data.at("data/roofline.csv");
  CHECK(holds(bound, "kernel:1,forward,direct,92.42144177449168,100,92.42144177449168\r\n"));
  CHECK(holds(comparison_report().markdown, "with a measured bandwidth of 20.0 GB/s"));

  options.bandwidth = false;  // a record of an earlier release
  const Report earlier = report_with({comparison_record(options)});
  CHECK(earlier.data.count("data/roofline.csv") == 0);
  CHECK_FALSE(holds(whole(earlier), "oofline"));
}

TEST_CASE("the supplement has times, rates and costs of networks, and the data those of all rows") {
  const std::string& text = comparison_report().supplement_markdown;
  // lenet5:conv1 has 20 MFLOP: direct 0.2 ms, fft 20/25 of that; peak of two threads 200 GFLOP/s.
  CHECK(holds(text,
              "| lenet5:conv1 | forward | direct | ok | 0.200 | 20 | 100 | 50.0 | 50.0 | 96.0 |"));
  CHECK(
      holds(text, "| lenet5:conv1 | forward | fft | ok | 0.160 | 20 | 125 | 62.5 | 5.0 | 1536 |"));
  CHECK(!holds(text, "| kernel:6 | forward |"));
  const std::string& rows = comparison_report().data.at("data/convolution_rows.csv");
  CHECK(std::count(rows.begin(), rows.end(), '\n') ==
        1 + static_cast<std::ptrdiff_t>(
                comparison_record().values<std::string>("comparison/name").size()));
  CHECK(holds(rows, "unsupported: kernel 1x1: only 3x3"));
  CHECK(holds(comparison_report().markdown,
              "| FFT | portable | 6 | kernel:6, forward | 6.00 | 30 | 0 | 0 | 0 | 0 |"));
  CHECK(holds(comparison_report().markdown, "among portable ones: direct 6, FFT 16, Winograd 8."));
}

TEST_CASE("shares are of the peak beside each row, and of its limit") {
  Record record = comparison_record();
  const std::size_t row = row_of(record, "lenet5:conv1", "forward", "fft");
  values_in<double>(record, "environment", "peak_before")[row] = 0.25e11;
  values_in<double>(record, "environment", "peak_after")[row] = 0.625e11;
  const Report report = report_with({record});
  CHECK(holds(report.supplement_markdown,
              "| lenet5:conv1 | forward | fft | ok | 0.160 | 20 | 125 | 100.0 | 8.0 | 1536 |"));
  CHECK(holds(report.supplement_markdown, "The share of the limit is"));
  ComparisonRecordOptions options;
  options.earlier = true;
  const Report earlier = report_with({comparison_record(options)});
  CHECK(holds(earlier.supplement_markdown,
              "| lenet5:conv1 | forward | fft | ok | 0.160 | 20 | 125 | 62.5 | – | 1536 |"));
  CHECK(!holds(earlier.supplement_markdown, "The share of the limit is"));
}

TEST_CASE("from the same comparison the report is the same to the byte") {
  const Report again = report_with({comparison_record()});
  CHECK(again.markdown == comparison_report().markdown);
  CHECK(again.html == comparison_report().html);
  CHECK(again.supplement_html == comparison_report().supplement_html);
  CHECK(again.data == comparison_report().data);
  CHECK(again.figures == comparison_report().figures);
}

TEST_CASE("a comparison without times has errors and statuses only") {
  const Report report = report_with({comparison_record({false})});
  CHECK(report.figures.size() == report_with({}).figures.size());
  CHECK(holds(report.supplement_markdown, "| lenet5:conv1 | forward | direct | ok | – | – |"));
  CHECK(holds(report.markdown, "| FFT | portable | 6 |"));
  CHECK(!holds(report.markdown, "GFLOP/s"));
}

TEST_CASE("wrong results are shown at the top and lose their times") {
  Record record = comparison_record();
  const std::size_t row = row_of(record, "lenet5:conv1", "forward", "fft");
  values_in<std::string>(record, "comparison", "status")[row] = "WRONG";
  values_in<double>(record, "comparison", "worst_of_bound")[row] =
      std::numeric_limits<double>::quiet_NaN();
  const Report report = report_with({record});
  const std::string& text = report.markdown;
  CHECK(text.find("**WRONG: 1 result ") < text.find("## Introduction"));
  CHECK(holds(text, "**WRONG: 1 of "));
  CHECK(holds(text, "| FFT | portable | not finite | lenet5:conv1, forward |"));
  CHECK(holds(report.supplement_markdown,
              "| :-- | :-- | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: |\n"
              "| lenet5:conv1 | forward | fft | **WRONG** | – | – | – | – |"));
}

TEST_CASE("several comparisons stand one after the other") {
  const Report report = report_with({comparison_record(), comparison_record({false})});
  CHECK(report.figures.size() == comparison_report().figures.size());
  for (const Record& record : {comparison_record(), comparison_record({false})}) {
    CHECK(holds(report.supplement_markdown,
                "| comparison of convolutions | – | – | `" + digest_of(record).substr(0, 12)));
  }
}

TEST_CASE("a comparison that is not whole is refused by name") {
  const Record whole = comparison_record();
  const auto error_with = [](const Record& record) {
    return error_of([&] { report_with({record}); });
  };
  for (const char* group : {"comparison", "environment"}) {
    for (const auto& [name, dataset] : whole.group(group).datasets) {
      if (name.starts_with("peak_") || name == "ideal_saving") continue;  // may be missing
      INFO(group << "/" << name);
      Record record = whole;
      record.groups[group].datasets.erase(name);
      CHECK(is_line_with(error_with(record), "convolutions.h5", name));
    }
  }
  Record record = whole;
  values_in<double>(record, "environment", "min_ms").pop_back();
  CHECK(is_line_with(error_with(record), "convolutions.h5", "min_ms"));
  record = whole;
  record.groups["environment"].attributes["peak_flops"] = 0.0;
  CHECK(is_line_with(error_with(record), "convolutions.h5", "peak_flops"));
  record = whole;
  record.attributes["kind"] = "weather";
  CHECK(is_line_with(error_with(record), "convolutions.h5", "\"weather\""));
  CHECK(is_line_with(error_of([&] {
                       make_report({{"convolutions.h5", whole}}, "");
                     }),
                     "no record of a training run"));
}

TEST_CASE("names from a comparison cannot break the page") {
  Record record = comparison_record();
  for (const char* name : {"name", "algorithm", "shape", "status"}) {
    values_in<std::string>(record, "comparison", name)[0] = "<script>|\"'`*x*:@figure(x)$(ls)";
  }
  const Report report = report_with({record});
  CHECK(!holds(report.html + report.supplement_html, "<script>|"));
  CHECK(holds(report.html, "&lt;script&gt;"));
}

TEST_CASE("a run's seed, digests, class and commands are told") {
  Record run = training_record({7, 2});
  Group& model = run.groups["model"];
  const std::string with_comparison =
      whole(make_report({{"it's here.h5", run}, {"c.h5", comparison_record()}}, ""));
  CHECK(holds(with_comparison, "| `it's here.h5` | – | – | 7 | `"));
  CHECK(holds(with_comparison,
              "convolutions were computed by the algorithms (class): direct (portable)."));
  CHECK(holds(with_comparison, "experiments/verify --data DIR 'it'\\''s here.h5'\n"));
  model.attributes["conv_reproducibility"] = "machine";
  const std::string text = whole(make_report({{"a.h5", run}, {"c.h5", comparison_record()}}, ""));
  CHECK(holds(text, "convolutions were computed by the algorithms (class): direct (machine)."));
  CHECK(holds(text,
              "experiments/compare_convolutions --shapes=lenet5 --benchmark_filter='-(a|b)' "
              "--record records/c.h5\n"));
  CHECK(holds(text, "reports/write_report --output report records\n"));
}

TEST_CASE("each result has a command, a digest, a tolerance, and what it takes on two cores") {
  Record run = training_record({1, 2});
  const std::string digest = digest_of(run).substr(0, 12);
  const auto text = [&] {
    return make_report({{"a.h5", run}, {"c.h5", comparison_record()}}, "").supplement_markdown;
  };
  // A minute with two threads is a minute of two cores; 30 seconds are half a one.
  CHECK(holds(text(),
              "| LeNet-5: test error | `build/release/experiments/verify --data DIR a.h5` | `" +
                  digest + "` | 0 bits | 1 | 1.00 | 143 |\n"));
  CHECK(holds(text(), "` | 0 bits, same processor; times vary | 1 | 0.500 | – |\n"));
  CHECK(holds(text(), "All training runs together take 1 min 0 s on two cores (seconds"));
  CHECK(holds(text(), "took at most 143 MiB of memory"));
  CHECK(holds(text(), "The quickest record took 2 min 0 s of thread time"));
  // Of a record of an earlier release, or one that claims what cannot be.
  for (const AttributeValue& value : std::vector<AttributeValue>{-1.0, std::nan(""), "soon"}) {
    run.groups["environment"].attributes["seconds_total"] = value;
    run.groups["environment"].attributes.erase("peak_memory_bytes");
    CHECK(holds(text(), "` | 0 bits | 1 | – | – |\n"));
    CHECK_FALSE(holds(text(), "All training runs together"));
    CHECK_FALSE(holds(text(), "of memory."));
    CHECK_FALSE(holds(text(), "verified fastest"));
  }
  run.groups["model"].attributes["conv_reproducibility"] = "machine";
  CHECK(holds(text(), "` | 0 bits, same processor | 1 |"));
}

TEST_CASE("a source has an identifier by its files, and by its commit only where that is clean") {
  Record run = training_record({1, 2});
  Attributes& environment = run.groups["environment"].attributes;
  const std::string folder = "| `swh:1:dir:fedcba9876543210fedcba9876543210fedcba98` | ";
  const std::string commit = "| `swh:1:rev:0123456789abcdef0123456789abcdef01234567` | ";
  const auto text = [&] { return make_report({{"a.h5", run}}, "").supplement_markdown; };
  CHECK(holds(text(), folder));
  CHECK_FALSE(holds(text(), commit));  // there were changes
  environment["git_dirty"] = std::int64_t{0};
  CHECK(holds(text(), commit));
  CHECK(holds(text(), "resolves once the source has been archived there"));
  environment.erase("git_dirty");
  environment["source_tree"] = "swh:1:dir:fedcba98\"><script>";
  CHECK_FALSE(holds(text(), commit));
  CHECK_FALSE(holds(text(), "swh:1:dir:"));
  CHECK(holds(text(), "no version of the source that can be identified"));
}

TEST_CASE("a crate has the commands that made its records, without the folders of their machine") {
  Record run = training_record({1, 2});
  run.groups["environment"].attributes["command_line"] =
      "/home/me/build/train_lenet5 --data=/mnt/set --epochs 2 --output '/home/me/my runs/a.h5' a/b";
  const std::string crate = make_report({{"a.h5", run}}, "").crate;
  CHECK(holds(crate, "\"train_lenet5 --data=set --epochs 2 --output 'my runs/a.h5' a/b\""));
}

TEST_CASE("a crate is published when the last record ended, and is left out without a time") {
  Record run = training_record({1, 2});
  const auto crate = [&] {
    return make_report({{"a.h5", run}, {"c.h5", comparison_record()}}, "").crate;
  };
  CHECK(holds(crate(), "\"datePublished\": \"2024-05-02T12:00:00Z\""));
  CHECK(holds(crate(), "\"softwareVersion\": \"swh:1:dir:fedcba9876543210"));
  CHECK(holds(crate(), "\"#record-" + digest_of(run) + "\""));
  for (const char* time : {"yesterday", "2024-13-01T12:01:00Z", "2024-05-01T12:01:00+", ""}) {
    run.groups["environment"].attributes["ended"] = time;
    const Report report = make_report({{"a.h5", run}}, "");
    CHECK(report.crate.empty());
    CHECK_FALSE(holds(report.supplement_markdown, "ro-crate-metadata.json"));
  }
}

TEST_CASE("a report says on which days its runs began") {
  Record run = training_record({1, 2});
  Record later = training_record({2, 2});
  const auto text = [&] { return make_report({{"a.h5", run}, {"b.h5", later}}, "").markdown; };
  run.groups["environment"].attributes["started"] = "2024-05-01T23:59:00Z";
  later.groups["environment"].attributes["started"] = "2024-05-01T12:00:00Z";
  CHECK(holds(text(), "2 training runs, made on 2024-05-01 on the processor"));
  later.groups["environment"].attributes["started"] = "2024-05-03T12:00:00Z";
  CHECK(holds(text(), "2 training runs, made from 2024-05-01 to 2024-05-03 on the processor"));
  later.groups["environment"].attributes["started"] = "<b>yesterday</b>";
  CHECK(holds(text(), "2 training runs, made on the processor"));
}

TEST_CASE("one figure or table is written alone, by the command that data/README.md has") {
  const TemporaryFolder folder;
  save_record(training_record({1, 2}), folder / "a.h5");
  const auto write = [&](const std::string& arguments) {
    return run_command("cd '" + folder.path() +
                       "' && '" REPRISE_BINARY_DIR "/reports/write_report' " + arguments);
  };
  REQUIRE(write("--output whole a.h5").status == 0);
  CHECK(holds(test::read_file(folder / "whole/data/README.md"),
              "`build/release/reports/write_report --only course --output again records`"));
  const CommandResult alone = write("--only course --output again a.h5");
  CHECK(alone.status == 0);
  CHECK(names_in(folder / "again/data") == std::vector<std::string>{"course.csv"});
  CHECK(names_in(folder / "again") == std::vector<std::string>{"data", "figures"});
  CHECK_FALSE(names_in(folder / "again/figures").empty());
  for (const std::string& drawing : names_in(folder / "again/figures")) {
    CHECK(test::read_file(folder / ("again/figures/" + drawing)) ==
          test::read_file(folder / ("whole/figures/" + drawing)));
  }
  CHECK(test::read_file(folder / "again/data/course.csv") ==
        test::read_file(folder / "whole/data/course.csv"));
  const CommandResult unknown = write("--only 'no\tsuch' --output none a.h5");
  CHECK(unknown.status == 1);
  CHECK(unknown.err ==
        "write_report: option --only: no\\tsuch; expected a file of data/ without its "
        "ending\n");
  CHECK(names_in(folder / "none").empty());
}

TEST_CASE("write_report takes a comparison beside a training run") {
  const TemporaryFolder folder;
  save_record(training_record({1, 2}), folder / "run.h5");
  save_record(comparison_record(), folder / "convolutions.h5");
  const CommandResult outcome =
      run_command("'" REPRISE_BINARY_DIR "/reports/write_report' --output '" + (folder / "out") +
                  "' '" + (folder / "run.h5") + "' '" + (folder / "convolutions.h5") + "'");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(holds(test::read_file(folder / "out/report.md"), "### Convolution algorithms"));
}
