/// \file
/// How the times of one comparison of convolutions differ from those of an earlier one.
#pragma once

#include <string>
#include <vector>

#include "reprise/record/contents.hpp"

namespace reprise {

/// Lines for a person: of each shape, pass and algorithm that both have times of, both medians, the
/// later over the earlier one, and both shares of the peak that the core had then; the geometric
/// means by algorithm; how many rows are in one alone. Shares may be compared where the processors
/// differ, times may not: a line says so. Error, which names `names`, if they share no row.
std::vector<std::string> comparison_trend(const std::vector<std::string>& names,
                                          const ComparisonRecord& earlier,
                                          const ComparisonRecord& later);

}  // namespace reprise
