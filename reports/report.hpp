/// \file
/// The report as a whole, in memory: Markdown, one HTML page, figures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "inputs.hpp"

namespace reprise::reports {

struct Report {
  std::string markdown;                        ///< report.md; shows figures by relative path
  std::string html;                            ///< index.html; needs nothing but itself
  std::map<std::string, std::string> figures;  ///< path from the report's folder, SVG document
};

/// A function of its arguments: from the same records the same bytes (with the same gnuplot).
/// `notes` is the author's Markdown, "" for none. Error if there is no training run, if runs of a
/// study do not fit together (group_studies), if the notes hold images or are not text, if gnuplot
/// is missing.
Report make_report(const Inputs& inputs, const std::string& notes);

/// The same of records that are still to be read (add_record).
Report make_report(const std::vector<NamedRecord>& records, const std::string& notes);

}  // namespace reprise::reports
