#include "reprise/run/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reprise/conv/conv_algorithm.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/parse.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/format.hpp"
#include "reprise/run/layer_settings.hpp"
#include "reprise/run/toml_settings.hpp"

namespace reprise {
namespace {

void require(bool holds, const std::string& name, const std::string& given,
             const std::string& expected) {
  if (!holds) throw Error("setting " + name, given, expected);
}

void require_from(std::int64_t least, const std::string& name, std::int64_t value) {
  require(value >= least, name, std::to_string(value), fmt::format("{} or more", least));
}

/// What the records' format calls a setting.
std::string name_in_format(const std::string& setting) {
  for (const FormatSetting& row : format_settings("training")) {
    if (row.setting == setting) return std::string(row.name);
  }
  return setting;
}

}  // namespace

std::vector<std::int64_t> milestones_of(const std::string& where, const std::string& text) {
  if (text.empty()) return {};
  std::vector<std::int64_t> epochs;
  const auto items = parse_list(text);
  for (const std::string& item : items.value_or(std::vector<std::string>{""})) {
    const std::optional<std::int64_t> epoch = parse_integer(item);
    if (!epoch || *epoch <= (epochs.empty() ? 0 : epochs.back())) {
      throw Error(where, "\"" + text + "\"", "rising integers with commas, such as 6,8");
    }
    epochs.push_back(*epoch);
  }
  return epochs;
}

std::int64_t scaled_epoch(std::int64_t epoch, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t most = 1'000'000'000'000;  // times a million epochs it fits
  return std::min(epoch, most) * to / from;
}

std::string scaled_milestones(const std::string& milestones, std::int64_t from, std::int64_t to) {
  std::string result;
  std::int64_t last = 0;
  for (const std::int64_t drop : milestones_of("setting lr_milestones", milestones)) {
    const std::int64_t epoch = scaled_epoch(drop, from, to);
    if (epoch <= last) continue;
    result += (result.empty() ? "" : ",") + std::to_string(epoch);
    last = epoch;
  }
  return result;
}

std::vector<std::string> names_of(const std::vector<Setting>& settings) {
  std::vector<std::string> names;
  for (const Setting& setting : settings) names.push_back(setting.name);
  return names;
}

std::vector<Setting> settings_of(TrainingConfiguration& c) {
  return {
      {"seed", "seed of every random number that has no seed of its own; 0 or more", &c.seed},
      {"epochs", "passes over the training images; 1 or more", &c.epochs},
      {"batch_size", "images per update; 1 to the number of training images", &c.batch_size},
      {"block_size",
       "images per block, which one thread computes; changes bits of the result, not the method",
       &c.block_size},
      {"train_images", "train on the first N images; 0: all", &c.train_images},
      {"holdout",
       "evaluate on the last N training images, train on the others and leave the test set unread; "
       "0: evaluate on the test set",
       &c.holdout},
      {"holdout_draw", "which training images holdout takes: the last, or as many at random",
       &c.holdout_draw},
      {"parameters_seed", "seed of the initial values; -1: same as seed", &c.parameters_seed},
      {"order_seed", "seed of the order of the training images; -1: same as seed", &c.order_seed},
      {"augmentation_seed",
       "seed of shifts, crops, reflections, distortion and colour; -1: same as seed",
       &c.augmentation_seed},
      {"dropout_seed", "seed of dropout; -1: same as seed", &c.dropout_seed},
      {"holdout_seed", "seed of holdout_draw; -1: same as seed", &c.holdout_seed},
      {"model", "the network: " + join(model_names()), &c.model},
      {"activation", "relu, tanh or scaled_tanh (1.7159 tanh(2x/3))", &c.model_options.activation},
      {"pooling", "max or average", &c.model_options.pooling},
      {"pool_kernel", "side of a pooling window, with stride 2: 2, or 3 for overlapping windows",
       &c.model_options.pool_kernel},
      {"pool_rounding",
       "halve: sizes halve, rounded down; floor: windows that fit whole; ceil: until the image is "
       "covered",
       &c.model_options.pool_rounding},
      {"normalization", "none or local_response", &c.model_options.normalization},
      {"dropout", "probability that an output of a hidden dense layer is set to 0; 0 to below 1",
       &c.model_options.dropout},
      {"initializer",
       "he_normal, glorot_uniform, alexnet (normal, 0.01) or cuda_convnet (normal, by layer)",
       &c.model_options.initializer},
      {"width", "four_layer_cnn: filters of the first layer; 1 or more", &c.model_options.width},
      {"without", "layer to leave out, such as conv2; empty: none", &c.model_options.without},
      {"conv_algorithm", "convolution algorithm: auto, or a name such as direct or fft",
       &c.conv_algorithm},
      {"subtract",
       "what is subtracted from each image: none, or mean_image, that of the training "
       "images",
       &c.subtract},
      {"pixel_max", "value that a pixel of 255 becomes: 1 or 255", &c.pixel_max},
      {"crop",
       "side of the square that the network sees: at random places in training, the centre in "
       "tests; 0: whole images",
       &c.crop},
      {"test_views",
       "10: the trained network's outputs are averaged over ten views, the corners and the centre "
       "of crop or random_shift and their reflections; 1: the centre alone",
       &c.test_views},
      {"random_shift", "training images are shifted at random by up to this many pixels; 0 or more",
       &c.random_shift},
      {"horizontal_flip",
       "1: training images are mirrored left to right with probability 1/2; 0: none",
       &c.horizontal_flip},
      {"distortion",
       "training images are scaled, squeezed, sheared and rotated at random, each by at most this "
       "fraction; 0 to 0.5",
       &c.distortion},
      {"pca_color_noise",
       "standard deviation of the noise added along the principal components of colour; 0 to 100",
       &c.pca_color_noise},
      {"optimizer", "one of " + join(optimizer_names()), &c.optimizer},
      {"learning_rate", "step size; above 0", &c.learning_rate},
      {"lr_milestones", "epochs after which the learning rate drops, such as \"6,8\"; empty: none",
       &c.lr_milestones},
      {"lr_gamma", "factor by which the learning rate is multiplied at each drop; above 0",
       &c.lr_gamma},
      {"momentum",
       "sgd, nesterov, rmsprop: fraction of the previous step that is added to the next; 0 to "
       "below 1",
       &c.momentum},
      {"weight_decay",
       "L2 weight decay, the factor of the weights in the gradient (sgd, nesterov); 0 or more",
       &c.weight_decay},
      {"beta1", "adam: decay of the mean gradient; 0 to below 1", &c.beta1},
      {"beta2", "adam, rmsprop: decay of the mean squared gradient; 0 to below 1", &c.beta2},
      {"epsilon",
       "adam, rmsprop, adagrad: added to the square root of the squared gradients' mean or sum; "
       "above 0",
       &c.epsilon},
      {"layers",
       "rates, decay, schedules and initial values of single layers, such as "
       "\"conv1.bias_lr_mult=2 all.bias_decay=0\"; empty: none",
       &c.layers, canonical_layers},
      {"stop_train_error",
       "training ends with the epoch whose training error is at most this fraction; 0: never",
       &c.stop_train_error},
      {"stop_flat_epochs",
       "training ends where the least training error of the last N epochs is above 0.98 times that "
       "of the epochs before them, and lr_milestones are past; 0: never",
       &c.stop_flat_epochs},
      {"initial_sha256",
       "SHA-256 of the weights that the run starts from, which --initial gives; empty: weights "
       "drawn from the seed",
       &c.initial_sha256},
  };
}

void set_from_text(const std::string& where, const std::string& text, const Setting& setting) {
  if (auto* const* integer = std::get_if<std::int64_t*>(&setting.value)) {
    **integer = integer_of(where, text);
  } else if (auto* const* real = std::get_if<double*>(&setting.value)) {
    **real = real_of(where, text);
  } else {
    *std::get<std::string*>(setting.value) =
        setting.canonical == nullptr ? text : setting.canonical(where, text);
  }
}

void check(const TrainingConfiguration& c) {
  const auto number = [](double value) { return fmt::format("{}", value); };
  const auto fraction = [&](const std::string& name, double value) {
    require(value >= 0.0 && value < 1.0, name, number(value), "0 or more and below 1");
  };
  const auto positive = [&](const std::string& name, double value) {
    require(std::isfinite(value) && value > 0.0, name, number(value), "a positive finite number");
  };
  require_from(0, "seed", c.seed);
  require_from(-1, "parameters_seed", c.parameters_seed);
  require_from(-1, "order_seed", c.order_seed);
  require_from(-1, "augmentation_seed", c.augmentation_seed);
  require_from(-1, "dropout_seed", c.dropout_seed);
  require_from(-1, "holdout_seed", c.holdout_seed);
  require_from(1, "epochs", c.epochs);
  require_from(1, "batch_size", c.batch_size);
  require_from(1, "block_size", c.block_size);
  require_from(0, "train_images", c.train_images);
  require_from(0, "holdout", c.holdout);
  require(c.holdout_draw == "last" || c.holdout_draw == "random", "holdout_draw",
          "\"" + c.holdout_draw + "\"", "last or random");
  require(c.holdout_draw == "last" || c.holdout > 0, "holdout_draw", "random with holdout 0",
          "a holdout, from which it takes the number of images");
  const std::vector<std::string> models = model_names();
  require(std::find(models.begin(), models.end(), c.model) != models.end(), "model",
          "\"" + c.model + "\"", join(models));
  fraction("dropout", c.model_options.dropout);
  require_from(1, "width", c.model_options.width);
  require(c.subtract == "none" || c.subtract == "mean_image", "subtract", "\"" + c.subtract + "\"",
          "none or mean_image");
  require(c.pixel_max == 1 || c.pixel_max == 255, "pixel_max", std::to_string(c.pixel_max),
          "1 or 255");
  require_from(0, "crop", c.crop);
  require_from(0, "random_shift", c.random_shift);
  require(c.crop == 0 || c.random_shift == 0, "random_shift",
          fmt::format("{} with crop {}", c.random_shift, c.crop),
          "one of them 0: crops lie at random places already");
  require(c.test_views == 1 || c.test_views == 10, "test_views", std::to_string(c.test_views),
          "1 or 10");
  require(c.test_views == 1 || c.crop > 0 || c.random_shift > 0, "test_views",
          "10 without crop and random_shift", "one of them, which says where the views lie");
  require(c.horizontal_flip == 0 || c.horizontal_flip == 1, "horizontal_flip",
          std::to_string(c.horizontal_flip), "0 or 1");
  const auto not_negative = [&](const std::string& name, double value) {
    require(std::isfinite(value) && value >= 0.0, name, number(value),
            "a finite number, 0 or more");
  };
  require(c.distortion >= 0.0 && c.distortion <= 0.5, "distortion", number(c.distortion),
          "0 to 0.5");
  require(c.pca_color_noise >= 0.0 && c.pca_color_noise <= 100.0, "pca_color_noise",
          number(c.pca_color_noise), "0 to 100");
  conv_algorithm(c.conv_algorithm);
  optimizer_kind(c.optimizer);
  positive("learning_rate", c.learning_rate);
  milestones_of("setting lr_milestones", c.lr_milestones);
  positive("lr_gamma", c.lr_gamma);
  fraction("momentum", c.momentum);
  not_negative("weight_decay", c.weight_decay);
  fraction("beta1", c.beta1);
  fraction("beta2", c.beta2);
  positive("epsilon", c.epsilon);
  check_layers(c);
  fraction("stop_train_error", c.stop_train_error);
  require_from(0, "stop_flat_epochs", c.stop_flat_epochs);
  const bool is_digest =
      c.initial_sha256.size() == 64 &&
      c.initial_sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  require(c.initial_sha256.empty() || is_digest, "initial_sha256", "\"" + c.initial_sha256 + "\"",
          "64 hexadecimal digits, or nothing");
}

OptimizerOptions optimizer_options(const TrainingConfiguration& c) {
  return {optimizer_kind(c.optimizer), c.momentum, c.weight_decay, c.beta1, c.beta2, c.epsilon};
}

AugmentationOptions augmentation_options(const TrainingConfiguration& c) {
  return {c.random_shift, c.horizontal_flip != 0, c.distortion, c.pca_color_noise};
}

ImageInputOptions image_input_options(const TrainingConfiguration& c) {
  return {c.crop, c.pixel_max, c.subtract == "mean_image"};
}

std::vector<View> test_views(const TrainingConfiguration& c, const ImageInput& input,
                             const ImageSet& images) {
  if (c.test_views == 1) return {centre_view(input, images)};
  return ten_views(input, images, static_cast<int>(c.random_shift));
}

double learning_rate_of(const TrainingConfiguration& c, std::size_t epoch) {
  double rate = c.learning_rate;
  for (const std::int64_t drop : milestones_of("setting lr_milestones", c.lr_milestones)) {
    if (static_cast<std::int64_t>(epoch) >= drop) rate *= c.lr_gamma;
  }
  return rate;
}

std::string to_toml(const TrainingConfiguration& configuration) {
  TrainingConfiguration copy = configuration;
  std::string text;
  for (const Setting& setting : settings_of(copy)) {
    text += std::visit([&](const auto* value) { return setting_line(setting.name, *value); },
                       setting.value);
  }
  return text;
}

std::string toml_text_of(const std::string& file) {
  const std::vector<std::byte> bytes = read_file(file, kMaxTomlBytes);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_text(text)) throw Error(file, "is not UTF-8 text", "a TOML file");
  return text;
}

std::vector<std::string> read_toml_text(const std::string& file, const std::string& text,
                                        TrainingConfiguration& configuration) {
  const TomlFile parsed = parse_toml(file, text);
  return set_settings(parsed, parsed.table, settings_of(configuration));
}

std::vector<std::string> read_toml(const std::string& file, TrainingConfiguration& configuration) {
  return read_toml_text(file, toml_text_of(file), configuration);
}

ConfigurationRecord configuration_record(const TrainingConfiguration& configuration) {
  TrainingConfiguration copy = configuration;
  ConfigurationRecord record;
  for (const Setting& setting : settings_of(copy)) {
    std::visit([&](const auto* value) { record.settings[setting.name] = *value; }, setting.value);
  }
  record.toml = to_toml(configuration);
  return record;
}

Group to_group(const TrainingConfiguration& configuration) {
  return to_group(configuration_record(configuration));
}

TrainingConfiguration configuration_from(const Group& group) {
  TrainingConfiguration configuration;
  const std::vector<Setting> settings = settings_of(configuration);
  Group given;
  given.attributes = settings_in_full(group, format_settings("training"));
  for (const Setting& setting : settings) {
    const std::string name = name_in_format(setting.name);
    std::visit([&](auto* value) { *value = given.attribute<std::decay_t<decltype(*value)>>(name); },
               setting.value);
    given.attributes.erase(name);
  }
  if (!given.attributes.empty()) {
    const std::string& name = given.attributes.begin()->first;
    throw Error("configuration", "unknown setting \"" + name + "\"",
                "a known one, such as " + nearest_name(name, names_of(settings)));
  }
  return configuration;
}

}  // namespace reprise
