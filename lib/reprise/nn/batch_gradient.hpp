/// \file
/// The gradient of a batch's mean loss, computed in fixed blocks of images on any number of
/// threads.
///
/// A block goes forward and backward through the whole model on one thread, while its activations
/// are in that core's cache; the blocks' gradients are then added by a pairwise tree over block
/// indices. Batch and block size fix the tree, so the number of threads cannot show. Nor does that
/// of processes, each of which computes a range of blocks and leaves the sums of the subtrees in
/// it, for whoever adds them up the same tree (run/ranked_gradient.hpp).
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
    std::size_t errors = 0;  ///< images whose predicted class is not their label
  };
  /// Threads from now on, at most as many as at construction.
  void use_threads(std::size_t threads);
  /// Processes a batch of N images; `step` counts the optimizer's steps before this one.
  Totals run(std::size_t N, std::uint64_t step, const Source& source);

  /// Blocks [first, end) of a batch.
  struct Range {
    std::size_t first, end;
  };
  /// A node of the tree over a batch's blocks: blocks first .. first + 2^level - 1, those of them
  /// that the batch has, and the sums over these.
  struct Subtree {
    std::size_t first, level;
    float* gradient;  ///< as the model's parameters; kSpareFloats more may be written behind them
    Totals totals;
  };
  static constexpr std::size_t kSpareFloats = 8;
  /// Processes the blocks in `range` of a batch of N images. Their sums, by subtrees that cover the
  /// range in ascending order, are valid until the next call.
  std::vector<Subtree> run_range(std::size_t N, std::uint64_t step, const Source& source,
                                 const Range& range);
  [[nodiscard]] std::size_t blocks_of(std::size_t N) const;

  /// The gradient that run left, laid out as the model's parameters: that of the first subtree,
  /// which is there after a range without blocks too, for a sum that somebody else has computed.
  [[nodiscard]] std::span<const float> gradients() const;
  /// The place that gradients() shows, with room for kSpareFloats more.
  [[nodiscard]] float* gradient_memory() { return gradients_.get(); }

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
  /// A subtree over blocks [first, first + 2^level), those of them that the batch has.
  void run_subtree(Batch& batch, std::size_t first, std::size_t level, const Worker& worker,
                   float* gradients) const;
  void run_block(Batch& batch, std::size_t block, BlockWorkspace& workspace,
                 std::span<float> gradients) const;
  /// A task is at most 2^level blocks, where there are so many.
  [[nodiscard]] std::size_t level_of(std::size_t blocks) const;
  /// The largest subtrees of at most 2^level blocks that lie in the range.
  [[nodiscard]] static std::vector<Subtree> subtrees_in(const Range& range, std::size_t blocks,
                                                        std::size_t level);
  void have_gradients(std::size_t count);
  [[nodiscard]] std::size_t stride() const;

  const Sequential& model_;
  std::size_t block_size_;
  std::size_t threads_;
  std::size_t threads_in_use_;
  std::vector<Worker> workers_;
  AlignedBuffer<float> gradients_;  ///< an array of stride() values per task
  std::size_t gradient_count_ = 0;
};

}  // namespace reprise
