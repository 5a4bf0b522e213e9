// Does a network err less if its pooling windows overlap?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "overlapping_pooling";
  study.question = "Does a network err less if its pooling windows overlap?";
  study.section = "3.4";
  study.claim =
      "Pooling over 3x3 windows in steps of 2 in place of 2x2 windows in steps of 2 lowers the "
      "test error.";
  study.paper_figure = "top-1 error 0.4 points lower, top-5 error 0.3";
  study.settings = study_settings();
  study.variants = {
      {"2x2", "windows of 2x2 in steps of 2", "",
       [](TrainingConfiguration& c) { c.model_options.pool_kernel = 2; }},
      {"3x3", "windows of 3x3 in steps of 2, which overlap", "lower",
       [](TrainingConfiguration& c) { c.model_options.pool_kernel = 3; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
