/// \file
/// Does a record say what its configuration gives? Runs it again and compares.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reprise/data/dataset.hpp"
#include "reprise/record/record.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

struct Verification {
  enum class Verdict {
    identical,     ///< all outside /environment is the same to the bit, and all was judged
    partial,       ///< what was judged is the same; a part was not
    cannot_judge,  ///< other data, or different under other code or on another machine
    different,     ///< same code, data and machine class, yet not the same
    stopped,       ///< by `progress`
  };
  Verdict verdict = Verdict::identical;
  /// What was compared, what parts first (epoch, step, tensor, index, both values, distance), every
  /// other place that differs, what was not judged, and what stands in the way of a judgement; one
  /// line each.
  std::vector<std::string> findings;
};

struct VerificationOptions {
  std::size_t epochs = 0;  ///< compare the first so many epochs only; 0: the whole record
  std::size_t threads = 1;
  std::optional<Group> study{};  ///< what /study must be; without, it is not judged
};

/// Re-runs the training run in `record` on `data`. Nothing is copied from the record but its
/// settings. `progress` may stop it by returning false. Error if the record breaks its schema
/// (record/schema.hpp), its settings are out of range, or it has fewer than `epochs` epochs.
Verification verify_training(
    const Record& record, const ImageDataset& data, const VerificationOptions& options,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress);

}  // namespace reprise
