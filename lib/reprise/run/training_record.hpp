/// \file
/// A training run as the plain data of its record (record/contents.hpp), complete enough that a
/// report is made from it alone. Nothing here computes a result.
#pragma once

#include <optional>
#include <string>

#include "reprise/record/contents.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// What a record says of its place among others; no part of the run's own result.
struct RecordLabels {
  std::string program = "train_lenet5";
  std::optional<StudyRecord> study{};  ///< if the run is part of one
};

/// The record of a run that is at its end, with what evaluation.hpp makes of it.
TrainingRecord training_record(const TrainingRun& run, EvaluationRecord evaluation,
                               const RunEnvironment& environment, const RecordLabels& labels = {});

/// What a record says of a run before its network is looked at: the tree without /evaluation,
/// /study, /environment and, of /model, the parameters.
Record unevaluated_tree(const TrainingRun& run);

/// The data set's name, sizes, class names, and its files with their SHA-256.
DataRecord data_record(const ImageDataset& data);

}  // namespace reprise
