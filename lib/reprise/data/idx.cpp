#include "reprise/data/idx.hpp"

#ifndef REPRISE_WITHOUT_ZLIB
#include <zlib.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/integer.hpp"

namespace reprise {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;  // bytes

bool is_gzipped(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

#ifdef REPRISE_WITHOUT_ZLIB
/// Where there is no zlib, gzip data are refused.
class Gunzip {
 public:
  Gunzip(const std::string& file, std::span<const std::byte> packed) {
    if (is_gzipped(packed)) throw Error(file, "is gzipped, which this build cannot read", "gunzip");
  }
  std::size_t read(std::span<std::uint8_t> /*into*/) { return 0; }
};
#else
/// Unpacks gzip data (RFC 1952, any number of members), as much at a time as is asked for. Zero
/// bytes may follow, as in a file that was kept in blocks; `gzip` passes over them too.
class Gunzip {
 public:
  Gunzip(const std::string& file, std::span<const std::byte> packed)
      : file_(file), packed_(packed) {
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream_, gzip_only + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip() { inflateEnd(&stream_); }

  /// Fills `into`, which takes at most kBlock bytes; returns how many there were.
  std::size_t read(std::span<std::uint8_t> into) {
    stream_.next_out = into.data();
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out > 0 && (!member_ended_ || next_member())) step();
    return into.size() - stream_.avail_out;
  }

 private:
  void step() {
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()));
    stream_.avail_in = static_cast<uInt>(std::min(packed_.size(), kBlock));
    const uInt given = stream_.avail_in;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    packed_ = packed_.subspan(given - stream_.avail_in);
    member_ended_ = status == Z_STREAM_END;
    if (status == Z_BUF_ERROR) throw Error(file_, "the gzip data are truncated", "a whole file");
    if (status != Z_OK && status != Z_STREAM_END) {
      const std::string reason = stream_.msg == nullptr ? zError(status) : stream_.msg;
      throw Error(file_, "the gzip data are damaged (" + reason + ")", "a whole file");
    }
  }

  /// Whether another member follows.
  bool next_member() {
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    if (std::all_of(packed_.begin(), packed_.end(), is_zero)) return false;
    if (!is_gzipped(packed_)) {
      throw Error(file_, std::to_string(packed_.size()) + " bytes follow the gzip data", "none");
    }
    inflateReset(&stream_);
    member_ended_ = false;
    return true;
  }

  const std::string& file_;
  std::span<const std::byte> packed_;  // what is left
  z_stream stream_{};
  bool member_ended_ = false;
};
#endif

/// A file's contents from front to back, gzipped or not.
class Contents {
 public:
  explicit Contents(const std::string& file)
      : bytes_(read_file(file)), rest_(bytes_), gunzip_(file, bytes_) {}

  /// Appends `count` bytes to `values`, or as many as there are; returns how many.
  std::size_t append(std::vector<std::uint8_t>& values, std::size_t count) {
    const std::size_t before = values.size();
    while (count > 0) {
      const std::size_t block = std::min(count, kBlock);
      values.resize(values.size() + block);
      const std::size_t read = fill({values.data() + values.size() - block, block});
      values.resize(values.size() - (block - read));
      if (read < block) break;
      count -= block;
    }
    return values.size() - before;
  }

 private:
  std::size_t fill(std::span<std::uint8_t> into) {
    if (is_gzipped(bytes_)) return gunzip_.read(into);
    const std::size_t count = std::min(into.size(), rest_.size());
    if (count > 0) std::memcpy(into.data(), rest_.data(), count);
    rest_ = rest_.subspan(count);
    return count;
  }

  std::vector<std::byte> bytes_;
  std::span<const std::byte> rest_;
  Gunzip gunzip_;
};

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes.first(4)) value = (value << 8) | byte;
  return value;
}

std::string magic_text(std::uint32_t magic) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%08X", magic);
  return text;
}

/// The dimensions in a header; `values_count` becomes their product.
std::vector<std::size_t> parse_header(const std::string& file, std::span<const std::uint8_t> header,
                                      std::size_t rank, std::size_t& values_count) {
  const std::uint32_t expected = 0x00000800U | static_cast<std::uint32_t>(rank);
  if (header.size() >= 4 && big_endian(header) != expected) {
    throw Error(
        file, "magic number " + magic_text(big_endian(header)),
        magic_text(expected) + " (IDX, unsigned bytes, dimensions: " + std::to_string(rank) + ")");
  }
  if (header.size() < 4 + 4 * rank) {
    throw Error(file, "ends within its header, after " + std::to_string(header.size()) + " bytes",
                "an IDX file");
  }
  std::vector<std::size_t> sizes;
  values_count = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    sizes.push_back(big_endian(header.subspan(4 + 4 * axis)));
    if (sizes.back() != 0 && values_count > kMaxElements / sizes.back()) {
      throw Error(file, "announces dimensions whose product is over 2^40", "a smaller array");
    }
    values_count *= sizes.back();
  }
  return sizes;
}

}  // namespace

IdxArray read_idx(const std::string& file, std::size_t rank) {
  Contents contents(file);
  std::vector<std::uint8_t> header;
  contents.append(header, 4 + 4 * rank);
  IdxArray array;
  std::size_t announced = 0;
  array.sizes = parse_header(file, header, rank, announced);
  const std::size_t found = contents.append(array.values, announced);
  if (found < announced) {
    throw Error(file, "holds " + std::to_string(found) + " values",
                std::to_string(announced) + ", as its header says");
  }
  std::vector<std::uint8_t> surplus;
  if (contents.append(surplus, 1) > 0) {
    throw Error(file, "holds more values than its header says", std::to_string(announced));
  }
  Sha256 hash;
  hash.update(std::as_bytes(std::span(header)));
  hash.update(std::as_bytes(std::span(array.values)));
  array.sha256 = hash.finish_hex();
  return array;
}

}  // namespace reprise
