/// \file
/// Runs a program as a person would and keeps what it printed.
#pragma once

#include <functional>
#include <string>

namespace reprise::test {

inline const std::string kBuild = REPRISE_BINARY_DIR;
/// What comes before the name of a program of experiments.
inline const std::string kPrograms = kBuild + "/experiments/";
inline const std::string kTrain = kPrograms + "train_lenet5";
/// A small data set that they read.
inline const std::string kFixture = REPRISE_FIXTURES "/fashion-mnist";

struct CommandResult {
  int status = 0;  ///< exit status; 128 + signal if a signal ended it
  std::string out;
  std::string err;
  /// The last line of `out`.
  [[nodiscard]] std::string last_line() const;
};

/// Runs a shell command line.
CommandResult run_command(const std::string& command);

/// Runs a program and sends it `signal` as soon as what it has printed so far lets `when` say so: a
/// moment of the program's own, as early or late as the machine is fast. No signal if it ends
/// before. `command` is one program with its arguments, not a list of commands.
CommandResult run_command_until(const std::string& command, int signal,
                                const std::function<bool(const std::string& out)>& when);

/// A file's bytes as text.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& contents);

}  // namespace reprise::test
