// Trees of valid records with wrong values, as somebody can write them who computes digest and
// checksum anew: what all programs do with a record before they judge it or show it.
#include "reprise/record/record.hpp"

#include "reprise/run/configuration.hpp"
#include "reprise/run/training_record.hpp"
#include "support/base_records.hpp"
#include "support/mutate_record.hpp"

using namespace reprise;
using namespace reprise::fuzz;

namespace {

/// The digest tells records apart exactly where differences() does.
void compare(const Record& original, const Record& changed) {
  require(differences(changed, changed).empty(), "a record does not differ from itself");
  const bool same = digest_of(original) == digest_of(changed);
  require(same == differences(original, changed, 5).empty(),
          "records differ exactly if their digests do");
  require(same == differences(changed, original, 5).empty(), "so they do in the other order");
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
  compare(original, record);
  read(record);
  return 0;
}
