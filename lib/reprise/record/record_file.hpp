/// \file
/// Records as HDF5 files; the only place that includes HDF5.
///
/// Files open as they are in h5py, in netCDF-4 readers and in xarray: every axis has a dimension
/// scale, text is variable-length UTF-8, object times are off. The root carries the attribute
/// "digest" ("sha256:" and 64 digits) and "format" ("reprise record 1").
#pragma once

#include <string>

#include "reprise/record/record.hpp"

namespace reprise {

enum class Overwrite { no, yes };

/// Writes the record whole to a temporary name beside `path`, flushes it to disk and renames it;
/// nothing is left behind on failure. Returns the digest. Error if the file exists (unless
/// Overwrite::yes), or cannot be written, with the system's reason.
std::string save_record(const Record& record, const std::string& path,
                        Overwrite overwrite = Overwrite::no);

/// Error if `path` cannot be read, is not a record, or its digest is not that of its contents.
Record load_record(const std::string& path);

/// Error if save_record could not write there now: the folder is missing or not writable, or the
/// file exists and `overwrite` is no. Programs call it before a long run.
void check_writable(const std::string& path, Overwrite overwrite);

}  // namespace reprise
