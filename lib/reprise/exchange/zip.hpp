/// \file
/// Zip archives, as far as npz files need them: members that are stored or deflated, one after the
/// other from the file's first byte, then the directory (PKWARE's APPNOTE.TXT 6.3.9).
///
/// It is written here, on zlib, since general libraries take more than an npz has use for: archives
/// whose members overlap or lie in other data, encryption, several disks, other compression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace reprise::details {

struct ZipMember {
  std::string name;  ///< as it stands in the file: nothing is known of it
  bool is_deflated = false;
  std::uint32_t crc32 = 0;
  std::uint64_t size = 0;                 ///< unpacked, as the archive says
  std::span<const std::byte> contents{};  ///< in the archive
};

/// What an archive holds, in its order. Error unless it is one as above, whose directory and
/// headers agree. Nothing is unpacked.
std::vector<ZipMember> zip_members(std::span<const std::byte> archive);

/// The bytes of a member, of which there may be `most`. Error if its size says more, before memory
/// is taken, or it unpacks to another size or checksum than the archive says.
std::vector<std::byte> unpacked(const ZipMember& member, std::uint64_t most);

/// The members are stored, dated 1980-01-01, so that the same ones give the same bytes. Error if
/// the archive would have 4 GiB or more.
struct NewZipMember {
  std::string name;
  std::vector<std::byte> contents;
};
std::vector<std::byte> zip_archive(const std::vector<NewZipMember>& members);

}  // namespace reprise::details
