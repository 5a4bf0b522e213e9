/// \file
/// A process beside a rank that tells when the rank has ended before its work was done.
///
/// The other ranks cannot be relied on for it: as soon as one process has ended, a launcher ends
/// all of them, MPICH's by SIGKILL, and its own message may name another one. A witness is in no
/// process group that a launcher knows. Each watches all ranks of its host and speaks if its own is
/// the first that has ended, so one line names the right one: pidfds become ready in the order in
/// which processes end, before the launcher hears of it by SIGCHLD, and an epoll hands them out in
/// that order. The sockets between a rank and its launcher, which would tell the launcher earlier,
/// stay open in the witness.
///
/// Until then it waits for watch(), which a rank calls when all have joined.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "reprise/core/file_descriptor.hpp"
#include "reprise/core/launcher.hpp"

namespace reprise {

/// A rank and its process on this host.
struct RankProcess {
  std::size_t rank = 0;
  int process = 0;
};

/// The ranks of this launch that have a witness on this host: those that join or have joined.
std::vector<std::size_t> joining_ranks(const Launcher& launcher);
/// Ends those of them that wait for others, silently and a second later: for a rank that cannot
/// join and tells why. Some launchers leave them.
void end_joining_ranks(const Launcher& launcher);

class RankWitness {
 public:
  /// Starts the process, which calls `tell` if it has something to tell. To be called before the
  /// MPI library starts, so that the process holds what the launcher gave to this one and nothing
  /// of the library's. Error if the system allows no more processes.
  ///
  /// An MPI library waits without end for a rank that does not join, such as a process that was
  /// told to run alone. Where another rank of this host has not begun to do so within a minute, or
  /// of other hosts within ten minutes, the process tells which do wait, and ends this one.
  RankWitness(const Launcher& launcher, const std::function<void(const std::string& what)>& tell);
  RankWitness(const RankWitness&) = delete;
  RankWitness& operator=(const RankWitness&) = delete;
  /// Leaves the process as it is: what ends this process, an exception as well, is told.
  ~RankWitness() = default;

  /// From the return on, the end of this process, which is `own` of `size` ranks, is told if none
  /// of `here`, the ranks on this host with this one, has ended before. Not on a kernel before
  /// Linux 5.3, which has no pidfds.
  void watch(std::size_t own, std::size_t size, const std::vector<RankProcess>& here);
  /// This rank ends in order, or since another one has ended. The process is gone on return.
  void dismiss();

 private:
  FileDescriptor to_;
  pid_t process_ = -1;
};

}  // namespace reprise
