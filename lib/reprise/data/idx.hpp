/// \file
/// IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist): big-endian; magic 0x00000803
/// for images (count, rows, columns, then bytes), 0x00000801 for labels (count, then bytes).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

/// An array of unsigned bytes.
struct IdxArray {
  std::vector<std::size_t> sizes;    ///< 1 (labels) or 3 (images) of them
  std::vector<std::uint8_t> values;  ///< row-major
  std::string sha256;  ///< of the file's contents without compression: `zcat FILE | sha256sum`
};

/// Reads a file, gzipped or not, that must have `rank` dimensions. Error names the file and says
/// what is wrong: missing, unreadable, damaged or truncated gzip, wrong magic number, fewer or more
/// bytes than the header announces, dimensions whose product is over 2^40. Takes memory for what
/// the file holds, whatever it announces.
IdxArray read_idx(const std::string& file, std::size_t rank);

}  // namespace reprise
