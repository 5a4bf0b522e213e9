// What a program without a launcher has of launchers and ranks: nothing.
#include "reprise/core/error.hpp"
#include "reprise/core/launcher.hpp"
#include "reprise/run/joined_ranks.hpp"

namespace reprise {

Launcher launcher_of(const Environment& /*environment*/) {
  throw Error("WebAssembly", "no launcher of several ranks", "one rank");
}

std::unique_ptr<JoinedRanks> join_ranks(
    const Launcher& /*launcher*/, const std::string& /*module*/,
    const std::function<void(const std::string& what)>& /*tell*/) {
  throw Error("WebAssembly", "no launcher of several ranks", "one rank");
}

}  // namespace reprise
