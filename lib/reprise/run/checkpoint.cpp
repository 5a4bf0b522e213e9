#include "reprise/run/checkpoint.hpp"

#include <algorithm>

#include "reprise/core/error.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/record_file.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/run/training_record.hpp"

namespace reprise {
namespace {

Group state_group(const TrainingState& state) {
  Group group;
  group.attributes = {
      {"step_in_epoch", static_cast<std::int64_t>(state.step_in_epoch)},
      {"epoch_loss", state.epoch_loss},
      {"epoch_errors", static_cast<std::int64_t>(state.epoch_errors)},
      {"optimizer_steps", static_cast<std::int64_t>(state.optimizer.steps)},
      {"beta1_power", state.optimizer.beta1_power},
      {"beta2_power", state.optimizer.beta2_power},
  };
  group.datasets["step_loss"] = list(state.step_losses, "step");
  group.datasets["step_error"] = list(state.step_errors, "step");
  group.datasets["parameters"] = list(state.parameters, "parameter");
  group.datasets["optimizer_first"] = list(state.optimizer.first, "parameter");
  if (!state.optimizer.second.empty()) {
    group.datasets["optimizer_second"] = list(state.optimizer.second, "parameter");
  }
  return group;
}

Group history_group(const std::vector<EpochResult>& history) {
  Group group;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const EpochResult& result = history[i];
    char name[32];
    std::snprintf(name, sizeof(name), "epoch_%06zu", i + 1);
    group.groups[name].attributes = {
        {"train_loss", result.train_loss},       {"train_error", result.train_error},
        {"test_loss", result.test_loss},         {"test_error", result.test_error},
        {"learning_rate", result.learning_rate}, {"parameters_sha256", result.parameters_sha256},
    };
    group.groups[name].datasets["step_loss"] = list(result.step_losses, "step");
    group.groups[name].datasets["step_error"] = list(result.step_errors, "step");
  }
  return group;
}

/// How long it took: no part of the result.
Group environment_group(const TrainingState& state) {
  Group group;
  group.attributes["epoch_seconds"] = state.epoch_seconds;
  std::vector<double> seconds;
  for (const EpochResult& result : state.history) seconds.push_back(result.train_seconds);
  group.datasets["seconds_per_epoch"] = list(std::move(seconds), "epoch");
  return group;
}

std::vector<EpochResult> history_from(const Group& group) {
  std::vector<EpochResult> history;
  for (const auto& [name, epoch] : group.groups) {
    EpochResult result;
    result.train_loss = epoch.attribute<double>("train_loss");
    result.train_error = epoch.attribute<double>("train_error");
    result.test_loss = epoch.attribute<double>("test_loss");
    result.test_error = epoch.attribute<double>("test_error");
    result.learning_rate = epoch.attribute<double>("learning_rate");
    result.parameters_sha256 = epoch.attribute<std::string>("parameters_sha256");
    result.step_losses = epoch.values<double>("step_loss");
    result.step_errors = epoch.values<double>("step_error");
    history.push_back(result);
  }
  return history;
}

/// From where the record's format keeps it.
void take_seconds(const Record& record, TrainingState& state) {
  if (format_of(record) == 1) {
    state.epoch_seconds = record.group("state").attribute<double>("epoch_seconds");
    auto result = state.history.begin();
    for (const auto& [name, epoch] : record.group("history").groups) {
      (result++)->train_seconds = epoch.attribute<double>("train_seconds");
    }
    return;
  }
  const Group& environment = record.group("environment");
  state.epoch_seconds = environment.attribute<double>("epoch_seconds");
  const auto& seconds = environment.values<double>("seconds_per_epoch");
  for (std::size_t i = 0; i < std::min(seconds.size(), state.history.size()); ++i) {
    state.history[i].train_seconds = seconds[i];
  }
}

TrainingState state_from(const Record& record) {
  const Group& group = record.group("state");
  const auto count = [&](const std::string& name) {
    return static_cast<std::uint64_t>(group.attribute<std::int64_t>(name));
  };
  TrainingState state;
  state.step_in_epoch = count("step_in_epoch");
  state.epoch_loss = group.attribute<double>("epoch_loss");
  state.epoch_errors = count("epoch_errors");
  state.step_losses = group.values<double>("step_loss");
  state.step_errors = group.values<double>("step_error");
  state.parameters = group.values<float>("parameters");
  state.optimizer.steps = count("optimizer_steps");
  state.optimizer.beta1_power = group.attribute<double>("beta1_power");
  state.optimizer.beta2_power = group.attribute<double>("beta2_power");
  state.optimizer.first = group.values<float>("optimizer_first");
  if (group.datasets.count("optimizer_second") != 0) {
    state.optimizer.second = group.values<float>("optimizer_second");
  }
  state.history = history_from(record.group("history"));
  take_seconds(record, state);
  return state;
}

/// Error unless `found` is what the run has under `part`.
void require_same(const std::string& path, const std::string& part, const Group& expected,
                  const Group& found) {
  Record a, b;
  a.attributes = b.attributes = {{"kind", "checkpoint"}};
  a.groups[part] = expected;
  b.groups[part] = found;
  const std::vector<RecordDifference> different = differences(a, b, 1);
  if (!different.empty()) {
    throw Error(
        path,
        "a checkpoint of another run: " + different[0].path + " differs, " + different[0].what,
        "the same configuration and data, or a start without --resume");
  }
}

}  // namespace

std::string checkpoint_path(const std::string& output) {
  return output + ".checkpoint";
}

Record checkpoint_record(const TrainingRun& run) {
  const TrainingState state = run.state();
  Record record;
  record.attributes["kind"] = std::string("checkpoint");
  record.groups["configuration"] = to_group(run.configuration());
  record.groups["data"] = data_group(run.data());
  record.groups["history"] = history_group(state.history);
  record.groups["state"] = state_group(state);
  record.groups["environment"] = environment_group(state);
  return record;
}

void save_checkpoint(const TrainingRun& run, const std::string& path) {
  save_record(checkpoint_record(run), path, Overwrite::yes);
}

void restore_checkpoint(TrainingRun& run, const std::string& path, const LoadOptions& options) {
  restore_checkpoint(run, load_record(path, "checkpoint", options), path);
}

void restore_checkpoint(TrainingRun& run, const Record& record, const std::string& path) {
  check_schema(record, "checkpoint", path);
  // How many epochs a run is to have does not change those that it has had.
  TrainingConfiguration expected = run.configuration();
  expected.epochs =
      errors_naming(path, [&] { return configuration_from(record.group("configuration")).epochs; });
  require_same(path, "configuration", to_group(expected), record.group("configuration"));
  require_same(path, "data", data_group(run.data()), record.group("data"));
  try {
    run.restore(state_from(record));
  } catch (const Error& error) {
    throw Error(path, std::string("not a checkpoint of this run: ") + error.what(), "");
  }
}

}  // namespace reprise
