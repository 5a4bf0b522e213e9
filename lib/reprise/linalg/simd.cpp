// Which vector target is in use, and how wide its vectors are.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reprise/linalg/simd.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/linalg/dispatch.hpp"
#include "reprise/linalg/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace reprise {
namespace HWY_NAMESPACE {
namespace {

std::size_t lanes_of_target() {
  return hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>());
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise {
HWY_EXPORT(lanes_of_target);

namespace {

/// Best first.
constexpr std::array<std::pair<std::int64_t, std::string_view>, 5> kTargets{
    {{HWY_AVX3, "avx512"},
     {HWY_AVX2, "avx2"},
     {HWY_NEON, "neon"},
     {HWY_WASM, "wasm"},
     {HWY_SCALAR, "scalar"}}};

/// What the CPU has, whatever was selected before. Any has the target that the compiler itself may
/// use everywhere.
std::int64_t supported_targets() {
  static const std::int64_t targets = (hwy::SupportedTargets() | HWY_STATIC_TARGET) & HWY_TARGETS;
  return targets;
}

/// The target in use; best until another is selected. Kernels read it, none writes it.
std::atomic<std::int64_t>& targets_in_use() {
  static std::atomic<std::int64_t> targets = supported_targets();
  return targets;
}

void use(std::int64_t targets) {
  targets_in_use() = targets;
  chosen_simd_target().Update(targets);
}

}  // namespace

hwy::ChosenTarget& chosen_simd_target() {
  struct Chosen : hwy::ChosenTarget {
    Chosen() { Update(supported_targets()); }
  };
  static Chosen chosen;
  return chosen;
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const auto& [target, name] : kTargets) {
    if ((supported_targets() & target) != 0) names.emplace_back(name);
  }
  return names;
}

std::string simd_target() {
  const std::int64_t in_use = targets_in_use();
  for (const auto& [target, name] : kTargets) {
    if ((in_use & target) != 0) return std::string(name);
  }
  throw Error("simd_target", "a target without a name", "one of simd_targets()");
}

std::size_t simd_lanes() {
  return REPRISE_DISPATCH(lanes_of_target)();
}

std::string highway_version() {
  return std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." +
         std::to_string(HWY_PATCH);
}

void select_simd_target(std::string_view name) {
  if (name == "best") {
    use(supported_targets());
    return;
  }
  for (const auto& [target, target_name] : kTargets) {
    if (target_name == name && (supported_targets() & target) != 0) {
      use(target);
      return;
    }
  }
  throw Error("select_simd_target", "\"" + std::string(name) + "\"",
              "best or what this CPU offers: " + join(simd_targets()));
}

}  // namespace reprise
#endif  // HWY_ONCE
