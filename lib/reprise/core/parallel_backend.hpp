/// \file
/// What a backend of parallel.hpp provides: parallel_tbb.cpp on oneTBB, parallel_std.cpp on
/// std::thread. CMake's REPRISE_PARALLEL chooses which of them is compiled.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace reprise::parallel_backend {

/// As parallel_for for at least two threads and two tasks, outside of any body.
void run(std::size_t threads, std::size_t tasks,
         const std::function<void(std::size_t task, std::size_t worker)>& body);

/// Sees to it that run(threads, ...) does not end the process for want of a thread, and returns how
/// many it can have, 1 to `threads`, the calling one included. The system has just granted
/// `threads`.
std::size_t start(std::size_t threads);

/// The number of processors that this process may use, at least 1.
std::size_t processors();

/// The version of oneTBB in use, or "not used".
std::string onetbb_version();

}  // namespace reprise::parallel_backend
