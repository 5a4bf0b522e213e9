// What was found: the table of verdicts, a paragraph for each study, abstract, conclusion, notes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>

#include "format.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

std::string confidence() {
  return percent(kConfidence, 0);
}

/// What the difference is in, and whether runs that never reached the threshold make it a bound.
std::string unit_of(const Contrast& contrast) {
  std::string text(words_for(contrast.study->measure).difference_unit);
  if (!contrast.is_censored()) return text;
  return text + (contrast.is_lower_bound() ? " (bound)" : " (no bound)");
}

/// A difference; nothing if fewer pairs than it takes tell it, or it is not finite.
Cell difference_cell(const Contrast& contrast, double value, std::size_t least_seeds) {
  if (contrast.seeds.size() < least_seeds) return {};
  return if_finite(value, value_cell(*contrast.study, value));
}

Cell share_cell(double share) {
  return number_cell(share, 2);
}

std::vector<Cell> ratio_cells(const Contrast& contrast) {
  if (!contrast.ratio) return {Cell(), Cell(), Cell()};
  const Interval& interval = contrast.ratio->interval;
  const bool known = std::isfinite(interval.high) && interval.low > 0;
  return {number_cell(contrast.ratio->mean, 2), known ? number_cell(interval.low, 2) : Cell(),
          known ? number_cell(interval.high, 2) : Cell()};
}

std::vector<Cell> below_cells(const Contrast& contrast) {
  const FractionBelow& below = contrast.below;
  std::vector<Cell> cells(5);
  if (contrast.seeds.empty()) return cells;
  cells = {share_cell(below.fraction), share_cell(below.wilson.low), share_cell(below.wilson.high),
           Cell(), Cell()};
  if (below.bootstrap) {
    cells[3] = share_cell(below.bootstrap->low);
    cells[4] = share_cell(below.bootstrap->high);
  }
  return cells;
}

/// The mean difference, and whether runs that never reached the threshold make it a bound.
std::string effect_text(const Contrast& contrast) {
  std::string text = signed_text(*contrast.study, contrast.test.mean);
  if (!contrast.is_censored()) return text;
  return text + (contrast.is_lower_bound() ? " (a bound)" : " (no bound)");
}

/// "; test error +1.79 points": of a measure that it is beside; "" of others.
std::string beside(const Contrast& contrast) {
  if (!contrast.test_error) return "";
  return "; test error " + signed_text(*contrast.study, contrast.test_error->mean);
}

std::vector<Cell> contrast_row(const Contrast& contrast) {
  const Study& study = *contrast.study;
  const PairedTest& test = contrast.test;
  const bool decided = contrast.judgement.verdict == Verdict::supported ||
                       contrast.judgement.verdict == Verdict::contradicted;
  const Cell verdict = verdict_text(contrast);
  std::vector<Cell> row = {heading_of(study.name),
                           study.section.empty() ? Cell() : Cell(study.section),
                           contrast_name(contrast).capitalized(),
                           contrast.variant->claim,
                           measure_text(study),
                           unit_of(contrast),
                           decided ? bold(verdict) : verdict,
                           difference_cell(contrast, test.mean, 1),
                           difference_cell(contrast, test.standard_deviation, 2),
                           difference_cell(contrast, test.interval.low, 2),
                           difference_cell(contrast, test.interval.high, 2)};
  const auto append = [&](const std::vector<Cell>& cells) {
    row.insert(row.end(), cells.begin(), cells.end());
  };
  append(ratio_cells(contrast));
  append({p_cell(contrast.p), p_cell(contrast.adjusted_p)});
  append(below_cells(contrast));
  append(
      {contrast.identical ? Cell() : if_finite(test.detectable, value_cell(study, test.detectable)),
       contrast.identical ? count_cell(*contrast.identical) : Cell(),
       count_cell(contrast.seeds.size())});
  const UntrustedText figure = paper_figure(*contrast.study, *contrast.variant);
  row.push_back(figure.empty() ? Cell() : Cell(figure));
  return row;
}

Contrasts with_verdict(const std::vector<Contrast>& contrasts, Verdict verdict) {
  Contrasts found;
  for (const Contrast& contrast : contrasts) {
    if (contrast.has_claim() && contrast.judgement.verdict == verdict) found.push_back(&contrast);
  }
  return found;
}

// ---- A paragraph for each study

/// "2.20 points lower", "0.12 epochs more"; of 0 "the same on average".
std::string comparison_text(const Study& study, double difference) {
  if (difference == 0) return "the same on average";
  const MeasureWords& words = words_for(study.measure);
  return fmt::format("{} {}", difference_text(study, std::abs(difference)),
                     difference < 0 ? words.less : words.more);
}

/// "2.20 points lower (95% confidence interval of the difference −2.46 to −1.94 points; adjusted p
/// = 0.02)".
Markdown difference_phrase(const Contrast& contrast) {
  const Study& study = *contrast.study;
  const PairedTest& test = contrast.test;
  if (contrast.exceptions() == contrast.seeds.size()) {
    return Markdown("the same as the baseline for every seed");
  }
  Markdown difference = Markdown::format("{}", comparison_text(study, test.mean));
  if (!std::isfinite(test.interval.low)) return difference;
  const bool adjusted = !std::isnan(contrast.adjusted_p);
  const double p = adjusted ? contrast.adjusted_p : contrast.p;
  const std::string p_text =
      std::isnan(p) || contrast.identical ? "" : (adjusted ? "; adjusted " : "; ") + p_phrase(p);
  return Markdown::format("{} ({} confidence interval of the difference {}{})", difference,
                          confidence(), interval_text(study, test.interval), p_text);
}

/// "has a mean test error of 12.05%": a predicate, for any label before it.
std::string predicate(const Study& study, const Variant& variant) {
  const std::string value = value_text(study, spread_of(variant.values()).mean);
  switch (study.measure) {
    case Measure::epochs_to_train_error:
      return fmt::format("takes a mean of {}{} epochs to reach a training error of {}",
                         variant.censored() > 0 ? "at least " : "", value,
                         percent(study.threshold, 0));
    case Measure::seconds_per_epoch:
      return fmt::format("takes a mean of {} per epoch", value);
    default:
      return fmt::format("has a mean {} of {}", measure_text(study), value);
  }
}

Markdown verdict_phrase(const Contrast& contrast) {
  if (contrast.identical) {
    return Markdown::format("the trained parameters are {}",
                            *contrast.identical == 0
                                ? "bit-identical for no seed"
                                : fmt::format("bit-identical for {} of {} seeds",
                                              *contrast.identical, contrast.seeds.size()));
  }
  if (!contrast.has_claim()) return Markdown::literal("no claim is made");
  return Markdown::format("the verdict is **{}**", verdict_text(contrast));
}

/// What runs that never reached the threshold make of the difference.
Markdown censoring_sentence(const Contrast& contrast) {
  const UntrustedText side =
      words_of(contrast.censored_variant ? contrast.variant->name : contrast.baseline->name);
  if (contrast.censored_variant && contrast.censored_baseline) {
    return Markdown::literal(
        "Some runs of both never reached the threshold and count with their full length, so the "
        "difference is no bound.");
  }
  const Variant& unfinished = contrast.censored_variant ? *contrast.variant : *contrast.baseline;
  return Markdown::format(
      "Of the runs of “{}”, {} of {} never reached the threshold and count with their full length, "
      "so "
      "the true difference {}.",
      side, unfinished.censored(), unfinished.runs.size(),
      contrast.is_lower_bound()
          ? "is larger in size, and the interval treats these runs as if they had reached it"
          : "may be smaller, or of the opposite sign");
}

/// What stands behind the verdict, a sentence for each thing that there is to say.
std::vector<Markdown> remarks_on(const Contrast& contrast) {
  const Study& study = *contrast.study;
  const PairedTest& test = contrast.test;
  std::vector<Markdown> remarks;
  if (contrast.is_censored()) remarks.push_back(censoring_sentence(contrast));
  if (contrast.ratio && std::isfinite(contrast.ratio->interval.high)) {
    remarks.push_back(Markdown::format(
        "The ratio of the geometric means is {} ({} confidence interval {} to {}).",
        fixed(contrast.ratio->mean, 2), confidence(), fixed(contrast.ratio->interval.low, 2),
        fixed(contrast.ratio->interval.high, 2)));
  }
  if (contrast.test_error && std::isfinite(contrast.test_error->interval.low)) {
    remarks.push_back(Markdown::format(
        "The test error of “{}” is {} ({} confidence interval {}).",
        words_of(contrast.variant->name), comparison_text(study, contrast.test_error->mean),
        confidence(), interval_text(study, contrast.test_error->interval)));
  }
  if (contrast.falls_to_adjustment()) {
    remarks.push_back(Markdown::format("Before the adjustment, {}.", p_phrase(contrast.p)));
  }
  if (contrast.judgement.verdict == Verdict::inconclusive && test.detectable > 0 &&
      std::isfinite(test.detectable)) {
    remarks.push_back(Markdown::format("The detectable difference is {}.",
                                       difference_text(study, test.detectable)));
  }
  if (contrast.judgement.verdict == Verdict::out_of_scale) {
    remarks.push_back(Markdown::format("Tested instead: {}", sentence(study.tested_instead)));
  }
  if (!contrast.missing_seeds.empty()) {
    remarks.push_back(Markdown::format("Seeds without a partner, left out: {}.",
                                       fmt::format("{}", fmt::join(contrast.missing_seeds, ", "))));
  }
  return remarks;
}

Markdown contrast_sentences(const Contrast& contrast) {
  const UntrustedText name = heading_of(contrast.variant->name);
  if (contrast.seeds.empty()) {
    return Markdown::format("“{}” has no seed in common with it.", name);
  }
  std::vector<Markdown> sentences = {
      Markdown::format("“{}” {}, {}; {}.", name, predicate(*contrast.study, *contrast.variant),
                       difference_phrase(contrast), verdict_phrase(contrast))};
  const std::vector<Markdown> remarks = remarks_on(contrast);
  sentences.insert(sentences.end(), remarks.begin(), remarks.end());
  return joined(sentences, " ");
}

/// What the variants have of something, such as claims, each once.
template <class Of>
UntrustedText each_once(const Study& study, const Of& of) {
  std::vector<UntrustedText> texts;
  for (const Variant& variant : study.variants) {
    const UntrustedText text = of(variant);
    if (!text.empty()) add_once(text, texts);
  }
  return joined(texts, " ");
}

/// What the sources of randomness bring, each by itself: deviations, of which means say nothing.
Markdown sources_sentences(const Study& study) {
  std::vector<Markdown> parts;
  Markdown all;
  for (const Variant& variant : study.variants) {
    const std::string deviation =
        difference_text(study, spread_of(variant.values()).standard_deviation);
    if (variant.name == study.baseline_name) {
      all = deviation;
    } else {
      parts.push_back(Markdown::format("{} ({})", deviation, words_of(variant.name)));
    }
  }
  return Markdown::format(
      "Over {}, the standard deviation of the {} is {} when the seed sets every source of "
      "randomness. When it sets one alone and one draw fixes the others, it is {}; the supplement "
      "has fractions of the variance, with intervals that so few seeds leave wide.",
      counted(study.baseline()->runs.size(), "seed"), measure_text(study), all,
      joined(parts, ", "));
}

/// "The paper's claim: ..."; "" if there is none.
Markdown claim_sentences(const Study& study, const std::vector<Contrast>& contrasts) {
  const UntrustedText claims = each_once(study, [](const Variant& v) { return sentence(v.claim); });
  if (claims.empty()) return {};
  const bool by_digest = std::any_of(contrasts.begin(), contrasts.end(), [&](const auto& c) {
    return c.study == &study && c.identical;
  });
  return Markdown::format("{}: {}",
                          !study.section.empty() ? "The AlexNet paper's claim"
                          : by_digest            ? "Expected, but not tested"
                                                 : "Our expectation",
                          claims);
}

/// "In the paper: ..."; "" if its figures are unknown or not to be compared.
Markdown figure_sentences(const Study& study) {
  if (varies_sources(study)) return {};
  const UntrustedText figures =
      each_once(study, [&](const Variant& v) { return ended(paper_figure(study, v)); });
  return figures.empty() ? Markdown() : Markdown::format("In the AlexNet paper: {}", figures);
}

/// `before` is the study of the paragraph before, nullptr for none: a claim with its figures is not
/// told twice in a row.
Markdown study_paragraph(const Study& study, const Study* before,
                         const std::vector<Contrast>& contrasts) {
  const Markdown section = study.section.empty()
                               ? Markdown::literal("")
                               : Markdown::format(" (section {} of [2])", study.section);
  std::vector<Markdown> parts = {
      Markdown::format("**{}{}.** {}", heading_of(study.name), section, sentence(study.question))};
  const Markdown claims = claim_sentences(study, contrasts);
  const Markdown figures = figure_sentences(study);
  const bool is_told = before != nullptr && claims == claim_sentences(*before, contrasts) &&
                       figures == figure_sentences(*before);
  if (!claims.empty() && !is_told) parts.push_back(claims);
  if (varies_sources(study)) {
    parts.push_back(sources_sentences(study));
    return Markdown::format("{}\n\n", joined(parts, " "));
  }
  parts.push_back(Markdown::format("The baseline, “{}”, {}.", words_of(study.baseline_name),
                                   predicate(study, *study.baseline())));
  for (const Contrast& contrast : contrasts) {
    if (contrast.study == &study) parts.push_back(contrast_sentences(contrast));
  }
  if (!figures.empty() && !is_told) parts.push_back(figures);
  if (study.variants.size() == 1) parts.push_back(Markdown::literal("No other variant has a run."));
  return Markdown::format("{}\n\n", joined(parts, " "));
}

// ---- Abstract, conclusion, notes

/// Mean difference in standard deviations of the differences.
double effect(const Contrast& contrast) {
  return std::abs(contrast.test.mean) / std::max(contrast.test.standard_deviation, 1e-12);
}

bool is_of_paper(const Contrast& contrast) {
  return !contrast.study->section.empty();
}

/// The one of the largest effect among those that claim a difference, the paper's claims before
/// others; nullptr for none.
const Contrast* clearest(const Contrasts& contrasts) {
  const auto rank = [](const Contrast& c) { return std::pair(is_of_paper(c), effect(c)); };
  const Contrast* found = nullptr;
  for (const Contrast* contrast : contrasts) {
    if (!contrast->claims_difference()) continue;
    if (found == nullptr || rank(*contrast) > rank(*found)) found = contrast;
  }
  return found;
}

/// What the abstract says of one: "test error: −1.00 points, 95% confidence interval ...".
void set_clearest(const std::string& name, const Contrasts& contrasts, Draft& draft) {
  const Contrast* found = clearest(contrasts);
  draft.set("has_" + name, found != nullptr);
  if (found == nullptr) return;
  const Study& study = *found->study;
  const bool of_paper = is_of_paper(*found);
  const bool is_only = std::count_if(contrasts.begin(), contrasts.end(), [&](const Contrast* c) {
                         return is_of_paper(*c) == of_paper;
                       }) == 1;
  draft.set(name + "_lead",
            fmt::format("Of {}, the {} {} one is", of_paper ? "their claims" : "our expectations",
                        is_only ? "only" : "most clearly", verdict_text(*found)));
  draft.set(name + "_seeds",
            found->seeds.size() == 1
                ? std::string("one seed")
                : fmt::format("{} of {} seeds", found->seeds.size() - found->dissenters(),
                              found->seeds.size()));
  draft.set(name, contrast_name(*found));
  draft.set(
      name + "_effect",
      fmt::format("{}: {}, {} confidence interval {}{}", measure_text(study), effect_text(*found),
                  confidence(), interval_text(study, found->test.interval), beside(*found)));
}

/// What stands in parentheses behind a comparison in the conclusion.
Markdown brief(const Contrast& contrast) {
  const Study& study = *contrast.study;
  const Verdict verdict = contrast.judgement.verdict;
  if (contrast.identical) return verdict_text(contrast);
  if (verdict == Verdict::out_of_scale) return study.tested_instead;
  const std::string reason = reason_text(contrast);
  if (contrast.seeds.empty()) return reason;
  std::string text = effect_text(contrast) + beside(contrast);
  if (verdict != Verdict::inconclusive) return text;
  const double detectable = contrast.test.detectable;
  if (contrast.falls_to_adjustment()) {
    const Variant& variant = *contrast.variant;
    const bool as_claimed = is_as_claimed(contrast.test, variant.expectation, variant.margin);
    text +=
        (as_claimed ? "; " : ", against the claim; ") + p_phrase(contrast.p) + " before adjustment";
  } else if (!reason.empty()) {
    text += "; " + reason;
  }
  if (detectable > 0 && std::isfinite(detectable)) {
    text += "; detectable: " + difference_text(study, detectable);
  }
  return text;
}

/// "- **Supported (2):** a against b (−1.00 points), c against d (+0.50 points)."; nothing for
/// none.
Markdown group_item(const char* title, const Contrasts& contrasts) {
  if (contrasts.empty()) return Markdown::literal("");
  std::vector<Markdown> items;
  for (const Contrast* contrast : contrasts) {
    items.push_back(Markdown::format("{} ({})", contrast_name(*contrast), brief(*contrast)));
  }
  return Markdown::format("- **{} ({}):** {}.\n", title, contrasts.size(), joined(items, ", "));
}

using VerdictGroups = std::vector<std::pair<std::string_view, const Contrasts*>>;

/// "5 supported, 2 contradicted": what there is none of is left out; "" for nothing.
std::string verdict_counts(const VerdictGroups& groups, bool of_paper) {
  std::vector<std::string> parts;
  for (const auto& [verdict, contrasts] : groups) {
    const auto count = std::count_if(contrasts->begin(), contrasts->end(), [&](const Contrast* c) {
      return is_of_paper(*c) == of_paper;
    });
    if (count > 0) parts.push_back(fmt::format("{} {}", count, verdict));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// "their claims: 3 supported, 4 inconclusive; our expectations: 2 supported".
std::string verdict_counts(const VerdictGroups& groups) {
  const std::string theirs = verdict_counts(groups, true);
  const std::string ours = verdict_counts(groups, false);
  const std::string text = theirs.empty() ? "" : "their claims: " + theirs;
  if (ours.empty()) return text.empty() ? "claims: none" : text;
  return text + (text.empty() ? "" : "; ") + "our expectations: " + ours;
}

void set_conclusion(const std::vector<Contrast>& contrasts, Draft& draft) {
  const Contrasts supported = with_verdict(contrasts, Verdict::supported);
  const Contrasts contradicted = with_verdict(contrasts, Verdict::contradicted);
  const Contrasts inconclusive = with_verdict(contrasts, Verdict::inconclusive);
  const Contrasts out_of_scale = with_verdict(contrasts, Verdict::out_of_scale);
  Contrasts by_digest;
  for (const Contrast& contrast : contrasts) {
    if (contrast.identical) by_digest.push_back(&contrast);
  }
  const Markdown verdicts = Markdown::format(
      "{}{}{}{}{}", group_item("Supported", supported), group_item("Contradicted", contradicted),
      group_item("Inconclusive", inconclusive),
      group_item("Not tested at the paper's scale", out_of_scale),
      group_item("Algorithms compared by digest", by_digest));
  draft.set("verdict_list", verdicts.empty() ? Markdown("No claim was judged.") : verdicts);
  std::set<UntrustedText> claims;  // which studies share
  std::size_t expectations = 0;
  for (const Contrasts* group : {&supported, &contradicted, &inconclusive, &out_of_scale}) {
    for (const Contrast* contrast : *group) {
      if (is_of_paper(*contrast)) {
        claims.insert(contrast->variant->claim);
      } else {
        ++expectations;
      }
    }
  }
  draft.set("claims", counted(claims.size(), "claim"));
  draft.set("tests", grouped(std::count_if(contrasts.begin(), contrasts.end(), [](const auto& c) {
              return !std::isnan(c.adjusted_p);
            })));
  draft.set("has_expectations", expectations > 0);
  draft.set("expectations", counted(expectations, "expectation"));
  draft.set("verdict_counts", verdict_counts({{"supported", &supported},
                                              {"contradicted", &contradicted},
                                              {"inconclusive", &inconclusive},
                                              {"not tested at the paper's scale", &out_of_scale}}));
  set_clearest("clearest_support", supported, draft);
  set_clearest("clearest_contradiction", contradicted, draft);
}

/// The scale of all runs: the most that any has, and how long one trains.
void set_scale(const std::vector<Study>& studies, Draft& draft) {
  TrainingRun most;
  std::vector<double> seconds;
  for (const TrainingRun* run : runs_of(studies)) {
    most.train_images = std::max(most.train_images, run->train_images);
    most.parameters = std::max(most.parameters, run->parameters);
    most.epochs = std::max(most.epochs, run->epochs);
    const std::vector<double>& epochs = run->seconds_per_epoch;
    if (!epochs.empty()) seconds.push_back(std::accumulate(epochs.begin(), epochs.end(), 0.0));
  }
  draft.set("studies", counted(studies.size(), "study", "studies"));
  draft.set("study_runs", counted(distinct(runs_of(studies)).size(), "training run"));
  draft.set("most_train_images", grouped(most.train_images));
  draft.set("most_parameters", grouped(most.parameters));
  draft.set("most_epochs", counted(most.epochs, "epoch"));
  draft.set("typical_training", duration(median_of(seconds)));
}

/// Without those of studies of which the deviations matter and not the means, unless there are no
/// others.
std::vector<Contrast> compared_by_mean(const std::vector<Contrast>& contrasts) {
  std::vector<Contrast> compared;
  std::copy_if(contrasts.begin(), contrasts.end(), std::back_inserter(compared),
               [](const Contrast& c) { return !varies_sources(*c.study); });
  return compared.empty() ? contrasts : compared;
}

}  // namespace

Table contrast_table(const Contrasts& contrasts) {
  Table table{{"Study",        "Section",    "Comparison", "Claim",    "Measure",
               "Unit",         "Verdict",    "Difference", "SD",       "CI from",
               "CI to",        "Ratio",      "Ratio from", "Ratio to", "p",
               "Adjusted p",   "Less",       "Less from",  "Less to",  "Bootstrap from",
               "Bootstrap to", "Detectable", "Identical",  "Seeds",    "In the paper"},
              {}};
  for (const Contrast* contrast : contrasts) table.rows.push_back(contrast_row(*contrast));
  return table;
}

void add_verdicts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                  Draft& draft) {
  const Source source = source_of(runs_of(studies));
  const std::vector<Contrast> compared = compared_by_mean(contrasts);
  Contrasts all;
  for (const Contrast& contrast : compared) all.push_back(&contrast);
  draft.set("has_contrasts", !compared.empty());
  if (!compared.empty()) {
    const Table table = contrast_table(all);
    draft.add("verdicts", {with_columns(table, {"Comparison", "Section", "Measure", "Verdict",
                                                "Difference", "CI from", "CI to", "Unit",
                                                "Adjusted p", "Detectable", "Seeds"}),
                           source, table});
    draft.add("overview", {forest_panels(compared), source, table});
  }
  draft.add("values", values_figure(studies));
  Markdown paragraphs;
  const Study* before = nullptr;
  for (const Study& study : studies) {
    paragraphs += study_paragraph(study, before, contrasts);
    before = &study;
  }
  draft.set("study_paragraphs", paragraphs);
  draft.set("level", shortest(kLevel));
  draft.set("power", percent(kPower, 0));
  draft.set("least_smoothing", count_word(smoothing_steps(1)));
  set_conclusion(contrasts, draft);
  set_scale(studies, draft);
}

void add_study_notes(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     const StoreCounts& stores, Draft& draft) {
  std::vector<UntrustedText> split;
  std::size_t compared = 0;
  for (const Contrast& contrast : compared_by_mean(contrasts)) {
    if (contrast.seeds.size() < 2 || contrast.variant->expectation == Expectation::same) continue;
    ++compared;
    if (contrast.dissenters() == 0 || contrast.test.mean == 0) continue;
    split.push_back(plain_text("{} ({} of {})", contrast_name(contrast), contrast.dissenters(),
                               contrast.seeds.size()));
  }
  draft.set("compared", std::to_string(compared));
  draft.set("disagreeing", std::to_string(split.size()));
  draft.set("has_disagreements", !split.empty());
  draft.set("disagreements", listed(split));
  std::vector<UntrustedText> unfinished;
  for (const Study& study : studies) {
    for (const Variant& variant : study.variants) {
      if (variant.censored() == 0) continue;
      unfinished.push_back(plain_text("{}: {} ({} of {})", words_of(study.name),
                                      words_of(variant.name), variant.censored(),
                                      variant.runs.size()));
    }
  }
  draft.set("has_unfinished", !unfinished.empty());
  draft.set("unfinished", listed(unfinished));
  PlanCount sum;
  for (const PlanCount& plan : stores.plans) {
    sum.wanted += plan.wanted;
    sum.found += plan.found;
    sum.failed += plan.failed;
    sum.diverged += plan.diverged;
    sum.interrupted += plan.interrupted;
  }
  const std::size_t failed = sum.failed + sum.diverged;
  const std::size_t told = sum.found + failed + sum.interrupted;
  const Compute& compute = stores.compute;
  draft.set("has_plans", !stores.plans.empty());
  draft.set("plan_wanted", grouped(sum.wanted));
  draft.set("plan_found", sum.found == sum.wanted ? "all" : grouped(sum.found));
  draft.set("plan_failed", grouped(failed));
  draft.set("plan_interrupted", grouped(sum.interrupted));
  draft.set("plan_diverged", grouped(sum.diverged));
  draft.set("plan_missing", grouped(sum.wanted - std::min(sum.wanted, told)));
  draft.set("has_compute", stores.has_journal);
  draft.set("has_cpu_time", compute.cpu_seconds > 0);
  draft.set("cpu_time", duration(compute.cpu_seconds));
  draft.set("has_thread_time", compute.cpu_seconds == 0 || compute.unmeasured_thread_seconds > 0);
  draft.set("thread_time", duration(compute.unmeasured_thread_seconds));
  draft.set("no_trouble", sum.found == sum.wanted &&
                              failed + compute.untold + compute.stopped + compute.killed == 0);
  draft.set("has_untold", compute.untold > 0);
  draft.set("untold", grouped(compute.untold));
  draft.set("stopped", grouped(compute.stopped));
  draft.set("has_killed", compute.killed > 0);
  draft.set("killed", grouped(compute.killed));
}

}  // namespace reprise::reports
