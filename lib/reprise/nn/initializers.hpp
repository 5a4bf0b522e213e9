/// \file
/// Initial values of parameters: each value is a function of (stream, index), one draw per value.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "reprise/core/random.hpp"

namespace reprise {

enum class InitializerKind { zeros, constant, normal, he_normal, glorot_uniform, fan_in_uniform };

/// How a parameter starts. `value` is the constant, the normal distribution's standard deviation,
/// or the numerator of fan_in_uniform's limit.
struct Initializer {
  InitializerKind kind = InitializerKind::zeros;
  double value = 0.0;
};

/// What the scaled initializers need to know of a layer: kernel cells times channels.
struct Fans {
  std::size_t in = 1;
  std::size_t out = 1;
};

/// Fills `values`:
///   he_normal       a normal truncated at two of its standard deviations s, where
///                   s = sqrt(2 / fan_in) / 0.87962566103423978, so that the truncated one has
///                   sqrt(2 / fan_in) (He et al. 2015, section 2.2; the constant is Keras's)
///   glorot_uniform  uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010, equation 16)
///   fan_in_uniform  uniform in +-value / fan_in (LeCun et al. 1998, section III.B: 2.4)
void initialize(const Initializer& initializer, const Fans& fans, const RandomStream& stream,
                std::span<float> values);

/// Normal draws number first .. first+count-1 of a stream (mean 0, standard deviation 1).
std::vector<double> standard_normals(const RandomStream& stream, std::uint64_t first,
                                     std::size_t count);

/// The x with P(X <= x) = p for a standard normal X, 0 < p < 1; relative error below 1e-15
/// (Wichura 1988, algorithm AS 241, PPND16). Written out with a portable logarithm because the C
/// library's differs between machines.
double standard_normal_quantile(double p);

}  // namespace reprise
