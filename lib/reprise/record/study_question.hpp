/// \file
/// What a study asks: the same in its file, its plan and the records of its runs.
#pragma once

#include <string>

namespace reprise {

struct StudyQuestion {
  std::string name;      ///< of the study
  std::string question;  ///< a sentence
  std::string section;   ///< of Krizhevsky et al. 2012, e.g. "3.1"; "" if it asks something else
  std::string claim;     ///< what was found, a sentence; "" for none
  std::string paper_figure;  ///< the figure that goes with it; "" for none
  /// What is compared: test_error; train_error and generalization_gap (test less train error), with
  /// the trained network's error on the images it was trained on; epochs_to_train_error;
  /// seconds_per_epoch.
  std::string measure;
  double threshold = 0.0;  ///< epochs_to_train_error: the training error to reach, a fraction
  double margin = 0.0;     ///< expectation "same": differences up to this, in the measure's unit
};

}  // namespace reprise
