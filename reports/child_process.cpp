// Between fork and exec stand only calls that are safe there (POSIX: async-signal-safe), since this
// process may have threads: the filter of system calls is compiled before.
#include "child_process.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <system_error>
#include <type_traits>

#include "landlock.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file_descriptor.hpp"
#include "reprise/record_file/reader/seccomp_condition.hpp"

namespace reprise::reports {
namespace {

constexpr rlim_t kProcessorSeconds = 120;
constexpr rlim_t kWrittenBytes = rlim_t{256} << 20;

[[noreturn]] void fail(const std::string& program, const std::string& what, int error) {
  throw Error(program, what + ": " + std::generic_category().message(error), "a system that can");
}

// ---- the filter

using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

/// What a program that draws has no need of, but for the calls that need a closer look.
std::vector<int> forbidden_calls() {
  return {// processes
          SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(kill),
          SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
          SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal), SCMP_SYS(pidfd_getfd),
          SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
          // connections
          SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(socketcall), SCMP_SYS(connect),
          SCMP_SYS(bind), SCMP_SYS(mq_open), SCMP_SYS(shmget), SCMP_SYS(msgget), SCMP_SYS(semget),
          // files; open and openat are looked at below
          SCMP_SYS(creat), SCMP_SYS(truncate), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
          SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
          SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink),
          SCMP_SYS(symlinkat), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod),
          SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchownat),
          SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(removexattr), SCMP_SYS(lremovexattr),
          SCMP_SYS(utime), SCMP_SYS(utimes), SCMP_SYS(utimensat), SCMP_SYS(futimesat),
          SCMP_SYS(open_by_handle_at),
          // the system
          SCMP_SYS(io_uring_setup), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
          SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(mount),
          SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare),
          SCMP_SYS(setns)};
}

/// Adds rules until one fails.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}
  /// Calls that this processor's kernel does not have are left out by libseccomp.
  void refuse(int call, int error, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    if (status_ < 0) return;
    status_ = seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call,
                                     static_cast<unsigned>(conditions.size()), conditions.begin());
  }
  [[nodiscard]] int status() const { return status_; }

 private:
  scmp_filter_ctx context_;
  int status_ = 0;
};

/// `path` is where the name of the program that is started lies in memory: execve of it alone is
/// let through, and after that call the memory is another.
int add_rules(scmp_filter_ctx context, const char* path) {
  Rules rules(context);
  for (const int call : forbidden_calls()) rules.refuse(call, EPERM);
  rules.refuse(SCMP_SYS(execve), EPERM,
               {details::argument(0, SCMP_CMP_NE, reinterpret_cast<scmp_datum_t>(path))});
  rules.refuse(SCMP_SYS(clone), EPERM, {details::argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)});
  rules.refuse(SCMP_SYS(prlimit64), EPERM, {details::argument(0, SCMP_CMP_NE, 0)});
  rules.refuse(SCMP_SYS(clone3), ENOSYS);  // the C library then takes clone
  rules.refuse(SCMP_SYS(openat2), ENOSYS);
  for (const scmp_datum_t flag : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC}) {
    rules.refuse(SCMP_SYS(open), EPERM, {details::argument(1, SCMP_CMP_MASKED_EQ, flag, flag)});
    rules.refuse(SCMP_SYS(openat), EPERM, {details::argument(2, SCMP_CMP_MASKED_EQ, flag, flag)});
  }
  return rules.status();
}

std::string contents(const FileDescriptor& file) {
  struct stat status {};
  fstat(file.get(), &status);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = uninterrupted([&] {
      return pread(file.get(), text.data() + filled, text.size() - filled,
                   static_cast<off_t>(filled));
    });
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

/// A file without a name, above the standard descriptors.
FileDescriptor memory_file(const std::string& program) {
  const FileDescriptor file(memfd_create("child", MFD_CLOEXEC));
  if (file.get() < 0) fail(program, "no file in memory", errno);
  FileDescriptor moved(fcntl(file.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.get() < 0) fail(program, "no file in memory", errno);
  return moved;
}

/// The filter as the kernel takes it.
std::vector<sock_filter> compiled_filter(const std::string& program, const char* path) {
  const Context context(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  const FileDescriptor file = memory_file(program);
  int status = context == nullptr ? -ENOMEM : add_rules(context.get(), path);
  if (status == 0) status = seccomp_export_bpf(context.get(), file.get());
  if (status != 0) fail(program, "no filter of system calls", -status);
  const std::string bytes = contents(file);
  std::vector<sock_filter> filter(bytes.size() / sizeof(sock_filter));
  std::copy_n(bytes.data(), filter.size() * sizeof(sock_filter),
              reinterpret_cast<char*>(filter.data()));
  return filter;
}

// ---- the child

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path == nullptr || *path == '\0' ? "/usr/local/bin:/usr/bin:/bin" : path;
}

/// The program's file. Only absolute folders of the PATH count.
std::string find_program(const std::string& program) {
  std::istringstream folders(search_path());
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string path = folder + "/" + program;
    struct stat status {};
    const bool is_file = stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (folder.starts_with('/') && is_file && access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

/// What a program needs to read in order to run and to draw: itself, libraries, fonts, locales. No
/// user's file is among them.
std::vector<std::string> readable_places(const std::string& path) {
  std::vector<std::string> places = {path,         "/lib",           "/lib64",
                                     "/usr/lib",   "/usr/lib64",     "/usr/libexec",
                                     "/usr/share", "/usr/local/lib", "/usr/local/share",
                                     "/nix/store", "/gnu/store",     "/etc/ld.so.cache",
                                     "/etc/fonts", "/dev/null"};
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::canonical(path, ignored);
  for (const char* folder : {"lib", "libexec", "share"}) {
    places.push_back((program.parent_path().parent_path() / folder).string());
  }
  return places;
}

/// All that the child needs, made before it: it allocates nothing.
struct Launch {
  const char* path = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  std::array<int, 3> standard{};  ///< what becomes of descriptors 0, 1, 2
  int report = -1;                ///< where it tells what failed
  const sock_fprog* filter = nullptr;
  int rules = -1;  ///< of Landlock; -1 for none
};

enum class Step : int { descriptors, limits, filter, start };

struct Problem {
  Step step;
  int error;
};

[[noreturn]] void give_up(const Launch& launch, Step step) {
  const Problem problem{step, errno};
  while (write(launch.report, &problem, sizeof problem) < 0 && errno == EINTR) {
  }
  _exit(127);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool limit(__rlimit_resource resource, rlim_t most) {
  rlimit now{};
  if (getrlimit(resource, &now) != 0) return false;
  const rlimit wanted{std::min(most, now.rlim_max), std::min(most, now.rlim_max)};
  return setrlimit(resource, &wanted) == 0;
}

[[noreturn]] void become_program(const Launch& launch) {
  reset_signals();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < 3; ++i) {
    if (dup2(launch.standard[static_cast<std::size_t>(i)], i) < 0) {
      give_up(launch, Step::descriptors);
    }
  }
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0 || chdir("/") != 0) {
    give_up(launch, Step::descriptors);
  }
  if (!limit(RLIMIT_CPU, kProcessorSeconds) || !limit(RLIMIT_FSIZE, kWrittenBytes) ||
      !limit(RLIMIT_CORE, 0)) {
    give_up(launch, Step::limits);
  }
  if (launch.filter != nullptr &&
      (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
       (launch.rules >= 0 && !enter_landlock(launch.rules)) ||
       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, launch.filter, 0, 0) != 0)) {
    give_up(launch, Step::filter);
  }
  execve(launch.path, launch.arguments, launch.environment);
  give_up(launch, Step::start);
}

[[noreturn]] void report_problem(const std::string& program, const Problem& problem) {
  const std::string reason = std::generic_category().message(problem.error);
  if (problem.step == Step::filter) {
    throw Error(program, "the kernel refuses a filter of its system calls (" + reason + ")",
                "one that takes it; or --unconfined, if all records are your own");
  }
  throw Error(program, "cannot be started: " + reason, "a program that runs here");
}

/// Starts the child and waits until it has ended; its wait status.
int run(const std::string& program, Launch launch) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, "no pipe", errno);
  FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  // Above the standard descriptors, which dup2 overwrites.
  FileDescriptor report(fcntl(write_end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  write_end.close();
  launch.report = report.get();
  const pid_t child = fork();
  if (child < 0) fail(program, "no process", errno);
  if (child == 0) become_program(launch);
  report.close();
  Problem problem{};
  const ssize_t told =
      uninterrupted([&] { return read(read_end.get(), &problem, sizeof problem); });
  int status = 0;
  if (uninterrupted([&] { return waitpid(child, &status, 0); }) < 0) {
    fail(program, "it did not tell how it ended", errno);
  }
  if (told == sizeof problem) report_problem(program, problem);
  return status;
}

/// The addresses of texts, with a null pointer after them.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

ChildResult run_child(const ChildCall& call) {
  const std::string path = find_program(call.program);
  if (path.empty()) {
    throw Error(call.program, "no such program on the PATH", "Debian's package that has it");
  }
  std::vector<std::string> arguments = {call.program};
  arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
  std::vector<std::string> environment = {"PATH=" + search_path(), "LANG=C.UTF-8"};
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  const FileDescriptor input = memory_file(call.program);
  const FileDescriptor output = memory_file(call.program);
  const FileDescriptor errors = memory_file(call.program);
  std::string_view rest = call.input;
  while (!rest.empty()) {
    const ssize_t count =
        uninterrupted([&] { return write(input.get(), rest.data(), rest.size()); });
    if (count < 0) fail(call.program, "its input cannot be kept", errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  lseek(input.get(), 0, SEEK_SET);

  Launch launch;
  launch.path = path.c_str();
  launch.arguments = argument_pointers.data();
  launch.environment = environment_pointers.data();
  launch.standard = {input.get(), output.get(), errors.get()};
  std::vector<sock_filter> filter;
  sock_fprog kernel_filter{};
  const bool confined = call.confinement == Confinement::required;
  const FileDescriptor rules =
      confined ? landlock_rules(readable_places(path)) : FileDescriptor(-1);
  launch.rules = rules.get();
  if (confined) {
    filter = compiled_filter(call.program, path.c_str());
    kernel_filter = {static_cast<unsigned short>(filter.size()), filter.data()};
    launch.filter = &kernel_filter;
  }
  const int status = run(call.program, launch);
  return {status, contents(output), contents(errors)};
}

}  // namespace reprise::reports
