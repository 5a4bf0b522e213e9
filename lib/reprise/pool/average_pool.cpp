// Average pooling.
//
// output(n, oh, ow, c) = (sum of input(n, ih, iw, c) over the window's cells, in row-major order) /
// divisor, and 0 for a window wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of grad_output / divisor over the windows it lies in.
#include <algorithm>

#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

namespace reprise {
namespace {

/// The extent of a window that begins at `begin` inside the padded image of size `padded`.
std::size_t clipped(std::size_t begin, std::size_t kernel, std::size_t padded) {
  return std::min(begin + kernel, padded) - std::min(begin, padded);
}

/// What the window's sum is divided by; 1 where no cell counts.
float divisor(const PoolShape& s, bool count_include_padding, std::size_t oh, std::size_t ow) {
  const std::size_t cells =
      count_include_padding ? clipped(oh * s.stride_h, s.KH, s.IH + s.pad_top + s.pad_bottom) *
                                  clipped(ow * s.stride_w, s.KW, s.IW + s.pad_left + s.pad_right)
                            : PoolWindow(s, oh, ow).cells();
  return static_cast<float>(std::max<std::size_t>(cells, 1));
}

}  // namespace

void average_pool_forward(const PoolShape& s, bool count_include_padding, const float* input,
                          float* output) {
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) {
      const float divide_by = divisor(s, count_include_padding, oh, ow);
      std::fill_n(output + out, s.C, 0.0F);
      for_each_cell(s, n, PoolWindow(s, oh, ow), [&](std::size_t cell) {
        for (std::size_t c = 0; c < s.C; ++c) output[out + c] += input[cell + c];
      });
      for (std::size_t c = 0; c < s.C; ++c) output[out + c] /= divide_by;
    });
  }
}

void average_pool_backward(const PoolShape& s, bool count_include_padding, const float* grad_output,
                           float* grad_input) {
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) {
      const float divide_by = divisor(s, count_include_padding, oh, ow);
      for_each_cell(s, n, PoolWindow(s, oh, ow), [&](std::size_t cell) {
        for (std::size_t c = 0; c < s.C; ++c) {
          grad_input[cell + c] += grad_output[out + c] / divide_by;
        }
      });
    });
  }
}

}  // namespace reprise
