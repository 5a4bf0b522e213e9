// Does it matter to a trained network by which algorithm its convolutions are computed?
#include "reprise/conv/conv_algorithm.hpp"
#include "support/study.hpp"

namespace {

using namespace reprise;

/// True if the algorithm has all that a network of 5x5 convolutions asks of it.
bool serves(const ConvAlgorithm& algorithm) {
  const ConvShape shape = parse_conv_shape("g1mb16ic6ih14oc16oh10kh5ph0");
  for (const ConvPass pass : kConvPasses) {
    if (!algorithm.unsupported(shape, pass).empty()) return false;
  }
  return true;
}

/// A variant per algorithm that serves; the default is the baseline.
std::vector<Variant> variants() {
  const std::string baseline(default_conv_algorithm().name);
  std::vector<Variant> variants;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (!serves(*algorithm)) continue;
    const std::string name(algorithm->name);
    const bool is_baseline = name == baseline;
    Variant variant = {name, std::string(algorithm->summary), is_baseline ? "" : "same",
                       [name](TrainingConfiguration& c) { c.conv = name; }};
    variants.insert(is_baseline ? variants.begin() : variants.end(), std::move(variant));
  }
  return variants;
}

Study study() {
  Study study;
  study.name = "convolution_choice";
  study.question =
      "Does it matter to a trained network by which algorithm its convolutions are computed?";
  study.claim =
      "Algorithms that compute the same convolution in other orders train networks of the same "
      "test error.";
  study.margin = 0.01;
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.settings.train_images = 2000;  // the slowest of the algorithms is far slower than the rest
  study.settings.epochs = 3;
  study.settings.drop_epochs = "2";
  study.settings.optimizer = "adam";
  study.settings.learning_rate = 0.001;
  study.variants = variants();
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
