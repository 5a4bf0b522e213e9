// OpenBLAS, loaded when its first matrix product is wanted: on loading it starts a thread for each
// processor, which a program that never multiplies by it should not pay for, or hang on at its exit
// where the system refuses that thread its memory.
#include "reprise/linalg/blas.hpp"

#include <cblas.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <iterator>

#include "reprise/core/error.hpp"
#include "reprise/core/float_environment.hpp"

namespace reprise {
namespace {

constexpr const char* kLibrary = "libopenblas.so.0";

std::atomic<int> wanted_threads = 0;  ///< 0: OpenBLAS's own choice

/// What we call in OpenBLAS; all null if it cannot be loaded.
struct OpenBlas {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&openblas_set_num_threads) set_threads = nullptr;
  decltype(&openblas_get_config) config = nullptr;
  decltype(&openblas_get_corename) core = nullptr;
  std::string failure;  ///< "" if it is loaded
};

OpenBlas load() {
  OpenBlas blas;
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  const auto find = [&](auto& function, const char* name) {
    if (library == nullptr || !blas.failure.empty()) return;
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) blas.failure = std::string(kLibrary) + " has no " + name;
  };
  if (library == nullptr) blas.failure = dlerror();
  find(blas.sgemm, "cblas_sgemm");
  find(blas.set_threads, "openblas_set_num_threads");
  find(blas.config, "openblas_get_config");
  find(blas.core, "openblas_get_corename");
  if (blas.failure.empty() && wanted_threads > 0) blas.set_threads(wanted_threads);
  return blas;
}

std::atomic<bool> loaded = false;

const OpenBlas& open_blas() {
  static const OpenBlas blas = load();
  loaded = blas.failure.empty();
  return blas;
}

const OpenBlas& required_open_blas() {
  const OpenBlas& blas = open_blas();
  if (!blas.failure.empty()) throw Error("OpenBLAS", blas.failure, "Debian's libopenblas0-pthread");
  return blas;
}

}  // namespace

std::string blas_unavailable() {
  return open_blas().failure;
}

void blas_gemm(Transpose transpose_a, Transpose transpose_b, std::size_t M, std::size_t N,
               std::size_t K, const float* a, std::size_t a_row_stride, const float* b,
               std::size_t b_row_stride, float* c, std::size_t c_row_stride, bool accumulate) {
  const FloatEnvironment environment;
  const auto flag = [](Transpose t) { return t == Transpose::yes ? CblasTrans : CblasNoTrans; };
  const auto size = [](std::size_t n) { return static_cast<blasint>(n); };
  required_open_blas().sgemm(CblasRowMajor, flag(transpose_a), flag(transpose_b), size(M), size(N),
                             size(K), 1.0F, a, size(a_row_stride), b, size(b_row_stride),
                             accumulate ? 1.0F : 0.0F, c, size(c_row_stride));
}

void set_blas_threads(std::size_t threads) {
  wanted_threads = static_cast<int>(threads);
  if (loaded) open_blas().set_threads(wanted_threads);
}

std::string blas_description() {
  return loaded ? open_blas().config() : "not loaded";
}

std::string blas_core() {
  return required_open_blas().core();
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
