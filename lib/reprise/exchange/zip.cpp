// Reading and writing of zip archives.
//
//   local header (30 bytes, name, extra), contents, [data descriptor]   for each member
//   directory entry (46 bytes, name, extra, comment)                    for each member
//   end of the directory (22 bytes)
#include "reprise/exchange/zip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "reprise/core/error.hpp"

namespace reprise::details {
namespace {

constexpr std::uint32_t kLocal = 0x04034B50, kEntry = 0x02014B50, kEnd = 0x06054B50;
constexpr std::uint32_t kDescriptor = 0x08074B50;
constexpr std::size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22;
constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::uint16_t kHasDescriptor = 0x0008;
constexpr std::uint16_t kKnownFlags = 0x080E;   // a descriptor, deflate's level, names in UTF-8
constexpr std::uint32_t kInExtra = 0xFFFFFFFF;  // the number is in zip64's extra field
constexpr std::uint16_t kZip64 = 1;
constexpr std::uint16_t kFirstOf1980 = 0x0021;

constexpr const char* kWhere = "zip archive";
constexpr const char* kExpected = "an archive as numpy.savez writes";

[[noreturn]] void refuse_zip(const std::string& given) {
  throw Error(kWhere, given, kExpected);
}

/// Numbers from the front of a span; Error at its end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size()) refuse_zip("is cut short");
    const auto taken = bytes_.first(static_cast<std::size_t>(count));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(count));
    return taken;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string text(std::size_t count) {
    const auto bytes = take(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    const auto bytes = take(count);
    for (std::size_t i = count; i-- > 0;) value = value << 8 | std::to_integer<unsigned>(bytes[i]);
    return value;
  }

  std::span<const std::byte> bytes_;
};

struct Directory {
  std::size_t members = 0, offset = 0, size = 0;
};

/// The end of the directory, which ends the file, but for a comment.
Directory find_directory(std::span<const std::byte> archive) {
  constexpr std::size_t longest_comment = 0xFFFF;
  for (std::size_t comment = 0; comment <= longest_comment; ++comment) {
    if (archive.size() < kEndSize + comment) break;
    const std::size_t at = archive.size() - kEndSize - comment;
    Cursor end(archive.subspan(at));
    if (end.u32() != kEnd) continue;
    const std::uint16_t disk = end.u16(), first_disk = end.u16();
    const std::uint16_t here = end.u16(), members = end.u16();
    const std::uint32_t size = end.u32(), offset = end.u32();
    if (end.u16() != comment) continue;
    if (disk != 0 || first_disk != 0 || here != members) refuse_zip("spans several disks");
    if (std::uint64_t{offset} + size != at)
      refuse_zip("its directory does not end where it should");
    return {members, offset, size};
  }
  refuse_zip("has no directory at its end");
}

/// A member with what only its local header and contents need.
struct Entry {
  ZipMember member;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t packed = 0, offset = 0;
};

Entry read_entry(Cursor& directory) {
  Entry entry;
  if (directory.u32() != kEntry) refuse_zip("its directory is damaged");
  directory.take(4);  // versions
  entry.flags = directory.u16();
  entry.method = directory.u16();
  directory.take(4);  // time, date
  entry.member.crc32 = directory.u32();
  entry.packed = directory.u32();
  const std::uint32_t size = directory.u32();
  const std::uint16_t name = directory.u16(), extra = directory.u16(), comment = directory.u16();
  if (directory.u16() != 0) refuse_zip("spans several disks");
  directory.take(6);  // attributes
  entry.offset = directory.u32();
  entry.member.name = directory.text(name);
  directory.take(std::size_t{extra} + comment);
  entry.member.size = size;
  entry.member.is_deflated = entry.method == kDeflated;
  const std::string where = "member \"" + entry.member.name + "\"";
  if ((entry.flags & ~kKnownFlags) != 0) {
    throw Error(where, fmt::format("flags {:#06x}", entry.flags), "no encryption and no patches");
  }
  if (entry.method != kStored && entry.method != kDeflated) {
    throw Error(where, fmt::format("compression method {}", entry.method), "0 or 8, deflate");
  }
  if (size == kInExtra || entry.packed == kInExtra || entry.offset == kInExtra) {
    throw Error(where, "4 GiB or more", "less");
  }
  if (!entry.member.is_deflated && entry.packed != size) {
    throw Error(where, fmt::format("stored as {} bytes of {}", entry.packed, size), "all of them");
  }
  return entry;
}

/// The sizes in a local header, which zip64's extra field may have.
struct LocalSizes {
  std::uint64_t size = 0, packed = 0;
};

LocalSizes local_sizes(std::uint32_t size, std::uint32_t packed, std::span<const std::byte> extra) {
  LocalSizes sizes{size, packed};
  if (size != kInExtra && packed != kInExtra) return sizes;
  Cursor fields(extra);
  while (fields.left() > 0) {
    const std::uint16_t kind = fields.u16();
    Cursor field(fields.take(fields.u16()));
    if (kind != kZip64) continue;
    if (size == kInExtra) sizes.size = field.u64();
    if (packed == kInExtra) sizes.packed = field.u64();
    return sizes;
  }
  refuse_zip("a member has no sizes");
}

/// Takes a member from the archive's front: its header, which must agree with the directory, and
/// its contents.
void read_local(Cursor& archive, Entry& entry) {
  const std::string where = "member \"" + entry.member.name + "\"";
  const auto agree = [&](bool same, const char* what) {
    if (!same)
      throw Error(where, std::string("its header has another ") + what, "what the directory says");
  };
  agree(archive.u32() == kLocal, "signature");
  archive.take(2);
  agree(archive.u16() == entry.flags, "set of flags");
  agree(archive.u16() == entry.method, "compression method");
  archive.take(4);
  const std::uint32_t crc = archive.u32(), packed = archive.u32(), size = archive.u32();
  const std::uint16_t name = archive.u16(), extra = archive.u16();
  agree(archive.text(name) == entry.member.name, "name");
  const LocalSizes sizes = local_sizes(size, packed, archive.take(extra));
  const bool describes_later = (entry.flags & kHasDescriptor) != 0;
  if (!describes_later) {
    agree(crc == entry.member.crc32, "checksum");
    agree(sizes.size == entry.member.size && sizes.packed == entry.packed, "size");
  }
  entry.member.contents = archive.take(entry.packed);
  if (!describes_later) return;
  // Signature (which may be left out), checksum, sizes of 4 or, by zip64, 8 bytes each.
  std::uint32_t first = archive.u32();
  if (first == kDescriptor) first = archive.u32();
  agree(first == entry.member.crc32, "checksum");
  archive.take(size == kInExtra ? 16 : 8);
}

}  // namespace

std::vector<ZipMember> zip_members(std::span<const std::byte> archive) {
  const Directory directory = find_directory(archive);
  Cursor entries(archive.subspan(directory.offset, directory.size));
  std::vector<Entry> found;
  for (std::size_t i = 0; i < directory.members; ++i) found.push_back(read_entry(entries));
  if (entries.left() > 0) refuse_zip("its directory has more than its members");

  // In the order in which they lie in the file, each begins where the one before it ends.
  std::vector<Entry*> in_place;
  for (Entry& entry : found) in_place.push_back(&entry);
  std::sort(in_place.begin(), in_place.end(),
            [](const Entry* a, const Entry* b) { return a->offset < b->offset; });
  Cursor contents(archive.first(directory.offset));
  for (Entry* entry : in_place) {
    const std::size_t at = directory.offset - contents.left();
    if (entry->offset != at) {
      throw Error("member \"" + entry->member.name + "\"",
                  fmt::format("it begins at byte {}", entry->offset),
                  fmt::format("{}, where the member before it ends", at));
    }
    read_local(contents, *entry);
  }
  if (contents.left() > 0) refuse_zip("has data between its members and its directory");
  std::vector<ZipMember> members;
  for (Entry& entry : found) members.push_back(std::move(entry.member));
  return members;
}

namespace {

/// Inflates to exactly `size` bytes; false if the data are not that.
bool inflate_to(std::span<const std::byte> packed, std::vector<std::byte>& plain) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  std::byte beyond{};  // zlib wants a place, even for nothing
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // which it only reads
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.empty() ? &beyond : plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

std::uint32_t checksum(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

std::vector<std::byte> unpacked(const ZipMember& member, std::uint64_t most) {
  const std::string where = "member \"" + member.name + "\"";
  if (member.size > most) {
    throw Error(where, fmt::format("{} bytes", member.size), fmt::format("at most {}", most));
  }
  std::vector<std::byte> plain(static_cast<std::size_t>(member.size));
  if (!member.is_deflated) {
    std::copy(member.contents.begin(), member.contents.end(), plain.begin());
  } else if (!inflate_to(member.contents, plain)) {
    throw Error(where, "it does not unpack to the size that the archive says",
                fmt::format("{} bytes", member.size));
  }
  if (checksum(plain) != member.crc32) {
    throw Error(where, "is damaged: its bytes have another checksum", "that of the archive");
  }
  return plain;
}

namespace {

/// Bytes of an archive, as they are put one after the other.
class Output {
 public:
  Output& u16(std::uint16_t value) { return number(value, 2); }
  Output& u32(std::uint32_t value) { return number(value, 4); }
  Output& bytes(std::span<const std::byte> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  Output& text(std::string_view more) { return bytes(std::as_bytes(std::span(more))); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  std::vector<std::byte> finish() { return std::move(bytes_); }

 private:
  Output& number(std::uint32_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
    }
    return *this;
  }

  std::vector<std::byte> bytes_;
};

/// What a local header and a directory entry have in common, from the version that reading needs.
void put_description(const NewZipMember& member, std::uint32_t crc, Output& output) {
  const auto size = static_cast<std::uint32_t>(member.contents.size());
  output.u16(20).u16(0).u16(kStored).u16(0).u16(kFirstOf1980);
  output.u32(crc).u32(size).u32(size).u16(static_cast<std::uint16_t>(member.name.size())).u16(0);
}

std::uint64_t archive_size(const std::vector<NewZipMember>& members) {
  std::uint64_t size = kEndSize;
  for (const NewZipMember& member : members) {
    size += kLocalSize + kEntrySize + 2 * member.name.size() + member.contents.size();
  }
  return size;
}

}  // namespace

std::vector<std::byte> zip_archive(const std::vector<NewZipMember>& members) {
  const std::uint64_t size = archive_size(members);
  if (size >= kInExtra || members.size() >= 0xFFFF) {
    throw Error(kWhere, fmt::format("{} members of {} bytes in all", members.size(), size),
                "fewer than 65,535 and less than 4 GiB");
  }
  Output output;
  output.reserve(static_cast<std::size_t>(size));
  std::vector<std::uint32_t> offsets, checksums;
  for (const NewZipMember& member : members) {
    offsets.push_back(static_cast<std::uint32_t>(output.size()));
    checksums.push_back(checksum(member.contents));
    output.u32(kLocal);
    put_description(member, checksums.back(), output);
    output.text(member.name).bytes(member.contents);
  }
  const auto directory = static_cast<std::uint32_t>(output.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    output.u32(kEntry).u16(20);
    put_description(members[i], checksums[i], output);
    output.u16(0).u16(0).u16(0).u32(0).u32(offsets[i]).text(members[i].name);
  }
  const auto count = static_cast<std::uint16_t>(members.size());
  const auto directory_size = static_cast<std::uint32_t>(output.size() - directory);
  output.u32(kEnd).u16(0).u16(0).u16(count).u16(count).u32(directory_size).u32(directory).u16(0);
  return output.finish();
}

}  // namespace reprise::details
