/// \file
/// How fast this machine can multiply and add, and move data, at most, by measurement.
#pragma once

#include <cstddef>

namespace reprise {

/// Floating-point operations (a fused multiply-add is two) per second of one core running
/// independent fused multiply-adds on registers, float32, with the vector instructions in use: the
/// best of several short runs.
double measured_peak_flops();

/// Bytes per second between memory and `threads` threads together, by STREAM's triad (a = b + s c,
/// 12 bytes an element) on arrays far larger than the caches: the best of several passes.
double measured_memory_bandwidth(std::size_t threads);

}  // namespace reprise
