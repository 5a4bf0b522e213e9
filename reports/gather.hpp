/// \file
/// All records at some paths, read from files: what a report is made from, and an audit compares
/// with.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "reprise/record_file/record_file.hpp"

namespace reprise::reports {

/// What was found in folders and left out.
struct LeftOut {
  std::size_t foreign = 0;  ///< no records
  std::size_t damaged = 0;  ///< records that cannot be read
};

/// Reads the records at the paths; `report_folder` is where the report is, for their names. A run
/// of a store belongs to the studies whose plans have it. What is found in a folder and cannot be
/// read, or is wanted by no plan, is told to `complain` in a line and left out. Error if a path
/// itself is no record, or a store is not what it should be.
Inputs gather(const std::vector<std::string>& paths, const std::string& report_folder,
              const LoadOptions& loading, const std::function<void(const std::string&)>& complain,
              LeftOut& left_out);

}  // namespace reprise::reports
