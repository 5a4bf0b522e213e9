#include "reprise/nn/batch_gradient.hpp"

#include <algorithm>

#include "reprise/core/parallel.hpp"
#include "reprise/nn/losses.hpp"

namespace reprise {

BatchGradient::BatchGradient(const Sequential& model, std::size_t batch_size,
                             std::size_t block_size, std::size_t threads,
                             const RandomStream& stream)
    : model_(model), block_size_(block_size), threads_(threads) {
  const std::size_t blocks = (batch_size + block_size - 1) / block_size;
  for (std::size_t worker = 0; worker < std::min(threads, blocks); ++worker) {
    tapes_.push_back(std::make_unique<BlockTape>(model, block_size, 1, stream));
  }
  gradients_ = make_aligned_buffer<float>(blocks * model.parameters().size());
}

BatchGradient::Totals BatchGradient::run(std::size_t N, std::uint64_t step, const Source& source) {
  const std::size_t blocks = (N + block_size_ - 1) / block_size_;
  const std::size_t parameters = model_.parameters().size();
  std::vector<double> losses(blocks);
  std::vector<std::size_t> errors(blocks);
  parallel_for(tapes_.size(), blocks, [&](std::size_t block, std::size_t worker) {
    BlockTape::Call call;
    call.first_image = block * block_size_;
    call.N = std::min(block_size_, N - call.first_image);
    call.training = true;
    call.step = step;
    const Totals totals = run_block(*tapes_[worker], call, 1.0F / static_cast<float>(N), source,
                                    {gradients_.get() + block * parameters, parameters});
    losses[block] = totals.loss;
    errors[block] = totals.errors;
  });
  pairwise_sum(threads_, gradients_.get(), blocks, parameters, parameters);
  Totals totals;
  totals.loss = pairwise_sum(losses);
  for (const std::size_t count : errors) totals.errors += count;
  return totals;
}

BatchGradient::Totals BatchGradient::run_block(BlockTape& tape, const BlockTape::Call& call,
                                               float scale, const Source& source,
                                               std::span<float> gradients) const {
  const std::size_t classes = model_.output_shape().size();
  std::vector<std::uint8_t> labels(call.N);
  std::vector<float> losses(call.N);
  source(call.first_image, call.N, tape.input(), labels.data());
  tape.forward(call);
  softmax_cross_entropy_forward(call.N, classes, tape.output(), labels.data(), tape.grad_output(),
                                losses.data());
  Totals totals;
  for (std::size_t n = 0; n < call.N; ++n) {
    totals.loss += losses[n];
    if (argmax(classes, tape.output() + n * classes) != labels[n]) ++totals.errors;
  }
  softmax_cross_entropy_backward(call.N, classes, tape.grad_output(), labels.data(), scale,
                                 tape.grad_output());
  tape.backward(call, gradients);
  return totals;
}

std::span<const float> BatchGradient::gradients() const {
  return {gradients_.get(), model_.parameters().size()};
}

}  // namespace reprise
