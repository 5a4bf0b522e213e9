/// \file
/// What each kind of record holds, as plain data, and the way from it to the tree of a record and
/// back. Names, types, axes and ranges stand once, in description.hpp; docs/record_contents.md is
/// the same for people.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reprise/record/record.hpp"
#include "reprise/record/study_question.hpp"

namespace reprise {

/// Values in row-major order; the description names the axes.
template <class T>
struct Array {
  std::vector<std::size_t> shape;
  std::vector<T> values;
};

/// /configuration: settings under the names that they have in the record, and their text.
struct ConfigurationRecord {
  Attributes settings;
  std::string toml;  ///< a setting_line for each (configuration_text.hpp)
};

/// /data.
struct DataRecord {
  std::string name;
  std::int64_t train_images = 0, test_images = 0;
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::string> file_names, file_sha256;
  std::vector<std::string> class_names;
};

/// One pass over the training images. Losses are means of the softmax cross-entropy; errors are the
/// fraction of images whose predicted class is not their label. Training figures are gathered while
/// the parameters change, as Keras does.
struct EpochResult {
  double train_loss = 0.0, train_error = 0.0;
  double test_loss = 0.0, test_error = 0.0;
  double learning_rate = 0.0;
  std::string parameters_sha256;    ///< after the epoch
  std::vector<double> step_losses;  ///< mean loss of each step's batch
  std::vector<double> step_errors;  ///< fraction of each step's batch that was wrong
  double train_seconds = 0.0;       ///< training alone, without the test; not part of the result
};

struct LayerRecord {
  std::string name, type, output_shape, settings;
  std::int64_t parameters = 0;             ///< how many values the tensors have
  std::map<std::string, Dataset> tensors;  ///< "weight" and "bias" of a convolution; float32
};

/// /model, after training.
struct ModelRecord {
  std::int64_t parameters = 0;
  std::string initial_parameters_sha256, parameters_sha256;
  std::string conv_reproducibility;  ///< "portable" or "machine"
  std::string summary;
  std::vector<LayerRecord> layers;  ///< in the model's order
  /// What is subtracted from each input: input_height,input_width,channels.
  std::optional<Array<float>> mean_image;
};

/// /evaluation: what the trained network makes of the test images, and of those it was trained on.
/// N test images, C classes, R most probable classes each, S samples, K training images near each.
struct EvaluationRecord {
  double test_loss = 0.0, test_accuracy = 0.0;
  double train_loss = 0.0, train_error = 0.0;
  Array<float> logits;                                ///< N,C
  std::vector<std::uint8_t> test_labels;              ///< N
  Array<std::int64_t> confusion;                      ///< C (true),C (predicted); counts
  Array<std::uint8_t> top5_labels;                    ///< N,R; the most probable first
  Array<float> top5_probabilities;                    ///< N,R
  std::vector<std::int64_t> sample_index;             ///< S; in the test set
  std::vector<std::uint8_t> sample_labels;            ///< S
  Array<std::uint8_t> sample_images;                  ///< S,height,width,channels
  std::optional<Array<std::int64_t>> nearest_index;   ///< S,K; in the training set
  std::optional<Array<std::uint8_t>> nearest_labels;  ///< S,K
  std::optional<Array<float>> nearest_distances;      ///< S,K
  std::optional<Array<std::uint8_t>> nearest_images;  ///< S,K,height,width,channels
  std::optional<Array<float>> first_layer_kernels;    ///< KH,KW,IC,OC
};

/// /study: the question that a run belongs to, and the run's place in it.
struct StudyRecord : StudyQuestion {
  std::string baseline, variant, variant_description;
  std::int64_t variant_order = 0;
  std::string expectation;  ///< "lower", "higher", "same" or ""
  std::string role;         ///< "measured" or "pilot"
};

/// A finished training run.
struct TrainingRecord {
  ConfigurationRecord configuration;
  DataRecord data;
  std::vector<EpochResult> history;
  ModelRecord model;
  EvaluationRecord evaluation;
  std::optional<StudyRecord> study;
  Group environment;  ///< all of it but the seconds of the epochs, which are in `history`
};

/// What is small in the record of a finished training run (summary.hpp): /model without parameters,
/// /evaluation without images, /environment without what tells people and folders apart.
struct SummaryRecord {
  std::string record_sha256;  ///< the digest of the record
  TrainingRecord training;    ///< without the steps, and without what a summary leaves out
  std::vector<std::string> step_wrong;  ///< of each epoch, how many images of each step were wrong
};

/// A training run that is not finished: a checkpoint.
struct CheckpointRecord {
  ConfigurationRecord configuration;
  DataRecord data;
  std::vector<EpochResult> history;
  // Of the epoch after these, so far:
  std::int64_t step_in_epoch = 0;
  double epoch_loss = 0.0;
  std::int64_t epoch_errors = 0;
  std::vector<double> step_losses, step_errors;
  double epoch_seconds = 0.0;
  std::vector<float> parameters;
  std::int64_t optimizer_steps = 0;
  double beta1_power = 1.0, beta2_power = 1.0;
  std::vector<float> optimizer_first;
  std::optional<std::vector<float>> optimizer_second;
};

/// One pass of one shape by one algorithm.
struct ComparisonRowRecord {
  std::string shape, name, pass, algorithm, reproducibility, status;
  double flops = 0.0;
  std::int64_t workspace_bytes = 0;
  double worst_ulp = 0.0, rms_relative = 0.0, worst_of_bound = 0.0;  ///< NaN where not checked
  double median_ms = 0.0, min_ms = 0.0, max_ms = 0.0;                ///< NaN where not timed
};

/// A comparison of convolutions.
struct ComparisonRecord {
  Attributes settings;
  std::vector<ComparisonRowRecord> rows;
  double peak_flops = 0.0;  ///< of one core
  /// Between memory and all threads, bytes/s; earlier releases did not measure it.
  std::optional<double> memory_bandwidth;
  /// Of each row; earlier releases had neither.
  std::optional<std::vector<double>> peak_before, peak_after;  ///< of one core; NaN where not timed
  std::optional<std::vector<double>> ideal_saving;             ///< NaN where unsupported
  Group environment;  ///< all of it but these and the rows' times
};

/// The trees, in today's format. Nothing is computed.
Record to_tree(const TrainingRecord& training);
Record to_tree(const CheckpointRecord& checkpoint);
Record to_tree(const ComparisonRecord& comparison);
Record to_tree(const SummaryRecord& summary);

/// Single groups of a tree.
Group to_group(const ConfigurationRecord& configuration);
Group to_group(const DataRecord& data);
Group to_group(const StudyRecord& study);

/// The way back, for records of every format. Error, naming `where`, if the tree breaks the schema
/// of its kind (schema.hpp). What a tree holds beyond its schema is left out.
TrainingRecord training_from(const Record& record, const std::string& where);
CheckpointRecord checkpoint_from(const Record& record, const std::string& where);
ComparisonRecord comparison_from(const Record& record, const std::string& where);
SummaryRecord summary_from(const Record& record, const std::string& where);

}  // namespace reprise
