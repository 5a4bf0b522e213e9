// reports: what comparisons of convolution algorithms add, and how a run can be reproduced.
#include <algorithm>
#include <limits>

#include "report.hpp"
#include "reprise/record_file/record_file.hpp"
#include "sections/convolutions.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/comparison_record.hpp"
#include "support/errors.hpp"
#include "support/report_page.hpp"
#include "support/template_text.hpp"
#include "support/temporary_folder.hpp"
#include "support/training_record.hpp"

using namespace reprise;
using namespace reprise::reports;
using namespace reprise::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Report report_with(const std::vector<Record>& comparisons) {
  std::vector<NamedRecord> records = {{"run.h5", training_record({1, 2})}};
  for (const Record& comparison : comparisons) {
    records.push_back({"convolutions.h5", comparison});
  }
  return make_report(records, "");
}

/// Made once.
const Report& plain_report() {
  static const Report report = report_with({comparison_record()});
  return report;
}

template <class T>
std::vector<T>& values_in(Record& record, const std::string& group, const std::string& name) {
  return std::get<std::vector<T>>(record.groups[group].datasets[name].values);
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

}  // namespace

TEST_CASE("numbers in tables of comparisons paste as numbers, and no paragraph is torn") {
  CHECK(cells_without_numbers(plain_report().html).empty());
  CHECK(torn_paragraphs(plain_report().markdown).empty());
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
  CHECK(!holds(report.markdown, "### Convolution algorithms"));
  CHECK(!holds(report.markdown, "WRONG"));
  CHECK(holds(report.markdown, "| `run.h5` | – | – | 1 | `"));
}

TEST_CASE("a comparison adds its figures, tables and digest") {
  const std::string& text = plain_report().markdown;
  const std::string digest = digest_of(comparison_record());
  CHECK(holds(text, "### Convolution algorithms"));
  CHECK(holds(text, "`sha256:" + digest + "`"));
  CHECK(holds(text, "Source: record `" + digest.substr(0, 12) + "`"));
  CHECK(!holds(text, "WRONG:"));
  CHECK(!holds(text, "@ref"));
  CHECK(holds(text, "| `convolutions.h5` | comparison of convolutions |"));
  for (const char* figure : {"crossover_kernel_1", "crossover_kernel_2", "crossover_channels_1",
                             "crossover_channels_2", "crossover_channels_3", "crossover_channels_4",
                             "convolution_memory_1", "convolution_memory_2"}) {
    INFO(figure);
    const std::string path = "figures/" + std::string(figure) + ".svg";
    CHECK(plain_report().figures.count(path) == 1);
    CHECK(holds(text, "](" + path + ")"));
  }
  CHECK(plain_report().figures.size() == report_with({}).figures.size() + 8);
  const std::string& kernels = plain_report().figures.at("figures/crossover_kernel_1.svg");
  for (const char* algorithm : {"naive", "im2col_gemm", "direct", "fft", "winograd", "onednn"}) {
    CHECK(holds(kernels, algorithm));
  }
}

TEST_CASE("the report says where each algorithm takes over") {
  const std::string& text = plain_report().markdown;
  CHECK(holds(text,
              "- forward: `direct` up to 2, `winograd` at 3, `direct` at 4 and `fft` from 5 on; "
              "`im2col_gemm` takes 2.00 to 4.00 times as long and `onednn` takes 0.800 to 1.60 "
              "times as long.\n"));
  CHECK(holds(text, "- 3x3, forward: `winograd` throughout;"));
}

TEST_CASE("a network's tables have times, rates and costs, the fastest portable in bold") {
  const std::string& text = plain_report().markdown;
  // lenet5:conv1 has 20 MFLOP: direct 0.2 ms, fft 20/25 of that; peak of two threads 200 GFLOP/s.
  CHECK(holds(text, "| conv1 | forward | not run | 0.400 | 0.200 | **0.160** | – | 0.160 | 20 |"));
  CHECK(holds(text, "| conv1 | forward | not run | 50.0 | 100 | **125** | – | 125 |"));
  CHECK(holds(text, "| conv1 | forward | not run | 4096 | 96.0 | **1536** | – | 0 |"));
  CHECK(holds(text, "| conv1 | forward | not run | 5.00 | 5.00 | **5.00** | – | 5.00 |"));
  CHECK(holds(text, "a measured peak of 200 for the threads' cores"));
  CHECK(holds(text, "- `winograd`: kernel 1x1: only 3x3; kernel 2x2: only 3x3;"));
  CHECK(holds(text, "| `fft` | portable | 6 | kernel:6, forward | 6.00 | 2.0e-07 | 30 | 0 |"));
}

TEST_CASE("from the same comparison the report is the same to the byte") {
  const Report again = report_with({comparison_record()});
  CHECK(again.markdown == plain_report().markdown);
  CHECK(again.html == plain_report().html);
  CHECK(again.figures == plain_report().figures);
}

TEST_CASE("a comparison without times has errors and statuses only") {
  const Report report = report_with({comparison_record({false})});
  CHECK(report.figures.size() == report_with({}).figures.size());
  CHECK(says(report.markdown, "convolutions", "^timed"));
  CHECK(holds(report.markdown, "| kernel:4 | forward | not run | ok | ok | ok | – | ok |"));
  CHECK(holds(report.markdown, "| `fft` | portable | 6 |"));
  CHECK(!holds(report.markdown, "GFLOP/s"));
}

TEST_CASE("wrong results are shown at the top and lose their times") {
  Record record = comparison_record();
  const std::size_t row = row_of(record, "lenet5:conv1", "forward", "fft");
  values_in<std::string>(record, "comparison", "status")[row] = "WRONG";
  values_in<double>(record, "comparison", "worst_of_bound")[row] =
      std::numeric_limits<double>::quiet_NaN();
  const std::string text = report_with({record}).markdown;
  CHECK(text.find("**WRONG: 1 result ") < text.find("## Introduction"));
  CHECK(holds(text, "**WRONG: 1 of "));
  CHECK(holds(text,
              "| `fft` | forward | lenet5:conv1 | `g1mb1ic1ih9oc1kh5n\"lenet5:conv1\"` | "
              "not finite |"));
  CHECK(holds(text, "| conv1 | forward | not run | 0.400 | **0.200** | **WRONG** |"));
}

TEST_CASE("several comparisons stand one after the other") {
  const Report report = report_with({comparison_record(), comparison_record({false})});
  CHECK(report.figures.size() == plain_report().figures.size());
  for (const Record& record : {comparison_record(), comparison_record({false})}) {
    CHECK(holds(report.markdown,
                "| comparison of convolutions | – | – | `" + digest_of(record).substr(0, 12)));
  }
  CHECK(says(report.markdown, "convolutions", "^timed"));
}

TEST_CASE("a comparison that is not whole is refused by name") {
  const Record whole = comparison_record();
  const auto error_with = [](const Record& record) {
    return error_of([&] { report_with({record}); });
  };
  for (const char* group : {"comparison", "environment"}) {
    for (const auto& [name, dataset] : whole.group(group).datasets) {
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
  CHECK(!holds(report.html, "<script"));
  CHECK(holds(report.html, "&lt;script&gt;"));
}

TEST_CASE("a run's seed, digests, class and commands are told") {
  Record run = training_record({7, 2});
  Group& model = run.groups["model"];
  model.attributes["initial_parameters_sha256"] = std::string(64, 'a');
  model.attributes["parameters_sha256"] = std::string(64, 'b');
  const std::string row =
      "| 7 | `" + std::string(64, 'a') + "` | `" + std::string(64, 'b') + "` | ";
  const std::string with_comparison =
      make_report({{"it's here.h5", run}, {"c.h5", comparison_record()}}, "").markdown;
  CHECK(holds(with_comparison, row + "portable |"));
  CHECK(holds(with_comparison, "experiments/verify 'it'\\''s here.h5'\n"));
  model.attributes["conv_reproducibility"] = "machine";
  const std::string text = make_report({{"a.h5", run}, {"c.h5", comparison_record()}}, "").markdown;
  CHECK(holds(text, row + "machine |"));
  CHECK(holds(text, "is of the class machine"));
  CHECK(holds(text,
              "experiments/compare_convolutions --shapes=lenet5 --benchmark_filter='-(a|b)' "
              "\\\n  --record c.h5\n"));
  CHECK(holds(text, "reports/write_report --output report a.h5 c.h5\n"));
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
