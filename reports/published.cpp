#include "published.hpp"

#include <array>
#include <cctype>
#include <string_view>

#include "format.hpp"

namespace reprise::reports {
namespace {

constexpr std::array<std::string_view, 2> kKnown = {"Fashion-MNIST", "MNIST"};

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
    "Statistics* 6 (2), 65–70, 1979.\n"
    "6. D. P. Kingma, J. Ba. Adam: a method for stochastic optimization. 2014. "
    "[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)\n";

constexpr Literal kFashionReference =
    "7. H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking "
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

}  // namespace

UntrustedText data_display_name(const UntrustedText& name) {
  for (const std::string_view known : kKnown) {
    if (folded(known) == folded(name)) return known;
  }
  return name;
}

// LeCun, Bottou, Bengio, Haffner 1998; Krizhevsky, Sutskever, Hinton 2012: abstract, table 2.
void add_published_values(const UntrustedText& data, Draft& draft) {
  Markdown references = Markdown::literal(kReferences);
  references += Markdown::literal(kStatisticsReferences);
  const bool is_fashion = is_of(data, "Fashion-MNIST");
  if (is_fashion) references += Markdown::literal(kFashionReference);
  draft.set("data_citation", is_fashion ? Markdown::literal(" [7]") : Markdown::literal(""));
  draft.set("references", references);
  draft.set("lenet_year", "1998");
  draft.set("alexnet_year", "2012");
  draft.set("alexnet_parameters", "60 million");
  draft.set("alexnet_images", "1.2 million");
  draft.set("alexnet_error", percent(0.153, 1));
  draft.set("alexnet_second_error", percent(0.262, 1));
}

}  // namespace reprise::reports
