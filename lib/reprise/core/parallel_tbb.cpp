// The backend of parallel.hpp on oneTBB: arenas of its own, within the limit on threads that TBB
// has in this process. The limit belongs to the process, and nothing here changes it.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "reprise/core/parallel_backend.hpp"

namespace reprise::parallel_backend {
namespace {

/// The threads that TBB would have at work: an arena for more makes it print a warning.
std::size_t within_limit(std::size_t threads) {
  using oneapi::tbb::global_control;
  return std::min(threads, global_control::active_value(global_control::max_allowed_parallelism));
}

/// The arena for this number of threads, made once: making one costs more than many a call.
oneapi::tbb::task_arena& arena_of(std::size_t threads) {
  static std::mutex mutex;
  static std::map<std::size_t, oneapi::tbb::task_arena> arenas;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [place, made] = arenas.try_emplace(threads, static_cast<int>(threads));
  return place->second;
}

}  // namespace

void run(std::size_t threads, std::size_t tasks,
         const std::function<void(std::size_t task, std::size_t worker)>& body) {
  arena_of(within_limit(threads)).execute([&] {
    oneapi::tbb::parallel_for(
        std::size_t{0}, tasks,
        [&](std::size_t task) {
          body(task,
               static_cast<std::size_t>(oneapi::tbb::this_task_arena::current_thread_index()));
        },
        oneapi::tbb::simple_partitioner());
  });
}

std::size_t start(std::size_t threads) {
  threads = within_limit(threads);
  if (threads <= 1) return 1;
  // TBB ends the process when the system refuses it a thread, so it starts all of them here, where
  // they have just been granted. Each waits until all are there, or until one of them is long
  // overdue.
  std::atomic<std::size_t> arrived = 0;
  const auto overdue = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  run(threads, threads, [&](std::size_t, std::size_t) {
    ++arrived;
    while (arrived < threads && std::chrono::steady_clock::now() < overdue) {
      std::this_thread::yield();
    }
  });
  return threads;
}

std::size_t processors() {
  return static_cast<std::size_t>(std::max(1, oneapi::tbb::info::default_concurrency()));
}

std::string onetbb_version() {
  return std::to_string(TBB_VERSION_MAJOR) + "." + std::to_string(TBB_VERSION_MINOR);
}

}  // namespace reprise::parallel_backend
