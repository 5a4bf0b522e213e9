/// \file
/// Convolutions to test with: shapes, tensors, the exact results and one guarded call of a pass.
#pragma once

#include <string>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/random.hpp"

namespace reprise::test {

/// The operands of a shape's three passes, in the layouts of conv_shape.hpp.
template <class T>
struct ConvOperands {
  std::vector<T> input, weight, bias, grad_output;
};

/// Integers in -most..most, of which one in `density` is not 0.
ConvOperands<float> integer_operands(const ConvShape& shape, const RandomStream& random, int most,
                                     std::uint64_t density = 1);
/// Uniform in [-1, 1).
ConvOperands<float> uniform_operands(const ConvShape& shape, const RandomStream& random);

ConvOperands<double> widened(const ConvOperands<float>& operands);

/// The pass's result by the loop nest in double: what is exact, as far as float tests can tell.
std::vector<double> exact_result(const ConvShape& shape, ConvPass pass,
                                 const ConvOperands<double>& operands);

/// Element by element, u times the scale of an algorithm's error_bound (conv_algorithm.hpp).
std::vector<double> error_units(const ConvShape& shape, ConvPass pass,
                                const ConvOperands<float>& operands, ErrorScale scale);

/// What a call of a pass gave, and what it must not have done.
struct GuardedResult {
  std::vector<float> values;
  bool inputs_unchanged = true;
  bool stayed_inside = true;  ///< neither the result nor the workspace was left
};

/// Calls the pass with its result filled with NaN and its workspace with `fill`.
GuardedResult run_guarded(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass,
                          const ConvOperands<float>& operands, std::size_t threads = 1,
                          std::byte fill = std::byte{0xA5});

/// The largest |result - exact| / unit; infinity if a result is NaN or differs where the unit is 0.
double worst_error(const std::vector<float>& result, const std::vector<double>& exact,
                   const std::vector<double>& unit);

/// A small shape with all options drawn at random.
ConvShape random_shape(const RandomStream& random);

/// The shapes of fixtures/shapes/edge_cases.
std::vector<ConvShape> edge_cases();

/// Bit for bit, so that NaN equals NaN and 0 differs from -0.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace reprise::test
