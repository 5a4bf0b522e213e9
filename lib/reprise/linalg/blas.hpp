/// \file
/// The matrix product of gemm.hpp by OpenBLAS: same bits again on the same machine with the same
/// library, not elsewhere. OpenBLAS is a library that is loaded at the first use of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// How a matrix lies in memory: as it is (rows contiguous) or transposed.
enum class Transpose { no, yes };

/// "" if OpenBLAS is there, loading it if that has not been done; else why it cannot be loaded.
std::string blas_unavailable();

/// c = a b (or c += a b if `accumulate`), a M x K, b K x N, after transposition; leading dimensions
/// are the distances between rows in memory. Error if OpenBLAS cannot be loaded.
void blas_gemm(Transpose transpose_a, Transpose transpose_b, std::size_t M, std::size_t N,
               std::size_t K, const float* a, std::size_t a_row_stride, const float* b,
               std::size_t b_row_stride, float* c, std::size_t c_row_stride, bool accumulate);

/// OpenBLAS's own threads, once it is loaded; Reprise uses 1 and makes its own.
void set_blas_threads(std::size_t threads);

/// OpenBLAS's description of itself: version and the core type it chose; "not loaded" before its
/// first use.
std::string blas_description();

/// The core type it chose, e.g. "SkylakeX". Loads it; Error if that fails.
std::string blas_core();

/// OpenBLAS chooses its kernels by the CPU's model, and takes those of an older core for models it
/// does not know: the value of OPENBLAS_CORETYPE that a CPU with these vector instructions
/// (simd_targets()) should have instead of `core`; "" if the choice is good.
std::string better_blas_core(std::string_view core, const std::vector<std::string>& simd_targets);

}  // namespace reprise
