/// \file
/// The settings of a training run: all that, with code and data, determines its result. One list of
/// them serves the command line, TOML files, records and reports, under the same names.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "reprise/data/augmentation.hpp"
#include "reprise/data/image_input.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/nn/optimizers.hpp"
#include "reprise/record/contents.hpp"

namespace reprise {

struct TrainingConfiguration {
  std::int64_t seed = 1;
  std::int64_t epochs = 10;
  std::int64_t batch_size = 128;
  std::int64_t block_size = 16;
  std::int64_t train_images = 0;
  std::int64_t holdout = 0;
  std::string holdout_draw = "last";
  std::int64_t parameters_seed = -1;
  std::int64_t order_seed = -1;
  std::int64_t augmentation_seed = -1;
  std::int64_t dropout_seed = -1;
  std::int64_t holdout_seed = -1;
  std::string model = "lenet5";
  ModelOptions model_options;
  std::string conv_algorithm = "direct";
  std::string subtract = "none";
  std::int64_t pixel_max = 1;
  std::int64_t crop = 0;
  std::int64_t test_views = 1;
  std::int64_t random_shift = 0;
  std::int64_t horizontal_flip = 0;
  double distortion = 0.0;
  double pca_color_noise = 0.0;
  std::string optimizer = "adam";
  double learning_rate = 0.001;
  std::string lr_milestones;
  double lr_gamma = 0.1;
  double momentum = 0.9;
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  std::string layers;
  double stop_train_error = 0.0;
  std::int64_t stop_flat_epochs = 0;
  std::string initial_sha256;
};

/// A setting by name, with where its value is kept.
struct Setting {
  std::string name;         ///< "batch_size"; on the command line --batch-size
  std::string description;  ///< one line, with unit and range
  std::variant<std::int64_t*, double*, std::string*> value;
  /// For text that says one thing in several ways: the way in which it is kept; Error, which begins
  /// with `where`, if it says nothing.
  std::string (*canonical)(const std::string& where, const std::string& text) = nullptr;
};
/// All settings of `configuration`, in the order in which people read them.
std::vector<Setting> settings_of(TrainingConfiguration& configuration);
std::vector<std::string> names_of(const std::vector<Setting>& settings);
/// Sets the setting to what `text` says by the rules of parse.hpp; Error names `where`.
void set_from_text(const std::string& where, const std::string& text, const Setting& setting);

/// Error if a setting is out of its range or names something unknown.
void check(const TrainingConfiguration& configuration);

OptimizerOptions optimizer_options(const TrainingConfiguration& configuration);
AugmentationOptions augmentation_options(const TrainingConfiguration& configuration);
ImageInputOptions image_input_options(const TrainingConfiguration& configuration);
/// The views by which the trained network is judged: the centre, or ten (data/image_input.hpp).
std::vector<View> test_views(const TrainingConfiguration& configuration, const ImageInput& input,
                             const ImageSet& images);
/// The learning rate of an epoch, the first being 0: learning_rate times lr_gamma for each of
/// lr_milestones that is done.
double learning_rate_of(const TrainingConfiguration& configuration, std::size_t epoch);
/// The epochs of a schedule. Error, which names `where`, unless the text is empty or a list of
/// integers from 1, each larger than the one before.
std::vector<std::int64_t> milestones_of(const std::string& where, const std::string& text);
/// An epoch, and a schedule, of a run of `from` epochs for one of `to`; epochs of a schedule that
/// fall together, or on the first, count once, or not at all.
std::int64_t scaled_epoch(std::int64_t epoch, std::int64_t from, std::int64_t to);
std::string scaled_milestones(const std::string& milestones, std::int64_t from, std::int64_t to);

/// Every setting as a line of TOML.
std::string to_toml(const TrainingConfiguration& configuration);
/// Sets what the text sets. Error names `file` and the line: not TOML, an unknown key (with the
/// nearest known one), a value of another type.
/// Returns a line for each setting that has a name of an earlier release.
std::vector<std::string> read_toml_text(const std::string& file, const std::string& text,
                                        TrainingConfiguration& configuration);
/// The same with what the file holds, which may be a pipe.
std::vector<std::string> read_toml(const std::string& file, TrainingConfiguration& configuration);
/// The text of a file of settings or the like: UTF-8, at most kMaxTomlBytes.
std::string toml_text_of(const std::string& file);
constexpr std::size_t kMaxTomlBytes = std::size_t{1} << 20;

/// As a record keeps them.
ConfigurationRecord configuration_record(const TrainingConfiguration& configuration);
/// As a record's /configuration.
Group to_group(const TrainingConfiguration& configuration);
/// The settings in a record of any format, those that it does not have with their format's defaults
/// (record/format.hpp). Error if one is unknown or of another type.
TrainingConfiguration configuration_from(const Group& group);

}  // namespace reprise
