// What a step of training costs, and what was tried: LeNet-5, batch 128 in blocks of 16, Adam, one
// thread of an AVX-512 core with 1 MiB of L2, as shares of libtorch's time for the same epoch in
// the same sitting (its floor by arithmetic alone, dense and at the core's peak, is 0.22):
//   0.70  layers one by one
//   0.49  ReLU, Adam and the bias gradients in vectors (ReLU's backward pass branched on signs)
//   0.36  convolution gradients leave out the zeros that pooling leaves (direct_sparse_*.cpp),
//         dense layers do without packing (gemm_unpacked.cpp)
//   0.34  ReLU worked within the pooling behind it; lanes across images in forward convolutions
//         (direct_images.cpp); one test for NaN per pooling window; the next image prefetched
// Tried and left: vectors of half the width in the sparse weight gradient (1.5 times its time,
// though fewer loads cross cache lines); blocks of 8, 32 or 64 images (within 7% of 16). What is
// left, by time: forward convolutions a third, their gradients a third, dense layers a sixth.
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
