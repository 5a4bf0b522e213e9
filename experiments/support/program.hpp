/// \file
/// What every experiment program does the same way: errors in one line, Ctrl-C, progress and time
/// left, a log of what was printed.
#pragma once

#include <functional>
#include <string>

#include "reprise/core/command_line.hpp"

namespace reprise {

/// Exit status of what Ctrl-C or another of catch_interrupts()'s signals stopped; kFailed and
/// kBadUsage are in command_line.hpp.
constexpr int kInterrupted = 130;

/// A program's work; `name` is what it goes by in its help and its errors.
using ProgramBody = std::function<int(const std::string& name)>;

/// Runs a program's body and turns what it throws into one line on standard error and an exit
/// status. What the body returns is the status, also after a signal: kInterrupted if that stopped
/// anything. A body that throws after a signal was interrupted. 0 on a rank whose failure rank 0
/// tells. `own` is the program's file name.
int run_program(const std::string& own, int argc, const char* const* argv, const ProgramBody& body);

/// What --threads may be.
constexpr IntegerRange kThreads{1, 1024};

/// What --data is to a program that trains.
constexpr const char* kDataFolder =
    "folder with the four IDX files of MNIST or of a data set in its format, gzipped or not, or "
    "with "
    "CIFAR-10's binary files";

/// Adds --threads; `effect` says what it does and does not change.
void add_threads(CommandLine& line, std::size_t& threads, const std::string& effect);
/// Adds --simd; `effect` likewise.
void add_simd(CommandLine& line, std::string& simd, const std::string& effect);

/// From now on Ctrl-C (SIGINT), SIGTERM, SIGUSR1, SIGHUP (unless ignored, as under nohup) and a
/// closed standard output (SIGPIPE) ask for a clean stop. A second signal half a second later or
/// more, or a third at any time, ends the program at once. Writing beyond a file-size limit
/// (SIGXFSZ) is an error of that write.
void catch_interrupts();
bool interrupted();

/// The default of --threads: the processors that this process may use, or fewer if its control
/// group (a container's limit) grants less of their time.
std::size_t default_threads();
/// The processors' time that a control group grants, in processors ("max" grants all: 0), from the
/// text of /proc/self/cgroup and the folder that control groups are mounted in. Knows version 1 and
/// 2; 0 for whatever cannot be read.
double cgroup_processors(const std::string& self, const std::string& mounted);

/// Starts `wanted` threads before the work begins and returns how many there are; says on standard
/// error if they are fewer.
std::size_t have_threads(std::size_t wanted);

/// Prints lines to standard output and remembers them for the record.
class Log {
 public:
  void line(const std::string& text);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// How far the work is. On a terminal it is one line, rewritten in place at most ten times a second
/// and never wider than the terminal, which may change its size meanwhile. Elsewhere, as in a log
/// or where TERM is "dumb" or not set, it is a line of its own every half minute, without control
/// characters.
class ProgressLine {
 public:
  /// `line_seconds` lie between two lines of a log.
  explicit ProgressLine(double line_seconds = 30.0);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  /// The parts of `text` have two blanks between them.
  void show(const std::string& text);
  /// Wipes the line.
  void clear();

 private:
  bool in_place_;
  double seconds_between_;
  double last_shown_;
};

/// `text` cut to `columns`. Its parts are separated by two blanks; the first and the last are kept
/// longest, and of the others the later ones are left out first.
std::string progress_text(const std::string& text, std::size_t columns);

/// "1 h 02 min", "3 min 20 s", "8 s".
std::string duration_text(double seconds);

/// "2 epochs and 3 steps", how far a run is; of the two, one that is 0 is left out.
std::string place_text(std::size_t epochs, std::size_t steps);

/// Seconds on a clock that does not step.
double steady_seconds();

}  // namespace reprise
