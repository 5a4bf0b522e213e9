// Error curves of a study: the mean over the seeds as a line, least to largest as a band.
#include <algorithm>

#include "sections/curves.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr int kMaxPoints = 400;

/// Means over seeds of series that begin alike; as long as the shortest.
std::vector<CurvePoint> curve_of(const std::vector<std::vector<double>>& series,
                                 const std::vector<double>& epochs) {
  std::size_t length = epochs.size();
  for (const std::vector<double>& values : series) length = std::min(length, values.size());
  const std::size_t step = 1 + length / kMaxPoints;
  std::vector<CurvePoint> curve;
  for (std::size_t i = 0; i < length; ++i) {
    if (i % step != 0 && i + 1 != length) continue;
    std::vector<double> values;
    for (const std::vector<double>& one : series) values.push_back(100 * one[i]);
    curve.push_back({epochs[i], spread_of(values)});
  }
  return curve;
}

std::vector<double> whole_epochs(const TrainingRun& run) {
  return {run.history.epoch.begin(), run.history.epoch.end()};
}

/// Mean error of the last steps, by fractions of epochs.
std::vector<CurvePoint> step_curve(const Variant& variant) {
  std::vector<std::vector<double>> series;
  for (const StudyRun& run : variant.runs) series.push_back(smoothed_error(*run.run));
  const std::size_t steps = variant.runs.front().run->history.steps_per_epoch;
  std::vector<double> epochs;
  for (std::size_t i = 0; i < series.front().size(); ++i) {
    epochs.push_back(static_cast<double>(smoothing_steps(steps) + i) / static_cast<double>(steps));
  }
  return curve_of(series, epochs);
}

std::vector<CurvePoint> epoch_curve(const Variant& variant, std::vector<double> History::*values) {
  std::vector<std::vector<double>> series;
  for (const StudyRun& run : variant.runs) series.push_back(run.run->history.*values);
  return curve_of(series, whole_epochs(*variant.runs.front().run));
}

Table data_of(const std::vector<CurvePlot>& plots) {
  Table data{{"Error", "Variant", "Epoch", "Mean (%)", "Least (%)", "Largest (%)"}, {}};
  for (const CurvePlot& plot : plots) {
    for (const Curve& curve : plot.curves) {
      for (const CurvePoint& point : curve.points) {
        data.rows.push_back({plot.quantity, curve.label, number_cell(point.epoch, 2),
                             number_cell(point.spread.mean, 2), number_cell(point.spread.least, 2),
                             number_cell(point.spread.most, 2)});
      }
    }
  }
  return data;
}

}  // namespace

Figure curves_figure(const Study& study) {
  const Size size{430, 290};
  CurvePlot train{"train_" + study.key, "Training error", "%", size, ", mean over seeds", {}};
  CurvePlot test{"test_" + study.key, "Test error", "%", size, ", mean over seeds", {}};
  const bool by_step =
      study.measure == Measure::epochs_to_train_error &&
      std::all_of(study.variants.begin(), study.variants.end(),
                  [](const Variant& variant) { return !step_curve(variant).empty(); });
  if (by_step) train.threshold = 100 * study.threshold;
  for (const Variant& variant : study.variants) {
    train.curves.push_back({variant.name, by_step ? step_curve(variant)
                                                  : epoch_curve(variant, &History::train_error)});
    test.curves.push_back({variant.name, epoch_curve(variant, &History::test_error)});
  }
  return {
      {curves_panel(train), curves_panel(test)}, source_of(study.runs()), data_of({train, test})};
}

}  // namespace reprise::reports
