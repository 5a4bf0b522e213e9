/// \file
/// What every experiment program does the same way: errors in one line, Ctrl-C, progress and time
/// left, a log of what was printed.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace reprise {

/// Exit statuses: 0 all done; 1 an error, told in one line; 130 stopped by Ctrl-C.
constexpr int kInterrupted = 130;

/// Runs a program's body and turns what it throws into one line on standard error and an exit
/// status.
int run_program(const std::string& name, const std::function<int()>& body);

/// Parses the command line. False if the program is done (--help was printed). Error for what
/// cannot be understood; for an unknown option it names the nearest known one.
bool parse_command_line(CLI::App& app, int argc, const char* const* argv);

/// From now on Ctrl-C (SIGINT) and SIGTERM ask for a clean stop; another one, half a second later
/// or more, ends at once.
void catch_interrupts();
bool interrupted();

/// Prints lines to standard output and remembers them for the record.
class Log {
 public:
  void line(const std::string& text);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A line that is rewritten in place on a terminal, at most ten times a second; nothing elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  void show(const std::string& text);
  /// Wipes the line, before something else is printed.
  void clear();

 private:
  bool terminal_;
  double last_shown_ = 0.0;
  bool visible_ = false;
};

/// "1 h 02 min", "3 min 20 s", "8 s".
std::string duration_text(double seconds);

/// Seconds on a clock that does not step.
double steady_seconds();

}  // namespace reprise
