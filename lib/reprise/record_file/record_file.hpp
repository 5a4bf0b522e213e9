/// \file
/// Records as HDF5 files; HDF5 is included in this folder only.
///
/// Files open as they are in h5py, in netCDF-4 readers and in xarray: every axis has a dimension
/// scale, text is variable-length UTF-8, object times are off. The root carries the attributes
/// "digest" ("sha256:" and 64 digits) and "format" ("reprise record 2"; format.hpp). The same tree
/// gives the same bytes again, with the same HDF5 and zlib.
///
/// Axes: a group holds one dimension scale for each pair of axis name and size that its datasets
/// have. A one-dimensional dataset named as its axis is that axis' scale, and gives it coordinates;
/// other scales are datasets without values, which netCDF-4 knows as dimensions without a variable.
/// They bear the axis' name if it is free, else NAME_SIZE; the attribute "axis" keeps the name.
///
/// After the HDF5 data comes one line that HDF5 ignores, "\nsha256:", 64 digits, "\n": the SHA-256
/// of all before it (`head -c -73 FILE | sha256sum`). By it damage of any kind shows before HDF5
/// sees the file. A tool that changes the file drops the line; such a file is loaded on request,
/// if the root's digest still is that of its contents.
///
/// Files come from strangers, and HDF5 1.10 crashes, loops and takes any amount of memory on files
/// made for that. A process of its own reads each file (reprise_record_reader): it gets the file's
/// bytes and hands back the tree, has no rights at all, and memory, time and objects in proportion
/// to the file's size (reading_limits.hpp). Whatever it does, load_record throws one Error.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/command_line.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/record/record.hpp"

namespace reprise {

/// Writes the record whole or not at all (core/file.hpp), in the format that its root names or the
/// newest; its root's "digest" and "format" are set anew. Returns the digest, digest_of(record).
/// Error if the record cannot be kept, if the file exists (unless Overwrite::yes), or cannot be
/// written, with the system's reason.
std::string save_record(const Record& record, const std::string& path,
                        Overwrite overwrite = Overwrite::no);

/// How far load_record trusts a file and the system.
struct LoadOptions {
  /// Read even if the kernel cannot forbid system calls to the process that reads. It still has
  /// limits, but a file made to take it over then has the user's rights.
  bool unconfined = false;
  /// Accept a file without the line at its end.
  bool no_checksum = false;
  /// The program reprise_record_reader; "": beside the program that runs, or where it is installed
  /// or built, seen from there.
  std::string reader{};
};

/// A record or summary whose bytes are not those that were written, or a file that is neither. What
/// is whole and cannot be used for another reason, such as a record of a later release, is a plain
/// Error.
class DamagedRecord : public Error {
 public:
  using Error::Error;
  explicit DamagedRecord(const Error& error) : Error(error) {}
};

/// Records cannot be read here, whatever is in them: the program that reads them is missing, cannot
/// be started or is not confined.
class NoRecordReader : public Error {
 public:
  using Error::Error;
  explicit NoRecordReader(const Error& error) : Error(error) {}
};

/// Adds --no-checksum and --unconfined, for a program that loads records.
void add_load_options(CommandLine& line, LoadOptions& options);

/// The tree in a file, with "digest" and "format" at its root, checked whole by the schema of its
/// kind (schema.hpp). Error if `path` cannot be read, is not a record, is damaged or hostile, its
/// digest is not that of its contents, or it breaks its schema; DamagedRecord and NoRecordReader
/// where these say why. Any number of threads may load at once.
Record load_record(const std::string& path, const LoadOptions& options = {});
/// The same for a record that must be of that kind: "training", "comparison", "checkpoint".
Record load_record(const std::string& path, std::string_view kind, const LoadOptions& options = {});

/// The summary in a file (record/summary.hpp), as a tree of the kind "summary". Error if it cannot
/// be read; DamagedRecord if it is none, unless it says that it is one of another format.
Record load_summary(const std::string& path);
/// A training run: its record, or, from a file named *.toml, its summary.
Record load_run(const std::string& path, const LoadOptions& options = {});
/// Whether the file that load_run() refused with this error is whole all the same and cannot be
/// used here, such as the record of a later release, or one without the line of its SHA-256. A
/// whole record of another kind does not count.
bool is_whole_run(const std::string& path, const Error& refused, const LoadOptions& options = {});

/// The tree as an HDF5 file for other programs: groups, attributes and values alone, without names
/// of axes or anything behind the HDF5 data. Error, naming `where`, if HDF5 refuses.
std::vector<std::byte> plain_hdf5(const Group& tree, const std::string& where);

/// The tree in the HDF5 file of another program, read as records are. It may have what records
/// have, but need not be one, and its axes have no names. Names and texts in it are not checked.
/// Error, naming `where`, if it has anything else, is damaged or hostile.
Group tree_of_plain_hdf5(std::span<const std::byte> file, const std::string& where,
                         const LoadOptions& options = {});

/// The version of HDF5 that this program runs with, "1.10.8".
std::string hdf5_version();

}  // namespace reprise
