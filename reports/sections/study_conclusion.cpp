// The conclusion that follows from the verdicts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>

#include "format.hpp"
#include "sections/studies.hpp"
#include "sections/study_text.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

using Contrasts = std::vector<const Contrast*>;

Contrasts with_verdict(const std::vector<Contrast>& contrasts, Verdict verdict) {
  Contrasts found;
  for (const Contrast& contrast : contrasts) {
    if (contrast.has_claim() && contrast.judgement.verdict == verdict) found.push_back(&contrast);
  }
  return found;
}

/// Mean difference in standard deviations of the differences; infinite where all are equal.
double effect(const Contrast& contrast) {
  return std::abs(contrast.test.mean) / contrast.test.standard_deviation;
}

/// The clearest first; equivalences, whose effects are small by their nature, last.
Contrasts clearest_first(Contrasts contrasts) {
  std::stable_sort(contrasts.begin(), contrasts.end(), [](const Contrast* a, const Contrast* b) {
    if (a->claims_difference() != b->claims_difference()) return a->claims_difference();
    return a->claims_difference() && effect(*a) > effect(*b);
  });
  return contrasts;
}

/// One sentence for each study on all its variants that are the same as the baseline.
Markdown sameness_text(const Contrasts& contrasts) {
  std::map<const Study*, Contrasts> by_study;
  std::vector<const Study*> order;
  for (const Contrast* contrast : contrasts) {
    if (contrast->claims_difference()) continue;
    if (by_study[contrast->study].empty()) order.push_back(contrast->study);
    by_study[contrast->study].push_back(contrast);
  }
  std::vector<Markdown> texts;
  for (const Study* study : order) {
    std::vector<UntrustedText> names;
    for (const Contrast* contrast : by_study[study]) {
      names.push_back(words_of(contrast->variant->name));
    }
    Draft part;
    set_contrast_values(*by_study[study].front(), part);
    part.set("names", listed(names));
    part.set("names_capital", listed(names).capitalized());
    part.set("one", names.size() == 1);
    texts.push_back(one_line(render_template("conclusion_same.md.mustache", part)));
  }
  return joined(texts, " ");
}

/// A sentence or an item of a list for each, by a template.
std::vector<Markdown> sentences(const Contrasts& contrasts, std::string_view file) {
  std::vector<Markdown> texts;
  for (const Contrast* contrast : contrasts) {
    Draft part;
    set_contrast_values(*contrast, part);
    part.set("first", texts.empty());
    part.set("only", contrasts.size() == 1);
    texts.push_back(one_line(render_template(file, part)));
  }
  return texts;
}

std::string count_of(const Contrasts& contrasts) {
  return count_word(static_cast<std::int64_t>(contrasts.size()));
}

void add_group(const std::string& name, const Contrasts& contrasts, Draft& draft) {
  draft.set("has_" + name, !contrasts.empty());
  draft.set("one_" + name, contrasts.size() == 1);
  draft.set(name + "_count", count_of(contrasts));
  draft.set(name + "_count_capital", capitalized(count_of(contrasts)));
}

/// "two support the paper's claim and one shows no difference": the lines that are not empty.
Markdown tally(const Draft& draft, const std::vector<std::pair<const char*, Contrasts>>& groups) {
  Draft part = draft;
  std::size_t claims = 0;
  for (const auto& [name, contrasts] : groups) claims += contrasts.size();
  for (const auto& [name, contrasts] : groups) {
    if (contrasts.size() != claims) continue;
    part.set(std::string(name) + "_count", claims == 2 ? "both" : "all");
  }
  return listed(lines_of(render_template("tally.md.mustache", part)));
}

UntrustedText names_of(const Contrasts& contrasts) {
  std::vector<UntrustedText> names;
  for (const Contrast* contrast : contrasts) {
    names.push_back(contrast_name(*contrast));
  }
  return listed(names);
}

/// Claims that are inconclusive for the adjustment alone.
void add_adjustment(const std::vector<Contrast>& contrasts, Draft& draft) {
  Contrasts leaning;
  for (const Contrast& contrast : contrasts) {
    if (contrast.falls_to_adjustment()) leaning.push_back(&contrast);
  }
  add_group("leaning", leaning, draft);
  draft.set("leaning_names", names_of(leaning));
}

/// Algorithms that are expected to be the same, which no test decides.
void add_algorithms(const std::vector<Contrast>& contrasts, Draft& draft) {
  Contrasts identical;
  Contrasts other;
  for (const Contrast& contrast : contrasts) {
    if (!contrast.identical) continue;
    const bool all = !contrast.seeds.empty() && *contrast.identical == contrast.seeds.size();
    (all ? identical : other).push_back(&contrast);
  }
  draft.set("has_algorithms", !identical.empty() || !other.empty());
  add_group("identical", identical, draft);
  add_group("other_bits", other, draft);
  draft.set("identical_names", names_of(identical));
  draft.set("other_bits_names", names_of(other));
}

/// What is not tested at the paper's scale, and what was tested in its place.
void add_out_of_scale(const Contrasts& contrasts, Draft& draft) {
  Markdown list;
  for (const Contrast* contrast : contrasts) {
    list += Markdown::format("- {}: {}\n", contrast_name(*contrast).capitalized(),
                             sentence(contrast->study->tested_instead));
  }
  draft.set("out_of_scale_list", list);
}

/// How the paper's claims of a difference fare as a whole.
void add_balance(const std::vector<Contrast>& contrasts, Draft& draft) {
  std::size_t claims = 0;
  std::size_t supported = 0;
  std::size_t decided = 0;
  for (const Contrast& contrast : contrasts) {
    if (!contrast.claims_difference() || contrast.study->section.empty()) continue;
    const Verdict verdict = contrast.judgement.verdict;
    if (verdict == Verdict::out_of_scale) continue;
    ++claims;
    supported += verdict == Verdict::supported ? 1 : 0;
    decided += verdict == Verdict::supported || verdict == Verdict::contradicted ? 1 : 0;
  }
  const bool most = claims > 1 && 2 * supported > claims;
  const bool few = claims > 1 && 3 * decided < claims;
  draft.set("balance_most", most);
  draft.set("balance_few", few && !most);
  draft.set("balance_mixed", !most && !few && claims > 1);
}

/// The scale of all runs: the most that any has, and how long one trains.
void add_scale(const Runs& runs, Draft& draft) {
  TrainingRun most;
  std::size_t classes = 0;
  std::vector<double> seconds;
  for (const TrainingRun* run : runs) {
    most.train_images = std::max(most.train_images, run->train_images);
    most.parameters = std::max(most.parameters, run->parameters);
    most.epochs = std::max(most.epochs, run->epochs);
    classes = std::max(classes, run->classes());
    if (run->height * run->width > most.height * most.width) {
      most.height = run->height;
      most.width = run->width;
    }
    const std::vector<double>& epochs = run->seconds_per_epoch;
    if (!epochs.empty()) seconds.push_back(std::accumulate(epochs.begin(), epochs.end(), 0.0));
  }
  draft.set("most_train_images", grouped(static_cast<std::int64_t>(most.train_images)));
  draft.set("most_parameters", grouped(most.parameters));
  draft.set("most_epochs", counted(most.epochs, "epoch"));
  draft.set("most_classes", grouped(static_cast<std::int64_t>(classes)));
  draft.set("largest_image", fmt::format("{}×{}", most.height, most.width));
  draft.set("has_training_time", !seconds.empty());
  draft.set("typical_training", seconds.empty() ? "" : duration(median_of(seconds)));
}

}  // namespace

void add_study_conclusion(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                          Draft& draft) {
  const Contrasts supported = clearest_first(with_verdict(contrasts, Verdict::supported));
  const Contrasts contradicted = clearest_first(with_verdict(contrasts, Verdict::contradicted));
  Contrasts undecided;
  Contrasts none;
  for (const Contrast* contrast : with_verdict(contrasts, Verdict::inconclusive)) {
    const bool by_p =
        contrast->judgement.uncertainty == Uncertainty::none || contrast->falls_to_adjustment();
    (by_p ? undecided : none).push_back(contrast);
  }
  const Contrasts out_of_scale = with_verdict(contrasts, Verdict::out_of_scale);
  add_group("supported", supported, draft);
  add_group("contradicted", contradicted, draft);
  add_group("undecided", undecided, draft);
  add_group("unjudged", none, draft);
  add_group("out_of_scale", out_of_scale, draft);
  add_out_of_scale(out_of_scale, draft);
  const std::size_t claims =
      supported.size() + contradicted.size() + undecided.size() + none.size() + out_of_scale.size();
  draft.set("has_claims", claims > 0);
  draft.set("one_claim", claims == 1);
  draft.set("claim_count", count_word(static_cast<std::int64_t>(claims)));
  draft.set("claim_count_capital", capitalized(count_word(static_cast<std::int64_t>(claims))));
  Contrasts different;
  std::copy_if(supported.begin(), supported.end(), std::back_inserter(different),
               [](const Contrast* contrast) { return contrast->claims_difference(); });
  draft.set("supported_text",
            Markdown::format("{} {}",
                             joined(sentences(different, "conclusion_supported.md.mustache"), " "),
                             sameness_text(supported)));
  draft.set("contradicted_text",
            joined(sentences(contradicted, "conclusion_contradicted.md.mustache"), " "));
  Markdown list;
  for (const Markdown& item : sentences(undecided, "conclusion_undecided.md.mustache")) {
    list += Markdown::format("- {}\n", item);
  }
  draft.set("undecided_list", list);
  draft.set("unjudged_names", names_of(none));
  draft.set("tally", tally(draft, {{"supported", supported},
                                   {"contradicted", contradicted},
                                   {"undecided", undecided},
                                   {"unjudged", none},
                                   {"out_of_scale", out_of_scale}}));
  add_algorithms(contrasts, draft);
  add_adjustment(contrasts, draft);
  add_balance(contrasts, draft);
  draft.set("all_supported", claims > 1 && supported.size() == claims);
  draft.set("paper_contradicted",
            std::any_of(contradicted.begin(), contradicted.end(), [](const Contrast* contrast) {
              return !contrast->study->section.empty();
            }));
  add_scale(runs_of(studies), draft);
}

}  // namespace reprise::reports
