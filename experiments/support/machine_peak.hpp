/// \file
/// How fast one core of this machine can multiply and add at most, by measurement.
#pragma once

namespace reprise {

/// Floating-point operations (a fused multiply-add is two) per second of one core running
/// independent fused multiply-adds on registers, float32, with the vector instructions in use: the
/// best of several short runs.
double measured_peak_flops();

}  // namespace reprise
