/// \file
/// How fast this machine can multiply and add, and move data, at most, by measurement.
#pragma once

#include <sched.h>

#include <cstddef>

namespace reprise {

/// Floating-point operations (a fused multiply-add is two) per second of one core running
/// independent fused multiply-adds on registers, float32, with the vector instructions in use: the
/// best of short runs for so many seconds.
double measured_peak_flops(double seconds = 0.1);

/// Bytes per second between memory and `threads` threads together, by STREAM's triad (a = b + s c,
/// 12 bytes an element) on arrays far larger than the caches: the best of several passes.
double measured_memory_bandwidth(std::size_t threads);

/// Keeps the calling thread on the processor that it is on, as long as this lives; where the system
/// refuses, nothing changes. Threads that it starts meanwhile stay there as well.
class OnOneProcessor {
 public:
  OnOneProcessor();
  OnOneProcessor(const OnOneProcessor&) = delete;
  OnOneProcessor& operator=(const OnOneProcessor&) = delete;
  ~OnOneProcessor();

 private:
  cpu_set_t before_{};
  bool is_kept_ = false;
};

}  // namespace reprise
