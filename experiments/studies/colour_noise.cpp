// Does noise along the principal components of colour lower the test error?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "colour_noise";
  study.question = "Does noise along the principal components of colour lower the test error?";
  study.section = "4.1";
  study.claim =
      "Adding noise along the principal components of the images' colours lowers the test error.";
  study.paper_figure = "top-1 error over 1 point lower";
  study.colour_only = true;
  study.settings = study_settings();
  study.settings.epochs = 20;
  study.settings.drop_epochs = "14,18";
  study.variants = {
      {"none", "images as they are", "", [](TrainingConfiguration&) {}},
      {"colour", "components' multipliers drawn with standard deviation 0.1", "lower",
       [](TrainingConfiguration& c) { c.colour = 0.1; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
