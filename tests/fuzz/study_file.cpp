// TOML files of studies: each run of one that is read has settings that go together, and is judged
// to be the study's.
#include <algorithm>

#include "support/fuzz.hpp"
#include "support/study_findings.hpp"  // of experiments

using namespace reprise;
using namespace reprise::fuzz;

namespace {

/// The first seed that no pilot has.
std::int64_t measured_seed(const Study& study) {
  std::int64_t seed = 1;
  const auto& pilots = study.pilot_seeds;
  while (std::find(pilots.begin(), pilots.end(), seed) != pilots.end()) ++seed;
  return seed;
}

/// The parts of a run's record that follow from the study.
Record record_of(const Study& study, std::size_t variant, const std::string& role,
                 const StudyScale& scale) {
  const bool is_pilot = role == "pilot";
  const TrainingConfiguration settings =
      is_pilot ? pilot_configuration(study, variant, study.pilot_seeds.front(), scale,
                                     study.learning_rates.front())
               : study_configuration(study, variant, measured_seed(study), scale);
  check(settings);
  Record record;
  record.attributes["kind"] = "training";
  record.groups["configuration"] = to_group(settings);
  record.groups["study"] = to_group(study_label(study, variant, role));
  check_record(record);
  return record;
}

void check_runs(const Study& study, const StudyScale& scale) {
  for (std::size_t variant = 0; variant < study.variants.size(); ++variant) {
    for (const std::string role : {"measured", "pilot"}) {
      if (role == "pilot" && study.learning_rates.empty()) continue;
      const Record record = record_of(study, variant, role, scale);
      require(judge_study(record, study).differences.empty(), "a study's run is the study's");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Study study;
  if (!accepted([&] { study = read_study(write_scratch("study.toml", {bytes, size})); })) return 0;
  require(study.variants.size() >= 2, "a study has variants");
  require(accepted([&] { check_runs(study, scale_of(study)); }), "a study that is read can be run");
  StudyScale quick = scale_of(study);
  quick.epochs = study.quick_epochs;
  require(accepted([&] { check_runs(study, quick); }), "a study that is read can be tried quickly");
  return 0;
}
