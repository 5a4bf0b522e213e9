#include "support/study_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

using Lines = std::vector<std::string>;

/// Where a group of the record is not what the study makes of it; `who` names what says so.
void compare(const std::string& group, const Group& found, const Group& expected,
             const std::string& who, Lines& lines) {
  Record a, b;
  a.attributes = b.attributes = {{"kind", "training"}};
  a.groups[group] = found;
  b.groups[group] = expected;
  for (const auto& [path, what] : differences(a, b)) {
    lines.push_back(fmt::format("{}: {} {}", path, what, who));
  }
}

std::optional<std::size_t> variant_of(const Study& study, const std::string& name) {
  for (std::size_t v = 0; v < study.variants.size(); ++v) {
    if (study.variants[v].name == name) return v;
  }
  return std::nullopt;
}

std::string variant_names(const Study& study) {
  Lines names;
  for (const Variant& variant : study.variants) names.push_back(variant.name);
  return join(names);
}

/// Pilots have seeds of their own, and there are none where the study tries no learning rates.
void check_role(const Study& study, bool is_pilot, std::int64_t seed, Lines& lines) {
  if (is_pilot && study.learning_rates.empty()) {
    lines.push_back(fmt::format(
        "/study@role: \"pilot\" against \"measured\": the study {} has no pilots", study.name));
  }
  const auto& pilots = study.pilot_seeds;
  const bool of_pilots = std::find(pilots.begin(), pilots.end(), seed) != pilots.end();
  if (is_pilot == of_pilots) return;
  lines.push_back(fmt::format(
      "/configuration@seed: {}, and {} {} of the study's pilots, which are never measured", seed,
      fmt::join(pilots, ", "), pilots.size() == 1 ? "is the seed" : "are the seeds"));
}

/// The learning rate, which pilots choose, must be one that they can choose.
void take_rate(const Study& study, bool is_pilot, double rate, TrainingConfiguration& expected,
               StudyFindings& findings) {
  if (study.learning_rates.empty()) return;
  std::vector<double> allowed = possible_rates(study);
  // Earlier releases measured at the study's own rate where every pilot had diverged.
  if (!is_pilot) allowed.push_back(expected.learning_rate);
  if (std::find(allowed.begin(), allowed.end(), rate) == allowed.end()) {
    findings.differences.push_back(
        fmt::format("/configuration@learning_rate: {}, and the study {} tries {}", rate, study.name,
                    fmt::join(study.learning_rates, ", ")));
  } else if (!is_pilot) {
    findings.notes.push_back(
        fmt::format("not judged: whether the study's pilots choose the learning rate {}", rate));
  }
  expected.learning_rate = rate;
}

/// What the study leaves to whoever runs it, where the record has it otherwise than the study's
/// file.
void note_scale(const Study& study, const StudyScale& scale, Lines& notes) {
  const StudyScale own = scale_of(study);
  const auto note = [&](const char* setting, std::int64_t here, std::int64_t there) {
    if (here == there) return;
    notes.push_back(fmt::format("left open by the study: {}, {} here and {} in its file", setting,
                                here, there));
  };
  note("epochs", scale.epochs, own.epochs);
  note("train_images", scale.train_images, own.train_images);
}

void judge_settings(const Record& record, const Study& study, std::size_t variant, bool is_pilot,
                    StudyFindings& findings) {
  const Group& group = record.group("configuration");
  const TrainingConfiguration found = configuration_from(group);
  const StudyScale scale = {found.epochs, found.train_images};
  TrainingConfiguration expected = study_configuration(study, variant, found.seed, scale);
  if (is_pilot) {
    expected.stop_train_error = 0.0;
    expected.stop_flat_epochs = 0;
  }
  check_role(study, is_pilot, found.seed, findings.differences);
  take_rate(study, is_pilot, found.learning_rate, expected, findings);
  compare("configuration", group, to_group(expected),
          fmt::format("by variant {} of the study {}", study.variants[variant].name, study.name),
          findings.differences);
  note_scale(study, scale, findings.notes);
}

/// Of a record that does not say what it is in the study: it is what fits best.
StudyFindings judge_unlabelled(const Record& record, const Study& study) {
  const std::int64_t seed = configuration_from(record.group("configuration")).seed;
  const auto& pilots = study.pilot_seeds;
  const bool is_pilot = !study.learning_rates.empty() &&
                        std::find(pilots.begin(), pilots.end(), seed) != pilots.end();
  std::optional<StudyFindings> best;
  for (std::size_t v = 0; v < study.variants.size(); ++v) {
    StudyFindings findings;
    judge_settings(record, study, v, is_pilot, findings);
    if (!best || findings.differences.size() < best->differences.size()) best = findings;
  }
  return *best;
}

}  // namespace

StudyFindings judge_study(const Record& record, const Study& study) {
  StudyFindings findings;
  const auto label = record.groups.find("study");
  if (label == record.groups.end()) {
    try {
      return judge_unlabelled(record, study);
    } catch (const Error& error) {
      findings.differences.push_back(
          fmt::format("/configuration is none of the study {}: {}", study.name, error.what()));
      return findings;
    }
  }
  const auto& name = label->second.attribute<std::string>("variant");
  const std::optional<std::size_t> variant = variant_of(study, name);
  if (!variant) {
    findings.differences.push_back(fmt::format("/study@variant: \"{}\"; the study {} has {}", name,
                                               study.name, variant_names(study)));
    return findings;
  }
  const auto& role = label->second.attribute<std::string>("role");
  compare("study", label->second, to_group(study_label(study, *variant, role)),
          "by the study " + study.name, findings.differences);
  try {
    judge_settings(record, study, *variant, role == "pilot", findings);
  } catch (const Error& error) {
    findings.differences.push_back(
        fmt::format("/configuration is none of the study {}: {}", study.name, error.what()));
  }
  return findings;
}

std::optional<StudyFindings> judge_by_installed_study(const Record& record) {
  const auto label = record.groups.find("study");
  if (label == record.groups.end()) return std::nullopt;
  const auto& name = label->second.attribute<std::string>("name");
  Lines known;
  for (const std::string& file : study_files()) {
    known.push_back(study_name_of(file));
    if (std::filesystem::path(file).stem() != name) continue;
    StudyFindings findings = judge_study(record, read_study(file));
    findings.is_installed = true;
    return findings;
  }
  StudyFindings findings;
  findings.is_judged = false;
  findings.notes.push_back(
      fmt::format("not judged: /study, since \"{}\" is none of the known studies ({}); --study "
                  "FILE judges by a study's file",
                  name, join(known)));
  return findings;
}

}  // namespace reprise
