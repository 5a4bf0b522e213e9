// Does Adam end with a lower training error than momentum?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "optimizers";
  study.question = "Does Adam end with a lower training error than momentum?";
  study.claim =
      "Adam (Kingma and Ba 2014) ends with a lower training error than stochastic gradient descent "
      "with momentum, each at its own learning rate.";
  study.measure = "train_error";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.learning_rates = {0.001, 0.003, 0.01, 0.03};
  study.variants = {
      {"momentum", "stochastic gradient descent with momentum 0.9", "",
       [](TrainingConfiguration&) {}},
      {"adam", "Adam, which came two years after the paper", "lower",
       [](TrainingConfiguration& c) { c.optimizer = "adam"; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
