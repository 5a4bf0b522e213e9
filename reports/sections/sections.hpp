/// \file
/// One function per topic of the report: each takes what it needs from the run and puts values,
/// figures and tables into the draft. What a value is called in the templates stands beside it.
#pragma once

#include <string>
#include <vector>

#include "comparison.hpp"
#include "draft.hpp"
#include "training_run.hpp"

namespace reprise::reports {

/// Title, headline, test accuracy, its interval; the runs, one or one per seed.
void add_accuracy(const std::vector<TrainingRun>& runs, Draft& draft);

/// The picture at the top, first-layer kernels beside the curves; the table of epochs.
void add_training(const TrainingRun& run, Draft& draft);
Panel kernels_panel(const Kernels& kernels);
inline constexpr double kOverviewHeight = 290;  ///< pixels, of each panel

/// Data files, network, settings, machine, and the commands that make it all again.
void add_setup(const TrainingRun& run, Draft& draft);

/// Confusion matrix and error by class.
void add_classes(const TrainingRun& run, Draft& draft);

/// Sample images with their likeliest labels.
void add_test_images(const TrainingRun& run, Draft& draft);

/// Which sentences of the conclusion hold, by the rules that conclusion.cpp states.
void add_conclusion(const TrainingRun& run, Draft& draft);

/// What the data show beside the question, and what they cannot show.
void add_notes(const std::vector<TrainingRun>& runs, Draft& draft);

/// Comparisons of convolution algorithms: speed, memory, errors; says so if there are none.
void add_convolutions(const std::vector<Comparison>& comparisons, Draft& draft);

/// Seeds, digests and classes of the runs, and the commands that make and verify them.
void add_reproducibility(const std::vector<TrainingRun>& runs,
                         const std::vector<Comparison>& comparisons, Draft& draft);

}  // namespace reprise::reports
