#include "verdict_values.hpp"

#include <string>

namespace reprise::reports {
namespace {

template <class Values>
Toml list_of(const Values& values) {
  Toml items;
  for (const auto& value : values) {
    items += Toml::format("{}{}", items.empty() ? Toml() : Toml::literal(", "), value);
  }
  return Toml::format("[{}]", items);
}

Toml interval_of(const Interval& interval) {
  return Toml::format("[{}, {}]", interval.low, interval.high);
}

std::vector<UntrustedText> digests_of(const Variant& variant, const Contrast& contrast) {
  std::vector<UntrustedText> digests;
  for (const std::int64_t seed : contrast.seeds) {
    digests.emplace_back(variant.with_seed(seed)->run->digest);
  }
  return digests;
}

}  // namespace

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::supported:
      return "supported";
    case Verdict::contradicted:
      return "contradicted";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::out_of_scale:
      return "not tested at the paper's scale";
    case Verdict::none:
      break;
  }
  return "none";
}

Toml verdict_values(const std::vector<Contrast>& contrasts) {
  Toml text = Toml::literal("# The numbers behind the verdicts of report.md: docs/statistics.md\n");
  for (const Contrast& contrast : contrasts) {
    const PairedTest& test = contrast.test;
    text += Toml::format("\n[[verdicts]]\nstudy = {}\nvariant = {}\nbaseline = {}\n",
                         contrast.study->name, contrast.variant->name, contrast.baseline->name);
    text += Toml::format("verdict = {}\nseeds = {}\ndifferences = {}\n",
                         verdict_word(contrast.judgement.verdict), list_of(contrast.seeds),
                         list_of(contrast.differences));
    text += Toml::format("mean = {}\nstandard_deviation = {}\ninterval = {}\n", test.mean,
                         test.standard_deviation, interval_of(test.interval));
    text += Toml::format("p = {}\nadjusted_p = {}\ndetectable = {}\n", contrast.p,
                         contrast.adjusted_p, test.detectable);
    text += Toml::format("less = {}\nless_wilson = {}\n", contrast.below.fraction,
                         interval_of(contrast.below.wilson));
    if (contrast.below.bootstrap) {
      text += Toml::format("less_bootstrap = {}\n", interval_of(*contrast.below.bootstrap));
    }
    if (contrast.identical) text += Toml::format("identical_pairs = {}\n", *contrast.identical);
    text += Toml::format("variant_digests = {}\nbaseline_digests = {}\n",
                         list_of(digests_of(*contrast.variant, contrast)),
                         list_of(digests_of(*contrast.baseline, contrast)));
  }
  return text;
}

}  // namespace reprise::reports
