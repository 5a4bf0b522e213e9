// What each kind of record holds, as tables.
#include <algorithm>
#include <limits>

#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"

namespace reprise::details {
namespace {

constexpr double kEndless = std::numeric_limits<double>::infinity();
/// Counts beyond these are mistakes or attacks, and nothing is run or read because of them.
constexpr double kMostEpochs = 1e6;
constexpr double kMostImages = 1e9;
constexpr double kMostPixels = 65536;  // along one side
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

Allowed any() {
  return {};
}
Allowed within(double least, double most) {
  return {.least = least, .most = most, .numbers = Allowed::Numbers::within};
}
Allowed from(double least) {
  return {.least = least, .most = kEndless, .numbers = Allowed::Numbers::within};
}
Allowed finite_from(double least) {
  return within(least, std::numeric_limits<double>::max());
}
/// Of what is not there for every row.
Allowed from_or_nan(double least) {
  return {.least = least, .most = kEndless, .numbers = Allowed::Numbers::within_or_nan};
}
Allowed share() {
  return within(0, 1);
}
Allowed digest() {
  return {.text = Allowed::Text::digest};
}
Allowed name() {
  return {.text = Allowed::Text::not_empty};
}
Allowed one_of(std::vector<std::string_view> texts) {
  return {.one_of = std::move(texts)};
}

template <class Rule>
std::vector<Rule> joined(std::vector<Rule> first, const std::vector<Rule>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// ---- parts that kinds share

const std::vector<AttributeRule>& configuration_and_data_attributes() {
  static const std::vector<AttributeRule> rules = {
      {"/data", "name", "text", any()},
      {"/data", "train_images", "int64", within(1, kMostImages)},
      {"/data", "test_images", "int64", within(1, kMostImages)},
      {"/data", "height", "int64", within(1, kMostPixels)},
      {"/data", "width", "int64", within(1, kMostPixels)},
      {"/data", "channels", "int64", within(1, kMostPixels)},
  };
  return rules;
}

const std::vector<DatasetRule>& configuration_and_data_datasets() {
  static const std::vector<DatasetRule> rules = {
      {"/configuration", "toml", "text", {}, any()},
      {"/data", "file_names", "text", {"file"}, name()},
      {"/data", "file_sha256", "text", {"file"}, digest()},
      {"/data", "class_names", "text", {"class"}, any()},
  };
  return rules;
}

const std::vector<AxisRule>& file_and_class_axes() {
  // Labels are bytes.
  static const std::vector<AxisRule> rules = {{"file", 1, kNoLimit}, {"class", 2, 256}};
  return rules;
}

// ---- a training run

const Schema& training_schema() {
  static const Schema schema = {
      {},
      joined(configuration_and_data_attributes(),
             {
                 {"/model", "parameters", "int64", from(0)},
                 {"/model", "initial_parameters_sha256", "text", digest()},
                 {"/model", "parameters_sha256", "text", digest()},
                 {"/model", "conv_reproducibility", "text", one_of({"portable", "machine"})},
                 {"/evaluation", "test_loss", "float64", any()},
                 {"/evaluation", "test_accuracy", "float64", share()},
                 {"/evaluation", "train_loss", "float64", any()},
                 {"/evaluation", "train_error", "float64", share()},
                 {"/environment", "git_commit", "text", any()},
                 {"/environment", "cpu", "text", any()},
             }),
      {{"train_image", "/data", "train_images"},
       {"test_image", "/data", "test_images"},
       {"height", "/data", "height"},
       {"width", "/data", "width"},
       {"channel", "/data", "channels"}},
      joined(
          configuration_and_data_datasets(),
          {
              {"/history", "epoch", "int64", {"epoch"}, within(1, kMostEpochs)},
              {"/history", "train_loss", "float64", {"epoch"}, any()},
              {"/history", "train_error", "float64", {"epoch"}, share()},
              {"/history", "test_loss", "float64", {"epoch"}, any()},
              {"/history", "test_error", "float64", {"epoch"}, share()},
              {"/history", "learning_rate", "float64", {"epoch"}, finite_from(0)},
              {"/history", "parameters_sha256", "text", {"epoch"}, digest()},
              {"/history", "step_loss", "float64", {"epoch", "step"}, any()},
              {"/history", "step_error", "float64", {"epoch", "step"}, share()},
              {"/model", "summary", "text", {}, any()},
              {"/model", "layer_names", "text", {"layer"}, name()},
              {"/model", "layer_types", "text", {"layer"}, any()},
              {"/model", "layer_output_shapes", "text", {"layer"}, any()},
              {"/model", "layer_settings", "text", {"layer"}, any()},
              {"/model", "layer_parameters", "int64", {"layer"}, from(0)},
              {"/evaluation", "logits", "float32", {"test_image", "class"}, any()},
              {"/evaluation", "test_labels", "uint8", {"test_image"}, any()},
              {"/evaluation",
               "confusion",
               "int64",
               {"true_class", "predicted_class"},
               within(0, kMostImages)},
              {"/evaluation", "top5_labels", "uint8", {"test_image", "rank"}, any()},
              {"/evaluation", "top5_probabilities", "float32", {"test_image", "rank"}, any()},
              {"/evaluation", "sample_index", "int64", {"sample"}, from(0)},
              {"/evaluation", "sample_labels", "uint8", {"sample"}, any()},
              {"/evaluation",
               "sample_images",
               "uint8",
               {"sample", "height", "width", "channel"},
               any()},
              {"/evaluation", "nearest_index", "int64", {"sample", "neighbour"}, from(0), true},
              {"/evaluation", "nearest_labels", "uint8", {"sample", "neighbour"}, any(), true},
              {"/evaluation", "nearest_distances", "float32", {"sample", "neighbour"}, any(), true},
              {"/evaluation",
               "nearest_images",
               "uint8",
               {"sample", "neighbour", "height", "width", "channel"},
               any(),
               true},
              {"/evaluation",
               "first_layer_kernels",
               "float32",
               {"kernel_height", "kernel_width", "in_channels", "out_channels"},
               any(),
               true},
              {"/environment", "git_diff", "text", {}, any()},
              {"/environment", "log", "text", {}, any()},
              {"/environment", "seconds_per_epoch", "float64", {"epoch"}, finite_from(0)},
          }),
      joined(file_and_class_axes(),
             {{"step", 1, kNoLimit}, {"layer", 1, kNoLimit}, {"sample", 1, kNoLimit}}),
      {{"/evaluation", "test_labels", "class"},
       {"/evaluation", "top5_labels", "class"},
       {"/evaluation", "sample_index", "test_image"},
       {"/evaluation", "sample_labels", "class"},
       {"/evaluation", "nearest_index", "train_image"},
       {"/evaluation", "nearest_labels", "class"}},
  };
  return schema;
}

/// /study, which a training run may have.
const Schema& study_schema() {
  static const Schema schema = {
      {},
      {
          {"/study", "name", "text", name()},
          {"/study", "question", "text", any()},
          {"/study", "section", "text", any()},
          {"/study", "claim", "text", any()},
          {"/study", "paper_figure", "text", any()},
          {"/study", "measure", "text",
           one_of({"test_error", "train_error", "epochs_to_train_error", "seconds_per_epoch",
                   "generalization_gap"})},
          {"/study", "threshold", "float64", share()},
          {"/study", "margin", "float64", finite_from(0)},
          {"/study", "baseline", "text", name()},
          {"/study", "variant", "text", name()},
          {"/study", "variant_description", "text", any()},
          {"/study", "variant_order", "int64", from(0)},
          {"/study", "expectation", "text", one_of({"", "lower", "higher", "same"})},
          {"/study", "role", "text", one_of({"measured", "pilot"})},
      }};
  return schema;
}

// ---- a comparison of convolutions

const Schema& comparison_schema() {
  static const Schema schema = {
      {},
      {
          {"/environment", "peak_flops", "float64",
           finite_from(std::numeric_limits<double>::min())},
      },
      {},
      {
          {"/comparison", "shape", "text", {"row"}, name()},
          {"/comparison", "name", "text", {"row"}, any()},
          {"/comparison",
           "pass",
           "text",
           {"row"},
           one_of({"forward", "grad_input", "grad_weight"})},
          {"/comparison", "algorithm", "text", {"row"}, name()},
          {"/comparison", "reproducibility", "text", {"row"}, one_of({"portable", "machine"})},
          {"/comparison", "status", "text", {"row"}, any()},
          {"/comparison", "flops", "float64", {"row"}, finite_from(0)},
          {"/comparison", "workspace_bytes", "int64", {"row"}, from(0)},
          {"/comparison", "worst_ulp", "float64", {"row"}, from_or_nan(0)},
          {"/comparison", "rms_relative", "float64", {"row"}, from_or_nan(0)},
          {"/comparison", "worst_of_bound", "float64", {"row"}, from_or_nan(0)},
          {"/environment", "median_ms", "float64", {"row"}, from_or_nan(0)},
          {"/environment", "min_ms", "float64", {"row"}, from_or_nan(0)},
          {"/environment", "max_ms", "float64", {"row"}, from_or_nan(0)},
      },
      {{"row", 1, kNoLimit}}};
  return schema;
}

// ---- a checkpoint

const Schema& checkpoint_schema() {
  static const Schema schema = {
      {"/history"},
      joined(configuration_and_data_attributes(),
             {
                 {"/state", "step_in_epoch", "int64", within(0, kMostImages)},
                 {"/state", "epoch_loss", "float64", any()},
                 {"/state", "epoch_errors", "int64", within(0, kMostImages)},
                 {"/state", "optimizer_steps", "int64", from(0)},
                 {"/state", "beta1_power", "float64", share()},
                 {"/state", "beta2_power", "float64", share()},
             }),
      {{"step", "/state", "step_in_epoch"}},
      joined(configuration_and_data_datasets(),
             {
                 {"/state", "step_loss", "float64", {"step"}, any()},
                 {"/state", "step_error", "float64", {"step"}, share()},
                 {"/state", "parameters", "float32", {"parameter"}, any()},
                 {"/state", "optimizer_first", "float32", {"parameter"}, any()},
                 {"/state", "optimizer_second", "float32", {"parameter"}, any(), true},
             }),
      file_and_class_axes(),
  };
  return schema;
}

/// An epoch in a checkpoint's /history; `group` is its path.
Schema checkpoint_epoch_schema(const std::string& group, bool format_1) {
  Schema schema = {{},
                   {
                       {group, "train_loss", "float64", any()},
                       {group, "train_error", "float64", share()},
                       {group, "test_loss", "float64", any()},
                       {group, "test_error", "float64", share()},
                       {group, "learning_rate", "float64", finite_from(0)},
                       {group, "parameters_sha256", "text", digest()},
                   },
                   {},
                   {
                       {group, "step_loss", "float64", {"step"}, any()},
                       {group, "step_error", "float64", {"step"}, share()},
                   }};
  if (format_1) {
    schema.attributes.push_back({group, "train_seconds", "float64", finite_from(0)});
  }
  return schema;
}

/// Seconds, where the checkpoint's format keeps them.
Schema checkpoint_seconds_schema(bool format_1) {
  Schema schema;
  schema.attributes = {
      {format_1 ? "/state" : "/environment", "epoch_seconds", "float64", finite_from(0)}};
  if (format_1) return schema;
  schema.datasets = {{"/environment", "seconds_per_epoch", "float64", {"epoch"}, finite_from(0)}};
  return schema;
}

// ---- settings

/// Ranges of settings that size what a reader makes, by their names in the format; the other ranges
/// are the program's own.
const std::map<std::string_view, Allowed>& setting_ranges() {
  static const std::map<std::string_view, Allowed> ranges = {
      {"seed", from(0)},
      {"epochs", within(1, kMostEpochs)},
      {"train_images", within(0, kMostImages)},
      {"threads", within(1, 1024)},
  };
  return ranges;
}

/// Settings have the types of the format, whatever their names; none must be there.
Schema settings_schema(std::string_view kind) {
  Schema schema;
  schema.groups = {"/configuration"};
  for (const FormatSetting& row : format_settings(kind)) {
    const auto range = setting_ranges().find(row.name);
    schema.attributes.push_back({"/configuration", row.setting, type_of(row.format_value),
                                 range == setting_ranges().end() ? any() : range->second, true});
  }
  return schema;
}

std::vector<Schema> training_schemas(const Record& record) {
  std::vector<Schema> schemas = {training_schema(), settings_schema("training")};
  if (record.groups.count("study") > 0) schemas.push_back(study_schema());
  return schemas;
}

std::vector<Schema> checkpoint_schemas(const Record& record) {
  const bool format_1 = format_of(record) == 1;
  std::vector<Schema> schemas = {checkpoint_schema(), settings_schema("checkpoint"),
                                 checkpoint_seconds_schema(format_1)};
  const auto history = record.groups.find("history");
  if (history == record.groups.end()) return schemas;
  for (const auto& [name, epoch] : history->second.groups) {
    schemas.push_back(checkpoint_epoch_schema("/history/" + name, format_1));
  }
  return schemas;
}

}  // namespace

std::vector<Schema> schemas_of(const Record& record) {
  const std::string kind = kind_of(record);
  if (kind == "training") return training_schemas(record);
  if (kind == "comparison") return {comparison_schema(), settings_schema(kind)};
  if (kind == "checkpoint") return checkpoint_schemas(record);
  return {};
}

}  // namespace reprise::details
