/// \file
/// NumPy's .npy files (numpy.lib.format), the members of an npz.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace reprise::details {

struct NpyHeader {
  std::string type;  ///< "<f4"
  bool is_fortran_order = false;
  std::vector<std::size_t> shape;
  std::size_t size = 0;  ///< of the header, in bytes: the values follow
};

/// Headers are no longer than this, in bytes.
constexpr std::size_t kMaxNpyHeader = 12 + (std::size_t{1} << 16);

/// The header at the beginning of a file. Error if it is none of version 1.0, 2.0 or 3.0.
NpyHeader npy_header(std::span<const std::byte> file);

/// A file of version 1.0 with little-endian float32 values.
std::vector<std::byte> npy_file(const std::vector<std::size_t>& shape,
                                std::span<const float> values);

}  // namespace reprise::details
