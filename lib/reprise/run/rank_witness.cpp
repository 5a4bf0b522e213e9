#include "reprise/run/rank_witness.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

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

RankWitness::RankWitness(const std::function<void(const std::string& what)>& tell) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error("ranks", std::strerror(errno), "a socket to a process that watches this one");
  }
  to_.reset(ends[0]);
  const FileDescriptor from(ends[1]);
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
    bear_witness(from.get(), tell);
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
