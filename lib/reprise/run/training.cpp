#include "reprise/run/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/nn/models/lenet5.hpp"

namespace reprise {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Sequential make_model(const TrainingConfiguration& configuration, const ImageDataset& data) {
  return lenet5({data.train.height, data.train.width, data.train.channels}, data.class_names.size(),
                conv_algorithm(configuration.conv));
}

}  // namespace

std::string parameters_sha256(std::span<const float> parameters) {
  Sha256 hash;
  hash.update_floats(parameters);
  return hash.finish_hex();
}

TrainingRun::TrainingRun(const TrainingConfiguration& configuration, const ImageDataset& data,
                         std::size_t threads)
    : configuration_((check(configuration), configuration)),
      data_(data),
      threads_(threads),
      stream_(static_cast<std::uint64_t>(configuration.seed)),
      model_(make_model(configuration, data)) {
  const auto batch_size = static_cast<std::size_t>(configuration.batch_size);
  if (batch_size > data.train.count) {
    throw Error("setting batch_size", std::to_string(batch_size),
                fmt::format("at most the {} training images", data.train.count));
  }
  model_.initialize(stream_.child("parameters"));
  initial_sha256_ = parameters_sha256(model_.parameters());
  optimizer_ = make_optimizer_state(optimizer_options(configuration), model_.parameters().size());
  const auto block_size = std::min(batch_size, static_cast<std::size_t>(configuration.block_size));
  gradient_ = std::make_unique<BatchGradient>(model_, batch_size, block_size, threads,
                                              stream_.child("layers"));
}

std::size_t TrainingRun::steps_per_epoch() const {
  const auto batch_size = static_cast<std::size_t>(configuration_.batch_size);
  return (data_.train.count + batch_size - 1) / batch_size;
}

bool TrainingRun::train(const Observer& observer) {
  while (history_.size() < static_cast<std::size_t>(configuration_.epochs)) {
    const double started = seconds_now();
    const std::vector<std::uint32_t> order =
        epoch_order(stream_.child("order"), history_.size(), data_.train.count);
    while (step_in_epoch_ < steps_per_epoch()) {
      train_step(order);
      if (observer.step && !observer.step(step_in_epoch_, steps_per_epoch())) return false;
    }
    const EpochResult result = finish_epoch(seconds_now() - started);
    if (observer.epoch) observer.epoch(result);
  }
  return true;
}

void TrainingRun::train_step(const std::vector<std::uint32_t>& order) {
  const auto batch_size = static_cast<std::size_t>(configuration_.batch_size);
  const std::size_t first = step_in_epoch_ * batch_size;
  const std::size_t N = std::min(batch_size, order.size() - first);
  const std::span<const std::uint32_t> batch(order.data() + first, N);
  const auto source = [&](std::size_t begin, std::size_t count, float* images,
                          std::uint8_t* labels) {
    gather_images(data_.train, batch.subspan(begin, count), images);
    gather_labels(data_.train, batch.subspan(begin, count), labels);
  };
  const BatchGradient::Totals totals = gradient_->run(N, optimizer_.steps, source);
  if (!std::isfinite(totals.loss)) {
    throw Error(fmt::format("training, epoch {}, step {}", history_.size() + 1, step_in_epoch_ + 1),
                "the loss is not finite any more", "a smaller learning rate");
  }
  optimizer_step(optimizer_options(configuration_), optimizer_, configuration_.learning_rate,
                 model_.parameters(), gradient_->gradients());
  epoch_loss_ += totals.loss;
  epoch_errors_ += totals.errors;
  step_losses_.push_back(totals.loss / static_cast<double>(N));
  ++step_in_epoch_;
}

EpochResult TrainingRun::finish_epoch(double train_seconds) {
  const auto images = static_cast<double>(data_.train.count);
  const Evaluation test = evaluate(data_.test);
  EpochResult result;
  result.train_loss = epoch_loss_ / images;
  result.train_error = static_cast<double>(epoch_errors_) / images;
  result.test_loss = test.loss;
  result.test_error = test.error;
  result.learning_rate = configuration_.learning_rate;
  result.parameters_sha256 = parameters_sha256(model_.parameters());
  result.step_losses = std::exchange(step_losses_, {});
  result.train_seconds = train_seconds;
  history_.push_back(result);
  step_in_epoch_ = 0;
  epoch_loss_ = 0.0;
  epoch_errors_ = 0;
  return result;
}

Evaluation TrainingRun::evaluate(const ImageSet& images) const {
  const std::size_t classes = model_.output_shape().size();
  constexpr std::size_t block = 16;
  const std::size_t blocks = (images.count + block - 1) / block;
  Evaluation evaluation;
  evaluation.logits.resize(images.count * classes);
  std::vector<double> losses(blocks);
  std::vector<std::size_t> errors(blocks);
  std::vector<std::unique_ptr<BlockTape>> tapes(std::max<std::size_t>(1, threads_));
  parallel_for(threads_, blocks, [&](std::size_t task, std::size_t worker) {
    auto& tape = tapes[worker];
    if (!tape) tape = std::make_unique<BlockTape>(model_, block);
    BlockTape::Call call;
    call.first_image = task * block;
    call.N = std::min(block, images.count - call.first_image);
    std::vector<std::uint32_t> indices(call.N);
    for (std::size_t n = 0; n < call.N; ++n) {
      indices[n] = static_cast<std::uint32_t>(call.first_image + n);
    }
    gather_images(images, indices, tape->input());
    tape->forward(call);
    float* logits = evaluation.logits.data() + call.first_image * classes;
    std::copy_n(tape->output(), call.N * classes, logits);
    std::vector<float> probabilities(call.N * classes);
    std::vector<float> image_losses(call.N);
    const std::uint8_t* labels = images.labels.data() + call.first_image;
    softmax_cross_entropy_forward(call.N, classes, logits, labels, probabilities.data(),
                                  image_losses.data());
    for (std::size_t n = 0; n < call.N; ++n) {
      losses[task] += image_losses[n];
      if (argmax(classes, logits + n * classes) != labels[n]) ++errors[task];
    }
  });
  std::size_t wrong = 0;
  for (const std::size_t count : errors) wrong += count;
  evaluation.loss = pairwise_sum(losses) / static_cast<double>(images.count);
  evaluation.error = static_cast<double>(wrong) / static_cast<double>(images.count);
  return evaluation;
}

TrainingState TrainingRun::state() const {
  const std::span<const float> parameters = model_.parameters();
  return {step_in_epoch_,
          epoch_loss_,
          epoch_errors_,
          step_losses_,
          {parameters.begin(), parameters.end()},
          optimizer_,
          history_};
}

void TrainingRun::restore(const TrainingState& state) {
  if (state.parameters.size() != model_.parameters().size()) {
    throw Error("restore", fmt::format("{} parameters", state.parameters.size()),
                fmt::format("the model's {}", model_.parameters().size()));
  }
  std::copy(state.parameters.begin(), state.parameters.end(), model_.parameters().begin());
  optimizer_ = state.optimizer;
  step_in_epoch_ = state.step_in_epoch;
  epoch_loss_ = state.epoch_loss;
  epoch_errors_ = state.epoch_errors;
  step_losses_ = state.step_losses;
  history_ = state.history;
}

}  // namespace reprise
