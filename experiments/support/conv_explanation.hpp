/// \file
/// Why "auto" takes the algorithm that it takes, and what that cost: estimates beside times.
#pragma once

#include <string>
#include <vector>

#include "support/conv_comparison_rows.hpp"

namespace reprise {

/// The algorithms among which "auto" chooses, and the kernels of each: names for a comparison that
/// is to be explained.
std::vector<std::string> explained_algorithms();

/// Lines for a person: of each shape and pass, each algorithm's estimated cost and, where the rows
/// are timed, its median time, and the choice; then how often the choice was the fastest algorithm
/// (kernels are no choice of auto's) and what was lost where it was not.
std::vector<std::string> explanation_of_auto(const std::vector<ComparisonRow>& rows);

}  // namespace reprise
