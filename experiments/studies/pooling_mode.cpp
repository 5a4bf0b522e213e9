// Does a network err less with maximum pooling than with average pooling?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "pooling_mode";
  study.question = "Does a network err less with maximum pooling than with average pooling?";
  study.claim =
      "Maximum pooling, as in AlexNet, serves better than averages, as in LeNet-5 of 1998; the "
      "paper does not compare the two.";
  study.settings = study_settings();
  study.variants = {
      {"average", "the mean of each window", "",
       [](TrainingConfiguration& c) { c.model_options.pooling = "average"; }},
      {"max", "the maximum of each window", "lower",
       [](TrainingConfiguration& c) { c.model_options.pooling = "max"; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
