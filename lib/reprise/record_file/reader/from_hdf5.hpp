/// \file
/// Reads a record from an HDF5 file in memory, in a process that has nothing to lose: libhdf5 1.10
/// crashes, loops and exhausts memory on files made for it. All others call load_record.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "reprise/record/record.hpp"
#include "reprise/record_file/reading_limits.hpp"

namespace reprise::details {

/// The file is not such as to_hdf5 makes, or is beyond the limits.
struct NoRecord : std::runtime_error {
  NoRecord(const std::string& given_, std::string expected_)
      : std::runtime_error(given_), expected(std::move(expected_)) {}
  std::string expected;  ///< what() is what was given
};

/// The tree in a whole HDF5 file, which must outlast the call and is neither changed nor copied.
/// Throws NoRecord. The names and texts in it are not checked (check_record); an axis without a
/// scale, as records have none, is called "".
Record from_hdf5(std::span<const std::byte> image, const ReadingLimits& limits);

/// Lets HDF5 do now what it does once, and never look for filters in other files.
void start_hdf5();

}  // namespace reprise::details
