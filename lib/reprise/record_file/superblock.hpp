/// \file
/// The first bytes of an HDF5 file, read without HDF5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace reprise::details {

/// The size that an HDF5 file as to_hdf5 makes gives itself. `bytes` are its first, at least 48.
std::uint64_t announced_size(std::span<const std::byte> bytes);

/// Error, naming `where`, unless the bytes begin as those that to_hdf5 makes do, a superblock of
/// version 2 without anything special, and are as many as it says.
void check_superblock(std::span<const std::byte> bytes, const std::string& where);

}  // namespace reprise::details
