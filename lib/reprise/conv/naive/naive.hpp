/// \file
/// The readable loop nest for float and, as the oracle of tests and comparisons, for double.
#pragma once

#include "reprise/conv/conv_shape.hpp"

namespace reprise {

/// The three passes in T = float or double, sums in double, rounded once at the end. Layouts and
/// formula: conv_shape.hpp. Results are overwritten.
template <class T>
void naive_forward(const ConvShape& shape, const T* input, const T* weight, const T* bias,
                   T* output, std::size_t threads);
template <class T>
void naive_grad_input(const ConvShape& shape, const T* grad_output, const T* weight, T* grad_input,
                      std::size_t threads);
template <class T>
void naive_grad_weight(const ConvShape& shape, const T* grad_output, const T* input, T* grad_weight,
                       std::size_t threads);

extern template void naive_forward(const ConvShape&, const float*, const float*, const float*,
                                   float*, std::size_t);
extern template void naive_forward(const ConvShape&, const double*, const double*, const double*,
                                   double*, std::size_t);
extern template void naive_grad_input(const ConvShape&, const float*, const float*, float*,
                                      std::size_t);
extern template void naive_grad_input(const ConvShape&, const double*, const double*, double*,
                                      std::size_t);
extern template void naive_grad_weight(const ConvShape&, const float*, const float*, float*,
                                       std::size_t);
extern template void naive_grad_weight(const ConvShape&, const double*, const double*, double*,
                                       std::size_t);

}  // namespace reprise
