/// \file
/// Calls what HWY_EXPORT exported for the vector target that select_simd_target (simd.hpp) chose.
/// Highway's own macro for this asks a state that the whole process shares, so a program that
/// uses Highway for itself would find its choice changed. For sources with kernels; not installed.
#pragma once

#include <hwy/targets.h>

namespace reprise {

/// The choice of this library: the best target that the CPU has, until another is selected.
hwy::ChosenTarget& chosen_simd_target();

}  // namespace reprise

#if HWY_IDE || ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0)
#define REPRISE_DISPATCH(FUNCTION) HWY_STATIC_DISPATCH(FUNCTION)  // compiled for one target only
#else
#define REPRISE_DISPATCH(FUNCTION) \
  (*(HWY_DISPATCH_TABLE(FUNCTION)[::reprise::chosen_simd_target().GetIndex()]))
#endif
