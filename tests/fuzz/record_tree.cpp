// Trees of valid records with wrong values, as somebody can write them who computes digest and
// checksum anew: what all programs do with a record before they judge it or show it, and verify's
// judgement.
#include "reprise/record/record.hpp"

#include "inputs.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/training_record.hpp"
#include "reprise/run/verification.hpp"
#include "support/base_records.hpp"
#include "support/mutate_record.hpp"
#include "support/study_findings.hpp"  // of experiments

using namespace reprise;
using namespace reprise::fuzz;

namespace {

/// Of records of one format, the digest tells apart exactly those that differences() does.
void compare(const Record& original, const Record& changed) {
  require(differences(changed, changed).empty(), "a record does not differ from itself");
  const bool same = digest_of(original) == digest_of(changed);
  const bool alike = differences(original, changed, 5).empty();
  require(alike == differences(changed, original, 5).empty(), "records differ in either order");
  require(same == alike || format_of(original) != format_of(changed),
          "records differ exactly if their digests do");
}

/// Whether the record has the settings of the small run, so that running it again takes
/// milliseconds.
bool is_small_run(const Record& record) {
  const std::string small = to_toml(small_configuration("adam"));
  return accepted([&] {
    if (to_toml(configuration_from(record.group("configuration"))) != small) {
      throw Error("record", "other settings", "those of the small run");
    }
  });
}

/// The small run's own record, in whatever study.
bool is_of_small_run(Record record) {
  record.groups.erase("study");
  const Record& own = base_records().front();
  return format_of(record) != format_of(own) || digest_of(record) == digest_of(own);
}

/// Judges with a study or without, all epochs or the first. Other settings than the small run's are
/// judged on other data, where nothing is run.
void verify(const Record& record, bool with_study, std::size_t epochs) {
  static const Study study = read_study(REPRISE_STUDIES "/overlapping_pooling.toml");
  VerificationOptions options;
  options.epochs = epochs;
  if (with_study) options.study = judge_study(record, study);
  static const ImageDataset other_data;
  const bool is_run = is_small_run(record);
  const Verification judged =
      verify_training(record, is_run ? small_dataset() : other_data, options,
                      [](const TrainingRun&, std::size_t) { return true; });
  using Verdict = Verification::Verdict;
  require(!judged.findings.empty(), "a verdict has its reasons");
  require(is_run || judged.verdict == Verdict::cannot_judge || judged.verdict == Verdict::different,
          "other data does not agree");
  require(judged.verdict != Verdict::identical || is_of_small_run(record),
          "a record that differs from the run's is not identical");
}

/// What programs read of it; `how` is one of four ways to judge. Those that use its contents have
/// its schema checked first.
void read(const Record& record, std::size_t how) {
  accepted([&] { check(configuration_from(record.group("configuration"))); });
  accepted([&] { training_from(record, "record"); });
  accepted([&] {
    reports::Inputs inputs;
    reports::add_record({"record.h5", record}, inputs);
  });
  if (!accepted([&] { check_schema(record, "training", "record"); })) return;
  accepted([&] { verify(record, how % 2 == 0, how / 2); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::span<const Record> base = base_records();
  const std::size_t choice = input.below(4 * base.size());
  const Record& original = base[choice % base.size()];
  Record record = original;
  mutate(record, input);
  if (!accepted([&] { check_record(record); })) return 0;
  accepted([&] { compare(original, record); });  // a setting may have two names
  read(record, choice / base.size());
  return 0;
}
