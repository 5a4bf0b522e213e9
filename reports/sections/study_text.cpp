#include "sections/study_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <sstream>

#include "format.hpp"
#include "reprise/core/digest.hpp"

namespace reprise::reports {
namespace {

/// What is printed of a value or difference: shares as percentages.
double printed(const Study& study, double value) {
  return is_share(study.measure) ? 100 * value : value;
}

/// Seconds below one need more digits than minutes.
int decimals_of(const Study& study) {
  if (study.measure != Measure::seconds_per_epoch) return 2;
  return spread_of(study.baseline()->values()).mean < 1 ? 3 : 2;
}

}  // namespace

std::string_view difference_unit(const Study& study) {
  if (is_share(study.measure)) return "points";
  return study.measure == Measure::seconds_per_epoch ? "s" : "epochs";
}

std::string value_cell(const Study& study, double value) {
  return cell(printed(study, value), decimals_of(study));
}

UntrustedText with_variant(const UntrustedText& name) {
  const UntrustedText words = words_of(name);
  const bool says_it = words.starts_with("with ") || words.starts_with("without ");
  return says_it ? words : "with " + words;
}

std::string unit_name(const Study& study) {
  switch (study.measure) {
    case Measure::epochs_to_train_error:
      return "epochs";
    case Measure::seconds_per_epoch:
      return "seconds";
    case Measure::generalization_gap:
      return "percentage points";
    default:
      return "percent";
  }
}

std::string bare_value(const Study& study, double value) {
  return fixed(printed(study, value), decimals_of(study));
}

std::string value_text(const Study& study, double value) {
  std::string number = bare_value(study, value);
  if (study.measure == Measure::epochs_to_train_error) return number;
  if (study.measure == Measure::generalization_gap) return number + " points";
  return is_share(study.measure) ? number + "%"
                                 : fmt::format("{} {}", number, difference_unit(study));
}

std::string difference_text(const Study& study, double difference) {
  return fmt::format("{} {}", bare_value(study, difference), difference_unit(study));
}

std::string size_text(const Study& study, double difference) {
  return fmt::format("{} {}", bare_value(study, std::abs(difference)),
                     is_share(study.measure) ? "percentage points" : difference_unit(study));
}

std::string interval_text(const Study& study, const Interval& interval) {
  if (!std::isfinite(interval.low)) return "–";
  return fmt::format("{} to {} {}", bare_value(study, interval.low),
                     bare_value(study, interval.high), difference_unit(study));
}

std::string p_cell(double p) {
  return p < 0.0005 ? fmt::format("{:.1e}", p) : or_dash(p, cell(p, 3));
}

std::string p_phrase(double p) {
  if (p < 0.0005) return "p < 0.001";
  return "p = " + fixed(p, 3);
}

std::string verdict_text(const Contrast& contrast) {
  const auto seeds = static_cast<std::int64_t>(contrast.seeds.size());
  switch (contrast.judgement.verdict) {
    case Verdict::supported:
      return "supported";
    case Verdict::contradicted:
      return "contradicted";
    case Verdict::out_of_scale:
      return "not tested at the paper's scale";
    case Verdict::inconclusive:
    case Verdict::none:
      break;
  }
  switch (contrast.judgement.uncertainty) {
    case Uncertainty::none:
      return fmt::format("inconclusive with {} seeds", count_word(seeds));
    case Uncertainty::adjusted:
      return fmt::format("inconclusive with {} seeds, by the adjustment", count_word(seeds));
    case Uncertainty::few_seeds:
      return fmt::format("inconclusive: {}", seeds == 1 ? "one seed" : "no common seed");
    case Uncertainty::no_spread:
      return "inconclusive: the seeds show no spread";
    case Uncertainty::not_finite:
      return "inconclusive: a run diverged";
    case Uncertainty::by_digest:
      return fmt::format("not judged: same parameters for {} of {} seeds", *contrast.identical,
                         seeds);
    case Uncertainty::no_claim:
      break;
  }
  return "no claim";
}

UntrustedText contrast_name(const Contrast& contrast) {
  return plain_text("{} against {}", words_of(contrast.variant->name),
                    words_of(contrast.baseline->name));
}

UntrustedText paper_figure(const Contrast& contrast) {
  if (contrast.study->section.empty()) return "";
  const UntrustedText& figure = contrast.variant->paper_figure;
  static constexpr std::array<std::string_view, 4> kNone = {"no ", "none", "not ", "–"};
  const bool none = std::any_of(kNone.begin(), kNone.end(), [&](std::string_view beginning) {
    return figure.starts_with(beginning);
  });
  return none ? UntrustedText() : figure;
}

Markdown one_line(const Markdown& text) {
  std::string line;
  for (const char c : text.str()) {
    const bool blank = c == '\n' || c == ' ';
    if (!blank) {
      const bool closes = c == ':' || c == '.' || c == ',' || c == ';';
      if (closes && line.ends_with(' ')) line.pop_back();
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return Markdown::as_it_is(line);
}

std::vector<Markdown> lines_of(const Markdown& text) {
  std::vector<Markdown> lines;
  std::istringstream stream(text.str());
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(Markdown::as_it_is(line));
  }
  return lines;
}

Source source_of(const std::vector<const TrainingRun*>& runs) {
  if (runs.size() == 1) return short_digest(runs.front()->digest);
  std::vector<std::string> digests;
  for (const TrainingRun* run : runs) digests.push_back(run->digest);
  std::sort(digests.begin(), digests.end());
  std::string text;
  for (const std::string& digest : digests) text += digest + "\n";
  const std::string digest = sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  return {short_digest(digest), runs.size()};
}

std::vector<const TrainingRun*> runs_of(const std::vector<Study>& studies) {
  std::vector<const TrainingRun*> all;
  for (const Study& study : studies) {
    for (const TrainingRun* run : study.runs()) all.push_back(run);
  }
  return all;
}

}  // namespace reprise::reports
