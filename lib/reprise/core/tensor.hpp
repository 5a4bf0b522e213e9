/// \file
/// Tensors: row-major arrays of float32 on xtensor. The only file that includes xtensor's container
/// headers, because their place differs between xtensor 0.24 and later.
#pragma once

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#endif

#include <array>
#include <cstddef>
#include <string>

namespace reprise {

/// Dense, contiguous, row-major. Activations are Tensor<4> in NHWC, convolution weights Tensor<4>
/// in KH,KW,IC/G,OC, biases Tensor<1>.
template <std::size_t Rank>
using Tensor = xt::xtensor<float, Rank>;

/// A tensor of the given sizes with unspecified contents.
template <std::size_t Rank>
Tensor<Rank> make_tensor(const std::array<std::size_t, Rank>& sizes) {
  return Tensor<Rank>(sizes);
}

/// A tensor of the given sizes, all elements `value`.
template <std::size_t Rank>
Tensor<Rank> make_tensor(const std::array<std::size_t, Rank>& sizes, float value) {
  return Tensor<Rank>(sizes, value);
}

/// "2x28x28x1".
template <class Sizes>
std::string sizes_text(const Sizes& sizes) {
  std::string text;
  for (const auto size : sizes) {
    if (!text.empty()) text += 'x';
    text += std::to_string(size);
  }
  return text;
}

}  // namespace reprise
