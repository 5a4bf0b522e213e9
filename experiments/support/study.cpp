#include "support/study.hpp"

#include <algorithm>

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

StudyRecord study_label(const Study& study, std::size_t variant, const std::string& role) {
  const Variant& own = study.variants.at(variant);
  StudyRecord record;
  record.name = study.name;
  record.question = study.question;
  record.section = study.section;
  record.claim = study.claim;
  record.paper_figure = study.paper_figure;
  record.measure = study.measure;
  record.threshold = study.threshold;
  record.margin = study.margin;
  record.baseline = study.variants.front().name;
  record.variant = own.name;
  record.variant_description = own.description;
  record.variant_order = static_cast<std::int64_t>(variant);
  record.expectation = own.expectation;
  record.role = role;
  return record;
}

}  // namespace reprise
