/// \file
/// Is a record what its study says? Its label and its settings follow from the study's definition,
/// the variant, the role and the seed; nothing is taken from the record but these, the number of
/// epochs and that of training images, which a study leaves to whoever runs it.
#pragma once

#include <optional>
#include <string>

#include "reprise/record/record.hpp"
#include "reprise/run/verification.hpp"
#include "support/study.hpp"

namespace reprise {

/// Judges a training run's record by a study, whatever study the record names; one without /study
/// by the variant whose settings it comes closest to. The record fits its
/// schema (record/schema.hpp).
StudyFindings judge_study(const Record& record, const Study& study);

/// Judges a record that has a group /study by the study of the name that it gives, among those that
/// came with this program; where there is none, not judged, which `notes` tells. A record names no
/// file that is then opened. Nothing for a record without /study. Error if the study's file cannot
/// be read.
std::optional<StudyFindings> judge_by_installed_study(const Record& record);

}  // namespace reprise
