#include "study_label.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "format.hpp"
#include "fragment.hpp"
#include "reading.hpp"

namespace reprise::reports {
namespace {

template <class Value>
using Names = std::vector<std::pair<std::string_view, Value>>;

/// The value that a text attribute names.
template <class Value>
Value named(const Group& group, const std::string& attribute, const Names<Value>& names) {
  const UntrustedText name = text(group, attribute);
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const auto& n) { return name == n.first; });
  require(found != names.end(), fmt::format("{} \"{}\" in /study", attribute, terminal_text(name)));
  return found->second;
}

const Names<Measure>& measures() {
  static const Names<Measure> names = {{"test_error", Measure::test_error},
                                       {"train_error", Measure::train_error},
                                       {"epochs_to_train_error", Measure::epochs_to_train_error},
                                       {"seconds_per_epoch", Measure::seconds_per_epoch},
                                       {"generalization_gap", Measure::generalization_gap}};
  return names;
}

/// Words that are not written as other words are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kSpellings = {{
    {"relu", "ReLU"},
    {"sgd", "SGD"},
    {"adam", "Adam"},
    {"nesterov", "Nesterov"},
    {"rmsprop", "RMSProp"},
    {"adagrad", "Adagrad"},
    {"pca", "PCA"},
    {"lrn", "LRN"},
    {"fft", "FFT"},
    {"gemm", "GEMM"},
    {"onednn", "oneDNN"},
    {"vs", "against"},
}};

UntrustedText spelled(const UntrustedText& word) {
  for (const auto& [plain, written] : kSpellings) {
    if (word == plain) return written;
  }
  return word;
}

}  // namespace

StudyLabel read_study_label(const Group& group) {
  StudyLabel label;
  label.name = text(group, "name");
  label.question = text(group, "question");
  label.section = text(group, "section");
  label.claim = text(group, "claim");
  label.paper_figure = text(group, "paper_figure");
  label.measure = named<Measure>(group, "measure", measures());
  label.threshold = number(group, "threshold");
  label.baseline = text(group, "baseline");
  label.variant = text(group, "variant");
  label.variant_description = text(group, "variant_description");
  label.variant_order = group.attribute<std::int64_t>("variant_order");
  label.expectation = named<Expectation>(group, "expectation",
                                         {{"", Expectation::none},
                                          {"lower", Expectation::lower},
                                          {"higher", Expectation::higher},
                                          {"same", Expectation::same}});
  label.margin = number(group, "margin");
  label.role = named<Role>(group, "role", {{"measured", Role::measured}, {"pilot", Role::pilot}});
  require(!label.name.empty() && !label.variant.empty() && !label.baseline.empty(),
          "a study, variant or baseline without a name");
  require(label.expectation != Expectation::same || label.margin > 0,
          "the expectation \"same\" without a margin");
  require(label.measure != Measure::epochs_to_train_error ||
              (label.threshold > 0 && label.threshold < 1),
          fmt::format("threshold {}", label.threshold));
  return label;
}

bool is_share(Measure measure) {
  return measure == Measure::test_error || measure == Measure::train_error ||
         measure == Measure::generalization_gap;
}

std::string measure_text(Measure measure, double threshold) {
  switch (measure) {
    case Measure::test_error:
      return "test error";
    case Measure::train_error:
      return "training error";
    case Measure::epochs_to_train_error:
      return fmt::format("number of epochs to a training error of {}", percent(threshold, 0));
    case Measure::seconds_per_epoch:
      return "time of an epoch";
    case Measure::generalization_gap:
      return "gap between test and training error";
  }
  return "";
}

UntrustedText words_of(const UntrustedText& name) {
  std::vector<UntrustedText> words;
  for (const UntrustedText& word : name.split("_ \t\n\v\f\r")) words.push_back(spelled(word));
  return joined(words, " ");
}

UntrustedText heading_of(const UntrustedText& name) {
  return words_of(name).capitalized();
}

}  // namespace reprise::reports
