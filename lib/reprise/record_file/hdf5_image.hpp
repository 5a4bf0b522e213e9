/// \file
/// Records to the bytes of HDF5 files in memory, and what their readers need to know of them;
/// record_file.hpp tells how they look.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reprise/record/record.hpp"

namespace reprise::details {

/// Integers that take so many bytes or more are compressed (yes), or none (no).
enum class Compression { yes, no };

/// Whether axes have dimension scales, which are further datasets in the groups of the file.
enum class AxisNames { yes, no };

/// The whole HDF5 file, with other attributes at its root than the record's. Error, naming `where`,
/// if HDF5 refuses.
std::vector<std::byte> to_hdf5(const Record& record, const Attributes& root_attributes,
                               const std::string& where, Compression compression = Compression::yes,
                               AxisNames axis_names = AxisNames::yes);

/// "1.10.8".
std::string library_version();

/// Chunks of compressed arrays are no larger, in bytes.
constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

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
