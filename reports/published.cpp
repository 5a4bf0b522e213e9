#include "published.hpp"

#include <array>
#include <cctype>
#include <cmath>

#include "format.hpp"

namespace reprise::reports {
namespace {

// LeCun, Bottou, Bengio, Haffner 1998: section II.B, section III.B.
constexpr int kLenetYear = 1998;
constexpr int kLenetParameters = 60000;

// Krizhevsky, Sutskever, Hinton 2012: abstract, section 3.5, table 2.
constexpr int kAlexnetYear = 2012;
constexpr double kAlexnetParameters = 60.0e6;
constexpr double kAlexnetTrainImages = 1.2e6;
constexpr int kAlexnetClasses = 1000;
constexpr int kAlexnetConvolutions = 5;
constexpr int kAlexnetDenseLayers = 3;
constexpr int kContestGuesses = 5;
constexpr int kAlexnetNetworks = 7;  // two of them trained on more data first
constexpr double kAlexnetTop5Error = 0.153;
constexpr double kSecondTop5Error = 0.262;  // SIFT and Fisher vectors

constexpr std::array kKnown = {
    KnownAccuracy{"Fashion-MNIST", 0.89, 0.91,
                  "what this project, before its first run, expected of a LeNet-5 of this kind "
                  "after about ten epochs"},
    KnownAccuracy{"MNIST", 0.985, 1 - kLenetTestError,
                  "from what the course that this form of LeNet-5 comes from reports after five "
                  "epochs up to the result of the paper of LeNet-5"},
};

constexpr Literal kReferences =
    "1. Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to document "
    "recognition. *Proceedings of the IEEE* 86 (11), 2278–2324, 1998. "
    "[doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)\n"
    "2. A. Krizhevsky, I. Sutskever, G. E. Hinton. ImageNet classification with deep convolutional "
    "neural networks. *Advances in Neural Information Processing Systems* 25, 2012. "
    "[doi:10.1145/3065386](https://doi.org/10.1145/3065386) (reprint of 2017)\n"
    "3. E. B. Wilson. Probable inference, the law of succession, and statistical inference. "
    "*Journal of the American Statistical Association* 22 (158), 209–212, 1927. "
    "[doi:10.2307/2276774](https://doi.org/10.2307/2276774)\n";

constexpr Literal kStatisticsReferences =
    "4. Student. The probable error of a mean. *Biometrika* 6 (1), 1–25, 1908. "
    "[doi:10.2307/2331554](https://doi.org/10.2307/2331554)\n"
    "5. S. Holm. A simple sequentially rejective multiple test procedure. *Scandinavian Journal of "
    "Statistics* 6 (2), 65–70, 1979.\n";

constexpr Literal kFashionReference =
    "6. H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking "
    "machine learning algorithms. 2017. [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)\n";

/// Its letters and digits, in lower case.
std::string folded(const UntrustedText& name) {
  std::string letters = name.identifier();
  std::erase(letters, '_');
  for (char& c : letters) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return letters;
}

/// Whether `data` is the set `known` or, as in "MNIST (500 images)", a part of it.
bool is_of(const UntrustedText& data, std::string_view known) {
  return data == known || data.starts_with(std::string(known) + " ");
}

/// Two significant digits: 988 is 990.
std::int64_t rounded(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return whole_number(std::round(value / unit) * unit);
}

}  // namespace

std::optional<KnownAccuracy> known_accuracy(const UntrustedText& data) {
  for (const KnownAccuracy& known : kKnown) {
    if (is_of(data, known.data)) return known;
  }
  return std::nullopt;
}

UntrustedText data_display_name(const UntrustedText& name) {
  for (const KnownAccuracy& known : kKnown) {
    if (folded(known.data) == folded(name)) return known.data;
  }
  return name;
}

void add_published_values(Draft& draft, const UntrustedText& data, double parameters) {
  Markdown references = Markdown::literal(kReferences);
  references += Markdown::literal(kStatisticsReferences);
  if (is_of(data, "Fashion-MNIST")) references += Markdown::literal(kFashionReference);
  draft.set("references", references);
  draft.set("lenet_year", std::to_string(kLenetYear));
  draft.set("lenet_parameters", grouped(kLenetParameters));
  draft.set("lenet_test_error", percent(kLenetTestError, 2));
  draft.set("lenet_distorted_error", percent(kLenetDistortedTestError, 1));
  draft.set("alexnet_year", std::to_string(kAlexnetYear));
  draft.set("alexnet_after_years", count_word(kAlexnetYear - kLenetYear));
  draft.set("alexnet_parameters_millions", shortest(kAlexnetParameters / 1e6) + " million");
  draft.set("alexnet_times", grouped(rounded(kAlexnetParameters / parameters)));
  draft.set("alexnet_images_millions", shortest(kAlexnetTrainImages / 1e6) + " million");
  draft.set("alexnet_classes", grouped(kAlexnetClasses));
  draft.set("alexnet_convolutions", count_word(kAlexnetConvolutions));
  draft.set("alexnet_dense", count_word(kAlexnetDenseLayers));
  draft.set("alexnet_guesses", count_word(kContestGuesses));
  draft.set("alexnet_networks", count_word(kAlexnetNetworks));
  draft.set("alexnet_error", percent(kAlexnetTop5Error, 1));
  draft.set("alexnet_second_error", percent(kSecondTop5Error, 1));
}

}  // namespace reprise::reports
