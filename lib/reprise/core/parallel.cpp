#include "reprise/core/parallel.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "reprise/core/float_environment.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/parallel_backend.hpp"

namespace reprise {
namespace {

/// Whether this thread is inside a body of parallel_for.
thread_local bool inside_body = false;

class InsideBody {
 public:
  InsideBody() { inside_body = true; }
  ~InsideBody() { inside_body = false; }
  InsideBody(const InsideBody&) = delete;
  InsideBody& operator=(const InsideBody&) = delete;

 private:
  FloatEnvironment environment_;
};

/// Starts threads that all wait for each other, as many of `wanted` as the system grants, and ends
/// them: how many there were. Each allocates, which takes address space for its heap.
std::size_t threads_granted(std::size_t wanted) {
  std::mutex gate;
  std::vector<std::thread> threads;
  {
    const std::lock_guard<std::mutex> closed(gate);
    try {
      while (threads.size() < wanted) {
        threads.emplace_back([&gate] {
          const auto heap = std::make_unique<char>();
          const std::lock_guard<std::mutex> wait(gate);
        });
      }
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }
  for (std::thread& thread : threads) thread.join();
  return threads.size();
}

}  // namespace

std::size_t start_threads(std::size_t wanted) {
  // Of twice as many, so that what is left of a limit is for the work.
  const std::size_t others =
      wanted <= 1 ? 0 : std::min(wanted - 1, threads_granted(2 * (wanted - 1)) / 2);
  return others == 0 ? 1 : parallel_backend::start(1 + others);
}

std::size_t processor_count() {
  return parallel_backend::processors();
}

std::string onetbb_version() {
  return parallel_backend::onetbb_version();
}

void parallel_for(std::size_t threads, std::size_t tasks,
                  const std::function<void(std::size_t task, std::size_t worker)>& body) {
  if (threads <= 1 || tasks <= 1 || inside_body) {
    const FloatEnvironment environment;
    for (std::size_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  parallel_backend::run(threads, tasks, [&](std::size_t task, std::size_t worker) {
    const InsideBody guard;
    body(task, worker);
  });
}

void pairwise_sum(std::size_t threads, float* data, std::size_t parts, std::size_t stride,
                  std::size_t size) {
  // A slice of the arrays per task: every slice walks the same tree.
  constexpr std::size_t slice = 4096;
  parallel_for(threads, div_ceil(size, slice), [&](std::size_t task, std::size_t) {
    const std::size_t begin = task * slice;
    const std::size_t end = std::min(size, begin + slice);
    for (std::size_t step = 1; step < parts; step *= 2) {
      for (std::size_t part = 0; part + step < parts; part += 2 * step) {
        float* into = data + part * stride;
        const float* from = data + (part + step) * stride;
        for (std::size_t i = begin; i < end; ++i) into[i] += from[i];
      }
    }
  });
}

double pairwise_sum(std::span<double> parts) {
  const FloatEnvironment environment;
  for (std::size_t step = 1; step < parts.size(); step *= 2) {
    for (std::size_t part = 0; part + step < parts.size(); part += 2 * step) {
      parts[part] += parts[part + step];
    }
  }
  return parts.empty() ? 0.0 : parts[0];
}

}  // namespace reprise
