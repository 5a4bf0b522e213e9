// The public pooling functions on tensors: checks and dispatch.
#include "reprise/pool/pool2d.hpp"

#include <array>
#include <string>

#include "reprise/core/error.hpp"
#include "reprise/core/parallel.hpp"
#include "reprise/core/result_tensor.hpp"

namespace reprise {
namespace {

PoolShape shape_for(const Tensor<4>& input, const Pool2dOptions& options) {
  const auto [N, IH, IW, C] = sizes_of(input);
  return make_pool_shape(N, IH, IW, C, options);
}

/// One window over the whole image.
Pool2dOptions global_average(const Tensor<4>& input) {
  Pool2dOptions options;
  options.mode = PoolMode::average;
  options.kernel = options.stride = {sizes_of(input)[1], sizes_of(input)[2]};
  return options;
}

/// Error unless the shape is what make_pool_shape gives for these options.
void check_shape(std::string_view where, const PoolShape& s, const Pool2dOptions& options) {
  const PoolShape made = make_pool_shape(s.N, s.IH, s.IW, s.C, options);
  if (s == made) return;
  throw Error(where,
              "a shape with an output of " + sizes_text(std::array{s.OH, s.OW}) +
                  " by windows of " + sizes_text(std::array{s.KH, s.KW}),
              sizes_text(std::array{made.OH, made.OW}) + " by " +
                  sizes_text(std::array{made.KH, made.KW}) + ", as the options give");
}

/// Calls body(shape of one image, image) for each; of one thread, with all images at once.
template <class Body>
void for_each_image(const PoolShape& s, std::size_t threads, const Body& body) {
  if (threads <= 1) return body(s, 0);
  PoolShape image = s;
  image.N = 1;
  parallel_for(threads, s.N, [&](std::size_t n, std::size_t) { body(image, n); });
}

}  // namespace

void pool2d_forward(const PoolShape& s, const Pool2dOptions& options, const float* input,
                    float* output, std::size_t threads) {
  check_shape("pool2d_forward", s, options);
  for_each_image(s, threads, [&](const PoolShape& image, std::size_t n) {
    const float* in = input + n * image.input_size();
    float* out = output + n * image.output_size();
    if (options.mode == PoolMode::max) {
      max_pool_forward(image, in, out);
    } else {
      average_pool_forward(image, options.count_include_padding, in, out);
    }
  });
}

void pool2d_backward(const PoolShape& s, const Pool2dOptions& options, const float* grad_output,
                     const float* input, float* grad_input, std::size_t threads) {
  check_shape("pool2d_backward", s, options);
  for_each_image(s, threads, [&](const PoolShape& image, std::size_t n) {
    const float* grad = grad_output + n * image.output_size();
    float* result = grad_input + n * image.input_size();
    if (options.mode == PoolMode::max) {
      max_pool_backward(image, options.ties, grad, input + n * image.input_size(), result);
    } else {
      average_pool_backward(image, options.count_include_padding, grad, result);
    }
  });
}

Tensor<4> pool2d_forward(const Tensor<4>& input, const Pool2dOptions& options) {
  const PoolShape s = shape_for(input, options);
  Tensor<4> output = result_tensor<4>("pool2d_forward", {s.N, s.OH, s.OW, s.C});
  pool2d_forward(s, options, input.data(), output.data());
  return output;
}

Tensor<4> pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input,
                          const Pool2dOptions& options) {
  const PoolShape s = shape_for(input, options);
  const std::array<std::size_t, 4> expected{s.N, s.OH, s.OW, s.C};
  if (sizes_of(grad_output) != expected) {
    throw Error("pool2d_backward", "grad_output " + sizes_text(sizes_of(grad_output)),
                sizes_text(expected) + " for input " + sizes_text(sizes_of(input)));
  }
  Tensor<4> grad_input = result_tensor<4>("pool2d_backward", sizes_of(input));
  pool2d_backward(s, options, grad_output.data(), input.data(), grad_input.data());
  return grad_input;
}

Tensor<4> global_average_pool2d_forward(const Tensor<4>& input) {
  return pool2d_forward(input, global_average(input));
}

Tensor<4> global_average_pool2d_backward(const Tensor<4>& grad_output, const Tensor<4>& input) {
  return pool2d_backward(grad_output, input, global_average(input));
}

}  // namespace reprise
