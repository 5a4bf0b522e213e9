/// \file
/// Files read and written whole. Every failure is an Error: the path, then the system's reason.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace reprise {

enum class Overwrite { no, yes };

/// A file's bytes. Error if it is missing, a folder, or cannot be read.
std::vector<std::byte> read_file(const std::string& path);

/// Writes the bytes to a temporary name beside `path`, flushes them to disk, then renames, so that
/// there is either the whole file or none of it, whatever fails. Error if the file exists (unless
/// Overwrite::yes; even one that appears at the last moment is kept), or cannot be written.
void write_file(const std::string& path, std::span<const std::byte> bytes,
                Overwrite overwrite = Overwrite::no);

/// Error if write_file could not write there now: the folder is missing or not writable, or
/// something is there that may not be replaced. Programs call it before a long run.
void check_writable(const std::string& path, Overwrite overwrite);

}  // namespace reprise
