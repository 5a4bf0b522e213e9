// What a process without rights must not be able to do, tried.
#include "reprise/record_file/reader/self_test.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "reprise/core/terminal.hpp"
#include "reprise/record_file/reader/confinement.hpp"

namespace reprise::details {
namespace {

bool report(const char* name, bool refused) {
  print_line(std::string(refused ? "refused " : "ALLOWED ") + name);
  return refused;
}

/// Whether a system call failed as the filter makes it fail, and not for a reason of its own.
bool is_forbidden(long result) {
  return result < 0 && errno == EPERM;
}

bool is_forbidden(const void* mapped) {
  return mapped == MAP_FAILED && errno == EPERM;
}

/// The same for a call that starts a process.
bool child_is_forbidden(long child) {
  if (child == 0) _exit(0);
  return is_forbidden(child);
}

bool files_are_forbidden() {
  char byte = 0;
  bool all = report("openat", is_forbidden(syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY)));
#ifdef SYS_open
  all &= report("open", is_forbidden(syscall(SYS_open, "/", O_RDONLY)));
#endif
  all &= report("unlinkat", is_forbidden(syscall(SYS_unlinkat, AT_FDCWD, "", 0)));
  all &= report("read", is_forbidden(read(STDIN_FILENO, &byte, 1)));
  all &= report("write elsewhere", is_forbidden(write(2, "x", 1)));
  return all;
}

bool processes_are_forbidden() {
  bool all = report("fork", child_is_forbidden(fork()));
  all &= report("clone", child_is_forbidden(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
#ifdef SYS_clone3
  clone_args args{};
  args.exit_signal = SIGCHLD;
  all &= report("clone3", child_is_forbidden(syscall(SYS_clone3, &args, sizeof args)));
#endif
  char* const none[] = {nullptr};
  all &= report("execve", is_forbidden(execve("", none, none)));
  all &= report("kill", is_forbidden(kill(getppid(), 0)));
  return all;
}

bool the_rest_is_forbidden() {
  const auto map = [](std::size_t size, int protection, int flags) {
    return mmap(nullptr, size, protection, flags, flags == MAP_PRIVATE ? STDIN_FILENO : -1, 0);
  };
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  bool all = report("socket", is_forbidden(socket(AF_UNIX, SOCK_STREAM, 0)));
  all &= report("setrlimit", is_forbidden(setrlimit(RLIMIT_CPU, &none)));
  all &= report("mapped file", is_forbidden(map(1, PROT_READ, MAP_PRIVATE)));
  constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  all &= report("executable memory", is_forbidden(map(1, PROT_READ | PROT_EXEC, anonymous)));
  if (limits_memory()) {
    constexpr std::size_t much = std::size_t{1} << 30;  // an empty file allows 320 MiB
    all &= report("memory", map(much, PROT_READ | PROT_WRITE, anonymous) == MAP_FAILED);
  }
  return all;
}

}  // namespace

bool all_is_refused() {
  const bool files = files_are_forbidden();
  const bool processes = processes_are_forbidden();
  return the_rest_is_forbidden() && files && processes;
}

}  // namespace reprise::details
