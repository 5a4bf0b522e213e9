#include "reprise/run/checkpoint.hpp"

#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/training_record.hpp"

namespace reprise {
namespace {

CheckpointRecord checkpoint_of(const TrainingRun& run) {
  TrainingState state = run.state();
  CheckpointRecord record;
  record.configuration = configuration_record(run.configuration());
  record.data = data_record(run.data());
  record.history = std::move(state.history);
  record.step_in_epoch = static_cast<std::int64_t>(state.step_in_epoch);
  record.epoch_loss = state.epoch_loss;
  record.epoch_errors = static_cast<std::int64_t>(state.epoch_errors);
  record.step_losses = std::move(state.step_losses);
  record.step_errors = std::move(state.step_errors);
  record.epoch_seconds = state.epoch_seconds;
  record.parameters = std::move(state.parameters);
  record.optimizer_steps = static_cast<std::int64_t>(state.optimizer.steps);
  record.beta1_power = state.optimizer.beta1_power;
  record.beta2_power = state.optimizer.beta2_power;
  record.optimizer_first = std::move(state.optimizer.first);
  if (!state.optimizer.second.empty()) record.optimizer_second = std::move(state.optimizer.second);
  return record;
}

TrainingState state_from(CheckpointRecord record) {
  TrainingState state;
  state.step_in_epoch = static_cast<std::uint64_t>(record.step_in_epoch);
  state.epoch_loss = record.epoch_loss;
  state.epoch_errors = static_cast<std::uint64_t>(record.epoch_errors);
  state.step_losses = std::move(record.step_losses);
  state.step_errors = std::move(record.step_errors);
  state.epoch_seconds = record.epoch_seconds;
  state.parameters = std::move(record.parameters);
  state.optimizer.steps = static_cast<std::uint64_t>(record.optimizer_steps);
  state.optimizer.beta1_power = record.beta1_power;
  state.optimizer.beta2_power = record.beta2_power;
  state.optimizer.first = std::move(record.optimizer_first);
  if (record.optimizer_second) state.optimizer.second = std::move(*record.optimizer_second);
  state.history = std::move(record.history);
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
        "the same configuration and data, or a start without " + flag_name("resume"));
  }
}

}  // namespace

std::string checkpoint_path(const std::string& output) {
  return output + ".checkpoint";
}

Record checkpoint_record(const TrainingRun& run) {
  return to_tree(checkpoint_of(run));
}

void save_checkpoint(const TrainingRun& run, const std::string& path) {
  save_record(checkpoint_record(run), path, Overwrite::yes);
}

void restore_checkpoint(TrainingRun& run, const std::string& path, const LoadOptions& options) {
  restore_checkpoint(run, load_record(path, "checkpoint", options), path);
}

void restore_checkpoint(TrainingRun& run, const Record& record, const std::string& path) {
  CheckpointRecord checkpoint = checkpoint_from(record, path);
  // How many epochs a run is to have does not change those that it has had.
  TrainingConfiguration expected = run.configuration();
  expected.epochs =
      errors_naming(path, [&] { return configuration_from(record.group("configuration")).epochs; });
  require_same(path, "configuration", to_group(expected), record.group("configuration"));
  require_same(path, "data", to_group(data_record(run.data())), record.group("data"));
  try {
    run.restore(state_from(std::move(checkpoint)));
  } catch (const Error& error) {
    throw Error(path, std::string("not a checkpoint of this run: ") + error.what(), "");
  }
}

}  // namespace reprise
