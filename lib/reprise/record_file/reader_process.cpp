#include "reprise/record_file/reader_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/file_descriptor.hpp"

namespace reprise::details {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How a process ends that has closed its output: at once.
constexpr milliseconds kLastWords(1000);

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail(const char* what, int error) {
  throw Error("reader of records", std::string(what) + ": " + reason(error), "a system that can");
}

/// Descriptors from 3 on, so that those of the new process are not among them.
FileDescriptor above_standard(int descriptor, const char* what) {
  const FileDescriptor given(descriptor);
  if (given.get() < 0) fail(what, errno);
  FileDescriptor moved(fcntl(given.get(), F_DUPFD_CLOEXEC, 3));
  if (moved.get() < 0) fail(what, errno);
  return moved;
}

/// A file without a name that holds the bytes and that nobody can change or shorten.
FileDescriptor sealed_file(std::span<const std::byte> bytes) {
  const char* const what = "cannot hold the record's bytes";
  FileDescriptor file =
      above_standard(memfd_create("record", MFD_CLOEXEC | MFD_ALLOW_SEALING), what);
  while (!bytes.empty()) {
    const ssize_t written =
        uninterrupted([&] { return write(file.get(), bytes.data(), bytes.size()); });
    if (written < 0) fail(what, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (fcntl(file.get(), F_ADD_SEALS, seals) != 0) fail(what, errno);
  return file;
}

struct Pipe {
  FileDescriptor read_end, write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("no pipe", errno);
  FileDescriptor write_end(ends[1]);
  FileDescriptor read_end = above_standard(ends[0], "no pipe");
  return {std::move(read_end), above_standard(write_end.release(), "no pipe")};
}

/// What posix_spawn is told, given back afterwards.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  /// Standard input and output, an error output that goes nowhere, and no other descriptors.
  void descriptors(int input, int output) {
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  /// A process group of its own, which Ctrl-C does not reach, and signals as they are by default.
  void signals() {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

pid_t start(const ReaderCall& call, int input, int output) {
  SpawnSettings settings;
  settings.descriptors(input, output);
  settings.signals();
  std::string name = "reprise_record_reader", option = "--unconfined";
  std::array<char*, 3> arguments = {name.data(), call.confined ? nullptr : option.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  pid_t process = -1;
  const int error = posix_spawn(&process, call.program.c_str(), settings.actions(),
                                settings.attributes(), arguments.data(), environment.data());
  if (error != 0) fail(("cannot start " + call.program).c_str(), error);
  return process;
}

/// A process that this one started; it ends with this object at the latest, and its group with it.
class Process {
 public:
  explicit Process(pid_t process) : process_(process) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (process_ > 0) reap();
  }

  /// How it ended, if it does so by `deadline`; nothing either where nobody is told, as in a
  /// program that ignores SIGCHLD.
  std::optional<int> wait_until(Clock::time_point deadline) {
    milliseconds pause(0);
    siginfo_t ended{};
    while (waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0) {
      if (ended.si_pid != 0) return reap();
      if (Clock::now() >= deadline) return std::nullopt;
      std::this_thread::sleep_for(pause);
      pause = std::min(pause + milliseconds(1), milliseconds(20));
    }
    return std::nullopt;
  }

 private:
  std::optional<int> reap() {
    kill(-process_, SIGKILL);  // it and what it has started; no effect if it has ended alone
    int status = 0;
    const pid_t reaped = uninterrupted([&] { return waitpid(process_, &status, 0); });
    process_ = -1;
    return reaped > 0 ? std::optional(status) : std::nullopt;
  }

  pid_t process_;
};

/// All that comes out of a pipe. Throws ReaderFailure if that is more than `most` bytes or takes
/// until `deadline`.
std::vector<std::byte> read_all(int pipe, std::uint64_t most, Clock::time_point deadline) {
  std::vector<std::byte> bytes;
  std::size_t filled = 0;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{pipe, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(left) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) fail("cannot wait for it", errno);
    if (ready == 0) throw ReaderFailure("took too long to read");
    constexpr std::size_t piece = std::size_t{1} << 18;
    if (bytes.size() < filled + piece) bytes.resize(2 * filled + piece);
    const ssize_t count = uninterrupted([&] { return read(pipe, bytes.data() + filled, piece); });
    if (count < 0) fail("cannot read from it", errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > most) throw ReaderFailure("holds more than a file of its size may");
  }
  bytes.resize(filled);
  return bytes;
}

std::string signal_text(int signal) {
  const char* known = ::sigdescr_np(signal);
  return known == nullptr ? "signal " + std::to_string(signal) : known;
}

/// Why a process said nothing that makes sense.
std::string failure_text(std::optional<int> status, const std::string& nonsense) {
  if (!status) return "did not let the reader of records end";
  if (WIFSIGNALED(*status)) {
    const int signal = WTERMSIG(*status);
    if (signal == SIGXCPU) return "took too much time to read";
    if (signal == SIGKILL) return "made the system end the reader of records";
    return "crashed the reader of records (" + signal_text(signal) + ")";
  }
  if (WEXITSTATUS(*status) != 0) {
    return "could not be read: the reader of records ended with status " +
           std::to_string(WEXITSTATUS(*status));
  }
  return "made the reader of records say what makes no sense: " + nonsense;
}

/// The message in the bytes; "" or why they are none goes to `nonsense`.
std::optional<ReaderMessage> decoded(std::span<const std::byte> bytes, std::string& nonsense) try {
  return decode(bytes);
} catch (const Error& error) {
  nonsense = error.what();
  return std::nullopt;
}

}  // namespace

ReaderMessage read_in_process(std::span<const std::byte> image, const ReaderCall& call) {
  const auto allowed = std::chrono::duration<double>(call.limits.wall_seconds);
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(allowed);
  const FileDescriptor file = sealed_file(image);
  Pipe pipe = make_pipe();
  Process process(start(call, file.get(), pipe.write_end.get()));
  pipe.write_end.close();
  constexpr std::uint64_t words = 1 << 16;  // of a refusal
  const std::vector<std::byte> bytes =
      read_all(pipe.read_end.get(), call.limits.tree_bytes + words, deadline);
  std::string nonsense;
  if (auto message = decoded(bytes, nonsense)) return std::move(*message);
  const std::optional<int> status = process.wait_until(Clock::now() + kLastWords);
  throw ReaderFailure(failure_text(status, nonsense));
}

}  // namespace reprise::details
