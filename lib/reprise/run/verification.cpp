#include "reprise/run/verification.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/summary.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/provenance.hpp"
#include "reprise/run/training_record.hpp"

namespace reprise {
namespace {

using Lines = std::vector<std::string>;
using Verdict = Verification::Verdict;

void add(Lines& lines, const Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

/// Why this may be other code than the record's; "" if it is the same. Outside a git checkout
/// nobody knows, and two commits that are unknown need not be the same.
std::string code_reservation(const TrainingRecord& record, bool is_of_summary) {
  const Group& then = record.environment;
  const SourceVersion& now = source_version();
  const auto& commit = then.attribute<std::string>("git_commit");
  if (commit == "unknown" || now.commit == "unknown") {
    return fmt::format("not known to be the same code: the record is of commit {}, this is {}",
                       commit, now.commit);
  }
  if (commit != now.commit) {
    return fmt::format("other code: the record is of commit {}, this is {}", commit, now.commit);
  }
  if (is_of_summary) {  // which does not have the changes
    const bool clean = then.attributes.count("git_dirty") > 0 &&
                       then.attribute<std::int64_t>("git_dirty") == 0 && now.diff.empty();
    return clean ? "" : "perhaps other code: there are uncommitted changes";
  }
  const bool same_diff = then.values<std::string>("git_diff").front() == clean_text(now.diff);
  return same_diff ? "" : "other code: the uncommitted changes differ";
}

/// Why another machine may have given the record; "" if that makes no difference.
std::string machine_reservation(const TrainingRecord& record,
                                const TrainingConfiguration& configuration) {
  if (conv_algorithm(configuration.conv_algorithm).reproducibility != Reproducibility::machine)
    return "";
  const auto& then = record.environment.attribute<std::string>("cpu");
  if (then == environment_group({}).attribute<std::string>("cpu")) return "";
  return fmt::format("{} is of class machine, and the record is of another CPU, {}",
                     configuration.conv_algorithm, then);
}

Lines data_differences(const DataRecord& record, const ImageDataset& data) {
  const std::vector<std::string>& names = record.file_names;
  const std::vector<std::string>& digests = record.file_sha256;
  Lines reasons;
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

/// Which published data set the record's SHA-256 are.
std::string data_line(const DataRecord& record) {
  std::vector<DataFile> files;
  for (const std::string& digest : record.file_sha256) files.push_back({"", digest});
  const std::string known = known_dataset(files);
  return known.empty() ? "unknown data, by the SHA-256 of its files"
                       : "data: " + known + ", by the SHA-256 of its files";
}

/// Which images the record judges by, where they are not the test set.
Lines holdout_lines(const TrainingConfiguration& configuration) {
  if (configuration.holdout == 0) return {};
  return {fmt::format("judged by {} of the training images, which were held out",
                      configuration.holdout_draw == "random"
                          ? fmt::format("{}, drawn at random,", configuration.holdout)
                          : fmt::format("the last {}", configuration.holdout))};
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

/// What is known of a run after its first epochs: all that comes before training, and their
/// history. Of /model that is all but the parameters.
Record first_epochs(const Record& record, const ModelRecord& model, std::size_t epochs) {
  Record part = record;
  part.groups.erase("evaluation");
  for (auto& [name, dataset] : part.groups["history"].datasets) {
    const bool by_epoch = !dataset.dimensions.empty() && dataset.dimensions[0] == "epoch";
    if (by_epoch) dataset = first_rows(dataset, epochs);
  }
  Group& kept = part.groups["model"];
  kept.attributes.erase("parameters_sha256");
  for (const LayerRecord& layer : model.layers) kept.groups.erase(layer.name);
  return part;
}

/// The same of a summary.
Record first_epochs_of_summary(const Record& summary, std::size_t epochs) {
  Record part;
  part.attributes["kind"] = summary.attributes.at("kind");
  for (const char* name : {"configuration", "data", "history"}) {
    part.groups[name] = summary.group(name);
  }
  for (auto& [name, dataset] : part.groups["history"].datasets) {
    dataset = first_rows(dataset, epochs);
  }
  return part;
}

/// What the run that was made again gives for a summary to be compared with. `now` is the tree of
/// the whole run, or that of its first epochs.
Record summary_again(const Record& now, const std::vector<EpochResult>& history, bool is_whole) {
  if (is_whole) return summary_of(now);
  Record part = now;
  part.attributes["kind"] = std::string("summary");
  part.groups.erase("model");
  Group& rows = part.groups["history"];
  rows.datasets.erase("step_loss");
  rows.datasets.erase("step_error");
  rows.datasets["step_wrong"] = list(packed_steps(history, now), "epoch");
  return part;
}

/// Where two histories first differ: by the losses of their steps, else by the parameters' digests.
std::string first_difference(const std::vector<EpochResult>& then,
                             const std::vector<EpochResult>& now) {
  for (std::size_t epoch = 0; epoch < std::min(then.size(), now.size()); ++epoch) {
    const std::vector<double>& a = then[epoch].step_losses;
    const std::vector<double>& b = now[epoch].step_losses;
    for (std::size_t step = 0; step < std::min(a.size(), b.size()); ++step) {
      if (a[step] == b[step]) continue;
      return fmt::format(
          "first difference at or before epoch {}, step {}: loss {:.17g} in the record, {:.17g} "
          "now",
          epoch + 1, step + 1, a[step], b[step]);
    }
    if (then[epoch].parameters_sha256 != now[epoch].parameters_sha256) {
      return fmt::format("first difference in epoch {}{}", epoch + 1,
                         a.empty() ? ", in the parameters after it"  // a summary has no such losses
                                   : ": its losses agree, the parameters after it do not");
    }
  }
  return "";
}

/// What the run gave when it was made again.
struct RunAgain {
  Record tree;
  std::vector<EpochResult> history;
};

/// Judges what the run gave, and names every place that differs: first where the two part in time.
/// `now` has the wanted epochs alone.
void compare(Record tree, const TrainingRecord& then, const RunAgain& now,
             const VerificationOptions& options, Verification& result) {
  constexpr std::size_t most = 20;
  tree.groups.erase("study");  // judged by itself
  Record again = now.tree;
  if (is_summary(tree)) {
    if (options.epochs > 0) tree = first_epochs_of_summary(tree, options.epochs);
    again = summary_again(again, now.history, options.epochs == 0);
  } else if (options.epochs > 0) {
    tree = first_epochs(tree, then.model, options.epochs);
  }
  const std::vector<RecordDifference> different = differences(tree, again, most);
  if (different.empty()) return;
  result.verdict = Verdict::different;
  const std::string parting = first_difference(then.history, now.history);
  if (!parting.empty()) result.findings.push_back(parting);
  for (const auto& [path, what] : different) result.findings.push_back(path + ": " + what);
  if (different.size() == most) result.findings.emplace_back("and perhaps more");
}

/// What contradicts the record without any run. No other code or machine explains it, but that an
/// installed study may be another's.
void judge_claims(const Record& tree, const TrainingRecord& record,
                  const VerificationOptions& options, Verification& result) {
  const Lines text = configuration_text_differences(tree);
  add(result.findings, text);
  if (!text.empty()) result.verdict = Verdict::different;
  if (!options.study || options.study->differences.empty()) return;
  add(result.findings, options.study->differences);
  const bool is_excused =
      options.study->is_installed && !code_reservation(record, is_summary(tree)).empty();
  result.verdict =
      std::max(result.verdict, is_excused ? Verdict::cannot_judge : Verdict::different);
}

/// A part of the record that no verdict covers.
struct NotJudged {
  bool applies;
  bool is_result;  ///< it belongs to what the digest covers: without it the record agrees in part
  std::string line;
};

std::vector<NotJudged> parts_not_judged(const Record& record, const VerificationOptions& options,
                                        bool agrees) {
  const bool has_study = record.groups.count("study") > 0;
  const std::string epochs = options.epochs == 1 ? "epoch" : count_of(options.epochs, "epoch");
  return {
      {options.epochs > 0, true,
       fmt::format("{} the first {} (evaluation and parameters not checked)",
                   agrees ? "agrees in" : "compared in", epochs)},
      {has_study && !options.study, true, "not judged: /study, the question and the claim"},
      {options.study && !options.study->is_judged, true, ""},  // its notes say why
      {record.attributes.count("program") > 0, false, "not judged: the program's name"},
      {true, false,
       "not judged: /environment (program, source, machine, times), which is as the record reports "
       "it"},
  };
}

/// Lists what the verdict covers and what it does not. Nothing is copied from the record.
void list_judged(const Record& record, const VerificationOptions& options, Verification& result) {
  const bool agrees = result.verdict == Verdict::identical;
  if (agrees && options.epochs == 0) {
    result.findings.push_back("everything judged agrees, digest sha256:" +
                              run_record_digest(record));
  }
  if (options.study) add(result.findings, options.study->notes);
  for (const NotJudged& part : parts_not_judged(record, options, agrees)) {
    if (!part.applies) continue;
    if (!part.line.empty()) result.findings.push_back(part.line);
    if (part.is_result) result.verdict = std::max(result.verdict, Verdict::partial);
  }
}

/// The run again, as far as the options want; nothing if `progress` stopped it.
std::optional<RunAgain> run_again(
    const TrainingConfiguration& configuration, const ImageDataset& data,
    const VerificationOptions& options, Verification& result,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress) {
  TrainingRun run(configuration, data, options.threads, options.initial);
  bool stopped = false;
  TrainingRun::Observer observer;
  observer.step = [&](std::size_t step, std::size_t) {
    stopped = stopped || !progress(run, step);
    // The first step after the wanted epochs ends the run; what it did is not compared.
    return !stopped && (options.epochs == 0 || run.epochs_done() < options.epochs);
  };
  run.train(observer);
  if (stopped) {
    result.verdict = Verdict::stopped;
    result.findings.push_back("stopped after " + count_of(run.epochs_done(), "epoch"));
    return std::nullopt;
  }
  return RunAgain{options.epochs > 0
                      ? unevaluated_tree(run)
                      : to_tree(training_record(run, evaluation_of(run), {}, {"", {}})),
                  run.history()};
}

}  // namespace

Verification verify_training(
    const Record& tree, const ImageDataset& data, const VerificationOptions& options,
    const std::function<bool(const TrainingRun&, std::size_t step)>& progress) {
  const TrainingRecord record =
      is_summary(tree) ? training_from_summary(tree, "summary") : training_from(tree, "record");
  Verification result;
  const TrainingConfiguration configuration = configuration_from(tree.group("configuration"));
  check(configuration);
  const std::size_t all = record.history.size();
  if (options.epochs > all) {
    throw Error("epochs", fmt::format("{}", options.epochs),
                fmt::format("at most {}, the record's", all));
  }
  result.findings.push_back(data_line(record.data));
  add(result.findings, holdout_lines(configuration));
  const Lines other_data = data_differences(record.data, data);
  if (!other_data.empty()) {
    result.verdict = Verdict::cannot_judge;
    add(result.findings, other_data);
    judge_claims(tree, record, options, result);
    return result;
  }
  const std::optional<RunAgain> now = run_again(configuration, data, options, result, progress);
  if (!now) return result;
  compare(tree, record, *now, options, result);
  Lines reservations;
  for (const std::string& reason :
       {code_reservation(record, is_summary(tree)), machine_reservation(record, configuration)}) {
    if (!reason.empty()) reservations.push_back(reason);
  }
  if (result.verdict == Verdict::different && !reservations.empty()) {
    result.verdict = Verdict::cannot_judge;
  }
  judge_claims(tree, record, options, result);
  list_judged(tree, options, result);
  add(result.findings, reservations);
  return result;
}

}  // namespace reprise
