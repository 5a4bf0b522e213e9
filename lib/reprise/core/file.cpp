#include "reprise/core/file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "reprise/core/error.hpp"
#include "reprise/core/file_descriptor.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Throws Error: "PATH: WHAT: the reason that errno gives".
[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(path, what + ": " + std::generic_category().message(errno), "");
}

/// As errno says why a file could not be opened for reading.
[[noreturn]] void fail_to_open(const std::string& path) {
  if (errno != ENOENT) fail(path, "cannot be read");
  const std::string reason = "cannot be read: " + std::generic_category().message(errno);
  std::error_code none;
  if (fs::symlink_status(path, none).type() == fs::file_type::symlink) {
    throw Error(path, "is a link to a file that is not there", "a file");
  }
  throw FileMissing(path, reason, "");
}

/// The folder that a path's file lies in; "." if the path names none.
std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// Takes the name `to` by making an empty file there, then renames over that file of its own: for
/// file systems that have neither hard links nor a rename that replaces nothing. A program killed
/// between the two leaves the empty file.
bool rename_over_claim(const std::string& from, const std::string& to) {
  FileDescriptor claim(uninterrupted(
      [&] { return open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }));
  if (claim.get() < 0) return false;
  claim.close();
  if (::rename(from.c_str(), to.c_str()) == 0) return true;
  const int reason = errno;
  unlink(to.c_str());
  errno = reason;
  return false;
}

/// rename() that replaces nothing: fails with EEXIST if `to` exists. Network and user-space file
/// systems refuse the first ways with various reasons, so any refusal but EEXIST tries the next.
bool rename_to_new(const std::string& from, const std::string& to) {
#ifdef RENAME_NOREPLACE
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
#endif
  if (link(from.c_str(), to.c_str()) == 0) {
    unlink(from.c_str());
    return true;
  }
  return errno != EEXIST && rename_over_claim(from, to);
}

[[noreturn]] void fail_too_long(const std::string& path, std::size_t most) {
  throw Error(path, "is too long", "at most " + std::to_string(most) + " bytes");
}

[[noreturn]] void fail_exists(const std::string& path) {
  throw FileExists(path, "exists already",
                   "another name, or " + flag_name("force") + " to replace it");
}

/// What follows a file's name in those of its temporary files, before the process, a number and
/// place_of_process().
constexpr std::string_view kPart = ".part-";   // what is being written
constexpr std::string_view kTrial = ".test-";  // what a rehearsal renames to; as long as the other

/// Eight digits for where this process's number counts: its host and container.
std::string place_of_process() {
  char host[256] = {};
  if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  char numbers[64] = {};
  if (readlink("/proc/self/ns/pid", numbers, sizeof(numbers) - 1) < 0) numbers[0] = '\0';
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : std::string(host) + "/" + numbers) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  char text[9] = {};
  std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(hash));
  return text;
}

/// Removes the temporary files of `path` that killed programs left: those whose process is gone.
/// Other hosts that see the folder number their processes otherwise, and so do containers.
void remove_leftovers(const std::string& path) {
  const std::string file = fs::path(path).filename().string();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(path), ignored)) {
    const std::string name = entry.path().filename().string();
    std::string start = file;
    start.append(name.starts_with(file + std::string(kTrial)) ? kTrial : kPart);
    if (!name.starts_with(start)) continue;
    const std::string own = name.substr(start.size());  // PROCESS-NUMBER-PLACE
    const std::size_t dash = own.find('-');
    const std::size_t last = own.rfind('-');
    if (last != dash && own.substr(last + 1) != place_of_process()) continue;
    const std::string number = own.substr(0, dash);
    const std::int64_t process = parse_integer(number).value_or(0);
    if (process <= 0 || process > std::numeric_limits<pid_t>::max()) continue;
    const bool gone = kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH;
    if (gone) fs::remove(entry.path(), ignored);
  }
}

/// A new file beside `path` that becomes `path` or vanishes.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path) : path_(path) {
    remove_leftovers(path);
    for (int number = 0; file_.get() < 0; ++number) {
      const std::string own =
          std::to_string(getpid()) + "-" + std::to_string(number) + "-" + place_of_process();
      name_ = path + std::string(kPart) + own;
      trial_ = path + std::string(kTrial) + own;
      file_.reset(uninterrupted(
          [&] { return open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }));
      if (file_.get() < 0 && errno != EEXIST) fail(path_, "cannot be written");
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) unlink(name_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written =
          uninterrupted([&] { return ::write(file_.get(), bytes.data(), bytes.size()); });
      if (written < 0) fail(path_, "cannot be written");
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    if (uninterrupted([&] { return fsync(file_.get()); }) != 0) fail(path_, "cannot be flushed");
    if (!file_.close()) fail(path_, "cannot be written");
  }

  void rename(Overwrite overwrite) {
    renamed_ = overwrite == Overwrite::yes ? ::rename(name_.c_str(), path_.c_str()) == 0
                                           : rename_to_new(name_, path_);
    if (renamed_) return;
    if (errno == EEXIST) fail_exists(path_);
    fail(path_, "cannot be written");
  }

  /// Does all that write() and rename() will do, to a name of its own that it removes again.
  void rehearse(Overwrite overwrite) {
    constexpr std::byte one{1};
    write({&one, 1});
    renamed_ = overwrite == Overwrite::yes ? ::rename(name_.c_str(), trial_.c_str()) == 0
                                           : rename_to_new(name_, trial_);
    if (!renamed_) fail(path_, "cannot be written");
    unlink(trial_.c_str());
  }

 private:
  std::string path_, name_, trial_;
  FileDescriptor file_;
  bool renamed_ = false;
};

/// Makes a rename in this folder outlast a power cut, where the system can: the file is whole with
/// or without it, so a refusal is no failure.
void flush_folder(const std::string& folder) {
  const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) fsync(opened.get());
}

/// Error unless the folder of `path` can be one.
void check_folder(const std::string& path) {
  if (path.empty()) throw Error("output file", "an empty name", "a path");
  std::error_code none;
  const std::string folder = folder_of(path);
  const fs::file_type type = fs::status(folder, none).type();
  if (type == fs::file_type::not_found) {
    throw Error(path, "folder " + folder + " does not exist", "a path in a folder that does");
  }
  if (type == fs::file_type::regular) {
    throw Error(path, folder + " is a file", "a path in a folder");
  }
}

/// The checks that need no writing. Only a regular file is ever replaced: never /dev/null.
void check_target(const std::string& path, Overwrite overwrite) {
  check_folder(path);
  std::error_code none;
  // Looked at once: another process may remove the file meanwhile.
  const fs::file_type own = fs::symlink_status(path, none).type();
  const fs::file_type target = own == fs::file_type::symlink ? fs::status(path, none).type() : own;
  if (target == fs::file_type::directory) throw Error(path, "is a folder", "a file's name");
  if (own == fs::file_type::not_found || own == fs::file_type::none) return;
  if (overwrite == Overwrite::no) fail_exists(path);
  if (target != fs::file_type::regular) {
    throw Error(path, "is not a regular file", "a file's name");
  }
}

/// Error for a named pipe, on which opening waits for ever, or a device, which may have no end.
/// What is open already, as a pipe at standard input, is read.
void check_readable_kind(const std::string& path) {
  struct stat status {};
  const std::string_view name = path;
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
      name == "/dev/stdin" || name.starts_with("/dev/fd/") || name.starts_with("/proc/self/fd/")) {
    return;
  }
  throw Error(path, "is not a regular file", "a file, or a pipe as /dev/stdin");
}

std::string lock_name(const std::string& path) {
  return path + ".lock";
}

/// As errno says if not. What output_is_locked() holds for a moment is no reason.
bool lock_at_once(int file) {
  constexpr int kTries = 3;
  for (int tries = 1;; ++tries) {
    if (uninterrupted([&] { return flock(file, LOCK_EX | LOCK_NB); }) == 0) return true;
    if (errno != EWOULDBLOCK || tries == kTries) return false;
    usleep(1000);
  }
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path, std::size_t most) {
  check_readable_kind(path);
  const FileDescriptor file(
      uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (file.get() < 0) fail_to_open(path);
  struct stat status {};
  const bool known = fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (known && static_cast<std::size_t>(status.st_size) > most) fail_too_long(path, most);
  // One more than there is, so that the end shows without growing.
  std::vector<std::byte> bytes(known ? static_cast<std::size_t>(status.st_size) + 1 : 65536);
  std::size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.resize(2 * bytes.size());
    const ssize_t count = uninterrupted(
        [&] { return read(file.get(), bytes.data() + filled, bytes.size() - filled); });
    if (count < 0) fail(path, "cannot be read");
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > most) fail_too_long(path, most);
  }
  bytes.resize(filled);
  return bytes;
}

void write_file(const std::string& path, std::span<const std::byte> bytes, Overwrite overwrite) {
  check_target(path, overwrite);
  TemporaryFile file(path);
  file.write(bytes);
  file.rename(overwrite);
  flush_folder(folder_of(path));
}

void rename_file(const std::string& from, const std::string& to) {
  if (rename_to_new(from, to)) {
    flush_folder(folder_of(to));
    return;
  }
  if (errno == EEXIST) fail_exists(to);
  const std::string reason = "cannot be renamed: " + std::generic_category().message(errno);
  if (errno == ENOENT) throw FileMissing(from, reason, "");
  throw Error(from, reason, "");
}

void check_writable(const std::string& path, Overwrite overwrite) {
  check_target(path, overwrite);
  TemporaryFile(path).rehearse(overwrite);
}

OutputLock::OutputLock(const std::string& path) : name_(lock_name(path)) {
  check_folder(path);
  // The file that was locked may be one that its last owner has just removed: then try again.
  while (true) {
    file_ = uninterrupted([&] { return open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); });
    if (file_ < 0) fail(name_, "cannot be written");
    if (!lock_at_once(file_)) {
      const int reason = errno;
      close(std::exchange(file_, -1));
      if (reason == EWOULDBLOCK) {
        throw OutputBusy(path, "another run is writing it (it holds " + name_ + ")",
                         "another name, or to wait until that run ends");
      }
      unlink(name_.c_str());
      return;  // a file system without locks
    }
    struct stat locked {};
    struct stat named {};
    if (fstat(file_, &locked) == 0 && stat(name_.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
      return;
    }
    close(file_);
  }
}

std::optional<bool> output_is_locked(const std::string& path) {
  const FileDescriptor file(
      uninterrupted([&] { return open(lock_name(path).c_str(), O_RDONLY | O_CLOEXEC); }));
  if (file.get() < 0) return errno == ENOENT ? std::optional(false) : std::nullopt;
  if (uninterrupted([&] { return flock(file.get(), LOCK_SH | LOCK_NB); }) == 0) return false;
  return errno == EWOULDBLOCK ? std::optional(true) : std::nullopt;
}

OutputLock::~OutputLock() {
  if (file_ < 0) return;
  unlink(name_.c_str());
  close(file_);
}

}  // namespace reprise
