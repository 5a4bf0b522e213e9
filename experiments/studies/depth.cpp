// What does a network lose with one of its middle layers?
#include "support/study.hpp"

namespace {

using namespace reprise;

Study study() {
  Study study;
  study.name = "depth";
  study.question = "What does a network lose with one of its middle layers?";
  study.section = "7";
  study.claim = "Removing any one of the middle convolutional layers raises the test error.";
  study.paper_figure = "top-1 error about 2 points higher";
  study.settings = study_settings();
  study.variants = {
      {"whole", "three convolutions", "", [](TrainingConfiguration&) {}},
      {"without_conv2", "the second convolution left out, its pooling kept", "higher",
       [](TrainingConfiguration& c) { c.model_options.without = "conv2"; }},
  };
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  return study_main(study(), argc, argv);
}
