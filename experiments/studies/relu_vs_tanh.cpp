// Do rectified linear units learn in fewer epochs than tanh units?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "relu_vs_tanh";
  study.question = "Do rectified linear units learn in fewer epochs than tanh units?";
  study.section = "3.1";
  study.claim =
      "A four-layer network with rectified linear units reaches 25% training error in fewer epochs "
      "than an equal one with tanh units, each at its own learning rate and without "
      "regularization.";
  study.paper_figure = "six times fewer epochs";
  study.measure = "epochs_to_train_error";
  study.threshold = 0.25;
  study.settings = study_settings();
  study.settings.epochs = 6;
  study.settings.drop_epochs = "";
  study.learning_rates = {0.003, 0.01, 0.03, 0.1};
  study.variants = {
      {"tanh", "tanh after every convolution", "",
       [](TrainingConfiguration& c) { c.model_options.activation = "tanh"; }},
      {"relu", "max(x, 0) after every convolution", "lower",
       [](TrainingConfiguration& c) { c.model_options.activation = "relu"; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
