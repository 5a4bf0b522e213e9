/// \file
/// Does a record say what its configuration gives? Runs it again and compares.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/record/record.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

struct Verification {
  enum class Verdict {
    identical,     ///< everything compared is the same to the bit
    different,     ///< same code, data and machine class, yet not the same
    cannot_judge,  ///< other data, or different under other code or on another machine
  };
  Verdict verdict = Verdict::identical;
  /// What was compared, what parts first (epoch, step, tensor, index, both values, distance), and
  /// what stands in the way of a judgement; one line each.
  std::vector<std::string> findings;
};

struct VerificationOptions {
  std::size_t epochs = 0;  ///< compare the first so many epochs only; 0: the whole record
  std::size_t threads = 1;
};

/// Re-runs the training run in `record` on `data`. `progress` may stop it by returning false (then
/// the verdict is cannot_judge). Error if the record is not a training run's.
Verification verify_training(
    const Record& record, const ImageDataset& data, const VerificationOptions& options,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress);

}  // namespace reprise
