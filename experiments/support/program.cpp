#include "support/program.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <new>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/core/text.hpp"
#include "reprise/linalg/simd.hpp"
#include "reprise/run/ranks.hpp"

namespace reprise {
namespace {

/// When the first signal came, in nanoseconds; 0 before. Set by the signal handler, read by several
/// threads.
std::atomic<std::int64_t> stop_requested = 0;
std::atomic<int> signals_caught = 0;
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// Signals so near each other are one request: `timeout`, a batch system and a shell send theirs to
/// the program and to its process group. That makes two; a third is never one of them.
constexpr std::int64_t kSameRequest = 500'000'000;
constexpr int kMaxForOneRequest = 2;

std::int64_t steady_nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

extern "C" void on_interrupt(int signal) {
  const std::int64_t now = steady_nanoseconds();
  const int caught = ++signals_caught;
  std::int64_t first = 0;
  if (stop_requested.compare_exchange_strong(first, now)) return;
  if (signal == SIGPIPE) return;  // each further line that nobody reads
  if (now - first < kSameRequest && caught <= kMaxForOneRequest) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// A write beyond the limit of a file's size then fails like one to a full disk.
extern "C" void on_file_size_limit(int) {}

/// After the program's work: whatever still keeps the process, a signal ends it.
void release_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

/// On a rank that is silent otherwise as well.
void print_failure(const std::string& name, const std::string& what) {
  be_silent(false);
  print_error_line(name + ": " + what);
}

}  // namespace

int run_program(const std::string& own, int argc, const char* const* argv,
                const ProgramBody& body) {
  const FloatEnvironment environment;  // numbers are read and written as well
  const std::string name = called_name(own, argc, argv);
  int status = kFailed;
  try {
    int result = body(name);
    if (!output_is_written()) {
      if (!interrupted()) {
        throw Error("standard output", "cannot be written", "room for what is printed");
      }
      result = kInterrupted;
    }
    // A signal that came too late to stop anything changes nothing.
    release_interrupts();
    return result;
  } catch (const UsageError& error) {
    print_failure(name, error.what());
    status = kBadUsage;
  } catch (const std::bad_alloc&) {
    print_failure(name, "out of memory");
  } catch (const EndedWithOthers&) {
    // A launcher ends rank 0 at once if another rank fails, perhaps before rank 0 has told why.
    return 0;
  } catch (const std::exception& error) {
    print_failure(name, error.what());
  }
  release_interrupts();
  return interrupted() ? kInterrupted : status;
}

void add_threads(CommandLine& line, std::size_t& threads, const std::string& effect) {
  line.add_size("--threads", threads, kThreads, effect);
  line.set_in_manual("--threads", "the number of processors that this process may use", effect);
}

void add_simd(CommandLine& line, std::string& simd, const std::string& effect) {
  const std::vector<std::string> targets = simd_targets();
  line.add_text("--simd", simd,
                "vector instructions: best, or one of " + join(targets) + "; " + effect);
  line.set_in_manual("--simd", simd,
                     "vector instructions: best, or one that --help lists; " + effect);
  std::vector<std::string> choices = {"best"};
  choices.insert(choices.end(), targets.begin(), targets.end());
  line.set_choices("--simd", choices);
}

void catch_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE}) std::signal(signal, on_interrupt);
  if (std::signal(SIGHUP, on_interrupt) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup
  std::signal(SIGXFSZ, on_file_size_limit);
}

bool interrupted() {
  return stop_requested != 0;
}

void Log::line(const std::string& text) {
  print_line(text);
  text_ += printable(text) + "\n";
}

std::string duration_text(double seconds) {
  const long whole = std::lround(seconds);
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

std::string place_text(std::size_t epochs, std::size_t steps) {
  if (epochs == 0) return count_of(steps, "step");
  const std::string text = count_of(epochs, "epoch");
  return steps == 0 ? text : text + " and " + count_of(steps, "step");
}

double steady_seconds() {
  return 1e-9 * static_cast<double>(steady_nanoseconds());
}

}  // namespace reprise
