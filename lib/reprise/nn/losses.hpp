/// \file
/// Losses over a block of images, with their gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace reprise {

/// Softmax cross-entropy of logits (N,classes) against labels (N, each < classes, or ignored):
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

/// What a loss may weigh and leave out.
struct LossOptions {
  std::span<const float> class_weights;       ///< of each class, 0 or more; empty: 1 each
  std::optional<std::uint8_t> ignored_label;  ///< images of it have loss 0 and gradient 0
  double label_smoothing = 0.0;               ///< s, cross-entropy alone; 0 to 1
};

/// Softmax cross-entropy with options. With the target t(c) = (1 - s) [c = label] + s / classes and
/// the class weights w(c),
///   losses(n) = long sum over c of t(c) w(c) (log s(n) - (z(n, c) - m(n))),
/// which PyTorch's cross_entropy gives with reduction="none" (its mean divides by
/// target_weight()). Without options it has the bits of the function above. Error if an option is
/// out of range or their number is not that of the classes.
void softmax_cross_entropy_forward(std::size_t N, std::size_t classes, const float* logits,
                                   const std::uint8_t* labels, const LossOptions& options,
                                   float* probabilities, float* losses);

/// grad_logits(n, c) = (probability(n, c) * T - t(c) w(c)) * scale, T being the long sum over c of
/// t(c) w(c).
void softmax_cross_entropy_backward(std::size_t N, std::size_t classes, const float* probabilities,
                                    const std::uint8_t* labels, const LossOptions& options,
                                    float scale, float* grad_logits);

/// Negative log-likelihood of log-probabilities (N,classes): losses(n) = -w(label)
/// log_probability(n, label). label_smoothing is not used.
void negative_log_likelihood_forward(std::size_t N, std::size_t classes,
                                     const float* log_probabilities, const std::uint8_t* labels,
                                     const LossOptions& options, float* losses);
/// grad(n, c) = -w(c) [c = label(n)] * scale.
void negative_log_likelihood_backward(std::size_t N, std::size_t classes,
                                      const std::uint8_t* labels, const LossOptions& options,
                                      float scale, float* grad);

/// log_probabilities(n, c) = (z(n, c) - m(n)) - log s(n), as in softmax_cross_entropy_forward. May
/// be the same array as the logits.
void log_softmax_forward(std::size_t N, std::size_t classes, const float* logits,
                         float* log_probabilities);
/// grad_logits(n, c) = grad(n, c) - exp(log_probability(n, c)) * long sum over j of grad(n, j).
void log_softmax_backward(std::size_t N, std::size_t classes, const float* log_probabilities,
                          const float* grad, float* grad_logits);

/// What a mean loss is divided by: the long sum over the images, in double, of their labels'
/// weights; those of an ignored label count 0.
double target_weight(std::size_t N, std::size_t classes, const std::uint8_t* labels,
                     const LossOptions& options);

/// The first index of the largest of `classes` values; NaN counts as larger than any number, as in
/// NumPy and PyTorch.
std::size_t argmax(std::size_t classes, const float* values);

}  // namespace reprise
