#include "support/child.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace reprise::test {
namespace {

#ifdef REPRISE_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

void set_limits(const ChildLimits& limits) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit time{limits.cpu_seconds, limits.cpu_seconds + 1};
  setrlimit(RLIMIT_CPU, &time);
  if (kSanitized) return;  // they map terabytes
  const rlimit memory{limits.bytes, limits.bytes};
  setrlimit(RLIMIT_AS, &memory);
}

std::string outcome_of(const std::function<std::string()>& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
}

[[noreturn]] void run_and_exit(const std::function<std::string()>& work, const ChildLimits& limits,
                               int pipe) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    std::signal(signal, SIG_DFL);  // not the test framework's
  }
  set_limits(limits);
  const std::string outcome = outcome_of(work);
  const auto written = write(pipe, outcome.data(), outcome.size());
  _exit(written == static_cast<ssize_t>(outcome.size()) ? 0 : 1);
}

std::string read_all(int pipe) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(pipe, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

std::string in_child(const std::function<std::string()>& work, const ChildLimits& limits) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    close(ends[0]);
    run_and_exit(work, limits, ends[1]);
  }
  close(ends[1]);
  const std::string outcome = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return std::string("ended by ") + strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "exit status " + std::to_string(WEXITSTATUS(status));
  return outcome;
}

}  // namespace reprise::test
