// How many threads a step takes (thread_governor.hpp), by made-up times.
#include "reprise/run/thread_governor.hpp"
#include "support/catch.hpp"

using reprise::ThreadGovernor;

namespace {

/// Steps of 128 images that take so long with all threads and with one; returns how many were taken
/// by one.
int steps_alone(ThreadGovernor& governor, int steps, double all_seconds, double alone_seconds) {
  int alone = 0;
  for (int i = 0; i < steps; ++i) {
    const bool one = governor.threads() == 1;
    alone += one ? 1 : 0;
    governor.record_step(128, one ? alone_seconds : all_seconds);
  }
  return alone;
}

}  // namespace

TEST_CASE("all threads work where that is faster, but for one window at the start") {
  ThreadGovernor governor(2);
  CHECK(governor.threads() == 2);
  CHECK(steps_alone(governor, 1000, 0.001, 0.002) == 10);
  CHECK(governor.threads() == 2);
}

TEST_CASE("one thread works where it is faster, and all are tried again") {
  ThreadGovernor governor(4);
  steps_alone(governor, 100, 0.001, 0.003);
  CHECK(governor.threads() == 4);
  CHECK(steps_alone(governor, 1000, 0.004, 0.003) > 900);
  CHECK(steps_alone(governor, 1000, 0.004, 0.003) < 1000);
  // The other program has ended: all threads work again, for good.
  steps_alone(governor, 200, 0.001, 0.003);
  CHECK(steps_alone(governor, 1000, 0.001, 0.003) == 0);
}

TEST_CASE("steps longer than a window are compared one by one") {
  ThreadGovernor governor(2);
  CHECK(steps_alone(governor, 10, 0.5, 0.9) == 1);
}

TEST_CASE("a batch of fewer images is no slower step") {
  ThreadGovernor governor(2);
  steps_alone(governor, 3, 0.5, 0.9);
  governor.record_step(64, 0.25);
  CHECK(governor.threads() == 2);
}

TEST_CASE("one thread stays one thread") {
  ThreadGovernor governor(1);
  CHECK(steps_alone(governor, 100, 0.001, 0.001) == 100);
}
