// Does weight decay lower the training error?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "weight_decay";
  study.question = "Does weight decay lower the training error?";
  study.section = "5";
  study.claim =
      "A small weight decay does more than regularize: it lowers the training error as well.";
  study.measure = "train_error";
  study.settings = study_settings();
  study.settings.model = "lenet5";
  study.variants = {
      {"none", "no weight decay", "", [](TrainingConfiguration&) {}},
      {"decay", "weight decay 0.0005", "lower",
       [](TrainingConfiguration& c) { c.weight_decay = 0.0005; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
