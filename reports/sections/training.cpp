// LeNet-5: the curves of training and the table of epochs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reprise/core/integer.hpp"

#include "format.hpp"
#include "gnuplot.hpp"
#include "sections/sections.hpp"

namespace reprise::reports {
namespace {

constexpr std::size_t kMaxRows = 20;  // of the table of epochs
constexpr std::size_t kDigestDigits = 8;

/// A little above the largest drawable value, so that the axis from 0 holds all; 1 for none.
double axis_end(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (const std::vector<double>* values : {&a, &b}) {
    for (const double value : *values) {
      if (is_drawable(value)) most = std::max(most, value);
    }
  }
  return most > 0 ? 1.05 * most : 1;
}

struct Curves {
  std::string name, quantity, unit;
  std::vector<double> train, test;  ///< per epoch
};

PlotCommands curve_commands(const Curves& curves, const std::vector<std::int64_t>& epochs) {
  std::vector<std::vector<PlotCommands>> rows;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    rows.push_back({PlotCommands::format("{}", epochs[i]), plot_number(curves.train[i]),
                    plot_number(curves.test[i])});
  }
  const std::int64_t range = epochs.back() - epochs.front();
  const double margin = range == 0 ? 0.5 : 0.02 * static_cast<double>(range);
  const double point_size = epochs.size() > 30 ? 0.25 : 0.5;
  return PlotCommands::format(
      "{}set xrange [{}:{}]\nset yrange [0:{}]\nset xtics {}\n"
      "set xlabel 'Epoch'\nset ylabel {}\n"
      "plot $curves using 1:2 with linespoints lw 2 pt 7 ps {} lc rgb {} title 'training',"
      " '' using 1:3 with linespoints lw 2 dt (6,4) pt 5 ps {} lc rgb {} title 'test'\n",
      data_block("curves", rows), plot_number(static_cast<double>(epochs.front()) - margin),
      plot_number(static_cast<double>(epochs.back()) + margin),
      plot_number(axis_end(curves.train, curves.test)), tick_step(range),
      fmt::format("{} ({})", curves.quantity, curves.unit), point_size, colour::kBlue, point_size,
      colour::kVermilion);
}

Panel curve_panel(const Curves& curves, const std::vector<std::int64_t>& epochs, int decimals) {
  const std::string alt = fmt::format(
      "{} by epoch, from epoch {} to {}: training goes from {} to {}, test from {} to {} "
      "({}).",
      curves.quantity, epochs.front(), epochs.back(), fixed(curves.train.front(), decimals),
      fixed(curves.train.back(), decimals), fixed(curves.test.front(), decimals),
      fixed(curves.test.back(), decimals), curves.unit);
  return plotted({curves.name, alt, {330, kOverviewHeight}, curve_commands(curves, epochs)});
}

std::vector<double> in_percent(std::vector<double> fractions) {
  for (double& value : fractions) value *= 100;
  return fractions;
}

void add_epochs_table(const TrainingRun& run, Draft& draft) {
  const History& history = run.history;
  const std::size_t epochs = history.epoch.size();
  const std::size_t step = div_ceil(epochs, kMaxRows);
  const int decimals = percent_decimals(run.test_images);
  TableEntry entry;
  entry.source = short_digest(run.digest);
  entry.table.columns = {{"Epoch", Align::right},          {"Training loss", Align::right},
                         {"Test loss", Align::right},      {"Training error (%)", Align::right},
                         {"Test error (%)", Align::right}, {"SHA-256"}};
  const std::vector<double>& rates = history.learning_rate;
  const bool constant = std::count(rates.begin(), rates.end(), rates.front()) ==
                        static_cast<std::ptrdiff_t>(rates.size());
  if (!constant) entry.table.columns.push_back({"Learning rate", Align::right});
  for (std::size_t i = 0; i < epochs; ++i) {
    if ((i + 1) % step != 0 && i + 1 != epochs) continue;
    entry.table.rows.push_back(
        {std::to_string(history.epoch[i]), cell(history.train_loss[i], 3),
         cell(history.test_loss[i], 3), percent_cell(history.train_error[i], decimals),
         percent_cell(history.test_error[i], decimals),
         code_span(history.parameters_sha256[i].substr(0, kDigestDigits) + "…")});
    if (!constant) entry.table.rows.back().push_back(shortest(rates[i]));
  }
  draft.set("constant_rate", constant);
  draft.set("learning_rate", shortest(rates.front()));
  draft.add("epochs", std::move(entry));
  draft.set("epoch_rows", step == 1 ? "each epoch"
                                    : fmt::format("one epoch in {}",
                                                  count_word(static_cast<std::int64_t>(step))));
}

}  // namespace

void add_training(const TrainingRun& run, Draft& draft) {
  const History& history = run.history;
  Figure figure;
  figure.source = short_digest(run.digest);
  figure.panels = {kernels_panel(run.kernels, "first_layer_kernels"),
                   curve_panel({"loss", "Loss", "nats", history.train_loss, history.test_loss},
                               history.epoch, 3),
                   curve_panel({"error", "Error", "%", in_percent(history.train_error),
                                in_percent(history.test_error)},
                               history.epoch, 1)};
  draft.add("course", std::move(figure));
  add_epochs_table(run, draft);
  draft.set("kernel_count", count_word(static_cast<std::int64_t>(run.kernels.out_channels)));
  draft.set("kernel_size", fmt::format("{}×{}", run.kernels.height, run.kernels.width));
  draft.set("several_epochs", history.epoch.size() > 1);
  draft.set("first_test_error",
            percent(history.test_error.front(), percent_decimals(run.test_images)));
  draft.set("last_train_error",
            percent(history.train_error.back(), percent_decimals(run.test_images)));
  draft.set("last_train_loss", fixed(history.train_loss.back(), 3));
  const auto least = std::min_element(history.test_error.begin(), history.test_error.end());
  draft.set("least_test_error", percent(*least, percent_decimals(run.test_images)));
  draft.set(
      "least_test_error_epoch",
      std::to_string(history.epoch[static_cast<std::size_t>(least - history.test_error.begin())]));
}

}  // namespace reprise::reports
