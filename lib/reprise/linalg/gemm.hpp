/// \file
/// Portable matrix product: the same bits on every target and for every number of threads.
#pragma once

#include <cstddef>

namespace reprise {

/// A matrix in memory: element (r, c) is data[r * row_stride + c * column_stride]. A transpose
/// swaps the strides.
struct ConstMatrix {
  const float* data;
  std::size_t row_stride;
  std::size_t column_stride;
};

/// c(m,n) = chain over k = 0..K-1 in ascending order of acc = fma(a(m,k), b(k,n), acc), where acc
/// starts at c(m,n) if `accumulate`, else at 0. a is M x K, b is K x N; c is M x N, row m starting
/// at c + m * c_row_stride. Cost 2*M*N*K operations.
void gemm(std::size_t M, std::size_t N, std::size_t K, ConstMatrix a, ConstMatrix b, float* c,
          std::size_t c_row_stride, bool accumulate, std::size_t threads = 1);

}  // namespace reprise
