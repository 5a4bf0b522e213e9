/// \file
/// The gradient of a batch whose blocks are dealt to ranks.
///
/// Each rank takes a range of blocks that is made of whole subtrees of the pairwise tree over block
/// indices (nn/batch_gradient.hpp). Where the two children of a node lie with different ranks, the
/// rank of the right one sends its sum, and the rank of the left one adds it: the tree is that of a
/// single process, whatever the number of ranks, and rank 0 ends with its root. It broadcasts the
/// sum, and every rank takes the optimizer's step for itself.
///
/// A message is the gradient in binary32 with 32 bytes of totals behind it; a rank sends its sums
/// at most once up each level of the tree, and its part of the broadcast. A rank without blocks
/// sends a byte to one with blocks, whether it wishes to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reprise/core/aligned_buffer.hpp"
#include "reprise/nn/batch_gradient.hpp"
#include "reprise/run/ranks.hpp"

namespace reprise {

/// Where each rank's range of blocks begins, and the end of the last one's: blocks in units of the
/// largest subtrees that leave no rank with more than ceil(blocks / ranks) blocks. Ranks for which
/// there is no unit have an empty range.
std::vector<std::size_t> deal_blocks(std::size_t blocks, std::size_t ranks);
/// To which rank with blocks each rank without any tells its wishes, in turn; a rank with blocks to
/// itself.
std::vector<std::size_t> heard_by(const std::vector<std::size_t>& begins);

class RankedGradient {
 public:
  /// `gradient` is of a model with this many parameters. All stay as long as this.
  RankedGradient(Ranks& ranks, BatchGradient& gradient, std::size_t parameters);

  struct Step {
    BatchGradient::Totals totals;
    /// A rank wished to stop when it sent its sums, or, if it takes no blocks, called run().
    bool stop = false;
  };
  /// The same as BatchGradient::run(N, step, source), bit for bit, on every rank, with the gradient
  /// in its place. Each rank calls it with the same batch, with threads of its own for additions.
  Step run(std::size_t N, std::uint64_t step, const BatchGradient::Source& source,
           std::size_t threads, bool wishes_to_stop);

 private:
  Ranks& ranks_;
  BatchGradient& gradient_;
  std::size_t parameters_;
  AlignedBuffer<float> received_;  ///< of another rank
};

}  // namespace reprise
