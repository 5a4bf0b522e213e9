#include "reprise/linalg/blas.hpp"

#if __has_include(<xtensor-blas/xlinalg.hpp>)
#include <xtensor-blas/xblas.hpp>
#else
#include <xtensor-blas/xblas.hpp>
#endif

extern "C" {
char* openblas_get_config();
void openblas_set_num_threads(int threads);
}

namespace reprise {

void blas_gemm(Transpose transpose_a, Transpose transpose_b, std::size_t M, std::size_t N,
               std::size_t K, const float* a, std::size_t a_row_stride, const float* b,
               std::size_t b_row_stride, float* c, std::size_t c_row_stride, bool accumulate) {
  using Index = xt::blas_index_t;
  const auto flag = [](Transpose t) {
    return t == Transpose::yes ? cxxblas::Transpose::Trans : cxxblas::Transpose::NoTrans;
  };
  cxxblas::gemm<Index>(cxxblas::StorageOrder::RowMajor, flag(transpose_a), flag(transpose_b),
                       static_cast<Index>(M), static_cast<Index>(N), static_cast<Index>(K), 1.0F, a,
                       static_cast<Index>(a_row_stride), b, static_cast<Index>(b_row_stride),
                       accumulate ? 1.0F : 0.0F, c, static_cast<Index>(c_row_stride));
}

void set_blas_threads(std::size_t threads) {
  openblas_set_num_threads(static_cast<int>(threads));
}

const char* blas_description() {
  return openblas_get_config();
}

}  // namespace reprise
