/// \file
/// A finished training run as a record (record.hpp shows the layout), complete enough that a report
/// is made from it alone.
#pragma once

#include <optional>
#include <string>

#include "reprise/record/record.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// What a record says of its place among others; no part of the run's own result.
struct RecordLabels {
  std::string program = "train_lenet5";
  std::optional<Group> study;  ///< /study, if the run is part of one
};
/// The labels of a record.
RecordLabels labels_of(const Record& record);

Record training_record(const TrainingRun& run, const RunEnvironment& environment,
                       const RecordLabels& labels = {});

/// What a record says of a run before it is finished and its network is looked at: /configuration,
/// /data, the epochs of /history so far, and of /model the digest of the initial parameters.
Record unevaluated_record(const TrainingRun& run);

/// /data: the data set's name, sizes, class names, and its files with their SHA-256.
Group data_group(const ImageDataset& data);

}  // namespace reprise
