// The verdict table.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"

namespace reprise::reports {
namespace {

/// The claim, unless the row above has the same one, and what is compared.
Markdown claim_cell(const Contrast& contrast, const Contrast* above) {
  const UntrustedText& claim = contrast.variant->claim;
  const bool again =
      above != nullptr && above->study == contrast.study && above->variant->claim == claim;
  const Markdown name = Markdown::format("*{}.*", contrast_name(contrast).capitalized());
  return claim.empty() || again ? name : Markdown::format("{} {}", sentence(claim), name);
}

UntrustedText paper_cell(const Contrast& contrast) {
  const UntrustedText figure = paper_figure(contrast);
  UntrustedText shown = figure.empty() ? "–" : figure;
  if (contrast.study->section.empty()) return shown;
  return plain_text("{} ({})", shown, contrast.study->section);
}

/// What the difference is in, and whether it is no more than a bound.
std::string unit_cell(const Contrast& contrast) {
  std::string text(difference_unit(*contrast.study));
  if (contrast.is_lower_bound()) text += ", at least";
  if (contrast.is_censored() && !contrast.is_lower_bound()) text += ", no bound";
  return text;
}

/// "–" where there are too few seeds for it.
std::string cell_of(const Contrast& contrast, double value, std::size_t least_seeds) {
  const double shown = contrast.seeds.size() < least_seeds ? std::nan("") : value;
  return or_dash(shown, value_cell(*contrast.study, shown));
}

std::string ratio_cell(const Contrast& contrast) {
  return contrast.ratio ? cell(contrast.ratio->mean, 2) : "–";
}

std::string range_text(const Interval& interval) {
  return fixed(interval.low, 2) + " to " + fixed(interval.high, 2);
}

/// How often the variant has less, with Wilson's interval and, from enough seeds on, the
/// bootstrap's.
std::string below_cell(const Contrast& contrast) {
  if (contrast.seeds.empty()) return "–";
  const ShareBelow& below = contrast.below;
  std::string text = fmt::format("{} ({})", fixed(below.share, 2), range_text(below.wilson));
  if (below.bootstrap) text += fmt::format(", bootstrap {}", range_text(*below.bootstrap));
  return text;
}

std::string detectable_cell(const Contrast& contrast) {
  const double detectable = contrast.test.detectable;
  return std::isfinite(detectable) ? value_cell(*contrast.study, detectable) : "–";
}

Markdown verdict_cell(const Contrast& contrast) {
  const std::string text = verdict_text(contrast);
  const bool decided = contrast.judgement.verdict == Verdict::supported ||
                       contrast.judgement.verdict == Verdict::contradicted;
  if (!decided) return text;
  return Markdown::format("**{}**", text);
}

TableEntry verdict_table(const std::vector<Contrast>& contrasts, const Source& source) {
  TableEntry entry;
  entry.source = source;
  entry.table.columns = {{"Claim"},
                         {"Verdict"},
                         {"Difference", Align::right},
                         {"SD", Align::right},
                         {interval_end("from"), Align::right},
                         {interval_end("to"), Align::right},
                         {"Unit"},
                         {"Ratio", Align::right},
                         {"p", Align::right},
                         {"p, adjusted", Align::right},
                         {"Less"},
                         {"Detectable", Align::right},
                         {"Seeds", Align::right},
                         {"In the paper (section)"}};
  const Contrast* above = nullptr;
  for (const Contrast& contrast : contrasts) {
    const PairedTest& test = contrast.test;
    entry.table.rows.push_back(
        {claim_cell(contrast, above), verdict_cell(contrast), cell_of(contrast, test.mean, 1),
         cell_of(contrast, test.standard_deviation, 2), cell_of(contrast, test.interval.low, 2),
         cell_of(contrast, test.interval.high, 2), unit_cell(contrast), ratio_cell(contrast),
         p_cell(contrast.p), p_cell(contrast.adjusted_p), below_cell(contrast),
         detectable_cell(contrast), std::to_string(contrast.seeds.size()), paper_cell(contrast)});
    above = &contrast;
  }
  return entry;
}

}  // namespace

void add_verdicts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                  Draft& draft) {
  draft.set("has_contrasts", !contrasts.empty());
  const bool bounds = std::any_of(contrasts.begin(), contrasts.end(),
                                  [](const Contrast& c) { return c.is_censored(); });
  draft.set("bootstrap_pairs", std::to_string(kBootstrapPairs));
  draft.set("has_bootstrap", std::any_of(contrasts.begin(), contrasts.end(), [](const Contrast& c) {
              return c.below.bootstrap.has_value();
            }));
  draft.set("has_out_of_scale", std::any_of(contrasts.begin(), contrasts.end(), [](const auto& c) {
              return c.judgement.verdict == Verdict::out_of_scale;
            }));
  draft.set("has_by_digest", std::any_of(contrasts.begin(), contrasts.end(),
                                         [](const auto& c) { return c.identical.has_value(); }));
  draft.set("has_censored", bounds);
  draft.set("has_own_claims",
            std::any_of(contrasts.begin(), contrasts.end(), [](const Contrast& c) {
              return c.has_claim() && c.study->section.empty();
            }));
  draft.set("has_own_studies", std::any_of(studies.begin(), studies.end(),
                                           [](const Study& s) { return s.section.empty(); }));
  if (contrasts.empty()) return;
  draft.add("verdicts", verdict_table(contrasts, source_of(runs_of(studies))));
}

}  // namespace reprise::reports
