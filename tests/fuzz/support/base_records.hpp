/// \file
/// The valid records and the small run that targets start from.
#pragma once

#include <span>
#include <string>

#include "reprise/data/dataset.hpp"
#include "reprise/run/training.hpp"

namespace reprise::fuzz {

/// 24 + 12 images of 8x8 in three classes, drawn at random.
const ImageDataset& small_dataset();

/// The settings of a run on them that takes milliseconds; `optimizer` is "adam" or "sgd".
TrainingConfiguration small_configuration(const std::string& optimizer);

/// Small records: of such a run outside and inside a study; made up (tests/support), of a
/// comparison, and one with every type and kind of axis.
std::span<const Record> base_records();

/// What reports are made from: those of the small run; made up, LeNet-5's, of two variants of a
/// study, and of a comparison. Each has a digest.
std::span<const Record> report_records();

}  // namespace reprise::fuzz
