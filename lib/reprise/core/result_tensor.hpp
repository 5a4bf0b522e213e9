/// \file
/// Tensors for the results of public functions, and the error where memory is too short for one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <string_view>

#include "reprise/core/error.hpp"
#include "reprise/core/tensor.hpp"

namespace reprise {

/// Memory that cannot be allocated: what was asked for, and what would take less.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

template <std::size_t Rank>
std::array<std::size_t, Rank> sizes_of(const Tensor<Rank>& tensor) {
  std::array<std::size_t, Rank> sizes;
  std::copy(tensor.shape().begin(), tensor.shape().end(), sizes.begin());
  return sizes;
}

/// A tensor of the given sizes with unspecified contents; OutOfMemory naming `where` if it cannot
/// be allocated.
template <std::size_t Rank>
Tensor<Rank> result_tensor(std::string_view where, const std::array<std::size_t, Rank>& sizes) {
  try {
    return make_tensor<Rank>(sizes);
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(where, "a result of " + sizes_text(sizes) + " floats cannot be allocated",
                      "more memory or a smaller batch");
  }
}

}  // namespace reprise
