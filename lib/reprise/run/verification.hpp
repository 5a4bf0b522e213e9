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
  /// From good to bad.
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

/// What was found of a record's /study, by whoever knows the study: its label, and the settings
/// that follow from it. Each line is for people.
struct StudyFindings {
  bool is_judged = true;
  /// By a definition that belongs to this code: other code may have had another.
  bool is_installed = false;
  std::vector<std::string> differences{};  ///< none if it is as the study has it
  std::vector<std::string> notes{};        ///< what the study leaves open; why it is not judged
};

struct VerificationOptions {
  std::size_t epochs = 0;  ///< compare the first N epochs only; 0: the whole record
  std::size_t threads = 1;
  std::optional<StudyFindings> study{};  ///< without, /study is not judged
  /// All parameters that the run starts from, for a record that has the setting initial_sha256.
  std::vector<float> initial{};
};

/// Re-runs the training run in the record or the summary `tree` on `data`; of a summary, the digest
/// that it claims is compared, and its numbers. Nothing is copied from the record but
/// its settings, of which the TOML text (record/configuration_text.hpp) and the study, where it is
/// known, must say the same. `progress` may stop it by returning false. Error if the record breaks
/// its schema (record/schema.hpp), its settings are out of range, or it has fewer than `epochs`
/// epochs.
Verification verify_training(
    const Record& tree, const ImageDataset& data, const VerificationOptions& options,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress);

}  // namespace reprise
