/// \file
/// The counters of covered edges, for a target that runs code in another process.
#pragma once

#include <cstdint>
#include <span>

namespace reprise::fuzz {

/// Those of all instrumented files of this program; libFuzzer reads them after each input.
std::span<std::uint8_t> coverage_counters();

}  // namespace reprise::fuzz
