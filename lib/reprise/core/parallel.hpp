/// \file
/// Independent tasks on any number of threads. Which thread runs a task, and how many there are,
/// must not show in a result: tasks write to places of their own, and sums over tasks go through
/// `pairwise_sum`, whose tree depends on the number of tasks alone. The threads are oneTBB's or
/// std::thread's, as CMake's REPRISE_PARALLEL says, and are kept from call to call.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace reprise {

/// The number of processors that this process may use.
std::size_t processor_count();

/// Starts the threads that parallel_for(wanted, ...) needs and returns how many this process was
/// granted, 1 to `wanted`, itself included. A program calls it once, before its work: under a limit
/// on processes or memory it then has fewer threads, where a thread refused in the middle of
/// parallel_for may end it. oneTBB has no more threads than its limit in this process, which a
/// program may set (tbb::global_control::max_allowed_parallelism): by default one per processor.
std::size_t start_threads(std::size_t wanted);

/// The version of oneTBB in use, such as "2021.8", or "not used" where threads are std::thread's.
std::string onetbb_version();

/// Calls body(task, worker) once for each task in 0..tasks-1, on at most `threads` threads.
/// worker < threads tells the threads of one call apart, for scratch memory. Called from inside a
/// body, it runs the tasks one after the other on the calling thread (worker 0). An exception that
/// a body throws is rethrown. Bodies run in a FloatEnvironment.
void parallel_for(std::size_t threads, std::size_t tasks,
                  const std::function<void(std::size_t task, std::size_t worker)>& body);

/// Adds `parts` arrays of `size` values, part p at data + p * stride, into part 0 by a pairwise
/// tree over part indices: first p+1 into p for even p, then p+2 into p for p divisible by 4, and
/// so on. The other parts are overwritten.
void pairwise_sum(std::size_t threads, float* data, std::size_t parts, std::size_t stride,
                  std::size_t size);
/// The same for one double per part.
double pairwise_sum(std::span<double> parts);

}  // namespace reprise
