#include "reprise/linalg/blas.hpp"

#include <algorithm>
#include <iterator>
#include <xtensor-blas/xblas.hpp>

extern "C" {
char* openblas_get_config();
char* openblas_get_corename();
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

const char* blas_core() {
  return openblas_get_corename();
}

std::string better_blas_core(std::string_view core, const std::vector<std::string>& simd_targets) {
  const auto has = [&](std::string_view target) {
    return std::find(simd_targets.begin(), simd_targets.end(), target) != simd_targets.end();
  };
  // The core types whose single-precision kernels use no more than AVX2, and those below it.
  static constexpr std::string_view avx2[] = {"Haswell", "Zen", "Excavator", "Steamroller"};
  static constexpr std::string_view sse[] = {
      "Prescott",     "Core2",     "Penryn", "Dunnington", "Nehalem",    "Atom",        "Opteron",
      "Opteron_SSE3", "Barcelona", "Bobcat", "Bulldozer",  "Piledriver", "Sandybridge", "Katmai",
      "Coppermine",   "Northwood", "Banias", "Athlon",     "Nano"};
  const auto is_among = [&](const auto& cores) {
    return std::find(std::begin(cores), std::end(cores), core) != std::end(cores);
  };
  if (has("avx512") && (is_among(avx2) || is_among(sse))) return "SkylakeX";
  if (has("avx2") && is_among(sse)) return "Haswell";
  return "";
}

}  // namespace reprise
