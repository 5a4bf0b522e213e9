/// \file
/// The gradient of a batch's mean loss, computed in fixed blocks of images on any number of
/// threads.
///
/// A block goes forward and backward through the whole model on one thread, while its activations
/// are in that core's cache; the blocks' gradients are then added by a pairwise tree over block
/// indices. Batch and block size fix the tree, so the number of threads cannot show.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "reprise/nn/sequential.hpp"

namespace reprise {

class BatchGradient {
 public:
  /// For batches of up to `batch_size` images in blocks of `block_size`. `stream` is the model's,
  /// for layers that draw random numbers.
  BatchGradient(const Sequential& model, std::size_t batch_size, std::size_t block_size,
                std::size_t threads, const RandomStream& stream);

  /// Puts images and labels first .. first+count-1 of the batch where it is told; called from
  /// several threads at once.
  using Source = std::function<void(std::size_t first, std::size_t count, float* images,
                                    std::uint8_t* labels)>;
  struct Totals {
    double loss = 0.0;       ///< sum over images of the softmax cross-entropy
    std::size_t errors = 0;  ///< images whose likeliest class is not their label
  };
  /// Threads from now on, at most as many as at construction.
  void use_threads(std::size_t threads);
  /// Works a batch of N images; `step` counts the optimizer's steps before this one.
  Totals run(std::size_t N, std::uint64_t step, const Source& source);

  /// The gradient that run left, laid out as the model's parameters.
  [[nodiscard]] std::span<const float> gradients() const;

 private:
  /// What a batch's blocks need; results by block.
  struct Batch {
    std::size_t N, blocks;
    std::uint64_t step;
    const Source& source;
    std::vector<double> losses;
    std::vector<std::size_t> errors;
  };
  /// What one thread works with.
  struct Worker {
    std::unique_ptr<BlockWorkspace> workspace;
    std::vector<AlignedBuffer<float>> sums;  ///< a gradient for each level of a subtree
  };
  /// A subtree over blocks [first, first + 2^level), as far as there are such blocks.
  void run_subtree(Batch& batch, std::size_t first, std::size_t level, const Worker& worker,
                   float* gradients) const;
  void run_block(Batch& batch, std::size_t block, BlockWorkspace& workspace,
                 std::span<float> gradients) const;
  /// A task is 2^level blocks of a batch of so many.
  [[nodiscard]] std::size_t level_of(std::size_t blocks) const;

  const Sequential& model_;
  std::size_t block_size_;
  std::size_t threads_;
  std::size_t threads_in_use_;
  std::vector<Worker> workers_;
  AlignedBuffer<float> gradients_;  ///< one array per task
};

}  // namespace reprise
