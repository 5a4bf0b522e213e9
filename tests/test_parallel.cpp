// core/parallel.hpp, with the backend that the build has: tasks, workers, exceptions, callers.
#include "reprise/core/parallel.hpp"

#ifdef REPRISE_PARALLEL_TBB
#include <oneapi/tbb/global_control.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "reprise/core/error.hpp"
#include "reprise/core/random.hpp"
#include "support/catch.hpp"

using namespace reprise;

// Catch2's assertions are for one thread: bodies of parallel_for count, and the test asserts.

TEST_CASE("parallel_for runs every task once, for any number of threads and tasks") {
  for (const std::size_t threads : {1, 2, 3, 7, 64}) {
    for (const std::size_t tasks : {0, 1, 2, 5, 100, 10000}) {
      INFO(threads << " threads, " << tasks << " tasks");
      std::vector<int> runs(tasks);
      std::atomic<int> strangers = 0;
      parallel_for(threads, tasks, [&](std::size_t task, std::size_t worker) {
        ++runs[task];
        if (worker >= threads) ++strangers;
      });
      CHECK(std::count(runs.begin(), runs.end(), 1) == std::ptrdiff_t(tasks));
      CHECK(strangers == 0);
    }
  }
}

TEST_CASE("a worker's number is one thread's alone as long as a call lasts") {
  for (const std::size_t threads : {2, 3, 7}) {
    std::vector<std::atomic<int>> inside(threads);
    std::atomic<int> shared = 0;
    parallel_for(threads, 2000, [&](std::size_t, std::size_t worker) {
      if (++inside[worker] != 1) ++shared;
      --inside[worker];
    });
    CHECK(shared == 0);
  }
}

TEST_CASE("an exception of a body is thrown on, and what has not begun is not done") {
  for (const std::size_t threads : {1, 2, 7}) {
    INFO(threads << " threads");
    std::atomic<int> begun = 0;
    std::string message;
    try {
      parallel_for(threads, 1'000'000, [&](std::size_t task, std::size_t) {
        ++begun;
        if (task % 10 == 3) throw Error("task", "a three", "another digit");
      });
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message == Error("task", "a three", "another digit").what());
    CHECK(begun < 1'000'000);
    // The threads are there for the next call.
    std::atomic<int> runs = 0;
    parallel_for(threads, 100, [&](std::size_t, std::size_t) { ++runs; });
    CHECK(runs == 100);
  }
}

TEST_CASE("a call from inside a body runs on the calling thread") {
  std::atomic<int> runs = 0;
  std::atomic<int> elsewhere = 0;
  parallel_for(4, 8, [&](std::size_t, std::size_t) {
    const std::thread::id self = std::this_thread::get_id();
    parallel_for(4, 10, [&](std::size_t, std::size_t worker) {
      ++runs;
      if (worker != 0 || std::this_thread::get_id() != self) ++elsewhere;
    });
  });
  CHECK(runs == 80);
  CHECK(elsewhere == 0);
  // The calling thread is outside again, also after an exception.
  CHECK_THROWS(
      parallel_for(2, 2, [](std::size_t, std::size_t) { throw Error("task", "any", "none"); }));
  std::atomic<std::size_t> arrived = 0;
  const std::size_t threads = start_threads(2);
  const auto overdue = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  parallel_for(threads, threads, [&](std::size_t, std::size_t) {
    ++arrived;
    while (arrived < threads && std::chrono::steady_clock::now() < overdue) {
      std::this_thread::yield();
    }
  });
  CHECK(std::chrono::steady_clock::now() < overdue);  // two bodies at once
}

TEST_CASE("several threads may call at a time, each with tasks of its own") {
  constexpr std::size_t callers = 4;
  std::vector<std::size_t> sums(callers);
  std::vector<std::thread> threads;
  for (std::size_t caller = 0; caller < callers; ++caller) {
    threads.emplace_back([caller, &sums] {
      for (std::size_t round = 0; round < 200; ++round) {
        std::vector<std::size_t> values(50);
        parallel_for(1 + caller, values.size(),
                     [&](std::size_t task, std::size_t) { values[task] = task + caller; });
        sums[caller] += std::accumulate(values.begin(), values.end(), std::size_t{0});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t caller = 0; caller < callers; ++caller) {
    CHECK(sums[caller] == 200 * (49 * 50 / 2 + 50 * caller));
  }
}

TEST_CASE("what a body writes, its caller reads") {
  for (int round = 0; round < 500; ++round) {
    std::vector<int> values(16);
    parallel_for(4, values.size(),
                 [&](std::size_t task, std::size_t) { values[task] = static_cast<int>(task); });
    parallel_for(4, values.size(), [&](std::size_t task, std::size_t) {
      values[values.size() - 1 - task] += round;  // written by another thread before
    });
    CHECK(values.back() == 15 + round);
  }
}

#ifdef REPRISE_PARALLEL_TBB
TEST_CASE("no call changes the limit on threads that TBB has in this process") {
  using oneapi::tbb::global_control;
  const auto limit = [] {
    return global_control::active_value(global_control::max_allowed_parallelism);
  };
  const std::size_t before = limit();
  CHECK(start_threads(before + 5) <= before);
  parallel_for(before + 5, 100, [](std::size_t, std::size_t) {});
  CHECK(limit() == before);
  const global_control one(global_control::max_allowed_parallelism, 1);
  CHECK(start_threads(4) == 1);
  std::mutex mutex;
  std::set<std::thread::id> workers;
  parallel_for(4, 1000, [&](std::size_t, std::size_t) {
    const std::lock_guard<std::mutex> lock(mutex);
    workers.insert(std::this_thread::get_id());
  });
  CHECK(workers.size() == 1);
}
#else
TEST_CASE("more threads than processors work where they are asked for") {
  const std::size_t threads = processor_count() + 3;
  CHECK(start_threads(threads) == threads);
  std::atomic<std::size_t> arrived = 0;
  const auto overdue = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  parallel_for(threads, threads, [&](std::size_t, std::size_t) {
    ++arrived;
    while (arrived < threads && std::chrono::steady_clock::now() < overdue) {
      std::this_thread::yield();
    }
  });
  CHECK(std::chrono::steady_clock::now() < overdue);  // all at once
}
#endif

// Left out unless it is asked for: tests/check_races asserts that this race is found.
// Of two writes in the same instant ThreadSanitizer can miss both, so that there are many places,
// which the two bodies reach at different times.
TEST_CASE("two bodies that write the same places race", "[.race]") {
  constexpr std::size_t count = 1000;
  std::vector<int> places(count);
  std::atomic<int> arrived = 0;
  const auto overdue = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  parallel_for(2, 2, [&](std::size_t task, std::size_t) {
    // Both are here before one writes; a relaxed order makes no write happen before the other.
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < 2 &&
           std::chrono::steady_clock::now() < overdue) {
      std::this_thread::yield();
    }
    for (std::size_t i = 0; i < count; ++i) ++places[task == 0 ? i : count - 1 - i];
  });
  CHECK(places.front() > 0);
}

TEST_CASE("pairwise_sum's tree depends on the number of parts alone") {
  const std::size_t size = 10000;
  for (const std::size_t parts : {1, 2, 3, 5, 8, 13}) {
    std::vector<float> data(parts * size);
    const RandomStream stream = RandomStream(9).child(parts);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(stream.uniform(i));
    std::vector<float> one = data;
    pairwise_sum(1, one.data(), parts, size, size);
    std::vector<float> three = data;
    pairwise_sum(3, three.data(), parts, size, size);
    CHECK(std::equal(one.begin(), one.begin() + size, three.begin()));
    if (parts == 3) CHECK(one[5] == (data[5] + data[size + 5]) + data[2 * size + 5]);
    if (parts == 5) {
      const auto at = [&](std::size_t part) { return data[part * size + 5]; };
      CHECK(one[5] == ((at(0) + at(1)) + (at(2) + at(3))) + at(4));
    }
  }
}
