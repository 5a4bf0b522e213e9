/// \file
/// Records to and from the bytes of HDF5 files in memory; record_file.hpp tells how they look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise::details {

/// The whole HDF5 file, with other attributes at its root than the record's. Error, naming `where`,
/// if HDF5 refuses.
std::vector<std::byte> to_hdf5(const Record& record, const Attributes& root_attributes,
                               const std::string& where);

/// The tree in a whole HDF5 file. Error, naming `where`, if it is not such as to_hdf5 makes.
Record from_hdf5(std::span<const std::byte> image, const std::string& where);

/// "1.10.8".
std::string library_version();

/// The size that an HDF5 file of format 2 or 3, as to_hdf5 makes, gives itself in its superblock;
/// nothing for other files.
std::optional<std::uint64_t> announced_size(std::span<const std::byte> image);

/// What netCDF-4 begins the name of a dimension's scale with if no variable is named so.
inline const char* const kNoVariable = "This is a netCDF dimension but not a netCDF variable.";
/// The attribute of such a scale that keeps the axis' name.
inline const char* const kAxisAttribute = "axis";

/// Whether HDF5 or netCDF-4 keep an attribute of this name on datasets for themselves.
inline bool is_reserved(const std::string& attribute) {
  return attribute == "CLASS" || attribute == "NAME" || attribute == "REFERENCE_LIST" ||
         attribute == "DIMENSION_LIST" || attribute == "_Netcdf4Dimid";
}

}  // namespace reprise::details
