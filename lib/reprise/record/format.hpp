/// \file
/// The formats of records: which there are, and what each counts of a record's settings.
///
/// docs/record_format.md is the specification; it tells how a format is raised.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reprise/record/record.hpp"

namespace reprise {

/// The format that records are written in, as the root's attribute "format" names it.
inline constexpr std::string_view kRecordFormat = "reprise record 2";
/// The format of release 0.1.0; it stays readable.
inline constexpr std::string_view kRecordFormat1 = "reprise record 1";

/// 1 for a record whose root says kRecordFormat1; else 2, also for one that was never in a file.
int format_of(const Record& record);

/// A setting as format 2 knows it. Rows are added, never changed or removed: the digest of every
/// record rests on them.
struct FormatSetting {
  std::string_view setting;  ///< what programs call it, or what an earlier release did
  std::string_view name;     ///< its name in the digest
  AttributeValue
      format_value;  ///< its default in the format: the digest leaves it out if it has it
};

/// The settings of a record's kind ("training", "checkpoint" and "summary" share theirs;
/// "comparison"); none for an unknown kind. Rows with one `name` are one setting; the first of them
/// has today's name.
std::span<const FormatSetting> format_settings(std::string_view kind);

/// What this release calls a setting that it or an earlier one has; an unknown name as it is. The
/// rows are the one place that says which name became which: records, TOML and command lines that
/// have an earlier name are read by it.
std::string name_today(std::string_view setting, std::span<const FormatSetting> rows);

/// The root's attribute "kind"; "" if it has none or it is not text.
std::string kind_of(const Record& record);

/// Every setting of a record's /configuration under its format's name: those that it does not have
/// with the format's defaults, those that are unknown as they are. Error if it has one setting
/// under two names.
Attributes settings_in_full(const Group& configuration, std::span<const FormatSetting> rows);
/// What the digest counts of them: those that differ from the format's defaults.
Attributes counted_settings(const Group& configuration, std::span<const FormatSetting> rows);

/// Whether two values are the same to the digest: of one type, and to the bit, but NaN is NaN.
bool same_value(const AttributeValue& a, const AttributeValue& b);

/// The program that wrote a record: `/environment@program`, in format 1 the root's; "" if it does
/// not say.
std::string program_of(const Record& record);

}  // namespace reprise
