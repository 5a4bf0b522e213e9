// Compares the fused multiply-add of processors that have none (linalg/exact_fma.hpp) with the C
// library's, on as many operands as are asked for. On demand: cmake --build build/release --target
// check_fma, then build/release/tests/check_fma 1000000000.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "reprise/core/philox.hpp"
#include "reprise/linalg/exact_fma.hpp"
#include "support/fma_cases.hpp"

namespace reprise::test {
namespace {

std::uint64_t wrong_of(std::size_t kind, std::uint64_t cases) {
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < cases; ++i) {
    const auto words =
        philox4x32_10({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32),
                       static_cast<std::uint32_t>(kind), 0},
                      {1, 0});
    const auto pair = [&](std::size_t at) {
      return static_cast<std::uint64_t>(words[at + 1]) << 32 | words[at];
    };
    const FmaCase c = fma_case(kind, pair(0), pair(2));
    const float ours = exact_fma(c.x, c.y, c.z), right = std::fma(c.x, c.y, c.z);
    if (same_number(ours, right)) continue;
    if (++wrong <= 3) {
      std::printf("fma(%a, %a, %a) is %a, here %a\n", static_cast<double>(c.x),
                  static_cast<double>(c.y), static_cast<double>(c.z), static_cast<double>(right),
                  static_cast<double>(ours));
    }
  }
  return wrong;
}

}  // namespace
}  // namespace reprise::test

int main(int argc, char** argv) {
  using namespace reprise::test;
  const std::uint64_t cases = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (cases == 0) {
    std::fprintf(stderr, "check_fma: %s given; expected how many operands to compare\n",
                 argc == 2 ? argv[1] : "nothing");
    return 2;
  }
  std::uint64_t wrong = 0;
  for (std::size_t kind = 0; kind < kFmaKinds.size(); ++kind) {
    const std::uint64_t of_kind = wrong_of(kind, cases / kFmaKinds.size());
    std::printf("%s: %llu of %llu differ\n", kFmaKinds[kind],
                static_cast<unsigned long long>(of_kind),
                static_cast<unsigned long long>(cases / kFmaKinds.size()));
    wrong += of_kind;
  }
  return wrong == 0 ? 0 : 1;
}
