/// \file
/// The schema of each kind of record, once: every name, type, axis and range, bound to the plain
/// data that holds it. A visitor walks it to write a tree, to read one, or to make the rules that a
/// tree is checked by. For the sources of this folder alone.
///
/// `describe(visitor, data)` calls, for what is at a path in the tree,
///   attribute(group, name, value, allowed)                 an attribute; the type is the value's
///   text(group, name, value)                               a scalar dataset
///   list(group, name, axis, values, allowed)               a dataset of one axis
///   array(group, name, axes, values, allowed)              of more; Array
///   column(group, name, axis, rows, member, allowed)       of one axis: a member of each row
///   matrix(group, name, axes, rows, member, allowed)       of two: a list of each row
///   rest(group, all)                                       whatever else the group holds
///   facts(group, all, names)                               attributes out of a rest, each optional
///   settings(kind, attributes)                             those of /configuration
/// and what only rules are made of: needs (what is in a rest), size_is (an attribute is the size of
/// an axis), axis (its least and largest size), index (values are places along an axis), and
/// next_table (axes of one name may have another size from here on).
/// A std::optional may be missing.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reprise/record/contents.hpp"
#include "reprise/record/schema_rules.hpp"

namespace reprise::details {

// ---- ranges

inline constexpr double kEndless = std::numeric_limits<double>::infinity();
/// Counts beyond these are mistakes or attacks, and nothing is run or read because of them.
inline constexpr double kMaxEpochs = 1e6;
inline constexpr double kMaxImages = 1e9;
inline constexpr double kMaxPixels = 65536;  // along one side
inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

inline Allowed any() {
  return {};
}
inline Allowed within(double least, double most) {
  return {.least = least, .most = most, .numbers = Allowed::Numbers::within};
}
inline Allowed from(double least) {
  return {.least = least, .most = kEndless, .numbers = Allowed::Numbers::within};
}
inline Allowed finite_from(double least) {
  return within(least, std::numeric_limits<double>::max());
}
/// Of what is not there for every row.
inline Allowed from_or_nan(double least) {
  return {.least = least, .most = kEndless, .numbers = Allowed::Numbers::within_or_nan};
}
inline Allowed fraction() {
  return within(0, 1);
}
inline Allowed digest() {
  return {.text = Allowed::Text::digest};
}
inline Allowed name() {
  return {.text = Allowed::Text::not_empty};
}
inline Allowed one_of(std::vector<std::string_view> texts) {
  return {.one_of = std::move(texts)};
}

/// An attribute of /environment, and its type.
struct EnvironmentFact {
  std::string_view name, type;
};

// ---- parts that kinds share. `Of` is const where a tree is written.

template <class Visitor, class Of>
void describe_configuration(Visitor& v, Of& configuration, std::string_view kind) {
  v.settings(kind, configuration.settings);
  v.text("/configuration", "toml", configuration.toml);
}

template <class Visitor, class Of>
void describe_data(Visitor& v, Of& data) {
  v.attribute("/data", "name", data.name, any());
  v.attribute("/data", "train_images", data.train_images, within(1, kMaxImages));
  v.attribute("/data", "test_images", data.test_images, within(1, kMaxImages));
  v.attribute("/data", "height", data.height, within(1, kMaxPixels));
  v.attribute("/data", "width", data.width, within(1, kMaxPixels));
  v.attribute("/data", "channels", data.channels, within(1, kMaxPixels));
  v.list("/data", "file_names", "file", data.file_names, name());
  v.list("/data", "file_sha256", "file", data.file_sha256, digest());
  v.list("/data", "class_names", "class", data.class_names, any());
  v.axis("file", 1, kNoLimit);
  v.axis("class", 2, 256);  // labels are bytes
}

/// Calls each(name, member, allowed) for what an epoch has one of.
template <class Each>
void for_each_epoch_value(const Each& each) {
  each("train_loss", &EpochResult::train_loss, any());
  each("train_error", &EpochResult::train_error, fraction());
  each("test_loss", &EpochResult::test_loss, any());
  each("test_error", &EpochResult::test_error, fraction());
  each("learning_rate", &EpochResult::learning_rate, finite_from(0));
  each("parameters_sha256", &EpochResult::parameters_sha256, digest());
}
/// For what it has a list of, by step.
template <class Each>
void for_each_epoch_list(const Each& each) {
  each("step_loss", &EpochResult::step_losses, any());
  each("step_error", &EpochResult::step_errors, fraction());
}

// ---- a training run

template <class Visitor, class Of>
void describe_epochs(Visitor& v, Of& history) {
  v.numbers("/history", "epoch", "epoch", history, within(1, kMaxEpochs));
  for_each_epoch_value([&](std::string_view name, auto member, const Allowed& allowed) {
    v.column("/history", name, "epoch", history, member, allowed);
  });
}

template <class Visitor, class Of>
void describe_history(Visitor& v, Of& history) {
  describe_epochs(v, history);
  for_each_epoch_list([&](std::string_view name, auto member, const Allowed& allowed) {
    v.matrix("/history", name, {"epoch", "step"}, history, member, allowed);
  });
  v.axis("step", 1, kNoLimit);
}

template <class Visitor, class Of>
void describe_layers(Visitor& v, Of& model) {
  v.attribute("/model", "parameters", model.parameters, from(0));
  v.attribute("/model", "initial_parameters_sha256", model.initial_parameters_sha256, digest());
  v.attribute("/model", "parameters_sha256", model.parameters_sha256, digest());
  v.attribute("/model", "conv_reproducibility", model.conv_reproducibility,
              one_of({"portable", "machine"}));
  auto& layers = model.layers;
  v.column("/model", "layer_names", "layer", layers, &LayerRecord::name, name());
  v.column("/model", "layer_types", "layer", layers, &LayerRecord::type, any());
  v.column("/model", "layer_output_shapes", "layer", layers, &LayerRecord::output_shape, any());
  v.column("/model", "layer_settings", "layer", layers, &LayerRecord::settings, any());
  v.column("/model", "layer_parameters", "layer", layers, &LayerRecord::parameters, from(0));
  v.axis("layer", 1, kNoLimit);
}

template <class Visitor, class Of>
void describe_model(Visitor& v, Of& model) {
  describe_layers(v, model);
  v.text("/model", "summary", model.summary);
  v.array("/model", "mean_image", {"input_height", "input_width", "channel"}, model.mean_image,
          any());
  v.tensors("/model", model.layers);
}

template <class Visitor, class Of>
void describe_scores(Visitor& v, Of& e) {
  constexpr std::string_view at = "/evaluation";
  v.attribute(at, "test_loss", e.test_loss, any());
  v.attribute(at, "test_accuracy", e.test_accuracy, fraction());
  v.attribute(at, "train_loss", e.train_loss, any());
  v.attribute(at, "train_error", e.train_error, fraction());
  v.array(at, "confusion", {"true_class", "predicted_class"}, e.confusion, within(0, kMaxImages));
}

template <class Visitor, class Of>
void describe_evaluation(Visitor& v, Of& e) {
  constexpr std::string_view at = "/evaluation";
  v.size_is("train_image", "/data", "train_images");
  v.size_is("test_image", "/data", "test_images");
  v.size_is("height", "/data", "height");
  v.size_is("width", "/data", "width");
  v.size_is("channel", "/data", "channels");
  describe_scores(v, e);
  v.array(at, "logits", {"test_image", "class"}, e.logits, any());
  v.list(at, "test_labels", "test_image", e.test_labels, any());
  v.index(at, "test_labels", "class");
  v.array(at, "top5_labels", {"test_image", "rank"}, e.top5_labels, any());
  v.index(at, "top5_labels", "class");
  v.array(at, "top5_probabilities", {"test_image", "rank"}, e.top5_probabilities, any());
  v.list(at, "sample_index", "sample", e.sample_index, from(0));
  v.index(at, "sample_index", "test_image");
  v.list(at, "sample_labels", "sample", e.sample_labels, any());
  v.index(at, "sample_labels", "class");
  v.array(at, "sample_images", {"sample", "height", "width", "channel"}, e.sample_images, any());
  v.array(at, "nearest_index", {"sample", "neighbour"}, e.nearest_index, from(0));
  v.index(at, "nearest_index", "train_image");
  v.array(at, "nearest_labels", {"sample", "neighbour"}, e.nearest_labels, any());
  v.index(at, "nearest_labels", "class");
  v.array(at, "nearest_distances", {"sample", "neighbour"}, e.nearest_distances, any());
  v.array(at, "nearest_images", {"sample", "neighbour", "height", "width", "channel"},
          e.nearest_images, any());
  v.array(at, "first_layer_kernels",
          {"kernel_height", "kernel_width", "in_channels", "out_channels"}, e.first_layer_kernels,
          any());
  v.axis("sample", 1, kNoLimit);
}

template <class Visitor, class Of>
void describe_study(Visitor& v, Of& study) {
  v.attribute("/study", "name", study.name, name());
  v.attribute("/study", "question", study.question, any());
  v.attribute("/study", "section", study.section, any());
  v.attribute("/study", "claim", study.claim, any());
  v.attribute("/study", "paper_figure", study.paper_figure, any());
  v.attribute("/study", "measure", study.measure,
              one_of({"test_error", "train_error", "epochs_to_train_error", "seconds_per_epoch",
                      "generalization_gap"}));
  v.attribute("/study", "threshold", study.threshold, fraction());
  v.attribute("/study", "margin", study.margin, finite_from(0));
  v.attribute("/study", "baseline", study.baseline, name());
  v.attribute("/study", "variant", study.variant, name());
  v.attribute("/study", "variant_description", study.variant_description, any());
  v.attribute("/study", "variant_order", study.variant_order, from(0));
  v.attribute("/study", "expectation", study.expectation, one_of({"", "lower", "higher", "same"}));
  v.attribute("/study", "role", study.role, one_of({"measured", "pilot"}));
}

template <class Visitor, class Of>
void describe_training(Visitor& v, Of& training) {
  v.kind("training");
  describe_data(v, training.data);
  describe_history(v, training.history);
  describe_model(v, training.model);
  describe_evaluation(v, training.evaluation);
  v.rest("/environment", training.environment);
  v.needs_attribute("/environment", "git_commit", "text");
  v.needs_attribute("/environment", "cpu", "text");
  v.needs_text("/environment", "git_diff");
  v.needs_text("/environment", "log");
  v.column("/environment", "seconds_per_epoch", "epoch", training.history,
           &EpochResult::train_seconds, finite_from(0));
  describe_configuration(v, training.configuration, "training");
  if (v.has(training.study, "study")) {
    v.next_table();
    describe_study(v, *training.study);
  }
}

// ---- its summary

/// Of /environment: what a report and an audit say of a run. No name of a host, a user or a folder:
/// the command line is there without those (summary.cpp).
inline const std::vector<EnvironmentFact>& summary_facts() {
  static const std::vector<EnvironmentFact> facts = {
      {"program", "text"},       {"git_commit", "text"}, {"git_dirty", "int64"},
      {"source_tree", "text"},   {"compiler", "text"},   {"system", "text"},
      {"cpu", "text"},           {"simd", "text"},       {"threads", "int64"},
      {"runs_at_once", "int64"}, {"ranks", "int64"},     {"peak_memory_bytes", "int64"},
      {"started", "text"},       {"ended", "text"},      {"seconds_total", "float64"},
      {"command_line", "text"},
  };
  return facts;
}

template <class Visitor, class Of>
void describe_summary(Visitor& v, Of& summary) {
  auto& training = summary.training;
  v.kind("summary");
  v.attribute("", "record_sha256", summary.record_sha256, digest());
  v.settings("summary", training.configuration.settings);
  describe_data(v, training.data);
  describe_epochs(v, training.history);
  v.list("/history", "step_wrong", "epoch", summary.step_wrong, name());
  describe_layers(v, training.model);
  describe_scores(v, training.evaluation);
  v.facts("/environment", training.environment, summary_facts());
  v.needs_attribute("/environment", "git_commit", "text");
  v.needs_attribute("/environment", "cpu", "text");
  v.column("/environment", "seconds_per_epoch", "epoch", training.history,
           &EpochResult::train_seconds, finite_from(0));
}

// ---- a checkpoint

/// An epoch of /history, a group of its own; its seconds are there in format 1.
template <class Visitor, class Of>
void describe_epoch(Visitor& v, const std::string& group, Of& epoch, int format) {
  v.next_table();
  for_each_epoch_value([&](std::string_view name, auto member, const Allowed& allowed) {
    v.attribute(group, name, epoch.*member, allowed);
  });
  for_each_epoch_list([&](std::string_view name, auto member, const Allowed& allowed) {
    v.list(group, name, "step", epoch.*member, allowed);
  });
  if (format == 1) v.attribute(group, "train_seconds", epoch.train_seconds, finite_from(0));
}

template <class Visitor, class Of>
void describe_state(Visitor& v, Of& c) {
  v.attribute("/state", "step_in_epoch", c.step_in_epoch, within(0, kMaxImages));
  v.attribute("/state", "epoch_loss", c.epoch_loss, any());
  v.attribute("/state", "epoch_errors", c.epoch_errors, within(0, kMaxImages));
  v.attribute("/state", "optimizer_steps", c.optimizer_steps, from(0));
  v.attribute("/state", "beta1_power", c.beta1_power, fraction());
  v.attribute("/state", "beta2_power", c.beta2_power, fraction());
  v.size_is("step", "/state", "step_in_epoch");
  v.list("/state", "step_loss", "step", c.step_losses, any());
  v.list("/state", "step_error", "step", c.step_errors, fraction());
  v.list("/state", "parameters", "parameter", c.parameters, any());
  v.list("/state", "optimizer_first", "parameter", c.optimizer_first, any());
  v.list("/state", "optimizer_second", "parameter", c.optimizer_second, any());
}

template <class Visitor, class Of>
void describe_checkpoint(Visitor& v, Of& checkpoint, int format) {
  v.kind("checkpoint");
  describe_data(v, checkpoint.data);
  describe_state(v, checkpoint);
  describe_configuration(v, checkpoint.configuration, "checkpoint");
  v.next_table();
  v.attribute(format == 1 ? "/state" : "/environment", "epoch_seconds", checkpoint.epoch_seconds,
              finite_from(0));
  v.each_group(
      "/history", "epoch_", checkpoint.history,
      [&](const std::string& group, auto& epoch) { describe_epoch(v, group, epoch, format); });
  if (format == 1) return;
  v.next_table();
  v.column("/environment", "seconds_per_epoch", "epoch", checkpoint.history,
           &EpochResult::train_seconds, finite_from(0));
}

// ---- a comparison of convolutions

template <class Visitor, class Of>
void describe_rows(Visitor& v, Of& rows) {
  const auto result = [&](std::string_view name, auto member, const Allowed& allowed) {
    v.column("/comparison", name, "row", rows, member, allowed);
  };
  result("shape", &ComparisonRowRecord::shape, name());
  result("name", &ComparisonRowRecord::name, any());
  result("pass", &ComparisonRowRecord::pass, one_of({"forward", "grad_input", "grad_weight"}));
  result("algorithm", &ComparisonRowRecord::algorithm, name());
  result("reproducibility", &ComparisonRowRecord::reproducibility, one_of({"portable", "machine"}));
  result("status", &ComparisonRowRecord::status, any());
  result("flops", &ComparisonRowRecord::flops, finite_from(0));
  result("workspace_bytes", &ComparisonRowRecord::workspace_bytes, from(0));
  result("worst_ulp", &ComparisonRowRecord::worst_ulp, from_or_nan(0));
  result("rms_relative", &ComparisonRowRecord::rms_relative, from_or_nan(0));
  result("worst_of_bound", &ComparisonRowRecord::worst_of_bound, from_or_nan(0));
  const auto time = [&](std::string_view name, auto member) {
    v.column("/environment", name, "row", rows, member, from_or_nan(0));
  };
  time("median_ms", &ComparisonRowRecord::median_ms);
  time("min_ms", &ComparisonRowRecord::min_ms);
  time("max_ms", &ComparisonRowRecord::max_ms);
  v.axis("row", 1, kNoLimit);
}

template <class Visitor, class Of>
void describe_comparison(Visitor& v, Of& comparison) {
  v.kind("comparison");
  v.rest("/environment", comparison.environment);
  v.attribute("/environment", "peak_flops", comparison.peak_flops,
              finite_from(std::numeric_limits<double>::min()));
  v.attribute("/environment", "memory_bandwidth", comparison.memory_bandwidth,
              finite_from(std::numeric_limits<double>::min()));
  describe_rows(v, comparison.rows);
  const auto of_rows = [&](std::string_view name, auto& values) {
    v.list("/environment", name, "row", values, from_or_nan(0));
  };
  of_rows("peak_before", comparison.peak_before);
  of_rows("peak_after", comparison.peak_after);
  of_rows("ideal_saving", comparison.ideal_saving);
  v.settings("comparison", comparison.settings);
}

}  // namespace reprise::details
