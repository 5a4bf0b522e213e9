// The stream in which the process that reads a record hands over its tree: the process may belong
// to the file's author.
#include "reprise/record_file/record_stream.hpp"

#include <algorithm>

#include "support/fuzz.hpp"

using namespace reprise;
using namespace reprise::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span<const std::byte> stream = std::as_bytes(std::span(bytes, size));
  details::ReaderMessage message;
  if (!accepted([&] { message = details::decode(stream); })) return 0;
  std::vector<std::byte> again;
  details::encode(message, [&](std::span<const std::byte> piece) {
    again.insert(again.end(), piece.begin(), piece.end());
  });
  require(std::equal(stream.begin(), stream.end(), again.begin(), again.end()),
          "a message has one stream");
  const auto* record = std::get_if<Record>(&message);
  if (record == nullptr || !accepted([&] { check_record(*record); })) return 0;
  require(details::stream_size(*record) == size, "a record's stream has the size that is said");
  require(digest_of(*record).size() == 64, "a digest has 64 digits");
  require(differences(*record, *record).empty(), "a record does not differ from itself");
  return 0;
}
