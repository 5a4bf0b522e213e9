#include "reprise/run/joined_ranks.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "reprise/core/file_descriptor.hpp"
#include "reprise/record_file/reader_program.hpp"
#include "reprise/run/ranks_module.hpp"

namespace reprise {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kYielding(200);  ///< of a wait; then it sleeps
constexpr microseconds kLongestSleep(100);
constexpr milliseconds kBetweenLooks(50);
constexpr milliseconds kForTheTeller(3000);

/// The same for processes that can see each other's numbers.
std::string process_space() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code none;
  return boot + " " + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

/// Another rank's process on this host.
struct Peer {
  std::size_t rank;
  int process;
  FileDescriptor descriptor;  ///< readable once the process has ended
};

/// None on a kernel before Linux 5.3, where the launcher alone finds out that a rank has ended.
FileDescriptor descriptor_of(int process) {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

bool has_ended(const Peer& peer) {
  if (peer.descriptor.get() < 0) return false;
  pollfd waiting{peer.descriptor.get(), POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

/// How a wait passes its time.
class Patience {
 public:
  void pause() {
    const auto waited = Clock::now() - begun_;
    if (waited < kYielding) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::min<Clock::duration>(waited / 10, kLongestSleep));
    }
  }
  bool is_time_to_look() {
    const Clock::time_point now = Clock::now();
    if (now - looked_ < kBetweenLooks) return false;
    looked_ = now;
    return true;
  }

 private:
  Clock::time_point begun_ = Clock::now();
  Clock::time_point looked_ = begun_;
};

class ModuleRanks : public JoinedRanks {
 public:
  explicit ModuleRanks(const RanksModule& module) : module_(module) {
    int rank = 0;
    int size = 0;
    if (module_.start(&rank, &size) != 0) throw Error(module_.name, module_.error(), "to join");
    rank_ = static_cast<std::size_t>(rank);
    size_ = static_cast<std::size_t>(size);
  }

  [[nodiscard]] std::size_t size() const override { return size_; }
  [[nodiscard]] std::size_t rank() const override { return rank_; }
  [[nodiscard]] std::string transport() const override { return module_.library(); }

  [[nodiscard]] std::string processes() const override {
    std::vector<std::string> all;
    for (const Peer& peer : peers_) all.push_back(fmt::format("{}: {}", peer.rank, peer.process));
    const auto place = std::find_if(peers_.begin(), peers_.end(),
                                    [&](const Peer& peer) { return peer.rank > rank_; });
    all.insert(all.begin() + (place - peers_.begin()), fmt::format("{}: {}", rank_, getpid()));
    return join(all);
  }

  /// Every rank calls it once.
  void meet_peers() {
    std::vector<std::string> texts =
        texts_on_first(*this, fmt::format("{} {}", getpid(), process_space()));
    texts.resize(size_);
    for (std::string& text : texts) broadcast_list(*this, text);
    for (std::size_t rank = 0; rank < size_; ++rank) {
      const std::size_t blank = std::min(texts[rank].find(' '), texts[rank].size());
      if (rank == rank_ || texts[rank].substr(blank) != " " + process_space()) continue;
      const int process = std::stoi(texts[rank].substr(0, blank));
      peers_.push_back({rank, process, descriptor_of(process)});
    }
  }

  void leave() override {
    if (lost_) return;  // it would wait for the rank that has ended
    if (module_.finish() != 0) throw Error(module_.name, module_.error(), "to leave the ranks");
  }

 private:
  /// Of one call to MPI, which counts in int.
  static constexpr std::size_t kPiece = std::size_t{1} << 30;

  void do_send(std::size_t to, std::span<const std::byte> message) override {
    for (; !message.empty(); message = message.subspan(std::min(kPiece, message.size()))) {
      void* request = nullptr;
      check(module_.begin_send(message.data(), std::min(kPiece, message.size()),
                               static_cast<int>(to), &request),
            to);
      wait(request, to);
    }
  }
  void do_receive(std::size_t from, std::span<std::byte> message) override {
    for (; !message.empty(); message = message.subspan(std::min(kPiece, message.size()))) {
      void* request = nullptr;
      check(module_.begin_receive(message.data(), std::min(kPiece, message.size()),
                                  static_cast<int>(from), &request),
            from);
      wait(request, from);
    }
  }

  void wait(void* request, std::size_t peer) {
    Patience patience;
    for (int done = 0;;) {
      check(module_.test(&request, &done), peer);
      if (done != 0) return;
      patience.pause();
      if (patience.is_time_to_look()) look_for_ended();
    }
  }

  void check(int failed, std::size_t peer) {
    if (failed == 0) return;
    look_for_ended();
    lost_ = true;
    throw RankLost(fmt::format("rank {} of {}", peer, size_), module_.error(),
                   "messages between all ranks");
  }

  void look_for_ended() {
    const auto ended = std::find_if(peers_.begin(), peers_.end(), has_ended);
    if (ended == peers_.end()) return;
    lost_ = true;
    const auto teller = std::find_if(peers_.begin(), peers_.end(),
                                     [](const Peer& peer) { return !has_ended(peer); });
    if (teller != peers_.end() && teller->rank < rank_) let_tell(*teller);
    throw RankLost(fmt::format("rank {} of {}", ended->rank, size_),
                   fmt::format("its process {} has ended", ended->process),
                   "all ranks to go on; the checkpoint that was saved last is whole");
  }

  /// Until the rank that tells it has done so: one that looks later must not find this one ended.
  [[noreturn]] static void let_tell(const Peer& teller) {
    const Clock::time_point last = Clock::now() + kForTheTeller;
    while (!has_ended(teller) && Clock::now() < last) std::this_thread::sleep_for(milliseconds(5));
    throw EndedWithOthers();
  }

  const RanksModule& module_;
  std::size_t rank_ = 0, size_ = 0;
  bool lost_ = false;        ///< another rank has ended
  std::vector<Peer> peers_;  ///< those of this host, by their ranks
};

/// Whether a launcher's processes have MPI, and which.
std::string module_for(const Launcher& launcher, const std::string& module) {
  if (module != "auto") return module;
  if (!launcher.modules.empty()) return launcher.modules.front();
  throw Error(
      "ranks",
      fmt::format("{} started {} processes that do not know each other", launcher.name,
                  launcher.size),
      "srun with --mpi=pmix or --mpi=pmi2, mpirun, or --ranks alone where each is to run by "
      "itself");
}

const RanksModule& load_module(const Launcher& launcher, const std::string& which) {
  const std::string name = "reprise_ranks_" + which + ".so";
  const std::string path = details::companion_file(name);
  if (path.empty()) {
    throw Error("ranks",
                fmt::format("{} started {} processes, and {} is neither beside this program nor "
                            "installed with it",
                            launcher.name, launcher.size, name),
                "a build with that MPI (REPRISE_WITH_MPI), or --ranks alone where each process is "
                "to run by itself");
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    throw Error(path, reason == nullptr ? "cannot be loaded" : reason,
                "the MPI library that it was built with");
  }
  void* const function = dlsym(library, kRanksModuleFunction);
  if (function == nullptr) throw Error(path, "is not a module for ranks", name);
  const RanksModule& module = *reinterpret_cast<const RanksModule* (*)()>(function)();
  if (module.version != kRanksModuleVersion) {
    throw Error(path, fmt::format("version {}", module.version),
                fmt::format("{}, built with this program", kRanksModuleVersion));
  }
  return module;
}

}  // namespace

std::unique_ptr<JoinedRanks> join_ranks(const Launcher& launcher, const std::string& module) {
  const RanksModule& loaded = load_module(launcher, module_for(launcher, module));
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  auto ranks = std::make_unique<ModuleRanks>(loaded);
  if (ranks->size() != launcher.size || ranks->rank() != launcher.rank) {
    throw Error("ranks",
                fmt::format("{} counts {} processes where {} started {}", ranks->transport(),
                            ranks->size(), launcher.name, launcher.size),
                "--ranks with the MPI of the launcher");
  }
  ranks->meet_peers();
  return ranks;
}

}  // namespace reprise
