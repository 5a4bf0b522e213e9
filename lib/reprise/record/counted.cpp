// What of a record its digest counts.
#include <span>
#include <utility>

#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"

namespace reprise::details {
namespace {

Attributes counted_attributes(const Record& record, int format) {
  Attributes counted = record.attributes;
  counted.erase("digest");
  counted.erase("format");
  // A record of format 1 beside one of format 2.
  if (format != 1 && format_of(record) == 1) counted.erase("program");
  return counted;
}

/// Settings under their format's names, and not the TOML text, which says the same.
Group counted_configuration(const Group& configuration, const std::string& kind, bool in_full) {
  Group counted = configuration;
  const std::span<const FormatSetting> rows = format_settings(kind);
  counted.attributes.clear();
  if (in_full) {  // for people, so by the names that they know
    for (auto& [name, value] : settings_in_full(configuration, rows)) {
      counted.attributes[name_today(name, rows)] = value;
    }
  } else {
    counted.attributes = counted_settings(configuration, rows);
  }
  counted.datasets.erase("toml");
  return counted;
}

}  // namespace

CountedRecord counted(const Record& record, int format, bool in_full) {
  CountedRecord counted;
  counted.attributes = counted_attributes(record, format);
  for (const auto& [name, dataset] : record.datasets) counted.datasets.emplace(name, &dataset);
  for (const auto& [name, group] : record.groups) {
    if (name == "environment") continue;
    const Group* counts = &group;
    if (format != 1 && name == "configuration") {
      counted.configuration =
          std::make_unique<const Group>(counted_configuration(group, kind_of(record), in_full));
      counts = counted.configuration.get();
    }
    counted.groups.emplace(name, counts);
  }
  return counted;
}

}  // namespace reprise::details
