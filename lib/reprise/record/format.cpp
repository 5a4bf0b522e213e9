#include "reprise/record/format.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reprise/core/error.hpp"

namespace reprise {
namespace {

constexpr std::int64_t whole(std::int64_t value) {
  return value;
}

const std::vector<FormatSetting>& training_settings() {
  // Setting, name in the format, default in the format. A better name for a setting is a row above
  // the old one, with the same name and default in the format. A new setting is a row whose default
  // is what all earlier records did without it.
  static const std::vector<FormatSetting> rows = {
      {"seed", "seed", whole(1)},
      {"epochs", "epochs", whole(10)},
      {"batch_size", "batch_size", whole(128)},
      {"block_size", "block_size", whole(16)},
      {"train_images", "train_images", whole(0)},
      {"holdout", "holdout", whole(0)},
      {"holdout_draw", "holdout_draw", "last"},
      {"parameters_seed", "parameters_seed", whole(-1)},
      {"order_seed", "order_seed", whole(-1)},
      {"augmentation_seed", "augmentation_seed", whole(-1)},
      {"dropout_seed", "dropout_seed", whole(-1)},
      {"holdout_seed", "holdout_seed", whole(-1)},
      {"model", "model", "lenet5"},
      {"activation", "activation", "relu"},
      {"pooling", "pooling", "max"},
      {"pool_kernel", "pool_kernel", whole(2)},
      {"pool_rounding", "pool_rounding", "halve"},
      {"normalization", "normalization", "none"},
      {"dropout", "dropout", 0.0},
      {"initializer", "initializer", "he_normal"},
      {"width", "width", whole(16)},
      {"without", "without", ""},
      {"conv_algorithm", "conv", "direct"},
      {"conv", "conv", "direct"},
      {"subtract", "subtract", "none"},
      {"pixel_max", "pixel_max", whole(1)},
      {"crop", "crop", whole(0)},
      {"test_views", "test_views", whole(1)},
      {"random_shift", "shift", whole(0)},
      {"shift", "shift", whole(0)},
      {"horizontal_flip", "reflect", whole(0)},
      {"reflect", "reflect", whole(0)},
      {"distortion", "distortion", 0.0},
      {"pca_color_noise", "colour", 0.0},
      {"colour", "colour", 0.0},
      {"optimizer", "optimizer", "adam"},
      {"learning_rate", "learning_rate", 0.001},
      {"lr_milestones", "drop_epochs", ""},
      {"drop_epochs", "drop_epochs", ""},
      {"lr_gamma", "drop_factor", 0.1},
      {"drop_factor", "drop_factor", 0.1},
      {"momentum", "momentum", 0.9},
      {"weight_decay", "weight_decay", 0.0},
      {"beta1", "beta1", 0.9},
      {"beta2", "beta2", 0.999},
      {"epsilon", "epsilon", 1e-7},
      {"layers", "layers", ""},
      {"stop_train_error", "stop_train_error", 0.0},
      {"stop_flat_epochs", "stop_flat_epochs", whole(0)},
      {"initial_sha256", "initial_sha256", ""},
  };
  return rows;
}

const std::vector<FormatSetting>& comparison_settings() {
  static const std::vector<FormatSetting> rows = {
      {"seed", "seed", whole(1)},
      {"threads", "threads", whole(1)},
  };
  return rows;
}

/// nullptr if no release has such a setting.
const FormatSetting* row_of(std::string_view setting, std::span<const FormatSetting> rows) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const FormatSetting& row) { return row.setting == setting; });
  return found == rows.end() ? nullptr : &*found;
}

std::string text_attribute(const Attributes& attributes, const std::string& name) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

}  // namespace

int format_of(const Record& record) {
  return text_attribute(record.attributes, "format") == kRecordFormat1 ? 1 : 2;
}

std::span<const FormatSetting> format_settings(std::string_view kind) {
  if (kind == "training" || kind == "checkpoint" || kind == "summary") return training_settings();
  if (kind == "comparison") return comparison_settings();
  return {};
}

std::string kind_of(const Record& record) {
  return text_attribute(record.attributes, "kind");
}

std::string name_today(std::string_view setting, std::span<const FormatSetting> rows) {
  const FormatSetting* const row = row_of(setting, rows);
  if (row == nullptr) return std::string(setting);
  const auto first = std::find_if(rows.begin(), rows.end(),
                                  [&](const FormatSetting& r) { return r.name == row->name; });
  return std::string(first->setting);
}

Attributes settings_in_full(const Group& configuration, std::span<const FormatSetting> rows) {
  Attributes full;
  std::map<std::string, std::string> given;  // by name in the format
  for (const auto& [setting, value] : configuration.attributes) {
    const FormatSetting* const row = row_of(setting, rows);
    const std::string name = row == nullptr ? setting : std::string(row->name);
    const auto [earlier, is_first] = given.emplace(name, setting);
    if (!is_first) {
      throw Error("/configuration",
                  "the settings " + earlier->second + " and " + setting + ", which are the same",
                  "one of them");
    }
    full[name] = value;
  }
  for (const FormatSetting& row : rows) full.emplace(row.name, row.format_value);
  return full;
}

Attributes counted_settings(const Group& configuration, std::span<const FormatSetting> rows) {
  Attributes counted = settings_in_full(configuration, rows);
  for (const FormatSetting& row : rows) {
    const auto found = counted.find(std::string(row.name));
    if (found != counted.end() && same_value(found->second, row.format_value)) counted.erase(found);
  }
  return counted;
}

bool same_value(const AttributeValue& a, const AttributeValue& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  if (std::isnan(*x) && std::isnan(*y)) return true;
  return std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
}

std::string program_of(const Record& record) {
  if (format_of(record) == 1) return text_attribute(record.attributes, "program");
  const auto environment = record.groups.find("environment");
  if (environment == record.groups.end()) return "";
  return text_attribute(environment->second.attributes, "program");
}

}  // namespace reprise
