// The section on convolution algorithms: a part for each comparison's record.
#include "sections/convolutions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "format.hpp"
#include "sections/sections.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

/// Names of figures and tables of the second and later records carry the record's number.
std::string suffix_of(std::size_t index) {
  return index == 0 ? "" : fmt::format("_{}", index + 1);
}

void add_sweep(const Comparison& comparison, const Sweep& sweep, const std::string& suffix,
               Draft& part, Draft& draft) {
  const std::string key(sweep.prefix);
  const std::string name = "crossover_" + key + suffix;
  Crossover found = crossover(comparison, sweep, name);
  part.set("has_" + key, !found.figure.panels.empty());
  part.set(key + "_figure", place_name(name));
  part.set(key + "_crossovers", found.crossovers);
  part.set("has_" + key + "_crossovers", !found.crossovers.empty());
  part.set(key + "_left_out", found.left_out > 0);
  part.set(key + "_panels_left_out", counted(static_cast<std::int64_t>(found.left_out), "panel"));
  if (!found.figure.panels.empty()) draft.add(name, std::move(found.figure));
}

/// The tables of each network, with their captions.
Markdown network_parts(const Comparison& comparison, const std::string& suffix, Draft& draft) {
  Markdown text;
  const std::vector<UntrustedText> networks = timed_networks(comparison);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    Draft part;
    part.set("peak", significant(comparison.peak() / 1e9));
    part.set("network", networks[i].empty() ? "other shapes" : networks[i]);
    part.set("digest", code_span(short_digest(comparison.digest)));
    for (const auto& [key, measure] : {std::pair{"times", Cell::time},
                                       {"rates", Cell::rate},
                                       {"workspaces", Cell::workspace},
                                       {"errors", Cell::error}}) {
      const std::string name = fmt::format("network_{}{}_{}", key, suffix, i + 1);
      part.set(key, place_name(name));
      draft.add(name, network_table(comparison, networks[i], measure));
    }
    text += Markdown::format("{}\n", render_template("convolution_network.md.mustache", part));
  }
  return text;
}

void add_memory(const Comparison& comparison, const std::string& suffix, Draft& part,
                Draft& draft) {
  const UntrustedText layer = memory_layer(comparison);
  const std::string name = "convolution_memory" + suffix;
  part.set("has_memory", !layer.empty());
  part.set("memory", place_name(name));
  part.set("memory_layer", layer);
  if (!layer.empty()) draft.add(name, memory_figure(comparison, layer, name));
}

/// Beyond this, the middle one of all spreads is noise of the machine rather than of the clock.
constexpr double kNoisySpread = 0.25;

/// 0 if nothing was timed.
double middle_spread(const Comparison& comparison) {
  std::vector<double> spreads;
  for (const ComparisonRow& row : comparison.rows) {
    if (row.is_timed()) spreads.push_back(row.spread());
  }
  if (spreads.empty()) return 0;
  std::sort(spreads.begin(), spreads.end());
  return spreads[spreads.size() / 2];
}

void add_machine(const Comparison& comparison, Draft& part) {
  part.set("record", code_span(comparison.name));
  part.set("digest", code_span("sha256:" + comparison.digest));
  part.set("has_cpu", !comparison.cpu.empty());
  part.set("cpu", comparison.cpu);
  part.set("has_simd", !comparison.simd.empty());
  part.set("simd", comparison.simd);
  part.set("threads", counted(comparison.threads, "thread"));
  part.set("noisy", middle_spread(comparison) > kNoisySpread);
  part.set("middle_spread", percent(middle_spread(comparison), 0));
  part.set("peak", significant(comparison.peak_flops / 1e9));
}

void add_statuses(const Comparison& comparison, const std::string& suffix, Draft& part,
                  Draft& draft) {
  const std::vector<ComparisonRow>& rows = comparison.rows;
  const auto wrong =
      std::count_if(rows.begin(), rows.end(), [](const auto& r) { return r.is_wrong(); });
  const auto checked =
      std::count_if(rows.begin(), rows.end(), [](const auto& r) { return r.is_checked(); });
  part.set("has_wrong", wrong > 0);
  part.set("wrong_count", grouped(wrong));
  part.set("checked_count", grouped(checked));
  part.set("wrong", place_name("convolution_wrong" + suffix));
  part.set("errors", place_name("convolution_errors" + suffix));
  part.set("statuses", place_name("convolution_statuses" + suffix));
  if (wrong > 0) draft.add("convolution_wrong" + suffix, wrong_table(comparison));
  draft.add("convolution_errors" + suffix, error_table(comparison));
  if (!comparison.is_timed()) draft.add("convolution_statuses" + suffix, status_table(comparison));
  const Markdown reasons = unsupported_reasons(comparison);
  part.set("has_reasons", !reasons.empty());
  part.set("reasons", reasons);
}

Markdown comparison_part(const Comparison& comparison, std::size_t index, Draft& draft) {
  const std::string suffix = suffix_of(index);
  Draft part;
  part.set("timed", comparison.is_timed());
  add_machine(comparison, part);
  add_statuses(comparison, suffix, part, draft);
  add_sweep(comparison, kKernelSweep, suffix, part, draft);
  add_sweep(comparison, kChannelSweep, suffix, part, draft);
  part.set("networks", network_parts(comparison, suffix, draft));
  add_memory(comparison, suffix, part, draft);
  return render_template("convolutions.md.mustache", part);
}

}  // namespace

void add_convolutions(const std::vector<Comparison>& comparisons, Draft& draft) {
  Markdown text;
  std::vector<Markdown> names;
  std::ptrdiff_t wrong = 0;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    text += Markdown::format("{}\n", comparison_part(comparisons[i], i, draft));
    names.push_back(code_span(comparisons[i].name));
    const std::vector<ComparisonRow>& rows = comparisons[i].rows;
    wrong += std::count_if(rows.begin(), rows.end(), [](const auto& r) { return r.is_wrong(); });
  }
  draft.set("has_comparisons", !comparisons.empty());
  draft.set("comparison_parts", text);
  draft.set("comparison_names", listed(names));
  draft.set("one_comparison", comparisons.size() == 1);
  draft.set("has_wrong_convolutions", wrong > 0);
  draft.set("wrong_convolutions", counted(wrong, "result"));
}

}  // namespace reprise::reports
