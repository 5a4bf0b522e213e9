/// \file
/// The summary of a finished training run: what is small in its record, and the record's digest, as
/// a TOML file (docs/summary_format.md). It stands for the record where that is not kept: a study
/// counts the run as done, report and audit take its numbers, verify runs it again and compares the
/// digest, which a summary only claims.
///
/// As a tree it is a record of the kind "summary", whose schema is a part of a training run's
/// (description.hpp); /history/step_error is packed as /history/step_wrong. Summaries come from
/// strangers like records.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reprise/record/contents.hpp"

namespace reprise {

inline constexpr std::string_view kSummaryFormat = "reprise summary 1";
inline constexpr std::size_t kMaxSummaryBytes = std::size_t{4} << 20;

/// Whether the tree is a summary.
bool is_summary(const Record& record);

/// The summary of a training run's record, as a tree. Error if the record breaks its schema, is of
/// format 1, or belongs to a study by itself (/study).
Record summary_of(const Record& record);

/// The digest of a run's record: computed, or, by a summary, claimed.
std::string run_record_digest(const Record& record);

/// A summary as a TOML file, the same bytes for the same tree. Error if it has more than
/// kMaxSummaryBytes.
std::string summary_text(const Record& summary);
/// The way back. Error in one line that begins with `where`: too large, no TOML, another format, a
/// key that is unknown (with the nearest known one) or of another type, what breaks the schema, a
/// number that contradicts another, or a text that is not the one that summary_text writes.
Record summary_from_text(const std::string& where, const std::string& text);

/// The training run that a summary tells of, with the errors of its steps; what a summary leaves
/// out is empty. Error, naming `where`, if it breaks the schema.
TrainingRecord training_from_summary(const Record& summary, const std::string& where);

/// /history/step_wrong for the first epochs of a run whose /configuration and /data are the
/// record's: of each epoch, the images of each step's batch that were wrong, in as many hexadecimal
/// digits as the largest batch needs. Error if a step's error is not a whole number of images.
std::vector<std::string> packed_steps(const std::vector<EpochResult>& history,
                                      const Record& record);

}  // namespace reprise
