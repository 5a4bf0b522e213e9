/// \file
/// Ranks that are threads of one process: the same work as under MPI, without it.
#pragma once

#include <cstddef>
#include <functional>

#include "reprise/run/ranks.hpp"

namespace reprise::test {

/// Does `work` as each of `size` ranks, each on a thread of its own. Waits for all, then throws on
/// what the lowest rank threw, RankLost of the others last. A rank that ends by an exception ends
/// the waits of the others for it.
void on_thread_ranks(std::size_t size, const std::function<void(Ranks&)>& work);

}  // namespace reprise::test
