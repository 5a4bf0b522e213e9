/// \file
/// Whether the values of a pass's operands are what an algorithm takes, and which are not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/conv/conv_algorithm.hpp"

namespace reprise {

/// The bits of the largest magnitudes that a pass read, for each image of its operands. A pass of
/// an algorithm that bounds magnitudes fills it as it goes, while values are in the cache.
struct OperandMagnitudes {
  explicit OperandMagnitudes(std::size_t images) : a(images), b(images) {}
  std::vector<std::atomic<std::uint32_t>> a;  ///< of each image of input or grad_output
  std::vector<std::atomic<std::uint32_t>> b;  ///< of each image of grad_weight's input
  std::atomic<std::uint32_t> weight{0};
};

/// most = max(most, bits), from any thread.
inline void raise_to(std::atomic<std::uint32_t>& most, std::uint32_t bits) {
  std::uint32_t before = most.load(std::memory_order_relaxed);
  while (bits > before && !most.compare_exchange_weak(before, bits, std::memory_order_relaxed)) {
  }
}

/// The bits of the largest |value|, as an unsigned number: 0 if all values are 0 (or there are
/// none), more than 0x7f800000 if one is NaN.
std::uint32_t largest_magnitude_bits(const float* values, std::size_t count);

/// The same of rows x columns runs of `count` values, which begin row_stride and column_stride
/// apart.
struct ValueRuns {
  const float* values;
  std::size_t rows, row_stride, columns, column_stride, count;
};
std::uint32_t largest_magnitude_bits(const ValueRuns& runs);

/// Whether a largest magnitude is inside.
bool is_inside(const OperandDomain& domain, std::uint32_t magnitude_bits);

/// Error(where), naming the first value outside the algorithm's domain and its place, if there is
/// one. a and b are the operands as in conv_reference.hpp: input and weight, grad_output and
/// weight, or grad_output and input.
void check_domain(std::string_view where, const ConvAlgorithm& algorithm, const ConvShape& shape,
                  ConvPass pass, const float* a, const float* b);

/// The pass by `chosen` where the operands are inside its domain, and by the default algorithm
/// where they are not: an image by itself in forward and grad_input, all images in grad_weight. The
/// rule is that of auto_conv_algorithm(). resources.workspace holds guarded_workspace_bytes().
struct GuardedPass {
  const ConvAlgorithm& chosen;
  const ConvShape& shape;
  const ConvResources& resources;
};
void guarded_forward(const GuardedPass& pass, const float* input, const float* weight,
                     const float* bias, float* output);
void guarded_grad_input(const GuardedPass& pass, const float* grad_output, const float* weight,
                        float* grad_input);
void guarded_grad_weight(const GuardedPass& pass, const float* grad_output, const float* input,
                         float* grad_weight);

/// Enough for either algorithm and any number of images up to shape.N.
std::size_t guarded_workspace_bytes(const ConvAlgorithm& chosen, const ConvShape& shape,
                                    ConvPass pass, std::size_t threads);

}  // namespace reprise
