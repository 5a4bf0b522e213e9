// Does local response normalization lower the test error?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "response_normalization";
  study.question = "Does local response normalization lower the test error?";
  study.section = "3.3";
  study.claim = "Normalizing responses over neighbouring maps lowers the test error.";
  study.paper_figure =
      "top-1 error 1.4 points lower, top-5 error 1.2; four-layer network on CIFAR-10: 13% to 11%";
  study.settings = study_settings();
  study.variants = {
      {"none", "no normalization", "",
       [](TrainingConfiguration& c) { c.model_options.normalization = "none"; }},
      {"local_response", "after the first two convolutions, over five maps", "lower",
       [](TrainingConfiguration& c) { c.model_options.normalization = "local_response"; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
