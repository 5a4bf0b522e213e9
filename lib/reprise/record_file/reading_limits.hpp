/// \file
/// What reading a record may take, in proportion to the size of its file. Files come from
/// strangers, and a small one may ask for any amount of memory or time.
#pragma once

#include <cstdint>

namespace reprise::details {

struct ReadingLimits {
  /// Of the tree's stream (record_stream.hpp), which is about what the tree takes in memory.
  std::uint64_t tree_bytes;
  std::uint64_t objects;  ///< groups, datasets, attributes and axes together
  /// Of the process that reads, with its program, the file and HDF5's working memory.
  std::uint64_t address_space_bytes;
  std::uint64_t processor_seconds;
  double wall_seconds;
};

/// Groups in groups, at most.
constexpr int kDeepestGroup = 16;

/// For a file of so many bytes. save_record keeps inside them by construction: an object takes more
/// than 16 bytes of a file, and arrays are not compressed where that would leave tree_bytes behind.
constexpr ReadingLimits reading_limits(std::uint64_t file_bytes) {
  constexpr std::uint64_t mebi = std::uint64_t{1} << 20;
  ReadingLimits limits{};
  limits.tree_bytes = 16 * mebi + 16 * file_bytes;
  limits.objects = 1000 + file_bytes / 16;
  limits.address_space_bytes = 256 * mebi + file_bytes + 4 * limits.tree_bytes;
  limits.processor_seconds = 2 + file_bytes / (8 * mebi);
  limits.wall_seconds = 30.0 + static_cast<double>(file_bytes) / static_cast<double>(2 * mebi);
  return limits;
}

}  // namespace reprise::details
