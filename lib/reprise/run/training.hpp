/// \file
/// A training run: a pure function of configuration and data, one step at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/data/augmentation.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/ranked_gradient.hpp"
#include "reprise/run/ranks.hpp"
#include "reprise/run/run_streams.hpp"
#include "reprise/run/thread_governor.hpp"

namespace reprise {

/// Everything a run needs to go on from where it is.
struct TrainingState {
  std::uint64_t step_in_epoch = 0;  ///< steps done in the epoch that comes after history's last
  double epoch_loss = 0.0;          ///< sum over the images of those steps
  std::uint64_t epoch_errors = 0;
  std::vector<double> step_losses;  ///< of those steps
  std::vector<double> step_errors;
  double epoch_seconds = 0.0;  ///< that they took
  std::vector<float> parameters;
  OptimizerState optimizer;
  std::vector<EpochResult> history;
};

/// The loss overflowed: the learning rate is too large.
class Diverged : public Error {
 public:
  using Error::Error;
};

/// The model that the settings ask for, for images of this shape, of which it takes the part that
/// they say; its parameters not set yet. Error as make_model()
/// (nn/models/models.hpp), or if the setting `layers` does not fit the model.
Sequential make_model(const TrainingConfiguration& configuration, const FeatureShape& image,
                      std::size_t classes);
/// The same for images and classes like the data's.
Sequential make_model(const TrainingConfiguration& configuration, const ImageDataset& data);

class TrainingRun {
 public:
  /// Starts from `initial`, all parameters as Sequential has them; empty: drawn from the seed.
  /// Error if the settings are out of range or do not fit the data (a batch larger than it, another
  /// holdout than it was loaded with), or `initial` has another SHA-256 than the setting
  /// initial_sha256, which is empty where `initial` is; or if there are more ranks than images in a
  /// batch. With several ranks each makes the same run, on `threads` threads of its own, and calls
  /// train() and evaluation_of() as the others do; all have the same state and results.
  TrainingRun(const TrainingConfiguration& configuration, const ImageDataset& data,
              std::size_t threads, std::span<const float> initial = {}, Ranks& ranks = one_rank());
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;

  /// Who is told how far the run is, on each rank. `step` may stop the run by returning false: with
  /// several ranks all stop, after the same step, which is the next one or the next but one.
  struct Observer {
    std::function<bool(std::size_t steps_done, std::size_t steps_in_epoch)> step;
    std::function<void(const EpochResult& result)> epoch;
  };
  /// Trains on until ends_training(), or until the observer stops it; true if it got there.
  bool train(const Observer& observer);

  [[nodiscard]] const TrainingConfiguration& configuration() const { return configuration_; }
  [[nodiscard]] const Sequential& model() const { return model_; }
  /// As the run splits it.
  [[nodiscard]] const ImageDataset& data() const { return data_; }
  /// What the network is given of an image.
  [[nodiscard]] const ImageInput& input() const { return input_; }
  [[nodiscard]] const std::string& initial_parameters_sha256() const { return initial_sha256_; }
  /// The images that an epoch passes over: the first train_images of those for training.
  [[nodiscard]] std::size_t train_images() const;
  [[nodiscard]] std::size_t steps_per_epoch() const;
  [[nodiscard]] std::size_t threads() const { return threads_; }
  [[nodiscard]] Ranks& ranks() const { return ranks_; }
  [[nodiscard]] std::size_t epochs_done() const { return history_.size(); }
  [[nodiscard]] const std::vector<EpochResult>& history() const { return history_; }

  /// A copy of the state, and the way back to it; Error if the state cannot be one of this run.
  [[nodiscard]] TrainingState state() const;
  void restore(const TrainingState& state);
  /// The state of rank 0 becomes that of all ranks.
  void take_state_of_first();

 private:
  [[nodiscard]] bool is_finished() const;
  void start_from(std::span<const float> initial);
  [[nodiscard]] double learning_rate() const;
  /// Returns the images of the step.
  std::size_t train_step(const std::vector<std::uint32_t>& order);
  EpochResult finish_epoch();

  TrainingConfiguration configuration_;
  std::optional<ImageDataset> drawn_;  ///< the data, if its split is the run's own
  const ImageDataset& data_;
  std::size_t threads_;
  Ranks& ranks_;
  bool wishes_to_stop_ = false;
  bool stops_ = false;
  ThreadGovernor governor_;
  RunStreams streams_;
  ImageInput input_;
  Augmentation augmentation_;
  Sequential model_;
  std::unique_ptr<BatchGradient> gradient_;
  std::unique_ptr<RankedGradient> ranked_gradient_;
  std::string initial_sha256_;
  OptimizerState optimizer_;
  std::uint64_t step_in_epoch_ = 0;
  double epoch_loss_ = 0.0;
  std::uint64_t epoch_errors_ = 0;
  std::vector<double> step_losses_, step_errors_;
  double epoch_seconds_ = 0.0;
  std::vector<EpochResult> history_;
};

/// Whether training ends with the last of these epochs: it is the last one, or stop_train_error or
/// stop_flat_epochs end it. Requires at least one epoch.
bool ends_training(const TrainingConfiguration& configuration, std::span<const EpochResult> epochs);

/// Error, naming what was found and what was expected, unless the state can be one that the run
/// passes through: every count and size fits the configuration and the model, losses are finite,
/// error fractions lie in 0..1, and the parameters have the digest of the epoch that they end.
void check_state(const TrainingState& state, const TrainingRun& run);

/// SHA-256 of parameters: their count, then their bits.
std::string parameters_sha256(std::span<const float> parameters);

}  // namespace reprise
