/// \file
/// A description of the report's folder and of the runs behind it for machines, by RO-Crate 1.1 and
/// Process Run Crate 0.5.
#pragma once

#include <string>
#include <vector>

#include "fragment.hpp"
#include "inputs.hpp"

namespace reprise::reports {

/// What the crate says of the report itself.
struct CrateSubject {
  UntrustedText title, headline;
  std::vector<std::string> files;  ///< paths from the folder, without the crate's own
};

/// ro-crate-metadata.json. Each record is an entity by its digest, with the action that made it and
/// the program that did; the report is published when the last record ended, so that the same
/// records give the same bytes. Empty if no record has a time in ISO 8601, without which there is
/// no crate.
Json crate_metadata(const CrateSubject& subject, const Inputs& inputs);

}  // namespace reprise::reports
