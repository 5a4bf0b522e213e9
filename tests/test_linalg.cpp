// linalg: matrix products, against double, and to the bit across targets.
#include <cmath>
#include <cstring>
#include <limits>

#include "reprise/core/error.hpp"
#include "reprise/linalg/blas.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/close.hpp"
#include "support/random_arrays.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

struct Product {
  std::size_t M, N, K;
};

// Sizes around the kernel's tiles and blocks, and degenerate ones.
const Product kProducts[] = {
    {1, 1, 1},       {14, 32, 7},     {15, 33, 8},    {5, 100, 385}, {169, 17, 400}, {337, 3, 5},
    {3, 2049, 2},    {8, 120, 400},   {16, 401, 85},  {300, 50, 16}, {20, 90, 1100}, {70, 70, 70},
    {40, 1003, 300}, {3000, 101, 20}, {52, 33, 1100}, {1, 5, 0},     {0, 4, 3}};

std::vector<double> exact_product(const Product& p, const std::vector<float>& a,
                                  const std::vector<float>& b) {
  std::vector<double> c(p.M * p.N);
  for (std::size_t m = 0; m < p.M; ++m) {
    for (std::size_t k = 0; k < p.K; ++k) {
      for (std::size_t n = 0; n < p.N; ++n) {
        c[m * p.N + n] += static_cast<double>(a[m * p.K + k]) * b[k * p.N + n];
      }
    }
  }
  return c;
}

std::vector<float> transposed(std::size_t rows, std::size_t columns, const std::vector<float>& a) {
  std::vector<float> t(a.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) t[c * rows + r] = a[r * columns + c];
  }
  return t;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Runs `body` under every vector target of this machine.
template <class Body>
void for_each_target(const Body& body) {
  for (const std::string& target : simd_targets()) {
    select_simd_target(target);
    body(target);
  }
  select_simd_target("best");
}

}  // namespace

TEST_CASE("gemm and blas_gemm are exact on small integers, transposed or not, adding or not") {
  for (const Product& p : kProducts) {
    CAPTURE(p.M, p.N, p.K);
    const std::vector<float> a = random_integers(p.M * p.K, 4, 1, "a");
    const std::vector<float> b = random_integers(p.K * p.N, 4, 1, "b");
    const std::vector<double> exact = exact_product(p, a, b);
    const std::vector<float> expected(exact.begin(), exact.end());
    std::vector<float> twice = expected;
    for (float& value : twice) value *= 2.0F;

    std::vector<float> c(p.M * p.N, std::numeric_limits<float>::quiet_NaN());
    gemm(p.M, p.N, p.K, {a.data(), p.K, 1}, {b.data(), p.N, 1}, c.data(), p.N, false);
    CHECK(same_bits(c, expected));
    const std::vector<float> at = transposed(p.M, p.K, a);
    const std::vector<float> bt = transposed(p.K, p.N, b);
    gemm(p.M, p.N, p.K, {at.data(), 1, p.M}, {bt.data(), 1, p.K}, c.data(), p.N, true, 3);
    CHECK(same_bits(c, twice));
    for (const bool transposed_too : {false, true}) {
      CAPTURE(transposed_too);
      const ConstMatrix left =
          transposed_too ? ConstMatrix{at.data(), 1, p.M} : ConstMatrix{a.data(), p.K, 1};
      const ConstMatrix right =
          transposed_too ? ConstMatrix{bt.data(), 1, p.K} : ConstMatrix{b.data(), p.N, 1};
      c = expected;
      gemm(p.M, p.N, p.K, left, right, c.data(), p.N, true);
      CHECK(same_bits(c, twice));
    }

    if (p.M == 0 || p.K == 0) continue;
    std::vector<float> d(p.M * p.N, std::numeric_limits<float>::quiet_NaN());
    blas_gemm(Transpose::no, Transpose::yes, p.M, p.N, p.K, a.data(), p.K, bt.data(), p.K, d.data(),
              p.N, false);
    CHECK(same_bits(d, expected));
    blas_gemm(Transpose::yes, Transpose::no, p.M, p.N, p.K, at.data(), p.M, b.data(), p.N, d.data(),
              p.N, true);
    CHECK(same_bits(d, twice));
  }
}

TEST_CASE("OpenBLAS's kernels are told from those that the CPU should have") {
  const std::vector<std::string> avx512{"avx512", "avx2"};
  const std::vector<std::string> avx2{"avx2"};
  CHECK(better_blas_core("Haswell", avx512) == "SkylakeX");
  CHECK(better_blas_core("Zen", avx512) == "SkylakeX");
  CHECK(better_blas_core("Prescott", avx512) == "SkylakeX");
  CHECK(better_blas_core("Prescott", avx2) == "Haswell");
  for (const char* good : {"SkylakeX", "Cooperlake", "Sapphirerapids"}) {
    CHECK(better_blas_core(good, avx512).empty());
  }
  CHECK(better_blas_core("Zen", avx2).empty());
  CHECK(better_blas_core("Haswell", avx2).empty());
  CHECK(better_blas_core("neoversen1", {"neon"}).empty());
  CHECK(!std::string_view(blas_core()).empty());
}

TEST_CASE("gemm is one ascending fma chain per element on every target and any number of threads") {
  for (const Product& p : kProducts) {
    CAPTURE(p.M, p.N, p.K);
    const std::vector<float> a = random_floats(p.M * p.K, 2, "a");
    const std::vector<float> b = random_floats(p.K * p.N, 2, "b");
    const std::vector<float> at = transposed(p.M, p.K, a);
    const std::vector<float> bt = transposed(p.K, p.N, b);
    std::vector<float> chain(p.M * p.N);
    for (std::size_t m = 0; m < p.M; ++m) {
      for (std::size_t n = 0; n < p.N; ++n) {
        float acc = 0.0F;
        for (std::size_t k = 0; k < p.K; ++k) {
          acc = std::fma(a[m * p.K + k], b[k * p.N + n], acc);
        }
        chain[m * p.N + n] = acc;
      }
    }
    for_each_target([&](const std::string& target) {
      for (const std::size_t threads : {1, 2, 3, 7}) {
        CAPTURE(target, threads);
        std::vector<float> c(p.M * p.N, std::numeric_limits<float>::quiet_NaN());
        gemm(p.M, p.N, p.K, {a.data(), p.K, 1}, {b.data(), p.N, 1}, c.data(), p.N, false, threads);
        CHECK(same_bits(c, chain));
        std::fill(c.begin(), c.end(), std::numeric_limits<float>::quiet_NaN());
        gemm(p.M, p.N, p.K, {at.data(), 1, p.M}, {bt.data(), 1, p.K}, c.data(), p.N, false,
             threads);
        CHECK(same_bits(c, chain));
      }
    });
  }
}

TEST_CASE("an unknown vector target is an error that lists the known ones") {
  CHECK_THROWS_WITH(select_simd_target("sse2"), Catch::Contains("best or what this CPU offers"));
}
