/// \file
/// One pass of one shape, filled from a seed, by any algorithm: how near is the result to the
/// double reference?
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/conv/conv_workspace.hpp"
#include "reprise/core/aligned_buffer.hpp"

namespace reprise {

/// How near a result is to the double reference.
struct ConvCheck {
  std::string status;         ///< "ok", "unsupported: why", "WRONG", "untrusted"
  double worst_ulp = 0.0;     ///< largest error, in units in the last place of the largest element
  double rms_relative = 0.0;  ///< root-mean-square error over root-mean-square of the exact result
  double worst_of_bound = 0.0;     ///< largest error as a fraction of the declared bound
  std::size_t elements = 0;        ///< how many elements were compared
  std::string result_sha256 = {};  ///< of all elements (Sha256::update_floats); "" if unsupported

  /// Whether nothing speaks against the result, so that it is worth timing.
  [[nodiscard]] bool is_right() const { return status == "ok" || status == "untrusted"; }
};

/// The tensors of one pass of one shape, filled from a seed: uniform in [-1, 1).
class ConvProblem {
 public:
  /// A fraction `zeros` of grad_output's values is 0, as behind ReLU and maximum pooling.
  ConvProblem(const ConvShape& shape, ConvPass pass, std::uint64_t seed, double zeros = 0.0);

  /// Runs the algorithm once; Error if there is no memory for the workspace.
  void run(const ConvAlgorithm& algorithm, std::size_t threads);

  /// Runs it into a result full of NaN and compares: all elements of a small result, 4,096 spread
  /// over a large one. "WRONG" if an element was not written or an error is beyond the declared
  /// bound; "untrusted" if more than nine of ten reference elements are zero.
  ConvCheck check(const ConvAlgorithm& algorithm, std::size_t threads);

  [[nodiscard]] const ConvShape& shape() const { return shape_; }
  [[nodiscard]] ConvPass pass() const { return pass_; }

 private:
  [[nodiscard]] std::vector<std::size_t> checked_elements() const;

  ConvShape shape_;
  ConvPass pass_;
  std::uint64_t seed_;
  AlignedBuffer<float> a_, b_, bias_, result_;
  double largest_a_ = 0.0, largest_b_ = 0.0, largest_bias_ = 0.0;
  ConvWorkspace workspace_;
};

}  // namespace reprise
