// IDX files, plain and gzipped. The first byte says how the rest becomes a file.
#include <zlib.h>

#include <array>
#include <numeric>

#include "reprise/core/digest.hpp"
#include "reprise/data/idx.hpp"
#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr int kRawDeflate = -MAX_WBITS, kGzip = 16 + MAX_WBITS;

Bytes gzip(View plain) {
  z_stream stream{};
  require(deflateInit2(&stream, 1, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib starts");
  Bytes packed(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<Bytef*>(plain.data());  // zlib does not write to its input
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib packs");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// A gzip file around deflated data: its header, the data, and the checksum and length of what up
/// to 64 KiB of them unpack to, so that a changed stream is not refused for its checksum.
Bytes with_trailer(View deflated) {
  Bytes file{0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3};
  z_stream stream{};
  require(inflateInit2(&stream, kRawDeflate) == Z_OK, "zlib starts");
  Bytes plain(1 << 16);
  stream.next_in = const_cast<Bytef*>(deflated.data());
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  inflate(&stream, Z_FINISH);
  const std::size_t used = stream.total_in, unpacked = stream.total_out;
  inflateEnd(&stream);
  file.insert(file.end(), deflated.begin(), deflated.begin() + static_cast<long>(used));
  const auto crc = static_cast<std::uint32_t>(crc32(0, plain.data(), static_cast<uInt>(unpacked)));
  for (const std::uint32_t word : {crc, static_cast<std::uint32_t>(unpacked)}) {
    for (const int shift : {0, 8, 16, 24}) file.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  file.insert(file.end(), deflated.begin() + static_cast<long>(used), deflated.end());
  return file;
}

/// What reading the file gives; no sizes if it is refused.
IdxArray read(View file, std::size_t rank) {
  IdxArray array;
  const std::string path = write_scratch("file", file);
  if (!accepted([&] { array = read_idx(path, rank); })) return {};
  const std::size_t product =
      std::accumulate(array.sizes.begin(), array.sizes.end(), std::size_t{1}, std::multiplies<>());
  require(array.sizes.size() == rank, "an array has as many dimensions as were asked for");
  require(array.values.size() == product, "an array has as many values as its dimensions say");
  return array;
}

void require_same(const IdxArray& a, const IdxArray& b) {
  require(a.sizes == b.sizes && a.values == b.values && a.sha256 == b.sha256,
          "a file reads the same gzipped and plain");
}

bool is_gzip(View bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::uint8_t form = input.byte();
  const std::size_t rank = (form & 1) != 0 ? 1 : 3;
  const View rest = input.rest();
  switch ((form >> 1) % 4) {
    case 0:
      read(rest, rank);
      break;
    case 1:
      read(with_trailer(rest), rank);
      break;
    default: {  // plain, as one member, and as two
      if (is_gzip(rest)) break;
      const IdxArray plain = read(rest, rank);
      require_same(read(gzip(rest), rank), plain);
      const std::size_t cut = rest.empty() ? 0 : form % rest.size();
      Bytes members = gzip(rest.first(cut));
      const Bytes second = gzip(rest.subspan(cut));
      members.insert(members.end(), second.begin(), second.end());
      require_same(read(members, rank), plain);
    }
  }
  return 0;
}
