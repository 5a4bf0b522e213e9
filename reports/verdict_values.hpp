/// \file
/// The numbers behind the verdicts for programs: verdicts.toml, which stands beside report.md.
#pragma once

#include <vector>

#include "contrast.hpp"
#include "fragment.hpp"

namespace reprise::reports {

/// A table [[verdicts]] for each contrast, with the numbers as they were computed: differences,
/// interval, p-values, how often the variant has less, what could have been detected, the verdict,
/// and the digests of the records of each pair.
Toml verdict_values(const std::vector<Contrast>& contrasts);

/// "supported", "contradicted", "inconclusive", "not tested at the paper's scale", "none".
std::string_view verdict_word(Verdict verdict);

}  // namespace reprise::reports
