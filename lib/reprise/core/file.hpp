/// \file
/// Files read and written whole. Every failure is an Error: the path, then the system's reason.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/core/error.hpp"

namespace reprise {

enum class Overwrite { no, yes };

/// There is no file of that name. Whoever reads what others may remove catches this: asking whether
/// the file exists, before or after, answers for another moment.
class FileMissing : public Error {
 public:
  using Error::Error;
};

/// There is a file of that name already, and it may not be replaced.
class FileExists : public Error {
 public:
  using Error::Error;
};

/// A file's bytes. FileMissing if there is none; Error if it is a folder, longer than `most` bytes,
/// or cannot be read.
std::vector<std::byte> read_file(const std::string& path,
                                 std::size_t most = std::numeric_limits<std::size_t>::max());

/// Writes the bytes to a temporary name beside `path`, flushes them to disk, then renames, so that
/// there is either the whole file or none of it, whatever fails. FileExists if there is a file
/// (unless Overwrite::yes; even one that appears at the last moment is kept); Error if it cannot be
/// written.
void write_file(const std::string& path, std::span<const std::byte> bytes,
                Overwrite overwrite = Overwrite::no);

/// Gives a file another name in its folder, as one step that replaces nothing. FileMissing if there
/// is no such file, FileExists if the new name is taken, Error if it cannot be renamed.
void rename_file(const std::string& from, const std::string& to);

/// Error if write_file could not write there now: the folder is missing or not writable, or
/// something is there that may not be replaced. It rehearses every step of write_file under names
/// at least as long, and leaves nothing. Programs call it before a long run.
void check_writable(const std::string& path, Overwrite overwrite);

/// Another process holds an OutputLock.
class OutputBusy : public Error {
 public:
  using Error::Error;
};

/// Keeps other processes from producing the same output, by a lock on `path`.lock that the system
/// releases when this process ends, however it ends. OutputBusy if another holds it, Error if the
/// file cannot be made. On a file system without locks it does nothing, and is not held.
class OutputLock {
 public:
  explicit OutputLock(const std::string& path);
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;
  ~OutputLock();

  [[nodiscard]] bool held() const { return file_ >= 0; }

 private:
  std::string name_;
  int file_ = -1;
};

/// Whether another process holds the OutputLock of `path`; nullopt where that cannot be known.
/// Writes nothing and keeps nobody from the lock.
std::optional<bool> output_is_locked(const std::string& path);

}  // namespace reprise
