/// \file
/// A record of a training run as train_lenet5 writes it, made up but plausible: the test images and
/// labels are the fixture's, the network's answers are drawn at random.
#pragma once

#include <cstdint>

#include "reprise/record/record.hpp"

namespace reprise::test {

struct TrainingRecordOptions {
  std::int64_t seed = 1;
  std::int64_t epochs = 6;
};

Record training_record(const TrainingRecordOptions& options = {});

}  // namespace reprise::test
