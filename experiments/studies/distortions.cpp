// Does LeNet-5 err less if it is trained on distorted images?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "distortions";
  study.question = "Does LeNet-5 err less if it is trained on distorted images?";
  study.claim =
      "Training on distorted images (moved, scaled, squeezed, sheared) lowers the test error of "
      "LeNet-5 (LeCun et al. 1998, section III.C).";
  study.paper_figure = "LeNet-5 on MNIST: 0.95% to 0.8%";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.settings.optimizer = "adam";
  study.settings.learning_rate = 0.001;
  study.settings.epochs = 24;
  study.settings.drop_epochs = "16,21";
  study.variants = {
      {"none", "images as they are", "", [](TrainingConfiguration&) {}},
      {"distorted",
       "moved by up to 1 pixel; scaled, squeezed, sheared and turned, each by up to 15%", "lower",
       [](TrainingConfiguration& c) {
         c.shift = 1;
         c.distortion = 0.15;
       }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
