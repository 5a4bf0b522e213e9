/// \file
/// One function per topic of the report: each takes what it needs from the run and puts values,
/// figures and tables into the draft. The topics of studies are in studies.hpp. What a value is
/// called in the templates stands beside it.
#pragma once

#include <string>
#include <vector>

#include "draft.hpp"
#include "inputs.hpp"
#include "study.hpp"

namespace reprise::reports {

/// Title, headline, test accuracy, its interval; the runs, one or one per seed.
void add_accuracy(const std::vector<TrainingRun>& runs, Draft& draft);

/// The picture at the top, first-layer kernels beside the curves; the table of epochs.
void add_training(const TrainingRun& run, Draft& draft);
Panel kernels_panel(const Kernels& kernels, const std::string& name);
inline constexpr double kOverviewHeight = 290;  ///< pixels, of each panel

/// Network and settings of the run.
void add_lenet_setup(const TrainingRun& run, Draft& draft);
/// Data files of all records, and the machine that `first` was made on.
void add_setup(const Inputs& inputs, const TrainingRun& first, Draft& draft);
/// What a setting of this name is; "" if the report does not know it.
std::string setting_meaning(const UntrustedText& name);
/// All training runs: LeNet-5's, distorted ones, the studies'.
std::vector<const TrainingRun*> all_runs(const Inputs& inputs);

/// Of stores: how many runs their plans want, how many are here, and the compute of all.
void add_plans(const Inputs& inputs, Draft& draft);

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

/// Digests and classes of the runs, the commands that make and verify them, the table of records.
void add_reproducibility(const Inputs& inputs, const std::vector<Study>& studies, Draft& draft);

}  // namespace reprise::reports
