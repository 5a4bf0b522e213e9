// Maximum pooling.
//
// output(n, oh, ow, c) = the largest input(n, ih, iw, c) in the window: the first NaN if there is
// one, -inf if the window lies wholly in the padding. The gradient of a cell is the sum, window by
// window in row-major order, of the gradients of the windows whose maximum it is.
#include <algorithm>
#include <limits>

#include "reprise/pool/pool2d.hpp"
#include "reprise/pool/window.hpp"

namespace reprise {
namespace {

/// Whether `value` takes the place of `most`, which stands before it: it is larger or the first
/// NaN.
bool replaces(float value, float most) {
  return most == most && !(value <= most);
}

/// The channel's place of its maximum in the window, an offset in `input`.
std::size_t place_of_maximum(const PoolShape& s, std::size_t n, const PoolWindow& window,
                             std::size_t c, const float* input) {
  std::size_t place = ((n * s.IH + window.h_begin) * s.IW + window.w_begin) * s.C + c;
  for_each_cell(s, n, window, [&](std::size_t cell) {
    if (replaces(input[cell + c], input[place])) place = cell + c;
  });
  return place;
}

}  // namespace

void max_pool_forward(const PoolShape& s, const float* input, float* output) {
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) {
      const PoolWindow window(s, oh, ow);
      std::fill_n(output + out, s.C, -std::numeric_limits<float>::infinity());
      for_each_cell(s, n, window, [&](std::size_t cell) {
        for (std::size_t c = 0; c < s.C; ++c) {
          const float value = input[cell + c];
          const float most = output[out + c];
          output[out + c] = replaces(value, most) ? value : most;
        }
      });
    });
  }
}

void max_pool_backward(const PoolShape& s, MaxTies ties, const float* grad_output,
                       const float* input, float* grad_input) {
  std::fill_n(grad_input, s.input_size(), 0.0F);
  for (std::size_t n = 0; n < s.N; ++n) {
    for_each_window(s, n, [&](std::size_t oh, std::size_t ow, std::size_t out) {
      const PoolWindow window(s, oh, ow);
      if (window.cells() == 0) return;
      for (std::size_t c = 0; c < s.C; ++c) {
        const std::size_t place = place_of_maximum(s, n, window, c, input);
        const float most = input[place];
        if (ties == MaxTies::first || most != most) {
          grad_input[place] += grad_output[out + c];
          continue;
        }
        for_each_cell(s, n, window, [&](std::size_t cell) {
          if (input[cell + c] == most) grad_input[cell + c] += grad_output[out + c];
        });
      }
    });
  }
}

}  // namespace reprise
