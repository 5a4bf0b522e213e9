// Does weight decay lower the training error, and does Adam?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "optimizers";
  study.question = "Does weight decay lower the training error, and does Adam?";
  study.section = "5";
  study.claim =
      "A small weight decay does more than regularize: it lowers the training error as well.";
  study.measure = "train_error";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.learning_rates = {0.001, 0.003, 0.01, 0.03};
  study.variants = {
      {"momentum", "stochastic gradient descent with momentum 0.9", "",
       [](TrainingConfiguration&) {}},
      {"weight_decay", "the same with weight decay 0.0005", "lower",
       [](TrainingConfiguration& c) { c.weight_decay = 0.0005; }},
      {"adam", "Adam, which came two years after the paper", "lower",
       [](TrainingConfiguration& c) { c.optimizer = "adam"; },
       "Adam (Kingma and Ba 2014) lowers the training error faster than momentum does."},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
