/// \file
/// What each kind of record holds: names, types, axes, sizes that agree with each other, ranges.
/// Stated once, in description.hpp and, what it cannot say, in schema.cpp. load_record
/// (record_file.hpp) returns only what fits; a function that takes a record as a tree and uses what
/// is in it checks it first.
///
/// A record may hold more than its schema says: that is for comparisons to find.
#pragma once

#include <string>
#include <string_view>

#include "reprise/record/record.hpp"

namespace reprise {

/// Error, in one line, unless the record is of that kind ("training", "comparison", "checkpoint")
/// and holds what its kind does: "WHERE: /data/file_sha256 has 3 along file; expected 4, as
/// /data/file_names has". `where` names the record.
void check_schema(const Record& record, std::string_view kind, const std::string& where);

/// The same for the kind that the record says it is; a record of no known kind passes.
void check_schema(const Record& record, const std::string& where);

}  // namespace reprise
