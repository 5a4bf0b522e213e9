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

/// The value of a name; the schema of records allows these names only.
template <class Value>
Value named(const std::string& name, const Names<Value>& names) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const auto& n) { return name == n.first; });
  require(found != names.end(), "an unknown name in /study");
  return found->second;
}

constexpr std::array<MeasureWords, 5> kMeasures = {{
    {"test_error", Measure::test_error, "test error", "percent", "points", "%", "lower", "higher",
     true},
    {"train_error", Measure::train_error, "training error", "percent", "points", "%", "lower",
     "higher", true},
    {"epochs_to_train_error", Measure::epochs_to_train_error, "epochs to a training error",
     "epochs", "epochs", "", "fewer", "more", false},
    {"seconds_per_epoch", Measure::seconds_per_epoch, "time of an epoch", "seconds", "s", " s",
     "less", "more", false},
    {"generalization_gap", Measure::generalization_gap, "generalization gap", "percentage points",
     "points", " points", "lower", "higher", true},
}};

/// Words that are not written as other words are, and names that are more than their words.
constexpr std::array<std::pair<std::string_view, std::string_view>, 33> kSpellings = {{
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
    {"cnn", "CNN"},
    {"he", "He"},
    {"lenet5", "LeNet-5"},
    {"winograd", "Winograd"},
    {"four_layer_cnn", "four-layer CNN"},
    {"crops_reflections", "crops and reflections"},
    {"held_out_images", "held-out images"},
    {"he_normal", "He's normal distribution"},
    {"cuda_convnet", "cuda-convnet's small normal weights"},
    {"cuda_convnet_80sec", "cuda-convnet's layers-80sec"},
    {"cuda_convnet_19pct", "cuda-convnet's layers-19pct"},
    {"cuda_convnet_18pct", "cuda-convnet's layers-18pct"},
    {"cuda_convnet_13pct", "cuda-convnet's layers-13pct"},
    {"cuda_convnet_11pct", "cuda-convnet's layers-11pct"},
    {"relu_vs_tanh_cuda_1", "ReLU against tanh (small weights, 0 to 1)"},
    {"relu_vs_tanh_cuda_255", "ReLU against tanh (small weights, 0 to 255)"},
    {"relu_vs_tanh_he_1", "ReLU against tanh (He's weights, 0 to 1)"},
    {"relu_vs_tanh_he_255", "ReLU against tanh (He's weights, 0 to 255)"},
    {"local_normalization", "normalization, wide local network"},
    {"local_normalization_narrow", "normalization, narrow local network"},
    {"local_width", "width of the local network"},
}};

UntrustedText spelled(const UntrustedText& word) {
  for (const auto& [plain, written] : kSpellings) {
    if (word == plain) return written;
  }
  const std::size_t times = word.find("x");  // as in "3x3"
  if (times == 0 || times == std::string::npos) return word;
  const UntrustedText rows = word.substr(0, times);
  const UntrustedText columns = word.substr(times + 1);
  if (!columns.integer() || !rows.integer()) return word;
  return plain_text("{}×{}", rows, columns);
}

}  // namespace

StudyLabel read_study_label(const StudyRecord& study) {
  StudyLabel label;
  label.name = text(study.name);
  label.question = text(study.question);
  label.section = text(study.section);
  Names<Measure> measures;
  for (const MeasureWords& words : kMeasures) measures.emplace_back(words.name, words.measure);
  label.measure = named(study.measure, measures);
  label.threshold = study.threshold;
  label.baseline_name = text(study.baseline);
  label.variant.name = text(study.variant);
  label.variant.description = text(study.variant_description);
  label.variant.order = study.variant_order;
  label.variant.claim = text(study.claim);
  label.variant.paper_figure = text(study.paper_figure);
  label.variant.margin = study.margin;
  label.variant.expectation =
      named<Expectation>(study.expectation, {{"", Expectation::none},
                                             {"lower", Expectation::lower},
                                             {"higher", Expectation::higher},
                                             {"same", Expectation::same}});
  label.role = named<Role>(study.role, {{"measured", Role::measured}, {"pilot", Role::pilot}});
  return label;
}

const MeasureWords& words_for(Measure measure) {
  return *std::find_if(kMeasures.begin(), kMeasures.end(),
                       [&](const MeasureWords& words) { return words.measure == measure; });
}

UntrustedText words_of(const UntrustedText& name) {
  if (spelled(name) != name) return spelled(name);
  std::vector<UntrustedText> words;
  for (const UntrustedText& word : name.split("_ \t\n\v\f\r")) words.push_back(spelled(word));
  return joined(words, " ");
}

UntrustedText heading_of(const UntrustedText& name) {
  return words_of(name).capitalized();
}

}  // namespace reprise::reports
