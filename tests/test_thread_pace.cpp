// How many threads a step takes (thread_pace.hpp), by made-up times.
#include "reprise/run/thread_pace.hpp"
#include "support/catch.hpp"

using reprise::ThreadPace;

namespace {

/// Steps of 128 images that take so long with all threads and with one; returns how many were taken
/// by one.
int steps_alone(ThreadPace& pace, int steps, double all_seconds, double alone_seconds) {
  int alone = 0;
  for (int i = 0; i < steps; ++i) {
    const bool one = pace.threads() == 1;
    alone += one ? 1 : 0;
    pace.worked(128, one ? alone_seconds : all_seconds);
  }
  return alone;
}

}  // namespace

TEST_CASE("all threads work where that is faster, but for one window at the start") {
  ThreadPace pace(2);
  CHECK(pace.threads() == 2);
  CHECK(steps_alone(pace, 1000, 0.001, 0.002) == 10);
  CHECK(pace.threads() == 2);
}

TEST_CASE("one thread works where it is faster, and all are tried again") {
  ThreadPace pace(4);
  steps_alone(pace, 100, 0.001, 0.003);
  CHECK(pace.threads() == 4);
  CHECK(steps_alone(pace, 1000, 0.004, 0.003) > 900);
  CHECK(steps_alone(pace, 1000, 0.004, 0.003) < 1000);
  // The other program has ended: all threads work again, for good.
  steps_alone(pace, 200, 0.001, 0.003);
  CHECK(steps_alone(pace, 1000, 0.001, 0.003) == 0);
}

TEST_CASE("steps longer than a window are compared one by one") {
  ThreadPace pace(2);
  CHECK(steps_alone(pace, 10, 0.5, 0.9) == 1);
}

TEST_CASE("a batch of fewer images is no slower step") {
  ThreadPace pace(2);
  steps_alone(pace, 3, 0.5, 0.9);
  pace.worked(64, 0.25);
  CHECK(pace.threads() == 2);
}

TEST_CASE("one thread stays one thread") {
  ThreadPace pace(1);
  CHECK(steps_alone(pace, 100, 0.001, 0.001) == 100);
}
