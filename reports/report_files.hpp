/// \file
/// Puts a report on the disk: whole or not at all.
#pragma once

#include <string>

#include "report.hpp"

namespace reprise::reports {

/// Error if `folder` exists but is no folder, cannot be made or written, or holds a page of a
/// report's name that is not this program's. Call it before the work.
void check_report_folder(const std::string& folder);

/// Writes everything to a temporary folder inside `folder` (made if missing) and then moves it into
/// place; a report that is there is replaced, with the files that it alone had, and other files
/// stay. Error if a file would be replaced that is not of a report, or, with the system's reason,
/// if that fails; then nothing has been replaced and nothing is left behind.
void write_report(const Report& report, const std::string& folder);

/// The author's notes. Error if the file cannot be read or is not text.
std::string read_notes(const std::string& path);

/// How the report calls the record at `path`: the path from `folder` if it lies inside, else the
/// file's name.
std::string record_name(const std::string& path, const std::string& folder);

}  // namespace reprise::reports
