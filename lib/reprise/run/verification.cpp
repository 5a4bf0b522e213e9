#include "reprise/run/verification.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training_record.hpp"

namespace reprise {
namespace {

/// What stands in the way of blaming the record for a difference: other code or another machine.
std::vector<std::string> reservations(const Record& record,
                                      const TrainingConfiguration& configuration) {
  const Group& then = record.group("environment");
  const Group now = environment_group({});
  std::vector<std::string> reasons;
  const auto& commit = then.attribute<std::string>("git_commit");
  if (commit != source_version().commit) {
    reasons.push_back(fmt::format("other code: the record is of commit {}, this is {}", commit,
                                  source_version().commit));
  } else if (then.values<std::string>("git_diff").front() != clean_text(source_version().diff)) {
    reasons.emplace_back("other code: the uncommitted changes differ");
  }
  const bool machine_class =
      conv_algorithm(configuration.conv).reproducibility == Reproducibility::machine;
  const auto& cpu = then.attribute<std::string>("cpu");
  if (machine_class && cpu != now.attribute<std::string>("cpu")) {
    reasons.push_back(fmt::format("{} is of class machine, and the record is of another CPU, {}",
                                  configuration.conv, cpu));
  }
  return reasons;
}

std::vector<std::string> data_differences(const Record& record, const ImageDataset& data) {
  const auto& names = record.values<std::string>("data/file_names");
  const auto& digests = record.values<std::string>("data/file_sha256");
  std::vector<std::string> reasons;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto same_name = [&](const DataFile& file) { return file.name == names[i]; };
    const auto found = std::find_if(data.files.begin(), data.files.end(), same_name);
    if (found == data.files.end()) {
      reasons.push_back(fmt::format("other data: there is no file {}", names[i]));
    } else if (found->sha256 != digests[i]) {
      reasons.push_back(fmt::format("other data: {} has sha256 {}, in the record {}", names[i],
                                    found->sha256, digests[i]));
    }
  }
  return reasons;
}

/// The first `epochs` rows of a dataset whose first axis is the epoch.
Dataset first_rows(Dataset dataset, std::size_t epochs) {
  const std::size_t rows = dataset.shape.at(0);
  std::visit(
      [&](auto& values) {
        values.resize(rows == 0 ? 0 : values.size() / rows * std::min(rows, epochs));
      },
      dataset.values);
  dataset.shape[0] = std::min(rows, epochs);
  return dataset;
}

/// /history of the first epochs, under its own name.
Record history_of(const Record& record, std::size_t epochs) {
  Record part;
  for (const auto& [name, dataset] : record.group("history").datasets) {
    part.groups["history"].datasets[name] = first_rows(dataset, epochs);
  }
  return part;
}

/// Where two histories part first: by the losses of their steps, else by the parameters' digests.
std::string first_parting(const Record& then, const Record& now) {
  const auto& a = then.values<double>("history/step_loss");
  const auto& b = now.values<double>("history/step_loss");
  const std::size_t steps = then.dataset("history/step_loss").shape.at(1);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] == b[i]) continue;
    return fmt::format(
        "they part at or before epoch {}, step {}: loss {:.17g} in the record, {:.17g} now",
        i / steps + 1, i % steps + 1, a[i], b[i]);
  }
  const auto& digests_a = then.values<std::string>("history/parameters_sha256");
  const auto& digests_b = now.values<std::string>("history/parameters_sha256");
  for (std::size_t i = 0; i < std::min(digests_a.size(), digests_b.size()); ++i) {
    if (digests_a[i] != digests_b[i]) {
      return fmt::format("they part in epoch {}: its losses agree, the parameters after it do not",
                         i + 1);
    }
  }
  return "the histories agree";
}

/// What agrees, or where the two part first in time and then in each part of the record.
void compare(const Record& then, const Record& now, std::size_t epochs, Verification& result) {
  const std::size_t all = then.values<std::int64_t>("history/epoch").size();
  const bool whole = epochs == 0;
  const Record history_then = history_of(then, whole ? all : epochs);
  const Record history_now = history_of(now, whole ? all : epochs);
  if (differences(whole ? then : history_then, whole ? now : history_now, 1).empty()) {
    result.findings.push_back(
        whole
            ? "everything outside /environment agrees, digest sha256:" + digest_of(then)
            : fmt::format("the first {} epochs agree: losses of each step, errors, digests of the "
                          "parameters",
                          epochs));
    return;
  }
  result.verdict = Verification::Verdict::different;
  result.findings.push_back(first_parting(history_then, history_now));
  if (!whole) return;
  for (const std::string part : {"history", "model", "evaluation"}) {
    Record a, b;
    a.groups[part] = then.group(part);
    b.groups[part] = now.group(part);
    for (const RecordDifference& difference : differences(a, b, 1)) {
      result.findings.push_back(difference.path + ": " + difference.what);
    }
  }
}

}  // namespace

Verification verify_training(
    const Record& record, const ImageDataset& data, const VerificationOptions& options,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress) {
  const auto kind = record.attributes.find("kind");
  if (kind == record.attributes.end() || kind->second != AttributeValue(std::string("training"))) {
    throw Error("verify", "a record that is not a training run's", "one that train_lenet5 saved");
  }
  Verification result;
  result.findings = data_differences(record, data);
  if (!result.findings.empty()) {
    result.verdict = Verification::Verdict::cannot_judge;
    return result;
  }
  const TrainingConfiguration configuration = configuration_from(record.group("configuration"));
  const std::vector<std::string> reasons = reservations(record, configuration);
  TrainingRun run(configuration, data, options.threads);
  const std::size_t epochs =
      options.epochs == 0
          ? 0
          : std::min<std::size_t>(options.epochs, static_cast<std::size_t>(configuration.epochs));
  bool stopped = false;
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t step, std::size_t) {
    stopped = stopped || !progress(run, step);
    // The first step after the wanted epochs ends the run; what it did is not compared.
    return !stopped && (epochs == 0 || run.epochs_done() < epochs);
  };
  run.train(observer);
  if (stopped) {
    result.verdict = Verification::Verdict::cannot_judge;
    result.findings.push_back(fmt::format("stopped after {} epochs", run.epochs_done()));
    return result;
  }
  compare(record, training_record(run, {}, labels_of(record)), epochs, result);
  if (result.verdict == Verification::Verdict::different && !reasons.empty()) {
    result.verdict = Verification::Verdict::cannot_judge;
  }
  result.findings.insert(result.findings.end(), reasons.begin(), reasons.end());
  return result;
}

}  // namespace reprise
