/// \file
/// Runs a program as a person would and keeps what it printed; temporary folders.
#pragma once

#include <filesystem>
#include <string>

namespace reprise::test {

struct CommandResult {
  int status = 0;  ///< exit status; 128 + signal if a signal ended it
  std::string out;
  std::string err;
  /// The last line of `out`.
  [[nodiscard]] std::string last_line() const;
};

/// Runs a shell command line.
CommandResult run_command(const std::string& command);

/// A new empty folder, removed with all that is in it when it goes out of scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }
  /// How many files and folders are in it.
  [[nodiscard]] std::size_t entries() const;

 private:
  std::filesystem::path path_;
};

/// A file's bytes.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& contents);

}  // namespace reprise::test
