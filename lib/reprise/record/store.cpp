#include "reprise/record/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/toml_table.hpp"

namespace reprise {
namespace {

constexpr std::size_t kNameDigits = 16;
constexpr std::array<std::string_view, 5> kEvents = {"begun", "done", "failed", "stopped",
                                                     "killed"};

std::string in_runs(std::string_view digest, const char* ending) {
  return fmt::format("{}/{}{}", kRunsFolder, digest.substr(0, kNameDigits), ending);
}

/// On one line of fields: control characters, tabs among them, written out.
std::string as_field(const std::string& text) {
  return printable(text);
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields{""};
  for (const char c : line) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

JournalEntry entry_from(const std::string& where, std::string_view line) {
  const std::vector<std::string> fields = fields_of(line);
  const bool has_cpu = fields.size() == 6;
  const bool has_all = has_cpu || fields.size() == 5;
  const std::optional<double> seconds = has_all ? parse_real(fields[3]) : std::optional<double>();
  const std::optional<double> cpu = has_cpu ? parse_real(fields[5]) : std::optional<double>();
  const bool known = has_all && has_cpu == cpu.has_value() && cpu.value_or(0.0) >= 0.0 &&
                     std::find(kEvents.begin(), kEvents.end(), fields[1]) != kEvents.end() &&
                     fields[2].size() == 64 &&
                     fields[2].find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!known || !seconds || *seconds < 0.0 || !is_text(line)) {
    throw Error(
        where, "\"" + std::string(line) + "\"",
        "a time, begun, done, failed, stopped or killed, a digest, seconds times threads, a "
        "reason, and CPU seconds, unless an earlier release wrote it");
  }
  return {fields[0], fields[1], fields[2], *seconds, fields[4], cpu};
}

}  // namespace

std::string run_file(std::string_view digest) {
  return in_runs(digest, ".h5");
}

std::string summary_file(std::string_view digest) {
  return in_runs(digest, ".toml");
}

std::string failure_file(std::string_view digest) {
  return in_runs(digest, ".failed");
}

std::string lease_file(std::string_view digest) {
  return in_runs(digest, ".lease");
}

std::string plan_file(const std::string& study) {
  return fmt::format("{}/{}.toml", kPlansFolder, study);
}

std::string rates_plan_file(const std::string& study) {
  // No study's name has a plus sign in it.
  return fmt::format("{}/{}+rates.toml", kPlansFolder, study);
}

const char* name_of(RunState state) {
  switch (state) {
    case RunState::done:
      return "done";
    case RunState::failed:
      return "failed";
    case RunState::interrupted:
      return "interrupted";
    case RunState::missing:
      break;
  }
  return "missing";
}

RunState state_of(const RunTraces& traces) {
  if (traces.recorded) return RunState::done;
  if (traces.unusable) return RunState::failed;
  if (traces.damaged) return RunState::missing;
  if (traces.failure) return RunState::failed;
  return traces.checkpoint ? RunState::interrupted : RunState::missing;
}

std::string failure_text(const RunFailure& failure) {
  return setting_line("kind", std::string(failure.diverged ? "diverged" : "error")) +
         setting_line("reason", as_field(failure.reason));
}

RunFailure failure_from(const std::string& where, const std::string& text) {
  if (!is_text(text)) throw Error(where, "is not UTF-8 text", "a TOML file");
  const TomlFile file = parse_toml(where, text);
  const TomlTable table(file, file.table, {"kind", "reason"});
  table.require("kind");
  const toml::node* reason = table.find("reason");
  if (reason == nullptr || !reason->is_string()) throw Error(where, "no reason", "one, as text");
  return {table.choice("kind", {"diverged", "error"}, "") == "diverged",
          as_field(*reason->value<std::string>())};
}

std::string journal_line(const JournalEntry& entry) {
  const std::string cpu = entry.cpu_seconds ? fmt::format("\t{:.3f}", *entry.cpu_seconds) : "";
  return fmt::format("{}\t{}\t{}\t{:.3f}\t{}{}\n", entry.time, entry.event, entry.digest,
                     entry.thread_seconds, as_field(entry.reason), cpu);
}

std::vector<JournalEntry> journal_from(const std::string& where, std::string_view text) {
  std::vector<JournalEntry> entries;
  for (std::size_t line = 1;; ++line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return entries;
    entries.push_back(entry_from(fmt::format("{}:{}", where, line), text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
}

Compute& operator+=(Compute& sum, const Compute& more) {
  sum.cpu_seconds += more.cpu_seconds;
  sum.thread_seconds += more.thread_seconds;
  sum.unmeasured_thread_seconds += more.unmeasured_thread_seconds;
  sum.untold += more.untold;
  sum.stopped += more.stopped;
  sum.killed += more.killed;
  return sum;
}

Compute compute_of(const std::vector<JournalEntry>& journal,
                   const std::vector<std::string>& digests) {
  const std::set<std::string> wanted(digests.begin(), digests.end());
  std::map<std::string, std::size_t> open;
  Compute compute;
  for (const JournalEntry& entry : journal) {
    if (!wanted.empty() && wanted.count(entry.digest) == 0) continue;
    compute.thread_seconds += entry.thread_seconds;
    compute.cpu_seconds += entry.cpu_seconds.value_or(0.0);
    if (!entry.cpu_seconds) compute.unmeasured_thread_seconds += entry.thread_seconds;
    if (entry.reason == kAfterTakeover) continue;
    if (entry.event == "stopped") ++compute.stopped;
    if (entry.event == "killed") ++compute.killed;
    std::size_t& begun = open[entry.digest];
    if (entry.event == "begun") {
      ++begun;
    } else if (begun > 0) {
      --begun;
    }
  }
  for (const auto& [digest, begun] : open) compute.untold += begun;
  return compute;
}

}  // namespace reprise
