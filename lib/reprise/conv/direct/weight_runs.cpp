// The gradient of the weights as a long sum over positions: a kernel sums each run of them.
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/kernels.hpp"
#include "reprise/core/long_sum.hpp"

namespace reprise::direct {

std::size_t weight_runs_bytes(const Correlation& c) {
  return piece_bytes<float>(ArrayRunTree::memory_floats(run_count(c.positions()), c.weight_size()));
}

void weight_gradient_in_runs(WeightGradientKernel kernel, const Correlation& c,
                             const WeightGradientData& data, std::byte* workspace,
                             std::size_t threads) {
  ArrayRunTree tree(run_count(c.positions()), c.weight_size(), data.grad_weight,
                    reinterpret_cast<float*>(workspace));
  std::byte* const kernel_workspace = workspace + weight_runs_bytes(c);
  for (std::size_t begin = 0; begin < c.positions(); begin += kRunTerms) {
    const std::size_t end = std::min(c.positions(), begin + kRunTerms);
    kernel(c, {data.source, data.grad_output, tree.next(), begin, end}, kernel_workspace, threads);
    tree.add(threads);
  }
}

}  // namespace reprise::direct
