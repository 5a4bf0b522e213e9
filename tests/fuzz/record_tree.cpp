// Trees of valid records with wrong values, as somebody can write them who computes digest and
// checksum anew: what all programs do with a record before they judge it or show it.
#include "reprise/record/record.hpp"

#include "reprise/record/format.hpp"
#include "reprise/run/configuration.hpp"
#include "reprise/run/training_record.hpp"
#include "support/base_records.hpp"
#include "support/mutate_record.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

/// Of records of one format, the digest tells apart exactly those that differences() does.
void compare(const Record& original, const Record& changed) {
  require(differences(changed, changed).empty(), "a record does not differ from itself");
  const bool same = digest_of(original) == digest_of(changed);
  const bool alike = differences(original, changed, 5).empty();
  require(alike == differences(changed, original, 5).empty(), "records differ in either order");
  require(same == alike || format_of(original) != format_of(changed),
          "records differ exactly if their digests do");
}

void read(const Record& record) {
  accepted([&] { check(configuration_from(record.group("configuration"))); });
  accepted([&] { labels_of(record); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::span<const Record> base = base_records();
  const Record& original = base[input.below(base.size())];
  Record record = original;
  mutate(record, input);
  if (!accepted([&] { check_record(record); })) return 0;
  accepted([&] { compare(original, record); });  // a setting may have two names
  read(record);
  return 0;
}
