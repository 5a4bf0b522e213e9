/// \file
/// The ranks that a launcher started, joined through the module for its MPI library.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "reprise/core/launcher.hpp"
#include "reprise/run/ranks.hpp"

namespace reprise {

/// Ranks that a process has joined. They end in order by leave() on all of them; a process that
/// ends without it takes the others with it, within a second on one host.
class JoinedRanks : public Ranks {
 public:
  /// Does nothing if a rank is lost.
  virtual void leave() = 0;
};

/// `module` is "openmpi", "mpich", or "auto" for the launcher's first. A wait tests and gives its
/// processor away until the message is there, or throws EndedWithOthers if a rank of this host has
/// ended meanwhile. A rank that ends before it leaves is named once, by `tell` in a process of its
/// own (run/rank_witness.hpp). Until leave(), which undoes both, this process
/// receives SIGTERM when the launcher ends, and has a handler of SIGABRT in place of its own.
/// Error if there is no such module beside or installed with the program, if it cannot be loaded,
/// or if the library does not see as many processes as the launcher has started.
std::unique_ptr<JoinedRanks> join_ranks(const Launcher& launcher, const std::string& module,
                                        const std::function<void(const std::string& what)>& tell);

}  // namespace reprise
