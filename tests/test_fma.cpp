// Fused multiply-add without an instruction for it, against the C library's fma, which has one
// rounding on every processor; and by the kernels of every vector target.
#include <cmath>
#include <limits>
#include <vector>

#include "reprise/core/random.hpp"
#include "reprise/linalg/exact_fma.hpp"
#include "reprise/linalg/gemm.hpp"
#include "reprise/linalg/simd.hpp"
#include "support/catch.hpp"
#include "support/fma_cases.hpp"
#include "support/special_floats.hpp"

using namespace reprise;
using test::fma_case;
using test::FmaCase;
using test::kFmaKinds;
using test::kInfinity;
using test::kMax;
using test::kNan;
using test::same_number;

namespace {

/// Case i of a kind.
FmaCase drawn(std::size_t kind, std::uint64_t i) {
  static const RandomStream stream = RandomStream(1).child("fma");
  const auto words = stream.words(i * kFmaKinds.size() + kind);
  const auto pair = [&](std::size_t at) {
    return static_cast<std::uint64_t>(words[at + 1]) << 32 | words[at];
  };
  return fma_case(kind, pair(0), pair(2));
}

/// x * y + z in doubles, rounded to binary32: twice rounded.
float rounded_twice(const FmaCase& c) {
  return static_cast<float>(static_cast<double>(c.x) * static_cast<double>(c.y) +
                            static_cast<double>(c.z));
}

}  // namespace

TEST_CASE("a fused multiply-add has one rounding at values that are known") {
  // 1 + 2^-24 lies midway between 1 and the next number: to even; a trace of 2^-80 decides.
  CHECK(exact_fma(0x1p-12F, 0x1p-12F, 1.0F) == 1.0F);
  CHECK(exact_fma(0x1.000002p-12F, 0x1p-12F, 1.0F) == 0x1.000002p0F);
  CHECK(exact_fma(0x1.000002p0F, 0x1.fffffep-25F, 1.0F) == 0x1.000002p0F);
  CHECK(exact_fma(0x1.000002p-12F, 0x1.fffffcp-13F, 0x1.000002p0F) == 0x1.000002p0F);
  // Doubles round these to midway, and binary32 then to even: the wrong way.
  CHECK(exact_fma(0x1.000002p-30F, 0x1.000002p-30F, 0x1.000002p0F) == 0x1.000002p0F);
  CHECK(exact_fma(0x1.fffffep-1F, 0x1.fffffep-1F, 0x1p30F) == 0x1p30F);
  // Subnormal numbers and zero.
  CHECK(exact_fma(0x1p-75F, 0x1p-75F, 0.0F) == 0.0F);
  CHECK(exact_fma(0x1.000002p-75F, 0x1p-75F, 0.0F) == 0x1p-149F);
  CHECK(exact_fma(0x1p-75F, 0x1p-75F, 0x1p-149F) == 0x1p-148F);
  CHECK(exact_fma(0x1.fffffep-76F, 0x1p-75F, 0x1p-149F) == 0x1p-149F);
  CHECK(std::signbit(exact_fma(-0x1p-100F, 0x1p-100F, -0.0F)));
  CHECK(std::signbit(exact_fma(-0.0F, 1.0F, -0.0F)));
  CHECK_FALSE(std::signbit(exact_fma(1.0F, 1.0F, -1.0F)));
  // Overflow, only where the sum does.
  CHECK(exact_fma(kMax, 2.0F, -kMax) == kMax);
  CHECK(exact_fma(0x1p52F, 0x1p51F, kMax) == kInfinity);
  CHECK(exact_fma(0x1p52F, 0x1.fffffep50F, kMax) == kMax);
  CHECK(exact_fma(-kMax, kMax, kMax) == -kInfinity);
  CHECK(exact_fma(kInfinity, 2.0F, -kMax) == kInfinity);
  CHECK(std::isnan(exact_fma(kInfinity, 2.0F, -kInfinity)));
  CHECK(std::isnan(exact_fma(kInfinity, 0.0F, 1.0F)));
  CHECK(std::isnan(exact_fma(1.0F, 1.0F, kNan)));
}

TEST_CASE("a fused multiply-add by doubles is the C library's, at ties, ends and in between") {
  constexpr std::uint64_t kCases = 400'000;
  for (std::size_t kind = 0; kind < kFmaKinds.size(); ++kind) {
    std::uint64_t wrong = 0, wrong_if_rounded_twice = 0;
    for (std::uint64_t i = 0; i < kCases; ++i) {
      const FmaCase c = drawn(kind, i);
      const float right = std::fma(c.x, c.y, c.z);
      if (!same_number(exact_fma(c.x, c.y, c.z), right)) ++wrong;
      if (!same_number(rounded_twice(c), right)) ++wrong_if_rounded_twice;
    }
    INFO(kFmaKinds[kind]);
    CHECK(wrong == 0);
    // The cases tell one from the other.
    if (kind >= 1 && kind <= 3) CHECK(wrong_if_rounded_twice > kCases / 4000);
  }
}

TEST_CASE("matrix products have one rounding a term on every vector target") {
  constexpr std::uint64_t kCases = 20'000;
  for (std::size_t kind = 0; kind < kFmaKinds.size(); ++kind) {
    for (const std::string& target : simd_targets()) {
      select_simd_target(target);
      std::uint64_t wrong = 0;
      for (std::uint64_t i = 0; i < kCases; i += 2) {
        // c += a * b, of 2 x 2 elements: all pairs of two cases' operands.
        const FmaCase first = drawn(kind, i), second = drawn(kind, i + 1);
        const std::vector<float> a{first.x, second.x}, b{first.y, second.y};
        std::vector<float> c{first.z, second.z, first.z, second.z};
        gemm(2, 2, 1, {a.data(), 1, 1}, {b.data(), 2, 1}, c.data(), 2, true, 1);
        for (std::size_t k = 0; k < 4; ++k) {
          const float z = k % 2 == 0 ? first.z : second.z;
          if (!same_number(c[k], std::fma(a[k / 2], b[k % 2], z))) ++wrong;
        }
      }
      INFO(kFmaKinds[kind] << " on " << target);
      CHECK(wrong == 0);
    }
  }
  select_simd_target("best");
}
