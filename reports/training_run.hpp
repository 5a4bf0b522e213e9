/// \file
/// A record of a training run as the report uses it: read once, checked whole, plain vectors.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reprise/record/contents.hpp"
#include "reprise/record/record.hpp"
#include "setting.hpp"
#include "study_label.hpp"

namespace reprise::reports {

/// A record and the name under which the report speaks of it.
struct NamedRecord {
  std::string name;  ///< a path, relative to the report where it lies inside the report's folder
  Record record;
};

struct InputFile {
  UntrustedText name;
  UntrustedText sha256;
};

/// /history: one element per epoch in each. Errors are fractions.
struct History {
  std::vector<std::int64_t> epoch;
  std::vector<double> train_loss, train_error, test_loss, test_error, learning_rate;
  std::vector<UntrustedText> parameters_sha256;
  std::size_t steps_per_epoch = 0;  ///< 0 if the record has no step_error
  std::vector<double> step_error;   ///< (epoch, step): fraction of the step's batch that was wrong
};

struct LayerRow {
  UntrustedText name, type, output_shape, settings;
  std::int64_t parameters = 0;
};

template <class T>
std::size_t columns(const Array<T>& rows) {
  return rows.shape.size() < 2 ? 0 : rows.shape[1];
}

/// Weights in HWIO order.
struct Kernels {
  std::size_t height = 0, width = 0, in_channels = 0, out_channels = 0;
  std::vector<float> weights;
  [[nodiscard]] float at(std::size_t row, std::size_t column, std::size_t in,
                         std::size_t out) const {
    return weights[((row * width + column) * in_channels + in) * out_channels + out];
  }
};

struct TrainingRun {
  UntrustedText name;       ///< of the record
  std::string digest;       ///< 64 hexadecimal digits, computed; by a summary, claimed
  bool by_summary = false;  ///< without images, labels, kernels and neighbours
  UntrustedText program;

  Settings settings;           ///< under today's names
  Settings recorded_settings;  ///< under the record's names, which the code that wrote it knows
  std::int64_t seed = 0;
  std::int64_t epochs = 0;  ///< that it has had, where a setting may end training before

  UntrustedText data_name;
  std::size_t train_images = 0;    ///< that it was trained on
  std::size_t offered_images = 0;  ///< that the data set has for training
  std::size_t test_images = 0;
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<InputFile> files;
  std::vector<UntrustedText> class_names;

  History history;

  std::int64_t parameters = 0;
  UntrustedText initial_parameters_sha256;  ///< this and the next two: "" if the record has none
  UntrustedText parameters_sha256;
  UntrustedText conv_reproducibility;  ///< "portable" or "machine"
  std::vector<LayerRow> layers;

  EvaluationRecord evaluation;  ///< without logits
  Kernels kernels;              ///< of the first layer

  Settings environment;  ///< without a git_commit that is "unknown"
  std::vector<double> seconds_per_epoch;

  std::optional<StudyLabel> study;  ///< if it is a study's run

  [[nodiscard]] std::size_t classes() const { return class_names.size(); }
  [[nodiscard]] std::size_t confused(std::size_t truth, std::size_t predicted) const {
    return static_cast<std::size_t>(evaluation.confusion.values[truth * classes() + predicted]);
  }
  /// Of the most probable labels that a test image has, rank 0 is the most probable.
  [[nodiscard]] std::size_t ranks() const { return columns(evaluation.top5_labels); }
  [[nodiscard]] std::size_t label(std::size_t image, std::size_t rank) const {
    return evaluation.top5_labels.values[image * ranks() + rank];
  }
  [[nodiscard]] double probability(std::size_t image, std::size_t rank) const {
    return static_cast<double>(evaluation.top5_probabilities.values[image * ranks() + rank]);
  }
  /// Training images nearest to each sample, in the last hidden layer's space; 0 if there are none.
  [[nodiscard]] std::size_t neighbours_each() const {
    return evaluation.nearest_index ? columns(*evaluation.nearest_index) : 0;
  }
  /// Test images named right by the trained network.
  [[nodiscard]] std::size_t right() const;
};

/// A record or a summary. Error, with its name, if it is no training run or anything of the above
/// is missing, of another type or length, or contradicts the rest (a history that ends before the
/// last epoch, a confusion matrix that is not that of the test labels and the most probable
/// labels).
TrainingRun read_training_run(const NamedRecord& source);

/// Error, with the second record's name, if the two are not the same experiment with other seeds:
/// data files by hash, and every setting but the seed.
void check_same_experiment(const TrainingRun& first, const TrainingRun& other);

/// The first setting but the seed that the two do not share; "" for none.
UntrustedText differing_setting(const TrainingRun& first, const TrainingRun& other);

}  // namespace reprise::reports
