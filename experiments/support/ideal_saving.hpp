/// \file
/// How far an algorithm can get by arithmetic alone.
#pragma once

#include "reprise/conv/conv_algorithm.hpp"

namespace reprise {

/// How many times fewer operations the algorithm's products need, transforms left out, than the
/// plain sum of products of all taps (ConvShape::flops()). The limit of its effective rate, which
/// counts the plain sum, is the core's peak times this.
/// - winograd: the best tile's, 4 of F(4x4, 3x3) or 2.25 of F(2x2, 3x3). Outputs that a tile
///   computes beyond the image are not taken off: they are a loss of the algorithm's.
/// - fft: three real products at each point of the tile, with sides of 8 to 32, that needs the
///   least; of whole tiles, since a result has no part of one.
/// - others: 1.
/// What "auto" chooses counts for it, and a kernel ("fft/...") as its algorithm.
double ideal_saving(const ConvAlgorithm& algorithm, const ConvShape& shape, ConvPass pass);

}  // namespace reprise
