/// \file
/// Which vector instructions the portable kernels use. The choice changes speed only: every target
/// gives the same bits, also one without an instruction for fused multiply-add (fma-inl.hpp).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// The targets this build and this CPU offer, best first: "avx512", "avx2" or "neon", and "scalar",
/// one number at a time, where a CPU may have none of them. Never empty.
std::vector<std::string> simd_targets();

/// The version of Highway that the kernels were built with, "1.0.3".
std::string highway_version();

/// The target in use.
std::string simd_target();

/// Floats in a vector of the target in use: 16, 8, 4 or 1.
std::size_t simd_lanes();

/// Uses `name`, one of simd_targets() or "best"; Error otherwise. Not to be called while kernels
/// run.
void select_simd_target(std::string_view name);

}  // namespace reprise
