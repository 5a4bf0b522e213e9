/// \file
/// Curves by epoch: of a study's variants, of one training.
#pragma once

#include <string>
#include <vector>

#include "draft.hpp"
#include "statistics.hpp"

namespace reprise::reports {

struct CurvePoint {
  double epoch = 0;
  Spread spread;  ///< over seeds, in the plot's unit; of a single run no spread
};

struct Curve {
  UntrustedText label;
  std::vector<CurvePoint> points;
};

struct CurvePlot {
  std::string name, quantity, unit;  ///< "Training error", "%"
  Size size;                         ///< pixels, without the key
  std::string mean_over;             ///< ", mean over seeds"; "" of a single run
  std::vector<Curve> curves;
  double threshold = 0;  ///< 0 for none
};

/// A line for each curve, with a band from the least to the largest.
Panel curves_panel(const CurvePlot& plot);

}  // namespace reprise::reports
