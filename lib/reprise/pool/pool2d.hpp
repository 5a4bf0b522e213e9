/// \file
/// 2-D pooling, forward and backward.
///
/// Maximum: padding counts as -inf and never receives a gradient; NaN propagates (a window with a
/// NaN gives NaN, and its gradient goes to the first NaN). Average: padding counts as 0 and is left
/// out of the divisor unless count_include_padding; a window wholly in the padding gives 0.
#pragma once

#include "reprise/core/tensor.hpp"
#include "reprise/pool/pool_shape.hpp"

namespace reprise {

/// input N,IH,IW,C; returns N,OH,OW,C.
Tensor<4> pool2d_forward(const Tensor<4>& input, const Pool2dOptions& options);

/// grad_output N,OH,OW,C and the forward pass's input; returns the input's gradient N,IH,IW,C.
Tensor<4> pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                          const Pool2dOptions& options);

/// The same on memory of the caller's, without a copy: dense arrays whose sizes the shape gives;
/// results are overwritten. Error if the shape is not what make_pool_shape gives for these options.
/// `threads` changes speed only. Average pooling does not read `input` in its backward pass, so
/// that it may be null there.
void pool2d_forward(const PoolShape& shape, const Pool2dOptions& options, const float* input,
                    float* output, std::size_t threads = 1);
void pool2d_backward(const PoolShape& shape, const Pool2dOptions& options, const float* grad_output,
                     const float* input, float* grad_input, std::size_t threads = 1);

/// The average over the whole image: input N,IH,IW,C; returns N,1,1,C.
Tensor<4> global_average_pool2d_forward(const Tensor<4>& input);
Tensor<4> global_average_pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input);

/// Each mode by itself, on one thread. Results are overwritten. With `relu` the
/// maximum is that of max(input, 0), and no gradient goes to cells of 0 or below.
void max_pool_forward(const PoolShape& shape, const float* input, float* output, bool relu = false);
void max_pool_backward(const PoolShape& shape, MaxTies ties, const float* grad_output,
                       const float* input, float* grad_input, bool relu = false);
void average_pool_forward(const PoolShape& shape, bool count_include_padding, const float* input,
                          float* output);
void average_pool_backward(const PoolShape& shape, bool count_include_padding,
                           const float* grad_output, float* grad_input);

}  // namespace reprise
