/// \file
/// Losses over a block of images, with their gradients.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise {

/// Softmax cross-entropy of logits (N,classes) against labels (N, each < classes):
///   probability(n, c) = exp(z(n, c) - m(n)) / s(n),  m = max over c,  s = long sum over c
///   losses(n) = log s(n) - (z(n, label) - m(n))
/// If a logit is NaN, or the largest is infinite, the image's probabilities and loss are NaN.
/// Overwrites probabilities (N,classes) and losses (N).
void softmax_cross_entropy_forward(std::size_t N, std::size_t classes, const float* logits,
                                   const std::uint8_t* labels, float* probabilities, float* losses);

/// grad_logits(n, c) = (probability(n, c) - [c = label(n)]) * scale; scale is 1 / batch size for
/// the gradient of the batch's mean loss. grad_logits may be the same array as probabilities.
void softmax_cross_entropy_backward(std::size_t N, std::size_t classes, const float* probabilities,
                                    const std::uint8_t* labels, float scale, float* grad_logits);

/// The first index of the largest of `classes` values; NaN counts as larger than any number, as in
/// NumPy and PyTorch.
std::size_t argmax(std::size_t classes, const float* values);

}  // namespace reprise
