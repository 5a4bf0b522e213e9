/// \file
/// The report as a whole, in memory: Markdown, one HTML page, figures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "training_run.hpp"

namespace reprise::reports {

struct Report {
  std::string markdown;                        ///< report.md; shows figures by relative path
  std::string html;                            ///< index.html; needs nothing but itself
  std::map<std::string, std::string> figures;  ///< path from the report's folder, SVG document
};

/// A function of its arguments: from the same records the same bytes (with the same gnuplot).
/// `notes` is the author's Markdown, "" for none. Records are of training runs, at least one,
/// and of comparisons of convolution algorithms, any number. Error if one is neither, is not whole,
/// or is a training run that differs from the first by more than its seed, if the notes hold images
/// or are not text, if gnuplot is missing.
Report make_report(const std::vector<NamedRecord>& records, const std::string& notes);

}  // namespace reprise::reports
