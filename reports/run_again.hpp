/// \file
/// The page on which the reader's browser trains a recorded network again and compares the digests.
#pragma once

#include <string>

#include "fragment.hpp"
#include "training_run.hpp"

namespace reprise::reports {

/// What the page holds.
struct RunAgainOptions {
  std::string module;  ///< folder that lib/web/build made, with reprise_web.js, .wasm.gz, .sha256
  std::string data;    ///< folder with the files that the run was trained on
  const TrainingRun* run = nullptr;  ///< nullptr: the report's first of LeNet-5 outside a study
};

/// The whole page: the module, the files and the run's settings and digests are in it, and it asks
/// the network for nothing. The reader may train `of_report` instead, from files of their own,
/// unless it is null, not portable, or of the same data. Error if a file is missing, is not the one
/// that the record or the module's build names, or is of more than 16 MB; or if the run's algorithm
/// is not portable.
Html run_again_page(const TrainingRun& run, const TrainingRun* of_report,
                    const RunAgainOptions& options);

}  // namespace reprise::reports
