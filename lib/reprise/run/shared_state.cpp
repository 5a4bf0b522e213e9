// A training state of rank 0 for all ranks: only rank 0 reads checkpoints.
#include "reprise/run/ranks.hpp"
#include "reprise/run/training.hpp"

namespace reprise {
namespace {

void broadcast_epoch(Ranks& ranks, EpochResult& epoch) {
  for (double* value : {&epoch.train_loss, &epoch.train_error, &epoch.test_loss, &epoch.test_error,
                        &epoch.learning_rate, &epoch.train_seconds}) {
    broadcast_value(ranks, *value);
  }
  broadcast_list(ranks, epoch.parameters_sha256);
  broadcast_list(ranks, epoch.step_losses);
  broadcast_list(ranks, epoch.step_errors);
}

void broadcast_state(Ranks& ranks, TrainingState& state) {
  for (std::uint64_t* value : {&state.step_in_epoch, &state.epoch_errors, &state.optimizer.steps}) {
    broadcast_value(ranks, *value);
  }
  for (double* value : {&state.epoch_loss, &state.epoch_seconds, &state.optimizer.beta1_power,
                        &state.optimizer.beta2_power}) {
    broadcast_value(ranks, *value);
  }
  broadcast_list(ranks, state.step_losses);
  broadcast_list(ranks, state.step_errors);
  for (std::vector<float>* values :
       {&state.parameters, &state.optimizer.first, &state.optimizer.second}) {
    broadcast_list(ranks, *values);
  }
  std::uint64_t epochs = state.history.size();
  broadcast_value(ranks, epochs);
  state.history.resize(static_cast<std::size_t>(epochs));
  for (EpochResult& epoch : state.history) broadcast_epoch(ranks, epoch);
}

}  // namespace

void TrainingRun::take_state_of_first() {
  if (ranks_.size() == 1) return;
  TrainingState of_first = state();
  broadcast_state(ranks_, of_first);
  if (!ranks_.is_first()) restore(of_first);
}

}  // namespace reprise
