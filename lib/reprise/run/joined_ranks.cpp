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
#include "reprise/run/rank_witness.hpp"
#include "reprise/run/ranks_module.hpp"

namespace reprise {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kYielding(200);  ///< of a wait; then it sleeps
constexpr microseconds kLongestSleep(100);
constexpr milliseconds kBetweenLooks(50);
constexpr milliseconds kForTheCause(1000);

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

/// The other ranks' pidfds, for a signal handler.
std::vector<pollfd>& watched_peers() {
  static std::vector<pollfd> peers;
  return peers;
}

/// A library that finds a connection closed aborts before the process at its other end counts as
/// ended. Only poll() is called, as a signal handler may.
void wait_for_ended(milliseconds longest) {
  std::vector<pollfd>& peers = watched_peers();
  if (!peers.empty()) poll(peers.data(), peers.size(), static_cast<int>(longest.count()));
}

extern "C" void on_abort(int) {
  wait_for_ended(kForTheCause);
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
  ModuleRanks(const RanksModule& module, const Launcher& launcher,
              const std::function<void(const std::string&)>& tell)
      : module_(module), witness_(launcher, tell) {
    prctl(PR_GET_PDEATHSIG, &earlier_parent_death_);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int rank = 0;
    int size = 0;
    if (module_.start(&rank, &size) != 0) {
      witness_.dismiss();
      throw Error(module_.name, module_.error(), "to join");
    }
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
    std::vector<RankProcess> here = {{rank_, getpid()}};
    for (const Peer& peer : peers_) here.push_back({peer.rank, peer.process});
    witness_.watch(rank_, size_, here);
    for (const Peer& peer : peers_) {
      if (peer.descriptor.get() >= 0) {
        watched_peers().push_back({peer.descriptor.get(), POLLIN, 0});
      }
    }
    struct sigaction waiting {};
    waiting.sa_handler = on_abort;
    waiting.sa_flags = SA_RESTART;
    sigaction(SIGABRT, &waiting, &earlier_abort_);
  }

  void leave() override {
    if (lost_) return;  // it would wait for the rank that has ended
    sigaction(SIGABRT, &earlier_abort_, nullptr);
    prctl(PR_SET_PDEATHSIG, earlier_parent_death_);
    witness_.dismiss();
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
    wait_for_ended(kForTheCause);
    look_for_ended();
    lose();
    throw RankLost(fmt::format("rank {} of {}", peer, size_), module_.error(),
                   "messages between all ranks");
  }

  /// The witness of the rank that has ended tells it.
  void look_for_ended() {
    if (std::none_of(peers_.begin(), peers_.end(), has_ended)) return;
    lose();
    throw EndedWithOthers();
  }

  void lose() {
    lost_ = true;
    witness_.dismiss();
  }

  const RanksModule& module_;
  RankWitness witness_;
  std::size_t rank_ = 0, size_ = 0;
  bool lost_ = false;                  ///< another rank has ended
  std::vector<Peer> peers_;            ///< those of this host, by their ranks
  struct sigaction earlier_abort_ {};  ///< the process's own, until it joined
  int earlier_parent_death_ = 0;       ///< the signal, likewise
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

std::unique_ptr<JoinedRanks> join_ranks(const Launcher& launcher, const std::string& module,
                                        const std::function<void(const std::string& what)>& tell) {
  const RanksModule& loaded = load_module(launcher, module_for(launcher, module));
  auto ranks = std::make_unique<ModuleRanks>(loaded, launcher, tell);
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
