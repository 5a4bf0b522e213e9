/// \file
/// Single elements of a convolution's results in double: the yardstick for tensors too large to
/// compute twice. Formula and layouts: conv_shape.hpp.
#pragma once

#include <cstddef>

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

/// An element's exact value, as near as double comes to it, and the sum of its terms' magnitudes.
struct ReferenceElement {
  double value = 0.0;
  double magnitude = 0.0;
};

/// Element `index` of the pass's result, counted row-major. `a` and `b` are the pass's operands:
///   forward      a = input, b = weight       result N,OH,OW,OC (bias added if not null)
///   grad_input   a = grad_output, b = weight  result N,IH,IW,IC
///   grad_weight  a = grad_output, b = input   result KH,KW,IC/G,OC
ReferenceElement reference_element(const ConvShape& shape, ConvPass pass, const float* a,
                                   const float* b, const float* bias, std::size_t index);

/// Elements of the pass's result, and of its operands a and b.
std::size_t result_size(const ConvShape& shape, ConvPass pass);
std::size_t operand_a_size(const ConvShape& shape, ConvPass pass);
std::size_t operand_b_size(const ConvShape& shape, ConvPass pass);

}  // namespace reprise
