// Whether a training state can be one of a run: checkpoints come from files, and a state that does
// not fit would train on to another result.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reprise/core/error.hpp"
#include "reprise/run/training.hpp"

namespace reprise {
namespace {

class StateChecks {
 public:
  explicit StateChecks(const TrainingRun& run) : run_(run), steps_(run.steps_per_epoch()) {}

  void check(const TrainingState& state) const {
    const auto epochs = static_cast<std::size_t>(run_.configuration().epochs);
    require(state.history.size() <= epochs, "epochs", state.history.size(),
            fmt::format("at most the {} of the configuration", epochs));
    require(state.step_in_epoch <= steps_, "steps in the epoch", state.step_in_epoch,
            fmt::format("at most {}", steps_));
    const std::span<const EpochResult> history = state.history;
    for (std::size_t n = 1; n <= history.size(); ++n) {
      const bool goes_on = n < history.size() || state.step_in_epoch > 0;
      require(!goes_on || !ends_training(run_.configuration(), history.first(n)),
              "epochs and steps", fmt::format("after epoch {}", n), "none, as it ends training");
    }
    check_parameters(state);
    check_optimizer(state);
    check_unfinished_epoch(state);
    for (std::size_t i = 0; i < state.history.size(); ++i) check_epoch(state.history[i], i);
    if (state.step_in_epoch == 0 && !state.history.empty()) {
      const std::string digest = parameters_sha256(state.parameters);
      require(digest == state.history.back().parameters_sha256, "parameters", digest,
              "the digest of the last epoch, " + state.history.back().parameters_sha256);
    }
  }

 private:
  template <class Given>
  static void require(bool holds, const char* what, const Given& given,
                      const std::string& expected) {
    if (!holds) throw Error("state", fmt::format("{} {}", what, given), expected);
  }

  template <class Number>
  static void require_size(const std::vector<Number>& values, const char* what,
                           std::size_t expected) {
    require(values.size() == expected, what, fmt::format("with {} values", values.size()),
            std::to_string(expected));
  }

  template <class Number>
  static void require_finite(const std::vector<Number>& values, const char* what) {
    const auto found =
        std::find_if(values.begin(), values.end(), [](Number x) { return !std::isfinite(x); });
    if (found != values.end()) throw Error("state", fmt::format("{} {}", what, *found), "finite");
  }

  void check_parameters(const TrainingState& state) const {
    require_size(state.parameters, "parameters", run_.model().parameters().size());
  }

  void check_optimizer(const TrainingState& state) const {
    const OptimizerOptions options = optimizer_options(run_.configuration());
    const OptimizerState& found = state.optimizer;
    const std::size_t parameters = run_.model().parameters().size();
    const bool adam = options.kind == OptimizerKind::adam;
    require_size(found.first, "the optimizer's first moments", parameters);
    require_size(found.second, "the optimizer's second moments",
                 has_second(options.kind) ? parameters : 0);
    const std::size_t steps = state.history.size() * steps_ + state.step_in_epoch;
    require(found.steps == steps, "the optimizer's steps", found.steps,
            fmt::format("{}, those of the epochs", steps));
    double beta1 = 1.0;
    double beta2 = 1.0;
    for (std::size_t step = 0; adam && step < steps; ++step) {
      beta1 *= options.beta1;
      beta2 *= options.beta2;
    }
    require(found.beta1_power == beta1, "beta1_power", found.beta1_power, fmt::format("{}", beta1));
    require(found.beta2_power == beta2, "beta2_power", found.beta2_power, fmt::format("{}", beta2));
    const auto negative = std::find_if(found.second.begin(), found.second.end(),
                                       [](float value) { return value < 0.0F; });
    require(negative == found.second.end(), "second moments", "below 0", "0 or more");
  }

  void check_unfinished_epoch(const TrainingState& state) const {
    require_size(state.step_losses, "losses of steps", state.step_in_epoch);
    require_size(state.step_errors, "errors of steps", state.step_in_epoch);
    require_finite(state.step_losses, "the loss of a step is");
    require_fractions(state.step_errors);
    require(std::isfinite(state.epoch_loss), "the loss of the epoch is", state.epoch_loss,
            "finite");
    require(state.epoch_errors <= run_.train_images(), "misclassified images", state.epoch_errors,
            fmt::format("at most {}", run_.train_images()));
  }

  void check_epoch(const EpochResult& epoch, std::size_t index) const {
    require_size(epoch.step_losses, "losses of an epoch's steps", steps_);
    require_size(epoch.step_errors, "errors of an epoch's steps", steps_);
    require_finite(epoch.step_losses, "the loss of a step is");
    require_fractions(epoch.step_errors);
    require(std::isfinite(epoch.train_loss), "the training loss of an epoch is", epoch.train_loss,
            "finite");
    const double rate = learning_rate_of(run_.configuration(), index);
    require(epoch.learning_rate == rate, "the learning rate of an epoch is", epoch.learning_rate,
            fmt::format("{}", rate));
    require_fractions({epoch.train_error, epoch.test_error});
  }

  static void require_fractions(const std::vector<double>& values) {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [](double x) { return !(x >= 0.0 && x <= 1.0); });
    if (found != values.end()) {
      throw Error("state", fmt::format("an error of {}", *found), "a fraction from 0 to 1");
    }
  }

  const TrainingRun& run_;
  std::size_t steps_;
};

}  // namespace

void check_state(const TrainingState& state, const TrainingRun& run) {
  StateChecks(run).check(state);
}

}  // namespace reprise
