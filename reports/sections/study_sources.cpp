// The shares that sources of random numbers have in the variance over seeds.
#include <algorithm>
#include <array>
#include <cmath>

#include "format.hpp"
#include "sections/sections.hpp"
#include "statistics.hpp"

namespace reprise::reports {
namespace {

constexpr std::array kSourceSeeds = {"parameters_seed", "order_seed", "augmentation_seed",
                                     "dropout_seed", "holdout_seed"};

/// All settings but the seeds of sources, with the run's seed.
Settings without_source_seeds(Settings settings) {
  for (const char* name : kSourceSeeds) settings.erase(name);
  settings.erase("seed");
  return settings;
}

bool differ_in_sources_alone(const TrainingRun& run, const TrainingRun& other) {
  const bool differ = std::any_of(kSourceSeeds.begin(), kSourceSeeds.end(), [&](const char* name) {
    return setting_text(run.settings, name) != setting_text(other.settings, name);
  });
  return differ && without_source_seeds(run.settings) == without_source_seeds(other.settings);
}

Cell variance_share_cell(double share) {
  return if_finite(share, percent_cell(share, 0));
}

}  // namespace

bool varies_sources(const Study& study) {
  const Variant* baseline = study.baseline();
  if (study.variants.size() < 2 || baseline == nullptr) return false;
  return std::all_of(study.variants.begin(), study.variants.end(), [&](const Variant& variant) {
    return &variant == baseline ||
           differ_in_sources_alone(*variant.runs.front().run, *baseline->runs.front().run);
  });
}

TableEntry sources_table(const Study& study) {
  TableEntry entry{{{"By the seed", "Seeds", "SD", "Share (%)", "CI from", "CI to"}, {}},
                   source_of(study.runs())};
  const std::vector<double> all = study.baseline()->values();
  double sum = 0;
  for (const Variant& variant : study.variants) {
    const std::vector<double> values = variant.values();
    std::vector<Cell> row = {
        words_of(variant.name), count_cell(values.size()),
        values.size() < 2 ? Cell() : value_cell(study, spread_of(values).standard_deviation)};
    if (&variant == study.baseline()) {
      row.insert(row.end(), 3, Cell());
    } else {
      const VarianceFraction share = variance_fraction(values, all);
      sum += share.fraction;
      for (const double value : {share.fraction, share.interval.low, share.interval.high}) {
        row.push_back(variance_share_cell(value));
      }
    }
    entry.table.rows.push_back(std::move(row));
  }
  entry.table.rows.push_back(
      {"sum of the shares", Cell(), Cell(), variance_share_cell(sum), Cell(), Cell()});
  return entry;
}

}  // namespace reprise::reports
