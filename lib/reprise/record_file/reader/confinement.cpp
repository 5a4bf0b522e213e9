// Limits by setrlimit, and a list of system calls by libseccomp.
#include "reprise/record_file/reader/confinement.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <system_error>
#include <type_traits>

#include "reprise/record_file/reader/seccomp_condition.hpp"

namespace reprise::details {
namespace {

#ifdef REPRISE_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

void limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  getrlimit(resource, &now);
  const rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
  if (setrlimit(resource, &wanted) != 0) {
    throw std::system_error(errno, std::generic_category(), "setrlimit");
  }
}

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

/// Fills the filter; 0, or a negative errno.
int allow_little(scmp_filter_ctx filter) {
  // Allocators, vector growth, exceptions; clocks where the kernel's page of them is missing.
  constexpr std::array plain = {
      SCMP_SYS(brk),           SCMP_SYS(munmap),         SCMP_SYS(mremap),
      SCMP_SYS(madvise),       SCMP_SYS(futex),          SCMP_SYS(getrandom),
      SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),   SCMP_SYS(rt_sigprocmask),
      SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),    SCMP_SYS(sched_yield),
      SCMP_SYS(getpid),        SCMP_SYS(gettid),         SCMP_SYS(exit),
      SCMP_SYS(exit_group),    SCMP_SYS(restart_syscall)};
  int status = 0;
  const auto allow = [&](int call, std::initializer_list<scmp_arg_cmp> conditions) {
    if (status < 0) return;
    status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call,
                                    static_cast<unsigned>(conditions.size()), conditions.begin());
  };
  for (const int call : plain) allow(call, {});
  const auto nothing_executable = argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  allow(SCMP_SYS(mmap),
        {nothing_executable, argument(3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)});
  allow(SCMP_SYS(mprotect), {nothing_executable});
  allow(SCMP_SYS(write), {argument(0, SCMP_CMP_EQ, STDOUT_FILENO)});
  // abort() signals its own thread.
  allow(SCMP_SYS(tgkill), {argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()))});
  return status;
}

}  // namespace

bool limits_memory() {
  return !kSanitized;
}

void limit_resources(const ReadingLimits& limits) {
  constexpr rlim_t slower = kSanitized ? 4 : 1;
  const rlim_t seconds = slower * limits.processor_seconds;
  limit(RLIMIT_CPU, seconds, seconds + 1);
  limit(RLIMIT_FSIZE, 0, 0);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_NOFILE, 0, 0);
  limit(RLIMIT_NPROC, 0, 0);
  if (limits_memory()) {
    limit(RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes);
  }
}

std::string forbid_system_calls() {
  int status = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
  const Filter filter(status == 0 ? seccomp_init(SCMP_ACT_ERRNO(EPERM)) : nullptr, seccomp_release);
  if (status == 0) status = filter == nullptr ? -ENOMEM : allow_little(filter.get());
  if (status == 0) status = seccomp_load(filter.get());
  return status == 0 ? "" : std::generic_category().message(-status);
}

}  // namespace reprise::details
