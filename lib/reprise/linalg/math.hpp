/// \file
/// Elementary functions on arrays, built from the same IEEE operations on every target (Highway's
/// contrib/math), so that their bits do not depend on the machine or its C library.
#pragma once

#include <cstddef>

namespace reprise {

// Errors are in ulp of the exact result (of 2^-126 if that is less, so that subnormal results count
// like the least normal ones), over all numbers of the domain. The worst that were found are 1.032
// for exp and 2.860 for tanh, by trying all floats that matter, and 0.904 for log, by all floats
// from 1/8 to 8 and every 7th elsewhere. Special values are those of IEEE 754: NaN gives NaN,
// always the same one. x and y may be the same array.

/// y[i] = e^x[i]; error at most 1.04 ulp. e^-inf = 0, e^inf = inf.
void exp(std::size_t count, const float* x, float* y);
/// y[i] = natural logarithm of x[i]; error at most 1 ulp. log(+-0) = -inf, log(inf) = inf, NaN of
/// numbers below 0.
void log(std::size_t count, const float* x, float* y);
void log(std::size_t count, const double* x, double* y);
/// y[i] = tanh x[i]; error at most 3 ulp. tanh(+-0) = +-0, tanh(+-inf) = +-1.
void tanh(std::size_t count, const float* x, float* y);
/// y[i] = x[i]^-beta, IEEE 754's powr(x, -beta) for beta > 0: inf of +-0, 0 of inf, NaN of numbers
/// below 0. Beta 1/2, 3/4 and 1 take square roots, products and one division, which IEEE 754 rounds
/// correctly: at most 2, 4.5 and 0.5 ulp, and faster than a logarithm. Else exp(-beta log(x)): with
/// t = beta log(x) the product is off by 3 * 2^-24 |t| at most, hence at most 1.04 + 3 |t| ulp.
void inverse_power(std::size_t count, float beta, const float* x, float* y);

}  // namespace reprise
