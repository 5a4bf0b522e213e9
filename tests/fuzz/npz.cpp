// npz files with a network's weights. The first byte says how the rest becomes a file.
#include <zlib.h>

#include "reprise/exchange/formats.hpp"
#include "reprise/exchange/npy.hpp"
#include "reprise/exchange/zip.hpp"
#include "support/small_model.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

using View = std::span<const std::uint8_t>;

std::vector<std::byte> bytes_of(View view) {
  const auto bytes = std::as_bytes(view);
  return {bytes.begin(), bytes.end()};
}

void put_u32(std::vector<std::byte>& bytes, std::size_t at, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

/// An archive with one member, deflated, of the checksum and size of what up to 64 KiB of the
/// stream unpack to.
std::vector<std::byte> deflated_archive(const std::string& name, View deflated) {
  z_stream stream{};
  require(inflateInit2(&stream, -MAX_WBITS) == Z_OK, "zlib starts");
  std::vector<Bytef> plain(1 << 16);
  stream.next_in = const_cast<Bytef*>(deflated.data());  // zlib does not write to its input
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  inflate(&stream, Z_FINISH);
  const std::size_t unpacked = stream.total_out;
  inflateEnd(&stream);
  std::vector<std::byte> archive = details::zip_archive({{name, bytes_of(deflated)}});
  const std::size_t entry = archive.size() - 22 - 46 - name.size();
  for (const std::size_t header : {std::size_t{4}, entry + 6}) {
    archive[header + 4] = std::byte{8};
    put_u32(archive, header + 10, crc32(0, plain.data(), static_cast<uInt>(unpacked)));
    put_u32(archive, header + 18, unpacked);
  }
  return archive;
}

/// The model's own archive with other bytes for one member.
std::vector<std::byte> with_member(std::size_t number, View contents) {
  const std::vector<std::byte> own = details::to_npz(small_model());
  std::vector<details::NewZipMember> members;
  for (const details::ZipMember& member : details::zip_members(own)) {
    members.push_back({member.name, details::unpacked(member, member.size)});
  }
  members[number % members.size()].contents = bytes_of(contents);
  return details::zip_archive(members);
}

void read(const std::vector<std::byte>& file) {
  std::vector<float> values;
  if (!accepted([&] { values = details::from_npz(small_model(), file); })) return;
  require_weights(values, details::to_npz, details::from_npz);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::uint8_t form = input.byte();
  switch (form % 3) {
    case 0:
      read(bytes_of(input.rest()));
      break;
    case 1:
      read(with_member(form / 3, input.rest()));
      break;
    default:
      read(deflated_archive("conv1.bias.npy", input.rest()));
  }
  return 0;
}
