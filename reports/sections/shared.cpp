// How the sections print values, differences and verdicts, and name their sources.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>

#include "format.hpp"
#include "reprise/core/digest.hpp"
#include "sections/sections.hpp"
#include "verdict_values.hpp"

namespace reprise::reports {
namespace {

/// Seconds below one need more digits than minutes.
int decimals_of(const Study& study) {
  if (study.measure != Measure::seconds_per_epoch) return 2;
  return spread_of(study.baseline()->values()).mean < 1 ? 3 : 2;
}

std::string bare_value(const Study& study, double value) {
  return fixed(printed(study, value), decimals_of(study));
}

}  // namespace

Runs pointers(const std::vector<TrainingRun>& runs) {
  Runs all;
  for (const TrainingRun& run : runs) all.push_back(&run);
  return all;
}

Runs all_runs(const Inputs& inputs) {
  Runs all;
  for (const auto* runs : {&inputs.lenet, &inputs.distorted, &inputs.studies}) {
    for (const TrainingRun& run : *runs) all.push_back(&run);
  }
  return all;
}

const std::vector<TrainingRun>& lenet_runs(const Inputs& inputs) {
  return inputs.lenet.empty() ? inputs.distorted : inputs.lenet;
}

Runs runs_of(const std::vector<Study>& studies) {
  Runs all;
  for (const Study& study : studies) {
    for (const TrainingRun* run : study.runs()) all.push_back(run);
  }
  return all;
}

Runs distinct(const Runs& runs) {
  std::set<std::string> known;
  Runs once;
  for (const TrainingRun* run : runs) {
    if (known.insert(run->digest).second) once.push_back(run);
  }
  return once;
}

std::string digest_over(const Runs& runs) {
  std::set<std::string> digests;
  for (const TrainingRun* run : runs) digests.insert(run->digest);
  if (digests.size() == 1) return *digests.begin();
  const std::string text = fmt::format("{}\n", fmt::join(digests, "\n"));
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

Source source_of(const Runs& runs) {
  return {short_digest(digest_over(runs)), distinct(runs).size()};
}

double printed(const Study& study, double value) {
  return words_for(study.measure).is_fraction ? 100 * value : value;
}

std::string measure_text(const Study& study) {
  if (study.measure == Measure::test_error && is_held_out(*study.runs().front())) {
    return "held-out error";
  }
  if (study.measure == Measure::epochs_to_train_error) {
    return fmt::format("epochs to {} training error", percent(study.threshold, 0));
  }
  return std::string(words_for(study.measure).text);
}

std::string value_text(const Study& study, double value) {
  return fmt::format("{}{}", bare_value(study, value), words_for(study.measure).suffix);
}

Cell value_cell(const Study& study, double value) {
  return number_cell(printed(study, value), decimals_of(study));
}

std::string difference_text(const Study& study, double difference) {
  return fmt::format("{} {}", bare_value(study, difference),
                     words_for(study.measure).difference_unit);
}

std::string signed_text(const Study& study, double difference) {
  const std::string text = difference_text(study, difference);
  const bool is_zero = text.find_first_not_of("0.") == text.find(' ');
  return difference > 0 && !is_zero ? "+" + text : text;
}

std::string interval_text(const Study& study, const Interval& interval) {
  return fmt::format("{} to {} {}", bare_value(study, interval.low),
                     bare_value(study, interval.high), words_for(study.measure).difference_unit);
}

Cell p_cell(double p) {
  if (std::isnan(p)) return {};
  Cell made = number_cell(p, 3);
  if (p < 0.0005) made.shown = Markdown("<0.001");
  return made;
}

std::string p_phrase(double p) {
  return p < 0.0005 ? "p < 0.001" : "p = " + fixed(p, 3);
}

std::string reason_text(const Contrast& contrast) {
  switch (contrast.judgement.uncertainty) {
    case Uncertainty::adjusted:
      return "after adjustment";
    case Uncertainty::few_seeds:
      return contrast.seeds.empty() ? "no common seed" : "one seed";
    case Uncertainty::no_spread:
      return "no spread over seeds";
    case Uncertainty::not_finite:
      return "a run diverged";
    default:
      return "";
  }
}

std::string verdict_text(const Contrast& contrast) {
  const Verdict verdict = contrast.judgement.verdict;
  const std::string reason = reason_text(contrast);
  if (verdict == Verdict::inconclusive && !reason.empty()) {
    return fmt::format("inconclusive ({})", reason);
  }
  if (verdict != Verdict::none) return std::string(verdict_word(verdict));
  if (!contrast.identical) return "no claim";
  return fmt::format("{} of {} bit-identical", *contrast.identical, contrast.seeds.size());
}

bool is_held_out(const TrainingRun& run) {
  const UntrustedText holdout = setting_text(run.settings, "holdout");
  return !holdout.empty() && holdout != "0";
}

UntrustedText pair_name(const Contrast& contrast) {
  const UntrustedText variant = words_of(contrast.variant->name);
  const UntrustedText baseline = words_of(contrast.baseline->name);
  return baseline == "none" ? variant : plain_text("{} against {}", variant, baseline);
}

UntrustedText contrast_name(const Contrast& contrast) {
  const UntrustedText study = words_of(contrast.study->name);
  const UntrustedText pair = pair_name(contrast);
  const std::size_t end = study.size() - std::min(study.size(), pair.size());
  const bool says_it = study.substr(0, pair.size()) == pair || study.substr(end) == pair;
  // A study of one method, with it and without: its own name says it best.
  const bool is_of_one = contrast.baseline->name == "none" && contrast.study->variants.size() == 2;
  return says_it || is_of_one ? study : plain_text("{}: {}", study, pair);
}

UntrustedText paper_figure(const Study& study, const Variant& variant) {
  if (study.section.empty()) return "";
  const UntrustedText& figure = variant.paper_figure;
  static constexpr std::array<std::string_view, 4> kNone = {"no ", "none", "not ", "–"};
  const bool none = std::any_of(kNone.begin(), kNone.end(), [&](std::string_view beginning) {
    return figure.starts_with(beginning);
  });
  return none ? UntrustedText() : figure;
}

UntrustedText ended(const UntrustedText& text) {
  const bool ends =
      text.empty() || text.ends_with(".") || text.ends_with("?") || text.ends_with("!");
  return ends ? text : text + ".";
}

UntrustedText sentence(const UntrustedText& text) {
  return ended(text).capitalized();
}

}  // namespace reprise::reports
