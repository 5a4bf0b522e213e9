/// \file
/// Is a study what its plan says? Checks stores of runs, and a report on them, without trusting any
/// file, on the model of MLPerf's compliance checkers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reprise/record_file/record_file.hpp"

namespace reprise::reports {

/// One thing that was checked: nothing wrong, or a line for each fault.
struct AuditCheck {
  std::string name;     ///< "seeds"
  std::string subject;  ///< what was looked at: "84 runs of 12 plans"
  std::vector<std::string> faults;
};

struct Audit {
  std::vector<AuditCheck> checks;
  std::vector<std::string> notes;  ///< what was not checked, and why
  [[nodiscard]] bool passed() const;
};

/// What `verify` says of a record; nothing if it is identical, else its line.
using VerifyRecord = std::function<std::string(const std::string& path)>;

struct AuditOptions {
  std::size_t sample = 3;  ///< records that are run again
  VerifyRecord verify;
  std::string report;  ///< folder of the report; "": `folder`, if there is one in it
  std::string notes;   ///< the author's notes in it, as text
  LoadOptions loading;
};

/// Checks all stores in a folder and below. Error only if there is no such folder.
Audit audit(const std::string& folder, const AuditOptions& options);

/// What no audit of files can know, a line each.
const std::vector<std::string>& audit_limits();

}  // namespace reprise::reports
