#include "reprise/run/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/layer_settings.hpp"

namespace reprise {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::size_t images_of(const TrainingConfiguration& configuration, const ImageDataset& data) {
  return configuration.train_images == 0 ? data.train.count
                                         : static_cast<std::size_t>(configuration.train_images);
}

/// Error if the settings do not fit the data.
void check_fit(const TrainingConfiguration& configuration, const ImageDataset& data) {
  const std::size_t images = images_of(configuration, data);
  const auto batch_size = static_cast<std::size_t>(configuration.batch_size);
  if (static_cast<std::size_t>(configuration.holdout) != data.holdout) {
    throw Error("setting holdout", std::to_string(configuration.holdout),
                fmt::format("{}, as the data was loaded", data.holdout));
  }
  if (images > data.train.count) {
    throw Error("setting train_images", std::to_string(images),
                fmt::format("at most the {} training images {}", data.train.count,
                            data.holdout == 0 ? "there are" : "that are not held out"));
  }
  if (batch_size > images) {
    throw Error("setting batch_size", std::to_string(batch_size),
                fmt::format("at most the {} training images", images));
  }
}

/// What the network is given of the data's images.
ImageInput input_of(const TrainingConfiguration& configuration, const ImageDataset& data) {
  return image_input(image_input_options(configuration), data.train,
                     images_of(configuration, data));
}

double least_train_error(std::span<const EpochResult> epochs) {
  double least = epochs.front().train_error;
  for (const EpochResult& epoch : epochs) least = std::min(least, epoch.train_error);
  return least;
}

/// The last epochs bring hardly less training error than those before them, at one learning rate.
bool is_flat(const TrainingConfiguration& c, std::span<const EpochResult> epochs) {
  constexpr double kLess = 0.98;
  const auto last = static_cast<std::size_t>(c.stop_flat_epochs);
  if (last == 0 || epochs.size() <= last) return false;
  const bool may_drop = learning_rate_of(c, static_cast<std::size_t>(c.epochs)) !=
                        learning_rate_of(c, epochs.size() - last);
  if (may_drop) return false;
  const std::size_t before = epochs.size() - last;
  return least_train_error(epochs.subspan(before)) >
         kLess * least_train_error(epochs.first(before));
}

}  // namespace

Sequential make_model(const TrainingConfiguration& configuration, const FeatureShape& image,
                      std::size_t classes) {
  FeatureShape input = image;
  if (configuration.crop > 0) {
    input.height = input.width = static_cast<std::size_t>(configuration.crop);
  }
  Sequential model = make_model(configuration.model, input, classes, configuration.model_options,
                                conv_algorithm(configuration.conv_algorithm));
  set_initializers(configuration, model);
  return model;
}

bool ends_training(const TrainingConfiguration& c, std::span<const EpochResult> epochs) {
  if (epochs.size() >= static_cast<std::size_t>(c.epochs)) return true;
  if (c.stop_train_error > 0.0 && epochs.back().train_error <= c.stop_train_error) return true;
  return is_flat(c, epochs);
}

Sequential make_model(const TrainingConfiguration& configuration, const ImageDataset& data) {
  return make_model(configuration, {data.train.height, data.train.width, data.train.channels},
                    data.class_names.size());
}

std::string parameters_sha256(std::span<const float> parameters) {
  Sha256 hash;
  hash.update_floats(parameters);
  return hash.finish_hex();
}

TrainingRun::TrainingRun(const TrainingConfiguration& configuration, const ImageDataset& data,
                         std::size_t threads, std::span<const float> initial, Ranks& ranks)
    : configuration_((check(configuration), configuration)),
      drawn_((check_fit(configuration, data), drawn_split(configuration, data))),
      data_(drawn_ ? *drawn_ : data),
      threads_(threads),
      ranks_(ranks),
      governor_(threads),
      streams_(configuration),
      input_(input_of(configuration, data_)),
      augmentation_(augmentation_options(configuration), data_.train, streams_.augmentation,
                    input_),
      model_(make_model(configuration, data)) {
  const auto batch_size = static_cast<std::size_t>(configuration.batch_size);
  if (ranks.size() > batch_size) {
    throw Error("ranks", std::to_string(ranks.size()),
                fmt::format("at most {}, the images of a batch", batch_size));
  }
  start_from(initial);
  initial_sha256_ = parameters_sha256(model_.parameters());
  optimizer_ = make_optimizer_state(optimizer_options(configuration), model_.parameters().size());
  const auto block_size = std::min(batch_size, static_cast<std::size_t>(configuration.block_size));
  gradient_ =
      std::make_unique<BatchGradient>(model_, batch_size, block_size, threads, streams_.layers);
  ranked_gradient_ =
      std::make_unique<RankedGradient>(ranks, *gradient_, model_.parameters().size());
}

void TrainingRun::start_from(std::span<const float> initial) {
  const std::string& wanted = configuration_.initial_sha256;
  if (initial.empty() && wanted.empty()) {
    model_.initialize(streams_.parameters);
    return;
  }
  if (initial.empty()) {
    throw Error("setting initial_sha256",
                "the run starts from weights from a file, which was not given",
                option_name("initial") + " with the file of the weights " + wanted);
  }
  if (initial.size() != model_.parameters().size()) {
    throw Error("initial weights", fmt::format("{} values", initial.size()),
                fmt::format("{}, as the network has", model_.parameters().size()));
  }
  const std::string found = parameters_sha256(initial);
  if (found != wanted) {
    throw Error("initial weights", "SHA-256 " + found,
                wanted.empty() ? "the setting initial_sha256 with it" : wanted);
  }
  std::copy(initial.begin(), initial.end(), model_.parameters().begin());
}

std::size_t TrainingRun::train_images() const {
  return images_of(configuration_, data_);
}

std::size_t TrainingRun::steps_per_epoch() const {
  const auto batch_size = static_cast<std::size_t>(configuration_.batch_size);
  return div_ceil(train_images(), batch_size);
}

bool TrainingRun::is_finished() const {
  return !history_.empty() && ends_training(configuration_, history_);
}

double TrainingRun::learning_rate() const {
  return learning_rate_of(configuration_, history_.size());
}

bool TrainingRun::train(const Observer& observer) {
  const FloatEnvironment environment;
  while (!is_finished()) {
    const std::vector<std::uint32_t> order =
        epoch_order(streams_.order, history_.size(), train_images());
    while (step_in_epoch_ < steps_per_epoch()) {
      const double started = seconds_now();
      const std::size_t images = train_step(order);
      const double seconds = seconds_now() - started;
      epoch_seconds_ += seconds;
      governor_.record_step(images, seconds);
      wishes_to_stop_ = observer.step && !observer.step(step_in_epoch_, steps_per_epoch());
      if (ranks_.size() == 1 ? wishes_to_stop_ : stops_) return false;
    }
    const EpochResult result = finish_epoch();
    if (observer.epoch) observer.epoch(result);
  }
  return true;
}

std::size_t TrainingRun::train_step(const std::vector<std::uint32_t>& order) {
  const auto batch_size = static_cast<std::size_t>(configuration_.batch_size);
  const std::size_t first = step_in_epoch_ * batch_size;
  const std::size_t N = std::min(batch_size, order.size() - first);
  const std::span<const std::uint32_t> batch(order.data() + first, N);
  const auto source = [&](std::size_t begin, std::size_t count, float* images,
                          std::uint8_t* labels) {
    augmentation_.gather(data_.train, batch.subspan(begin, count), history_.size(), images);
    gather_labels(data_.train, batch.subspan(begin, count), labels);
  };
  gradient_->use_threads(governor_.threads());
  const auto [totals, stops] =
      ranked_gradient_->run(N, optimizer_.steps, source, governor_.threads(), wishes_to_stop_);
  stops_ = stops;
  if (!std::isfinite(totals.loss)) {
    throw Diverged(
        fmt::format("training, epoch {}, step {}", history_.size() + 1, step_in_epoch_ + 1),
        "the loss became infinite or NaN", "a smaller learning rate");
  }
  optimizer_step(optimizer_options(configuration_), optimizer_,
                 parameter_groups(configuration_, model_, history_.size()), model_.parameters(),
                 gradient_->gradients(), governor_.threads());
  epoch_loss_ += totals.loss;
  epoch_errors_ += totals.errors;
  step_losses_.push_back(totals.loss / static_cast<double>(N));
  step_errors_.push_back(static_cast<double>(totals.errors) / static_cast<double>(N));
  ++step_in_epoch_;
  return N;
}

EpochResult TrainingRun::finish_epoch() {
  const auto images = static_cast<double>(train_images());
  const ImageViews centre = {input_, {centre_view(input_, data_.test)}};
  const Evaluation test = evaluate(model_, data_.test, centre, threads_, ranks_);
  EpochResult result;
  result.train_loss = epoch_loss_ / images;
  result.train_error = static_cast<double>(epoch_errors_) / images;
  result.test_loss = test.loss;
  result.test_error = test.error;
  result.learning_rate = learning_rate();
  result.parameters_sha256 = parameters_sha256(model_.parameters());
  result.step_losses = std::exchange(step_losses_, {});
  result.step_errors = std::exchange(step_errors_, {});
  result.train_seconds = std::exchange(epoch_seconds_, 0.0);
  history_.push_back(result);
  step_in_epoch_ = 0;
  epoch_loss_ = 0.0;
  epoch_errors_ = 0;
  return result;
}

TrainingState TrainingRun::state() const {
  const std::span<const float> parameters = model_.parameters();
  return {step_in_epoch_,
          epoch_loss_,
          epoch_errors_,
          step_losses_,
          step_errors_,
          epoch_seconds_,
          {parameters.begin(), parameters.end()},
          optimizer_,
          history_};
}

void TrainingRun::restore(const TrainingState& state) {
  check_state(state, *this);
  std::copy(state.parameters.begin(), state.parameters.end(), model_.parameters().begin());
  optimizer_ = state.optimizer;
  step_in_epoch_ = state.step_in_epoch;
  epoch_loss_ = state.epoch_loss;
  epoch_errors_ = state.epoch_errors;
  step_losses_ = state.step_losses;
  step_errors_ = state.step_errors;
  epoch_seconds_ = state.epoch_seconds;
  history_ = state.history;
}

}  // namespace reprise
