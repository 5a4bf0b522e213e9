/// \file
/// Whether all ranks are about to compute the same run: the same code, settings and data.
#pragma once

#include <string>
#include <vector>

#include "reprise/run/ranks.hpp"
#include "reprise/run/training.hpp"

namespace reprise {

/// One thing that must be the same on all ranks.
struct CommonFact {
  std::string what;  ///< such as "setting learning_rate"
  std::string value;
};

/// The source that this program was built from. Other compilers, flags and vectors do not
/// count as different code.
std::vector<CommonFact> code_facts();
/// The run's settings, and its data by the SHA-256 of the files.
std::vector<CommonFact> run_facts(const TrainingRun& run);

/// Error on rank 0, which names a rank that differs from most, what it has and what most have,
/// unless the facts of all ranks are equal; EndedWithOthers on the others then. Of two that differ,
/// rank 0 counts as most.
void check_agreement(Ranks& ranks, const std::vector<CommonFact>& facts);

}  // namespace reprise
