// Does dropout in the hidden dense layers keep a network from overfitting?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "dropout";
  study.question = "Does dropout in the hidden dense layers keep a network from overfitting?";
  study.section = "4.2";
  study.claim = "Without dropout in its dense layers the network overfits substantially.";
  study.measure = "generalization_gap";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.settings.epochs = 20;
  study.settings.drop_epochs = "14,18";
  study.variants = {
      {"none", "no dropout", "", [](TrainingConfiguration& c) { c.model_options.dropout = 0.0; }},
      {"dropout", "half of the outputs of both hidden dense layers set to 0", "lower",
       [](TrainingConfiguration& c) { c.model_options.dropout = 0.5; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
