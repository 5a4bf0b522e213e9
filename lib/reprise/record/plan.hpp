/// \file
/// The plan of a study: what is to be run and by which rule it is judged, written into a store of
/// runs before the first of them (docs/statistics.md).
///
/// A run is named by the digest of its configuration and its data, so that studies that need the
/// same run share it, and a record need not say which study it serves. Plans come from strangers
/// like records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/record/record.hpp"
#include "reprise/record/study_question.hpp"

namespace reprise {

/// The SHA-256, as 64 hexadecimal digits, of this text: for each setting of /configuration that
/// differs from its format's default (format.hpp) the line "NAME = VALUE" by its name in the format
/// (setting_line of configuration_text.hpp), in the order of the names' bytes; then a line
/// `data = "SHA256"` for each file of the data set, in the order of /data.
std::string run_digest(const Group& configuration, const std::vector<std::string>& data_sha256);
/// The same of a training run's record, whose groups /configuration and /data are whole.
std::string run_digest(const Record& record);

/// Fit to be a file's name anywhere, with no way out of its folder: at most 64 letters, digits, _,
/// - and . with a letter, digit or _ first.
bool is_plain_name(std::string_view name);
inline constexpr const char* kPlainName =
    "letters, digits, _, - and . with a letter, digit or _ first";

/// What a study compares its variants by.
std::vector<std::string> measure_names();

struct PlannedVariant {
  std::string name, description;
  std::string expectation;     ///< "lower", "higher", "same" or "", as in StudyRecord
  double learning_rate = 0.0;  ///< of its measured runs; 0 where pilots have yet to choose it
};

struct PlannedRun {
  std::string variant;
  std::string role;  ///< "measured" or "pilot"
  std::int64_t seed = 0;
  double learning_rate = 0.0;
  std::string digest;  ///< run_digest()
};

/// Where pilots choose the learning rates there are two plans: the first has the pilots alone, the
/// second, which follows from their records, all runs.
struct StudyPlan : StudyQuestion {
  std::string tested_instead;  ///< what stands for the paper's scale, "" if that is reached
  std::string rule;            ///< of the verdict
  std::int64_t epochs = 1;     ///< at most
  std::int64_t train_images = 0;
  std::vector<std::int64_t> seeds, pilot_seeds;
  std::vector<double> learning_rates;  ///< that pilots try, with the extensions so far
  std::string follows;                 ///< SHA-256 of the first plan's file; "" in the first
  std::string data;                    ///< the data set's name
  std::vector<std::string> data_sha256;
  std::vector<PlannedVariant> variants;  ///< the first is the baseline
  std::vector<PlannedRun> runs;

  [[nodiscard]] bool has_measured_runs() const;
};

inline constexpr std::size_t kMaxPlanBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxPlannedRuns = 20'000;
inline constexpr std::size_t kMaxSeeds = 1000;

/// A plan as a TOML file, the same bytes for the same plan.
std::string plan_text(const StudyPlan& plan);
/// The way back. Error in one line that begins with `where`: not TOML, a key that is missing,
/// unknown (with the nearest known one) or of another type, too many of anything, a name that is
/// not plain, a digest that is not one, a run of no variant, a run twice.
StudyPlan plan_from(const std::string& where, const std::string& text);

/// "line 7: epochs = 3 against epochs = 2", the first line in which two texts differ; "" for none.
std::string first_difference(std::string_view text, std::string_view other);

}  // namespace reprise
