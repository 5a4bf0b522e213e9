// The gradient of a batch: blocks of images one by one, their sums by a pairwise tree over block
// indices.
#include "reprise/nn/batch_gradient.hpp"

#include <algorithm>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/long_sum.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/nn/losses.hpp"

namespace reprise {

BatchGradient::BatchGradient(const Sequential& model, std::size_t batch_size,
                             std::size_t block_size, std::size_t threads,
                             const RandomStream& stream)
    : model_(model),
      block_size_(block_size),
      threads_(std::max<std::size_t>(threads, 1)),
      threads_in_use_(threads_) {
  const std::size_t parameters = model.parameters().size();
  const std::size_t blocks = div_ceil(batch_size, block_size);
  const std::size_t level = level_of(blocks);
  const std::size_t tasks = (blocks + (std::size_t{1} << level) - 1) >> level;
  for (std::size_t i = 0; i < std::min(threads_, std::max<std::size_t>(tasks, 1)); ++i) {
    Worker worker{std::make_unique<BlockWorkspace>(model, block_size, 1, stream), {}};
    for (std::size_t sum = 0; sum < level; ++sum) {
      worker.sums.push_back(make_aligned_buffer<float>(parameters));
    }
    workers_.push_back(std::move(worker));
  }
  // A smaller batch may have more tasks, but not more than these.
  have_gradients(std::min(blocks, 4 * threads_));
}

std::size_t BatchGradient::stride() const {
  return model_.parameters().size() + kSpareFloats;
}

void BatchGradient::have_gradients(std::size_t count) {
  if (count <= gradient_count_) return;
  gradients_.reset();  // before the larger one is taken
  gradients_ = make_aligned_buffer<float>(count * stride());
  gradient_count_ = count;
}

void BatchGradient::use_threads(std::size_t threads) {
  threads_in_use_ = std::clamp<std::size_t>(threads, 1, threads_);
}

std::size_t BatchGradient::level_of(std::size_t blocks) const {
  // Two tasks at least for each thread, so that a slower one holds up no other.
  const std::size_t wanted = threads_ <= 1 ? 1 : 2 * threads_;
  std::size_t level = 0;
  while ((blocks >> (level + 1)) >= wanted) ++level;
  return level;
}

std::size_t BatchGradient::blocks_of(std::size_t N) const {
  return div_ceil(N, block_size_);
}

std::vector<BatchGradient::Subtree> BatchGradient::subtrees_in(const Range& range,
                                                               std::size_t blocks,
                                                               std::size_t level) {
  std::vector<Subtree> subtrees;
  for (std::size_t first = range.first; first < range.end;) {
    const auto end_of = [&](std::size_t l) {
      return std::min(blocks, first + (std::size_t{1} << l));
    };
    std::size_t l = 0;
    while (l < level && first % (std::size_t{2} << l) == 0 && end_of(l + 1) <= range.end) ++l;
    subtrees.push_back({first, l, nullptr, {}});
    first = end_of(l);
  }
  return subtrees;
}

std::vector<BatchGradient::Subtree> BatchGradient::run_range(std::size_t N, std::uint64_t step,
                                                             const Source& source,
                                                             const Range& range) {
  const FloatEnvironment environment;
  const std::size_t blocks = blocks_of(N);
  std::vector<Subtree> tasks = subtrees_in(range, blocks, level_of(range.end - range.first));
  have_gradients(tasks.size());
  Batch batch{
      N, blocks, step, source, std::vector<double>(blocks), std::vector<std::size_t>(blocks)};
  parallel_for(std::min(threads_in_use_, workers_.size()), tasks.size(),
               [&](std::size_t task, std::size_t worker) {
                 Subtree& subtree = tasks[task];
                 subtree.gradient = gradients_.get() + task * stride();
                 run_subtree(batch, subtree.first, subtree.level, workers_[worker],
                             subtree.gradient);
               });
  for (Subtree& subtree : tasks) {
    const std::size_t count = std::min(std::size_t{1} << subtree.level, blocks - subtree.first);
    subtree.totals.loss = pairwise_sum(std::span(batch.losses).subspan(subtree.first, count));
    for (std::size_t i = 0; i < count; ++i)
      subtree.totals.errors += batch.errors[subtree.first + i];
  }
  return tasks;
}

BatchGradient::Totals BatchGradient::run(std::size_t N, std::uint64_t step, const Source& source) {
  const std::vector<Subtree> parts = run_range(N, step, source, {0, blocks_of(N)});
  pairwise_sum(threads_in_use_, gradients_.get(), parts.size(), stride(),
               model_.parameters().size());
  std::vector<double> losses;
  Totals totals;
  for (const Subtree& part : parts) {
    losses.push_back(part.totals.loss);
    totals.errors += part.totals.errors;
  }
  totals.loss = pairwise_sum(losses);
  return totals;
}

void BatchGradient::run_subtree(Batch& batch, std::size_t first, std::size_t level,
                                const Worker& worker, float* gradients) const {
  const std::size_t parameters = model_.parameters().size();
  if (level == 0) return run_block(batch, first, *worker.workspace, {gradients, parameters});
  const std::size_t middle = first + (std::size_t{1} << (level - 1));
  run_subtree(batch, first, level - 1, worker, gradients);
  if (middle >= batch.blocks) return;
  float* const other = worker.sums[level - 1].get();
  run_subtree(batch, middle, level - 1, worker, other);
  for (std::size_t i = 0; i < parameters; ++i) gradients[i] += other[i];
}

void BatchGradient::run_block(Batch& batch, std::size_t block, BlockWorkspace& workspace,
                              std::span<float> gradients) const {
  BlockWorkspace::Call call;
  call.first_image = block * block_size_;
  call.N = std::min(block_size_, batch.N - block * block_size_);
  call.training = true;
  call.step = batch.step;
  const std::size_t classes = model_.output_shape().size();
  std::vector<std::uint8_t> labels(call.N);
  std::vector<float> losses(call.N);
  batch.source(call.first_image, call.N, workspace.input(), labels.data());
  workspace.forward(call);
  softmax_cross_entropy_forward(call.N, classes, workspace.output(), labels.data(),
                                workspace.grad_output(), losses.data());
  batch.losses[block] =
      long_sum<double>(call.N, [&](std::size_t n) { return static_cast<double>(losses[n]); });
  for (std::size_t n = 0; n < call.N; ++n) {
    if (argmax(classes, workspace.output() + n * classes) != labels[n]) ++batch.errors[block];
  }
  softmax_cross_entropy_backward(call.N, classes, workspace.grad_output(), labels.data(),
                                 static_cast<float>(1.0 / static_cast<double>(batch.N)),
                                 workspace.grad_output());
  workspace.backward(call, gradients);
}

std::span<const float> BatchGradient::gradients() const {
  return {gradients_.get(), model_.parameters().size()};
}

}  // namespace reprise
