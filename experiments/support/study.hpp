/// \file
/// A study: one question, asked by training variants of one network over several seeds. What all
/// studies do the same way is here; a study program only says what it asks and how variants differ.
///
/// A seed gives each variant the same order of images, and the same initial weights wherever layers
/// have the same name and shape, so that variants are compared in pairs. Every run is a record of
/// its own, VARIANT-seedN.h5 in the study's folder, and says in its group /study which question it
/// serves; what is recorded already is not run again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reprise/run/configuration.hpp"

namespace reprise {

/// One way to train.
struct Variant {
  std::string name;  ///< as files are called: "tanh"
  std::string description;
  /// What the claim says of this variant's measure against the baseline's: "lower", "higher",
  /// "same"; "" for the baseline.
  std::string expectation;
  std::function<void(TrainingConfiguration&)> apply;  ///< changes the common settings
};

struct Study {
  std::string name;      ///< as the program is called
  std::string question;  ///< a sentence
  std::string section;   ///< of Krizhevsky et al. 2012, e.g. "3.1"; "" if it asks something else
  std::string claim;     ///< what was found, a sentence
  std::string paper_figure;  ///< the figure that goes with it; "" for none
  /// What is compared: test_error; train_error and generalization_gap (test less train error), with
  /// the trained network's error on the images it was trained on; epochs_to_train_error;
  /// seconds_per_epoch.
  std::string measure = "test_error";
  double threshold = 0.0;    ///< epochs_to_train_error: the training error to reach, a fraction
  bool colour_only = false;  ///< asks nothing where images have one channel
  double margin = 0.0;       ///< expectation "same": differences up to this, in the measure's unit
  /// Common to all variants. Where --epochs asks for another number, drop_epochs scale with it.
  TrainingConfiguration settings;
  std::vector<Variant> variants;  ///< the first is the baseline
  /// If not empty, each variant is run with the one of these rates that gives it the least training
  /// error in the last epoch of a pilot run, with a seed that is not measured.
  std::vector<double> learning_rates;
};

/// The network, data and training that most studies start from: few enough images that a network
/// can learn them by heart, which is what several claims are about.
TrainingConfiguration study_settings();

/// The program's body: command line, runs, records. Returns the exit status.
int run_study(const Study& study, int argc, const char* const* argv);

/// What main() calls.
int study_main(const Study& study, int argc, const char* const* argv);

}  // namespace reprise
