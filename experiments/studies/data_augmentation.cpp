// Does training on shifted and reflected images keep a network from overfitting?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "data_augmentation";
  study.question = "Does training on shifted and reflected images keep a network from overfitting?";
  study.section = "4.1";
  study.claim =
      "Training on random crops of the images and their reflections is what keeps the network "
      "from substantial overfitting.";
  study.measure = "generalization_gap";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.settings.epochs = 20;
  study.settings.drop_epochs = "14,18";
  study.variants = {
      {"none", "images as they are", "", [](TrainingConfiguration&) {}},
      {"crops", "moved by up to 2 pixels", "lower", [](TrainingConfiguration& c) { c.shift = 2; }},
      {"crops_reflections", "moved by up to 2 pixels, half of them reflected", "lower",
       [](TrainingConfiguration& c) {
         c.shift = 2;
         c.reflect = 1;
       }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
