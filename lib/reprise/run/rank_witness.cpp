#include "reprise/run/rank_witness.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>

#include "reprise/core/error.hpp"
#include "reprise/core/parse.hpp"

namespace reprise {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kToBegin(60);        ///< on one host
constexpr seconds kToJoin(600);        ///< with those of other hosts
constexpr seconds kForTheLauncher(5);  ///< to end the other ranks
constexpr seconds kForALine(1);        ///< to be printed
constexpr milliseconds kBetweenLooksForRanks(500);

/// What a witness is told first; `here` processes follow.
struct WatchHeader {
  std::uint64_t own, size, here;
};

bool receive_whole(int from, void* memory, std::size_t bytes) {
  auto* place = static_cast<char*>(memory);
  while (bytes > 0) {
    const ssize_t got = uninterrupted([&] { return recv(from, place, bytes, 0); });
    if (got <= 0) return false;
    place += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_whole(int to, const void* memory, std::size_t bytes) {
  const auto* place = static_cast<const char*>(memory);
  while (bytes > 0) {
    const ssize_t sent = uninterrupted([&] { return send(to, place, bytes, MSG_NOSIGNAL); });
    if (sent <= 0) return false;
    place += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool add_to(const FileDescriptor& epoll, int descriptor, std::uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/// Whether the process `own` of `here` is the first that ends; not if `from` says before that it
/// shall not be watched any longer.
bool own_ends_first(int from, std::size_t own, const std::vector<RankProcess>& here) {
  const FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  const std::uint64_t orders = here.size();
  if (epoll.get() < 0 || !add_to(epoll, from, orders)) return false;
  // Descriptors stay open until the process ends. Its own rank's comes last: of those that have
  // ended by now, it does not count as the first.
  const auto watch = [&](std::size_t i) {
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, here[i].process, 0));
    return pidfd < 0 ? errno == ESRCH && i != own : add_to(epoll, pidfd, i);
  };
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (i != own && !watch(i)) return false;
  }
  if (!watch(own)) return false;
  const char ready = 1;
  if (!send_whole(from, &ready, 1)) return false;
  for (;;) {
    epoll_event event{};
    if (uninterrupted([&] { return epoll_wait(epoll.get(), &event, 1, -1); }) != 1) return false;
    if (event.data.u64 != orders) return event.data.u64 == own;
    char order = 0;
    if (receive_whole(from, &order, 1)) return false;
    epoll_ctl(epoll.get(), EPOLL_CTL_DEL, from, nullptr);  // the rank is about to end
  }
}

/// A name that lives as long as its socket, in no folder; those of a launch differ by what follows
/// the last '/'.
std::string sign_of(const Launcher& launcher) {
  return fmt::format("reprise-ranks/{}/{}/", getuid(), launcher.job);
}

struct SignAddress {
  sockaddr_un address{};
  socklen_t bytes = 0;
  /// bind() and connect() take it as this.
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

SignAddress sign_address(const Launcher& launcher, std::size_t rank) {
  SignAddress sign;
  sign.address.sun_family = AF_UNIX;
  const std::string name = sign_of(launcher) + std::to_string(rank);
  const std::size_t length = std::min(name.size(), sizeof(sign.address.sun_path) - 2);
  // A zero before it: no file's name. One after it, which qemu-user adds where there is none.
  name.copy(&sign.address.sun_path[1], length);
  sign.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 2);
  return sign;
}

/// Shows that this rank is here, until the process ends. None on a system without such names, where
/// others count this rank as missing.
FileDescriptor put_up_sign(const Launcher& launcher) {
  FileDescriptor sign(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SignAddress to = sign_address(launcher, launcher.rank);
  if (bind(sign.get(), to.get(), to.bytes) != 0 || listen(sign.get(), 1) != 0) sign.close();
  return sign;
}

/// Whether a process of this user has called end_joining_ranks().
bool is_asked_to_end(const FileDescriptor& sign) {
  const FileDescriptor asking(accept4(sign.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  return asking.get() >= 0 &&
         getsockopt(asking.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
         peer.uid == getuid();
}

std::string list_of(const std::vector<std::size_t>& ranks) {
  std::vector<std::string> texts;
  for (const std::size_t rank : ranks) texts.push_back(std::to_string(rank));
  return (texts.size() == 1 ? "rank " : "ranks ") + join(texts);
}

/// Which ranks wait, and for which.
Error waits_in_vain(const Launcher& launcher, const std::vector<std::size_t>& here,
                    seconds waited) {
  std::vector<std::size_t> missing;
  for (std::size_t rank = 0; rank < launcher.size; ++rank) {
    if (std::find(here.begin(), here.end(), rank) == here.end()) missing.push_back(rank);
  }
  const std::string of = launcher.on_this_host == launcher.size
                             ? "for " + list_of(missing)
                             : "for ranks beside " + list_of(here) + " of this host";
  return {fmt::format("rank {} of {}", launcher.rank, launcher.size),
          fmt::format("it has waited {} s {} to join", waited.count(), of),
          "the same program for all ranks, with the same --ranks"};
}

/// Whether `from` has nothing to say for so long: the rank neither joins nor ends.
bool is_silent(int from, milliseconds time) {
  pollfd message{from, POLLIN, 0};
  return uninterrupted([&] { return poll(&message, 1, static_cast<int>(time.count())); }) == 0;
}

/// True as soon as the rank has joined or has ended; false if it has waited in vain, and has been
/// ended.
bool joins(int from, pid_t own, const FileDescriptor& sign, const Launcher& launcher,
           const std::function<void(const std::string& what)>& tell) {
  const auto begun = std::chrono::steady_clock::now();
  while (is_silent(from, kBetweenLooksForRanks)) {
    auto waited = std::chrono::steady_clock::now() - begun;
    if (is_asked_to_end(sign)) {
      if (!is_silent(from, kForALine)) return true;
    } else {
      if (waited < kToBegin) continue;
      const std::vector<std::size_t> here = joining_ranks(launcher);
      const bool is_first = here.empty() || here.front() >= launcher.rank;
      const bool is_complete = launcher.on_this_host == 0 || here.size() >= launcher.on_this_host;
      if (!is_first) waited -= kForTheLauncher;
      const seconds limit = is_complete ? kToJoin : kToBegin;
      if (waited < limit) continue;
      if (is_first) {
        tell(waits_in_vain(launcher, here, limit).what());
        end_joining_ranks(launcher);
      }
    }
    kill(own, SIGTERM);
    if (is_silent(from, kForALine)) kill(own, SIGKILL);
    return false;
  }
  return true;
}

void bear_witness(int from, const std::function<void(const std::string& what)>& tell) {
  WatchHeader header{};
  if (!receive_whole(from, &header, sizeof(header))) return;
  std::vector<RankProcess> here(header.here);
  if (!receive_whole(from, here.data(), here.size() * sizeof(RankProcess))) return;
  std::size_t own = 0;
  while (own < here.size() && here[own].rank != header.own) ++own;
  if (own == here.size() || !own_ends_first(from, own, here)) return;
  tell(Error(fmt::format("rank {} of {}", header.own, header.size),
             fmt::format("its process {} has ended", here[own].process),
             "all ranks to go on; the checkpoint that was saved last is whole")
           .what());
}

}  // namespace

std::vector<std::size_t> joining_ranks(const Launcher& launcher) {
  const std::string sign = "@" + sign_of(launcher);
  std::vector<std::size_t> ranks;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    const std::size_t place = line.find(sign);
    if (place == std::string::npos) continue;
    std::string number = line.substr(place + sign.size());
    if (number.ends_with('@')) number.pop_back();  // how the file shows a zero
    const auto rank = parse_integer(number);
    if (rank && *rank >= 0) ranks.push_back(static_cast<std::size_t>(*rank));
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void end_joining_ranks(const Launcher& launcher) {
  for (const std::size_t rank : joining_ranks(launcher)) {
    const FileDescriptor asking(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const SignAddress to = sign_address(launcher, rank);
    // Whoever has gone meanwhile cannot be asked.
    static_cast<void>(connect(asking.get(), to.get(), to.bytes));
  }
}

RankWitness::RankWitness(const Launcher& launcher,
                         const std::function<void(const std::string& what)>& tell) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error("ranks", std::strerror(errno), "a socket to a process that watches this one");
  }
  to_.reset(ends[0]);
  const FileDescriptor from(ends[1]);
  const pid_t rank_process = getpid();
  process_ = fork();
  if (process_ < 0) {
    throw Error("ranks", std::strerror(errno), "room for a process that watches this one");
  }
  if (process_ > 0) return;
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE}) {
    std::signal(signal, SIG_IGN);
  }
  to_.close();
  try {
    const FileDescriptor sign = put_up_sign(launcher);
    if (joins(from.get(), rank_process, sign, launcher, tell)) bear_witness(from.get(), tell);
  } catch (const std::exception&) {
    _exit(1);  // out of memory
  }
  _exit(0);
}

void RankWitness::watch(std::size_t own, std::size_t size, const std::vector<RankProcess>& here) {
  const WatchHeader header{own, size, here.size()};
  char ready = 0;
  if (!send_whole(to_.get(), &header, sizeof(header)) ||
      !send_whole(to_.get(), here.data(), here.size() * sizeof(RankProcess)) ||
      !receive_whole(to_.get(), &ready, 1)) {
    dismiss();
  }
}

void RankWitness::dismiss() {
  if (process_ < 0) return;
  const char order = 1;
  send_whole(to_.get(), &order, 1);
  to_.close();
  uninterrupted([&] { return waitpid(process_, nullptr, 0); });
  process_ = -1;
}

}  // namespace reprise
