// What the studies' data show beside their questions: surprises, seeds that disagree,
// runs that fell short, claims without power.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"

namespace reprise::reports {
namespace {

/// Mean difference against the claim, in standard deviations of the differences; negative if with
/// it. Where the same was expected, every difference is against it.
double against_claim(const Contrast& contrast) {
  const double effect = contrast.test.mean / std::max(contrast.test.standard_deviation, 1e-12);
  if (contrast.variant->expectation == Expectation::same) return std::abs(effect);
  return contrast.variant->expectation == Expectation::lower ? effect : -effect;
}

/// The contradicted claim with the largest effect, else the undecided one that points most against
/// its claim; nullptr for none.
const Contrast* surprise(const std::vector<Contrast>& contrasts) {
  const Contrast* largest = nullptr;
  for (const Contrast& contrast : contrasts) {
    const Verdict verdict = contrast.judgement.verdict;
    if (!contrast.has_claim() || contrast.seeds.size() < 2 || verdict == Verdict::supported)
      continue;
    if (contrast.variant->expectation == Expectation::same && verdict != Verdict::contradicted) {
      continue;
    }
    if (!std::isfinite(contrast.test.mean) || against_claim(contrast) <= 0) continue;
    if (largest == nullptr) largest = &contrast;
    const bool more_decided =
        verdict == Verdict::contradicted && largest->judgement.verdict != Verdict::contradicted;
    const bool as_decided = verdict == largest->judgement.verdict;
    if (more_decided || (as_decided && against_claim(contrast) > against_claim(*largest))) {
      largest = &contrast;
    }
  }
  return largest;
}

void add_surprise(const std::vector<Contrast>& contrasts, Draft& draft) {
  const Contrast* found = surprise(contrasts);
  draft.set("has_surprise", found != nullptr);
  if (found == nullptr) return;
  draft.set("surprise_name", contrast_name(*found));
  draft.set("surprise_measure", measure_text(found->study->measure, found->study->threshold));
  draft.set("surprise_size", size_text(*found->study, found->test.mean));
  draft.set("surprise_direction", found->test.mean < 0 ? "lower" : "higher");
  const bool contradicted = found->judgement.verdict == Verdict::contradicted;
  draft.set("surprise_certain", contradicted);
  draft.set("surprise_likely", !contradicted && found->falls_to_adjustment());
  draft.set("surprise_chance", !contradicted && !found->falls_to_adjustment());
  draft.set("surprise_p", p_phrase(found->p));
}

void add_disagreements(const std::vector<Contrast>& contrasts, Draft& draft) {
  std::vector<UntrustedText> names;
  std::int64_t compared = 0;
  for (const Contrast& contrast : contrasts) {
    if (contrast.seeds.size() < 2 || contrast.variant->expectation == Expectation::same) continue;
    ++compared;
    if (contrast.dissenters() == 0 || contrast.test.mean == 0) continue;
    names.push_back(plain_text("{} ({} of {} against the mean)", contrast_name(contrast),
                               contrast.dissenters(), contrast.seeds.size()));
  }
  draft.set("has_compared", compared > 0);
  draft.set("has_disagreements", !names.empty());
  draft.set("disagreement_count", count_word(static_cast<std::int64_t>(names.size())));
  draft.set("compared_count", count_word(compared));
  draft.set("disagreements", listed(names));
}

void add_censored(const std::vector<Study>& studies, Draft& draft) {
  std::vector<UntrustedText> names;
  for (const Study& study : studies) {
    for (const Variant& variant : study.variants) {
      if (variant.censored() == 0) continue;
      names.push_back(plain_text("{} of {} {}", variant.censored(), variant.runs.size(),
                                 with_variant(variant.name)));
    }
  }
  draft.set("has_unfinished", !names.empty());
  draft.set("unfinished", listed(names));
}

/// The undecided claim about an error that only the largest true difference could have decided.
void add_power(const std::vector<Contrast>& contrasts, Draft& draft) {
  const Contrast* weakest = nullptr;
  for (const Contrast& contrast : contrasts) {
    if (contrast.judgement.verdict != Verdict::inconclusive) continue;
    if (!std::isfinite(contrast.test.detectable)) continue;
    if (!is_share(contrast.study->measure) || !(contrast.test.detectable > 0)) continue;
    if (weakest == nullptr || contrast.test.detectable > weakest->test.detectable) {
      weakest = &contrast;
    }
  }
  draft.set("has_weakest", weakest != nullptr);
  if (weakest == nullptr) return;
  draft.set("weakest_name", contrast_name(*weakest));
  draft.set("weakest_detectable", size_text(*weakest->study, weakest->test.detectable));
  draft.set("weakest_has_figure", !paper_figure(*weakest).empty());
  draft.set("weakest_figure", paper_figure(*weakest));
}

}  // namespace

void add_study_notes(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft) {
  add_surprise(contrasts, draft);
  add_disagreements(contrasts, draft);
  add_censored(studies, draft);
  add_power(contrasts, draft);
  std::size_t least = 0;
  for (const Contrast& contrast : contrasts) {
    if (least == 0 || contrast.seeds.size() < least) least = contrast.seeds.size();
  }
  draft.set("least_seeds", count_word(static_cast<std::int64_t>(least)));
  draft.set("one_seed_only", least == 1);
}

}  // namespace reprise::reports
