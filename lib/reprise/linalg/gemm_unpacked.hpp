/// \file
/// Matrix products of few rows or short chains, for gemm() alone.
#pragma once

#include "reprise/linalg/gemm.hpp"

namespace reprise {

/// gemm() on one thread, where that is faster than with packed copies of all: false, and nothing
/// done, where it is not. Needs K > 0.
bool gemm_unpacked(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b,
                   float* c, std::size_t c_row_stride, bool accumulate);

}  // namespace reprise
