#include "support/study.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/core/parse.hpp"
#include "reprise/run/layer_settings.hpp"

namespace reprise {
namespace {

void apply(const SettingChange& change, TrainingConfiguration& configuration) {
  for (const Setting& setting : settings_of(configuration)) {
    if (setting.name != change.name) continue;
    std::visit([&](auto* to) { *to = std::get<std::decay_t<decltype(*to)>>(change.value); },
               setting.value);
  }
}

}  // namespace

StudyScale scale_of(const Study& study) {
  return {study.settings.epochs, study.settings.train_images};
}

TrainingConfiguration study_configuration(const Study& study, std::size_t variant,
                                          std::int64_t seed, const StudyScale& scale) {
  TrainingConfiguration configuration = study.settings;
  configuration.seed = seed;
  configuration.epochs = scale.epochs;
  configuration.lr_milestones =
      scaled_milestones(study.settings.lr_milestones, study.settings.epochs, scale.epochs);
  configuration.train_images = scale.train_images;
  for (const SettingChange& change : study.variants.at(variant).changes) {
    apply(change, configuration);
  }
  configuration.layers = scaled_layers(configuration.layers, study.settings.epochs, scale.epochs);
  check(configuration);
  return configuration;
}

TrainingConfiguration pilot_configuration(const Study& study, std::size_t variant,
                                          std::int64_t seed, const StudyScale& scale, double rate) {
  StudyScale own = scale;
  if (study.pilot_epochs > 0) own.epochs = std::min(own.epochs, study.pilot_epochs);
  TrainingConfiguration configuration = study_configuration(study, variant, seed, own);
  configuration.stop_train_error = 0.0;
  configuration.stop_flat_epochs = 0;
  configuration.learning_rate = rate;
  return configuration;
}

double rate_beyond(double end, double before) {
  return *parse_real(fmt::format("{:.3g}", end * (end / before)));
}

std::vector<double> possible_rates(const Study& study) {
  std::vector<double> rates = study.learning_rates;
  std::sort(rates.begin(), rates.end());
  for (std::int64_t i = 0; rates.size() > 1 && i < study.extend_learning_rates; ++i) {
    rates.push_back(rate_beyond(rates.back(), rates.end()[-2]));
    rates.insert(rates.begin(), rate_beyond(rates[0], rates[1]));
  }
  return rates;
}

StudyRecord study_label(const Study& study, std::size_t variant, const std::string& role) {
  const Variant& own = study.variants.at(variant);
  StudyRecord record;
  static_cast<StudyQuestion&>(record) = study;
  record.baseline = study.variants.front().name;
  record.variant = own.name;
  record.variant_description = own.description;
  record.variant_order = static_cast<std::int64_t>(variant);
  record.expectation = own.expectation;
  record.role = role;
  return record;
}

}  // namespace reprise
