#include "support/conv_comparison_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/linalg/simd.hpp"

namespace reprise {
namespace {

std::string status_of(const ComparisonRow& row) {
  return row.remark.empty() ? row.check.status : row.check.status + "; " + row.remark;
}

using Runs = std::vector<benchmark::BenchmarkReporter::Run>;

constexpr std::string_view kTableRow =
    "{:<22} {:<11} {:<12} {:>10} {:>7} {:>8} {:>6} {:>6} {:>10} {:>9} {:>9} {:>7} {:<8} {}";

std::string bytes_text(std::size_t bytes) {
  if (bytes >= 10 * 1024 * 1024) return fmt::format("{} MiB", bytes / (1024 * 1024));
  if (bytes >= 10 * 1024) return fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} B", bytes);
}

std::string table_row(const ComparisonRow& row, std::size_t threads) {
  const bool compared = row.check.elements > 0;
  const bool timed = row.is_timed();
  return fmt::format(kTableRow, row.shape_name, name_of(row.pass), row.algorithm->name,
                     timed ? fmt::format("{:.3f}", row.median_ms()) : "-",
                     timed ? fmt::format("{:.0f}%", 100 * row.spread()) : "-",
                     timed ? fmt::format("{:.1f}", row.gflops()) : "-",
                     timed ? fmt::format("{:.0f}%", 100 * row.share_of_peak(threads)) : "-",
                     timed ? fmt::format("{:.0f}%", 100 * row.share_of_limit(threads)) : "-",
                     compared ? bytes_text(row.workspace_bytes) : "-",
                     compared ? fmt::format("{:.2f}", row.check.worst_ulp) : "-",
                     compared ? fmt::format("{:.1e}", row.check.rms_relative) : "-",
                     compared ? fmt::format("{:.0f}%", 100 * row.check.worst_of_bound) : "-",
                     name_of(row.algorithm->reproducibility), status_of(row));
}

/// In quotes, those inside and `escaped` characters with `escape` before them.
std::string in_quotes(const std::string& text, std::string_view escaped, char escape) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (escaped.find(c) != std::string_view::npos) quoted += escape;
    quoted += c;
  }
  return quoted + "\"";
}

std::unique_ptr<benchmark::BenchmarkReporter> reporter_for(BenchmarkFormat format) {
  switch (format) {
    case BenchmarkFormat::console:
      return std::make_unique<benchmark::ConsoleReporter>(
          benchmark::ConsoleReporter::OO_None);  // a file has no colours
    case BenchmarkFormat::json:
      return std::make_unique<benchmark::JSONReporter>();
    case BenchmarkFormat::csv:
      break;
  }
// "Will be removed in a future release" since 2017.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return std::make_unique<benchmark::CSVReporter>();
#pragma GCC diagnostic pop
}

/// NaN if it is not known.
benchmark::Counter counter(bool is_known, double value) {
  return benchmark::Counter(is_known ? value : std::numeric_limits<double>::quiet_NaN());
}

/// What the cores could do and the share of it, by the median, of a row that was timed.
benchmark::UserCounters shares_of(const ComparisonRow& row, std::size_t threads, bool is_wanted) {
  const bool known = is_wanted && row.is_timed();
  return {{"peak_before", counter(known, row.peaks.before / 1e9)},
          {"peak_after", counter(known, row.peaks.after / 1e9)},
          {"share_of_peak", counter(known, known ? row.share_of_peak(threads) : 0.0)},
          {"share_of_limit", counter(known, known ? row.share_of_limit(threads) : 0.0)}};
}

/// The runs with a counter of each kind, as CSV's heading needs them from the first run on; JSON
/// knows no NaN or infinity, so that such counters are left out there. The library's CSV prints
/// percentages, such as the coefficient of variation, as if they were times: it gets none.
Runs with_counters(Runs runs, const ComparisonRow& row, BenchmarkFormat format,
                   std::size_t threads) {
  if (format == BenchmarkFormat::csv) {
    std::erase_if(runs, [](const benchmark::BenchmarkReporter::Run& run) {
      return run.aggregate_unit == benchmark::StatisticUnit::kPercentage;
    });
  }
  const benchmark::UserCounters all = counters_of(row);
  for (auto& run : runs) {
    run.counters.insert(all.begin(), all.end());
    const bool is_spread = run.aggregate_name == "stddev" || run.aggregate_name == "cv";
    for (const auto& [name, share] : shares_of(row, threads, !is_spread))
      run.counters[name] = share;
    if (format == BenchmarkFormat::csv) continue;
    for (auto i = run.counters.begin(); i != run.counters.end();) {
      i = std::isfinite(i->second.value) ? std::next(i) : run.counters.erase(i);
    }
  }
  return runs;
}

}  // namespace

void print_names(const std::vector<ComparisonRow>& rows, BenchmarkFormat format) {
  std::vector<std::string> names;
  for (const ComparisonRow& row : rows) {
    if (row.is_selected) names.push_back(row.name());
  }
  if (format == BenchmarkFormat::json) print_lines("{\n  \"benchmarks\": [\n");
  if (format == BenchmarkFormat::csv) print_line("name");
  for (const std::string& name : names) {
    if (format == BenchmarkFormat::console) print_line(name);
    if (format == BenchmarkFormat::csv) print_line(in_quotes(name, "\"", '"'));
    if (format == BenchmarkFormat::json) {
      print_line("    {\"name\": " + in_quotes(name, "\"\\", '\\') +
                 (&name == &names.back() ? "}" : "},"));
    }
  }
  if (format == BenchmarkFormat::json) print_lines("  ]\n}\n");
}

ComparisonTable::ComparisonTable(const std::vector<ComparisonRow>& rows,
                                 const ComparisonContext& context)
    : rows_(rows), context_(context) {}

void ComparisonTable::print_heading() const {
  print_line(fmt::format("{}, {}; measured peak of one core: {:.1f} GFLOP/s",
                         count_of(context_.threads, "thread"), simd_target(),
                         context_.peak_flops / 1e9));
  print_line(fmt::format(kTableRow, "shape", "pass", "algorithm", "median ms", "spread", "GFLOP/s",
                         "peak", "limit", "workspace", "worst ulp", "rms rel", "bound", "class",
                         "status"));
}

void ComparisonTable::print_unsupported_before(std::size_t index) {
  for (; next_ < index; ++next_) {
    const ComparisonRow& row = rows_[next_];
    if (row.is_selected && !row.unsupported.empty()) print_line(table_row(row, context_.threads));
  }
}

void ComparisonTable::print(const ComparisonRow& row) {
  print_unsupported_before(static_cast<std::size_t>(&row - rows_.data()));
  if (row.unsupported.empty()) print_line(table_row(row, context_.threads));
}

BenchmarkSink::BenchmarkSink(BenchmarkFormat format, const std::string& file, bool aggregates_only,
                             std::size_t threads)
    : format_(format),
      file_(file),
      aggregates_only_(aggregates_only),
      threads_(threads),
      reporter_(reporter_for(format)) {
  reporter_->SetErrorStream(&remarks_);
  if (file_.empty()) {
    reporter_->SetOutputStream(&text_);
    return;
  }
  errno = 0;
  out_.open(file_, std::ios::binary | std::ios::trunc);
  if (!out_) {
    throw Error(file_, std::generic_category().message(errno), "a file that can be written");
  }
  reporter_->SetOutputStream(&out_);
}

void BenchmarkSink::begin(const benchmark::BenchmarkReporter::Context& context) {
  reporter_->ReportContext(context);
  if (file_.empty()) {
    std::istringstream remarks(remarks_.str());
    for (std::string line; std::getline(remarks, line);) print_error_line(line);
  }
  print_whole_lines();
}

void BenchmarkSink::take(const Runs& runs, const ComparisonRow& row, bool aggregates_follow) {
  if (aggregates_only_ && aggregates_follow) return;
  reporter_->ReportRuns(with_counters(runs, row, format_, threads_));
  print_whole_lines();
}

void BenchmarkSink::end() {
  reporter_->Finalize();
  if (file_.empty()) {
    print_whole_lines();
    if (!text_.str().empty()) print_line(text_.str());
  } else if (!out_.flush()) {
    throw Error(file_, "cannot be written", "room for it");
  }
}

void BenchmarkSink::print_whole_lines() {
  const std::string text = text_.str();
  const std::size_t end = text.rfind('\n');
  if (end == std::string::npos) return;
  print_lines(text.substr(0, end + 1));
  text_.str("");
  text_ << text.substr(end + 1);
}

benchmark::UserCounters counters_of(const ComparisonRow& row) {
  const bool compared = row.check.elements > 0;
  return {{"GFLOP/s", counter(false, 0.0)},
          {"workspace_bytes", counter(compared, static_cast<double>(row.workspace_bytes))},
          {"worst_ulp", counter(compared, row.check.worst_ulp)},
          {"rms_relative", counter(compared, row.check.rms_relative)},
          {"worst_of_bound", counter(compared, row.check.worst_of_bound)}};
}

ComparisonReporter::ComparisonReporter(std::vector<ComparisonRow>& rows,
                                       const BenchmarkFlags& flags,
                                       const ComparisonContext& context)
    : rows_(rows), context_(context) {
  if (flags.format == BenchmarkFormat::console) {
    table_ = std::make_unique<ComparisonTable>(rows, context);
  } else {
    sinks_.push_back(std::make_unique<BenchmarkSink>(
        flags.format, "", flags.report_aggregates_only || flags.display_aggregates_only,
        context.threads));
  }
  if (!flags.out.empty()) {
    sinks_.push_back(std::make_unique<BenchmarkSink>(
        flags.out_format, flags.out, flags.report_aggregates_only, context.threads));
  }
}

bool ComparisonReporter::ReportContext(const Context& context) {
  if (has_begun_) return true;
  has_begun_ = true;
  if (table_) table_->print_heading();
  for (const auto& sink : sinks_) sink->begin(context);
  return true;
}

ComparisonRow& ComparisonReporter::row_of(const std::string& name) {
  return *std::find_if(rows_.begin(), rows_.end(),
                       [&](const ComparisonRow& row) { return row.name() == name; });
}

void ComparisonReporter::begin_row(const ComparisonRow& row) {
  if (peaks_before_.contains(&row)) return;
  if (context_.threads == 1 && !on_one_processor_) on_one_processor_.emplace();
  peaks_before_[&row] = context_.peak_now();
}

void ComparisonReporter::ReportRuns(const std::vector<Run>& runs) {
  if (runs.empty()) return;
  ComparisonRow& row = row_of(runs.front().run_name.function_name);
  if (runs.front().run_type == Run::RT_Aggregate) {  // of the repetitions just before
    current_.aggregates = runs;
    return take_attempt(row, std::move(current_));
  }
  current_ = {runs, {}, {}};
  const auto before = peaks_before_.find(&row);
  if (before != peaks_before_.end()) {
    current_.peaks = {before->second, context_.peak_now()};
    peaks_before_.erase(before);
    on_one_processor_.reset();
  }
  const bool aggregates_follow = row.check.is_right() && runs.size() > 1;
  if (!aggregates_follow) take_attempt(row, std::move(current_));
}

void ComparisonReporter::take_attempt(ComparisonRow& row, Attempt attempt) {
  if (!row.check.is_right()) return hand_on(row, attempt);
  Held& held = held_[&row];
  ++held.attempts;
  if (held.attempts == 1 || attempt.peaks.apart() < held.best.peaks.apart()) {
    held.best = std::move(attempt);
  }
  if (!held.best.peaks.is_steady() && held.attempts < context_.attempts) {
    unsteady_.push_back(&row);
    return;
  }
  hand_on(row, held.best);
  held_.erase(&row);
}

void ComparisonReporter::hand_on(ComparisonRow& row, Attempt& attempt) {
  row.peaks = attempt.peaks;
  if (row.check.is_right() && !row.peaks.is_steady()) {
    const std::string moved = fmt::format("peak moved by {:.0f}%", 100 * row.peaks.apart());
    row.remark += (row.remark.empty() ? "" : "; ") + moved;
    for (Run& run : attempt.runs) {
      run.report_label += (run.report_label.empty() ? "" : "; ") + moved;
    }
  }
  for (Run& run : attempt.runs) {
    if (!row.check.is_right() || run.iterations == 0) continue;
    row.times_ms.push_back(run.real_accumulated_time / static_cast<double>(run.iterations) * 1e3);
  }
  if (table_) table_->print(row);
  for (Runs* runs : {&attempt.runs, &attempt.aggregates}) {
    if (runs->empty()) continue;
    // A round of repetitions numbers its rows from 0 on.
    for (Run& run : *runs) run.family_index = &row - rows_.data();
    const bool aggregates_follow = runs == &attempt.runs && !attempt.aggregates.empty();
    for (const auto& sink : sinks_) sink->take(*runs, row, aggregates_follow);
  }
}

std::vector<ComparisonRow*> ComparisonReporter::unsteady_rows() {
  return std::exchange(unsteady_, {});
}

void ComparisonReporter::report_check(const ComparisonRow& row) {
  if (table_) table_->print(row);
  Run run;
  run.run_name.function_name = row.name();
  run.family_index = &row - rows_.data();
  run.per_family_instance_index = 0;
  run.report_label = status_of(row);
  run.iterations = 0;
  run.repetitions = 1;
  run.repetition_index = 0;
  for (const auto& sink : sinks_) sink->take({run}, row, false);
}

void ComparisonReporter::finish() {
  if (table_) table_->finish();
  for (const auto& sink : sinks_) sink->end();
}

}  // namespace reprise
