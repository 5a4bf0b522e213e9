/// \file
/// Elementary functions on arrays, built from the same IEEE operations on every target (Highway's
/// contrib/math), so that their bits do not depend on the machine or its C library.
#pragma once

#include <cstddef>

namespace reprise {

/// y[i] = e^x[i]; error at most 1 ulp. x and y may be the same array (as below).
void exp(std::size_t count, const float* x, float* y);
/// y[i] = natural logarithm of x[i] > 0; error at most 1 ulp.
void log(std::size_t count, const float* x, float* y);
void log(std::size_t count, const double* x, double* y);
/// y[i] = tanh x[i]; error at most 3 ulp.
void tanh(std::size_t count, const float* x, float* y);
/// y[i] = x[i]^-beta for x[i] > 0. For beta 1/2, 3/4 and 1 by square roots, products and one
/// division, which IEEE 754 rounds correctly: at most 2.5 ulp, and faster than a logarithm. Else
/// exp(-beta log(x)): about (1 + |2 beta log(x)|) ulp.
void inverse_power(std::size_t count, float beta, const float* x, float* y);

}  // namespace reprise
