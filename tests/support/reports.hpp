/// \file
/// Parts of reports and of the records that they are made of.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "report.hpp"
#include "reprise/record/record.hpp"

namespace reprise::test {

/// Paper and supplement.
inline std::string whole(const reports::Report& report) {
  return report.markdown + report.supplement_markdown;
}

template <class T>
std::vector<T>& values_in(Record& record, const std::string& group, const std::string& name) {
  return std::get<std::vector<T>>(record.groups[group].datasets[name].values);
}

}  // namespace reprise::test
