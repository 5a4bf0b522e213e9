/// \file
/// What a kernel of `direct` is, and the table of all of them. Internal to direct.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "reprise/conv/conv_workspace.hpp"
#include "reprise/conv/direct/correlation.hpp"

namespace reprise::direct {

/// The sums that kernels evaluate, each from one correlation.
enum class Sum {
  correlation,      ///< its result: forward, and one for each phase of the stride in grad_input
  weight_gradient,  ///< of a forward correlation, the gradient of its weights over some positions
  input_gradient,   ///< of a forward correlation, the gradient of its source, all phases at once
};

/// Which values must be finite for a kernel to be right: one that multiplies padding, or skips
/// zeros, misses the NaN that 0 times infinity is.
enum class FiniteOnly {
  no,        ///< none
  source,    ///< those of the sum's source
  weights,   ///< those of the correlation
  result,    ///< the kernel's own: if it is not finite, another kernel must run again
  operands,  ///< both
};

/// The tensors of one sum:
///   sum              source                       factor           result
///   correlation      source of the correlation    its weights      its result
///   weight_gradient  input                        grad_output      grad_weight
///   input_gradient   grad_output                  weights          grad_input
struct Operands {
  const float* source;
  const float* factor;
  const float* start;  ///< of a correlation's chains: (G * out_channels), or null for zeros
  float* result;       ///< overwritten
  /// A weight gradient's positions [begin, end), counted in row-major order of (n, a, b): element
  /// (th, tw, c, g, j) is a chain from 0, ascending over those at which the tap is inside the
  /// image, of fma(source, grad_output, acc), and +0 in the end. A kernel may let the others take
  /// part as zeros: that changes no result that comes out finite, as grad_output was finite then.
  std::size_t begin = 0, end = 0;
};

/// One way to evaluate a sum. All that are offered give the same bits.
struct Kernel {
  std::string_view name;   ///< with `sum` it tells kernels apart
  std::string_view lanes;  ///< what the lanes of a vector run over
  Sum sum;
  FiniteOnly finite_only = FiniteOnly::no;
  bool skips_zeros = false;  ///< its cost depends on Correlation::nonzeros
  bool alone = false;        ///< where it is offered, no other comes near: it is chosen
  /// Whether it evaluates this sum; the number of images does not matter.
  bool (*offered)(const Correlation& correlation);
  /// Estimated time on one core with vectors of `lanes` floats, in multiply-adds that fill their
  /// vectors; infinite where it should not be chosen. "auto" asks it for kMaxLanes on every
  /// machine, direct for the lanes of the target in use.
  double (*cost)(const Correlation& correlation, std::size_t lanes);
  /// What the choice counts beside (copies, sums that each block loads and stores), or null.
  double (*overhead)(const Correlation& correlation, std::size_t lanes) = nullptr;
  /// What "auto" takes such a multiply-add for, in those of igemm's correlation.
  double unit = 1.0;
  std::size_t (*workspace_bytes)(const Correlation& correlation, std::size_t threads);
  void (*run)(const Correlation& correlation, const Operands& operands, std::byte* workspace,
              std::size_t threads);
};

#define REPRISE_DIRECT_KERNEL(kernel) extern const Kernel kernel;
#include "reprise/conv/direct/kernels.def"
#undef REPRISE_DIRECT_KERNEL

/// All kernels, in the order of kernels.def.
inline constexpr const Kernel* kKernels[] = {
#define REPRISE_DIRECT_KERNEL(kernel) &(kernel),
#include "reprise/conv/direct/kernels.def"
#undef REPRISE_DIRECT_KERNEL
};

/// The one of this name, or null.
const Kernel* find_kernel(std::string_view name, Sum sum);

/// What direct runs: of the kernels that are offered and do not skip zeros, the one of least cost
/// and overhead.
struct Choice {
  const Kernel* kernel;
  double cost;   ///< the least of all, without overhead: what kernels that skip zeros compare with
  double whole;  ///< the kernel's cost and overhead
};
Choice choose_kernel(const Correlation& correlation, Sum sum, std::size_t lanes);

/// The kernel's cost and overhead with kMaxLanes, in units of igemm's multiply-adds.
double whole_cost(const Kernel& kernel, const Correlation& correlation);

/// What "auto" takes direct for: that of the kernel which is chosen with kMaxLanes.
double least_cost(const Correlation& correlation, Sum sum);

/// Memory for the kernel that is chosen, for any lanes and values.
std::size_t workspace_bytes(const Correlation& correlation, Sum sum, std::size_t threads);

/// A worker's scratch is a struct that takes its pieces when it is made: Scratch(pieces, plan...).
template <class Scratch, class... Plan>
std::size_t scratch_bytes(const Plan&... plan) {
  WorkspacePieces pieces;
  [[maybe_unused]] const Scratch scratch(pieces, plan...);
  return pieces.bytes();
}
/// Of all workers.
template <class Scratch, class... Plan>
std::size_t scratch_of_workers(std::size_t threads, const Plan&... plan) {
  return std::max<std::size_t>(threads, 1) * scratch_bytes<Scratch>(plan...);
}
/// That of worker number `worker`.
template <class Scratch, class... Plan>
Scratch take_scratch(std::byte* workspace, std::size_t worker, const Plan&... plan) {
  WorkspacePieces pieces(workspace + worker * scratch_bytes<Scratch>(plan...));
  return Scratch(pieces, plan...);
}

/// The model's common terms.

/// Multiply-adds that `count` values take in whole vectors.
double in_vectors(std::size_t count, std::size_t lanes);
/// Tiles of one vector wait for their loads.
double one_vector_penalty(std::size_t count, std::size_t lanes);
double groups_and_positions(const Correlation& correlation);

}  // namespace reprise::direct
