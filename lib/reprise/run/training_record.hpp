/// \file
/// A finished training run as a record (record.hpp shows the layout), complete enough that a report
/// is made from it alone.
#pragma once

#include "reprise/record/record.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

Record training_record(const TrainingRun& run, const RunEnvironment& environment);

/// /data: the data set's name, sizes, class names, and its files with their SHA-256.
Group data_group(const ImageDataset& data);

}  // namespace reprise
