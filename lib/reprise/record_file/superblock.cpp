// The superblock of HDF5 files of version 2; HDF5 File Format Specification 3.0, section II.A.
#include "reprise/record_file/superblock.hpp"

#include <limits>
#include <string_view>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/error.hpp"

namespace reprise::details {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr std::size_t kSize = 48;         // of the whole superblock
constexpr std::size_t kVersionAt = 8;     // then a byte each: size of offsets, of lengths, flags
constexpr std::size_t kBaseAt = 12;       // base address: where in the file HDF5's data begin
constexpr std::size_t kExtensionAt = 20;  // address of the superblock's extension
constexpr std::size_t kEndAt = 28;        // address of the first byte after the data
constexpr std::size_t kRootAt = 36;       // address of the root group
constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t at) {
  return from_little_endian<std::uint64_t>(bytes.subspan(at));
}

void check_size(std::span<const std::byte> bytes, const std::string& where) {
  const std::uint64_t size = announced_size(bytes);
  if (bytes.size() < size) {
    throw Error(where, "is truncated: " + std::to_string(bytes.size()) + " bytes",
                std::to_string(size) + " or more");
  }
  if (bytes.size() > size) {
    throw Error(where,
                std::to_string(bytes.size() - size) + " unexpected bytes after the HDF5 data",
                "a record");
  }
}

}  // namespace

std::uint64_t announced_size(std::span<const std::byte> bytes) {
  return number_at(bytes, kEndAt);
}

void check_superblock(std::span<const std::byte> bytes, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kSignature)) throw Error(where, "is not an HDF5 file", "a record");
  if (bytes.size() < kSize) throw Error(where, "is truncated", "a record");
  constexpr std::string_view usual("\x02\x08\x08\x00", 4);
  if (text.substr(kVersionAt, usual.size()) != usual) {
    throw Error(where,
                "is not a Reprise record: an HDF5 file with a superblock of version " +
                    std::to_string(std::to_integer<int>(bytes[kVersionAt])),
                "version 2, 8-byte addresses and no flags, as save_record writes");
  }
  if (number_at(bytes, kBaseAt) != 0 || number_at(bytes, kExtensionAt) != kNone) {
    throw Error(where,
                "is not a Reprise record: an HDF5 file with a user block or an extended superblock",
                "neither, as save_record writes");
  }
  check_size(bytes, where);
  if (number_at(bytes, kRootAt) >= bytes.size()) {
    throw Error(where, "is damaged: its root group is outside the file", "a record");
  }
}

}  // namespace reprise::details
