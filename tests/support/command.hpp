/// \file
/// Runs a program as a person would and keeps what it printed.
#pragma once

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

/// A file's bytes as text.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& contents);

}  // namespace reprise::test
