/// \file
/// The sections on studies: each function puts values, figures and tables into the draft.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "contrast.hpp"
#include "draft.hpp"
#include "inputs.hpp"

namespace reprise::reports {

using Runs = std::vector<const TrainingRun*>;

/// The verdict table.
void add_verdicts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                  Draft& draft);
/// All differences with their intervals: one panel for errors, one for ratios of epochs and times;
/// those that have none are left out.
std::vector<Panel> forest_panels(const std::vector<Contrast>& contrasts);

/// A subsection for each study: question, table of variants, curves, what was found.
void add_study_parts(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft);
/// Curves of a study's training and test error, with bands over the seeds.
Figure curves_figure(const Study& study);

/// Final training error by learning rate, of the pilots of one variant, means over their seeds.
struct PilotGrid {
  const Study* study = nullptr;
  UntrustedText variant;
  std::map<double, double> errors;
  /// The rate of the least error.
  [[nodiscard]] double best() const;
  /// The best rate is the smallest or the largest of the grid, so a better one may lie beyond.
  [[nodiscard]] bool is_at_edge() const;
  /// The variant's measured runs have the best rate.
  [[nodiscard]] bool is_used() const;
};
std::vector<PilotGrid> pilot_grids(const std::vector<Study>& studies);

/// What the paper did and what was done here; variants and settings; pilots.
void add_study_setup(const std::vector<Study>& studies, Draft& draft);

/// AlexNet's layers and what was new in it.
void add_alexnet_tables(Draft& draft);
/// The paper's tables with ours below, and LeNet-5 (if there are runs) beside the paper of 1998.
void add_paper_tables(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft);
/// The picture at the top, with the first layer of the run that has the most kernels there; test
/// images with their nearest training images, where a record has them.
void add_features(const std::vector<TrainingRun>& lenet, const std::vector<Study>& studies,
                  const std::vector<Contrast>& contrasts, Draft& draft);

/// The conclusion and the notes that follow from the verdicts.
void add_study_conclusion(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                          Draft& draft);
void add_study_notes(const std::vector<Study>& studies, const std::vector<Contrast>& contrasts,
                     Draft& draft);

}  // namespace reprise::reports
