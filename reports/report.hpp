/// \file
/// The report as a whole, in memory: a paper and its supplement, figures, data.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gnuplot.hpp"
#include "inputs.hpp"
#include "run_again.hpp"

namespace reprise::reports {

struct Report {
  std::string markdown, html;  ///< report.md and index.html, the paper
  /// supplement.md and supplement.html. Markdown shows figures by relative path; a page needs
  /// nothing but itself.
  std::string supplement_markdown, supplement_html;
  std::string verdicts;   ///< verdicts.toml; "" without comparisons
  std::string run_again;  ///< run_again.html; "" unless it is asked for
  std::string crate;      ///< ro-crate-metadata.json; "" if no record has a time
  std::map<std::string, std::string> figures;  ///< path from the report's folder, SVG document
  std::map<std::string, std::string> data;     ///< likewise: CSV, and data/README.md
};

/// Makes an SVG document of a plot; gnuplot, unless a caller wants the plots' commands alone.
using DrawPlot = std::function<Svg(const Plot&)>;

struct ReportOptions {
  std::string notes = {};                      ///< the author's Markdown; "" for none
  const Inputs* against = nullptr;             ///< earlier records of the same experiments
  const RunAgainOptions* run_again = nullptr;  ///< for run_again.html
  bool links_run_again = false;  ///< whether the paper links run_again.html, even if it is not made
  std::string only = {};  ///< the name of a figure or table; the report then has its files alone
};

/// A function of its arguments: from the same records the same bytes (with the same gnuplot).
/// Error if there is no training run, if runs of a
/// study do not fit together (group_studies), if the notes hold images or are not text, if there is
/// no figure or table of the name `only`, and as `draw_plot` throws (gnuplot is missing). Nothing
/// but `draw_plot` starts another program.
Report make_report(const Inputs& inputs, const ReportOptions& options,
                   const DrawPlot& draw_plot = draw);

/// The same of records that are still to be read (add_record).
Report make_report(const std::vector<NamedRecord>& records, const std::string& notes,
                   const DrawPlot& draw_plot = draw);

}  // namespace reprise::reports
