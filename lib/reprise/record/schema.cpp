// The schemas of training runs, comparisons and checkpoints.
#include "reprise/record/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"

namespace reprise {
namespace {

using details::Allowed;
using details::AttributeRule;
using details::DatasetRule;
using details::Schema;
using details::SchemaCheck;

constexpr double kEndless = std::numeric_limits<double>::infinity();
/// Counts beyond these are mistakes or attacks, and nothing is run or read because of them.
constexpr double kMostEpochs = 1e6;
constexpr double kMostImages = 1e9;
constexpr double kMostPixels = 65536;  // along one side

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

// ---- a training run

const Schema& training_schema() {
  static const Schema schema = {
      "training",
      {{"test_image", "/data", "test_images"},
       {"height", "/data", "height"},
       {"width", "/data", "width"},
       {"channel", "/data", "channels"}},
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
  };
  return schema;
}

/// /study, which a training run may have.
const Schema& study_schema() {
  static const Schema schema = {
      "study",
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
      },
      {}};
  return schema;
}

// ---- a comparison of convolutions

const Schema& comparison_schema() {
  static const Schema schema = {
      "comparison",
      {},
      {
          {"/environment", "peak_flops", "float64",
           finite_from(std::numeric_limits<double>::min())},
      },
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
      }};
  return schema;
}

// ---- a checkpoint

const Schema& checkpoint_schema() {
  static const Schema schema = {
      "checkpoint",
      {{"step", "/state", "step_in_epoch"}},
      joined(configuration_and_data_attributes(),
             {
                 {"/state", "step_in_epoch", "int64", within(0, kMostImages)},
                 {"/state", "epoch_loss", "float64", any()},
                 {"/state", "epoch_errors", "int64", within(0, kMostImages)},
                 {"/state", "optimizer_steps", "int64", from(0)},
                 {"/state", "beta1_power", "float64", share()},
                 {"/state", "beta2_power", "float64", share()},
             }),
      joined(configuration_and_data_datasets(),
             {
                 {"/state", "step_loss", "float64", {"step"}, any()},
                 {"/state", "step_error", "float64", {"step"}, share()},
                 {"/state", "parameters", "float32", {"parameter"}, any()},
                 {"/state", "optimizer_first", "float32", {"parameter"}, any()},
                 {"/state", "optimizer_second", "float32", {"parameter"}, any(), true},
             }),
  };
  return schema;
}

/// An epoch in a checkpoint's /history; `group` is its path.
Schema checkpoint_epoch_schema(std::string_view group, bool format_1) {
  Schema schema = {"",
                   {},
                   {
                       {group, "train_loss", "float64", any()},
                       {group, "train_error", "float64", share()},
                       {group, "test_loss", "float64", any()},
                       {group, "test_error", "float64", share()},
                       {group, "learning_rate", "float64", finite_from(0)},
                       {group, "parameters_sha256", "text", digest()},
                   },
                   {
                       {group, "step_loss", "float64", {"step"}, any()},
                       {group, "step_error", "float64", {"step"}, share()},
                   }};
  if (format_1) {
    schema.attributes.push_back({group, "train_seconds", "float64", finite_from(0)});
  }
  return schema;
}

// ---- what tables do not say

template <class T>
const std::vector<T>& values(const Record& record, std::string_view path) {
  return record.values<T>(path);
}

/// Ranges of settings that size what a reader makes, by their names in the format; the other ranges
/// are the program's own.
const std::map<std::string, Allowed>& setting_ranges() {
  static const std::map<std::string, Allowed> ranges = {
      {"seed", from(0)},
      {"epochs", within(1, kMostEpochs)},
      {"train_images", within(0, kMostImages)},
      {"threads", within(1, 1024)},
  };
  return ranges;
}

/// Settings have the types of the format, whatever their names.
void check_settings(const SchemaCheck& check, std::string_view kind) {
  const auto rows = format_settings(kind);
  const Group& configuration = check.group("/configuration");
  for (const auto& [setting, value] : configuration.attributes) {
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [name = &setting](const auto& r) { return r.setting == *name; });
    if (row == rows.end()) continue;
    const auto range = setting_ranges().find(std::string(row->name));
    check.attribute({"/configuration", setting, details::type_of(row->format_value),
                     range == setting_ranges().end() ? any() : range->second});
  }
  settings_in_full(configuration, rows);  // Error if one has two names
}

void check_at_least(const SchemaCheck& check, std::string_view axis, std::size_t least,
                    const std::string& path) {
  if (check.size_of(axis) >= least) return;
  check.refuse(path, fmt::format("has {} along {}", check.size_of(axis), axis),
               fmt::format("{} or more", least));
}

/// Every label is that of a class.
void check_labels(const SchemaCheck& check, const Record& record, const std::string& path) {
  const std::size_t classes = check.size_of("class");
  const auto& labels = values<std::uint8_t>(record, path);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < classes) continue;
    check.refuse(path + details::index_text(i, record.dataset(path).shape),
                 fmt::format("is {}", labels[i]), fmt::format("a label below {}", classes));
  }
}

/// Every index is that of an image.
void check_indices(const SchemaCheck& check, const Record& record, const std::string& path,
                   std::int64_t images) {
  const auto& indices = values<std::int64_t>(record, path);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < images) continue;
    check.refuse(path + details::index_text(i, record.dataset(path).shape),
                 fmt::format("is {}", indices[i]), fmt::format("an image below {}", images));
  }
}

void check_history(const SchemaCheck& check, const Record& record) {
  const auto epochs = std::get<std::int64_t>(
      settings_in_full(record.group("configuration"), format_settings("training")).at("epochs"));
  const auto& rows = values<std::int64_t>(record, "/history/epoch");
  if (static_cast<std::int64_t>(rows.size()) != epochs) {
    check.refuse("/history/epoch", fmt::format("has {} along epoch", rows.size()),
                 fmt::format("{}, as /configuration@epochs says", epochs));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == static_cast<std::int64_t>(i + 1)) continue;
    check.refuse(fmt::format("/history/epoch[{}]", i), fmt::format("is {}", rows[i]),
                 std::to_string(i + 1));
  }
}

/// The elements of a layer's datasets; Error if one is no array of float32.
std::int64_t parameters_of(const SchemaCheck& check, const std::string& path, const Group& layer) {
  std::size_t count = 0;
  for (const auto& [name, dataset] : layer.datasets) {
    const auto* parameters = std::get_if<std::vector<float>>(&dataset.values);
    if (parameters == nullptr) {
      check.refuse(path + "/" + name, "is of type " + details::type_of(dataset.values), "float32");
    }
    count += parameters->size();
  }
  return static_cast<std::int64_t>(count);
}

/// The table of layers fits their parameters.
void check_layers(const SchemaCheck& check, const Record& record) {
  const Group& model = record.group("model");
  const auto& names = values<std::string>(record, "/model/layer_names");
  const auto& counts = values<std::int64_t>(record, "/model/layer_parameters");
  std::set<std::string> known;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!known.insert(names[i]).second) {
      check.refuse(fmt::format("/model/layer_names[{}]", i), "is " + names[i] + " again",
                   "a name for each layer");
    }
    const std::string path = "/model/" + names[i];
    const auto group = model.groups.find(names[i]);
    const std::int64_t found =
        group == model.groups.end() ? 0 : parameters_of(check, path, group->second);
    if (found != counts[i]) {
      check.refuse(path, fmt::format("has {} parameters", found),
                   fmt::format("{}, as /model/layer_parameters says", counts[i]));
    }
    sum += counts[i];
  }
  const auto all = model.attribute<std::int64_t>("parameters");
  if (sum != all) {
    check.refuse("/model@parameters", fmt::format("is {}", all),
                 fmt::format("{}, the sum of /model/layer_parameters", sum));
  }
}

/// The confusion matrix counts each test image once, under its label.
void check_confusion(const SchemaCheck& check, const Record& record) {
  const std::size_t classes = check.size_of("class");
  std::vector<std::int64_t> images(classes, 0);
  for (const std::uint8_t label : values<std::uint8_t>(record, "/evaluation/test_labels")) {
    ++images[label];
  }
  const auto& confusion = values<std::int64_t>(record, "/evaluation/confusion");
  for (std::size_t label = 0; label < classes; ++label) {
    const auto row = confusion.begin() + static_cast<std::ptrdiff_t>(label * classes);
    const std::int64_t sum =
        std::accumulate(row, row + static_cast<std::ptrdiff_t>(classes), std::int64_t{0});
    if (sum == images[label]) continue;
    check.refuse(fmt::format("/evaluation/confusion[{}]", label),
                 fmt::format("counts {} images", sum),
                 fmt::format("{}, as /evaluation/test_labels has", images[label]));
  }
}

void check_evaluation(const SchemaCheck& check, const Record& record) {
  const std::size_t ranks = std::min<std::size_t>(5, check.size_of("class"));
  if (check.size_of("rank") != ranks) {
    check.refuse("/evaluation/top5_labels", fmt::format("has {} along rank", check.size_of("rank")),
                 std::to_string(ranks));
  }
  check_labels(check, record, "/evaluation/test_labels");
  check_labels(check, record, "/evaluation/top5_labels");
  check_labels(check, record, "/evaluation/sample_labels");
  check_indices(check, record, "/evaluation/sample_index",
                record.group("data").attribute<std::int64_t>("test_images"));
  check_confusion(check, record);
  const auto& datasets = record.group("evaluation").datasets;
  if (datasets.count("nearest_labels") > 0) {
    check_labels(check, record, "/evaluation/nearest_labels");
  }
  if (datasets.count("nearest_index") > 0) {
    check_indices(check, record, "/evaluation/nearest_index",
                  record.group("data").attribute<std::int64_t>("train_images"));
  }
}

void check_study(SchemaCheck& check, const Record& record) {
  const auto study = record.groups.find("study");
  if (study == record.groups.end()) return;
  check.apply(study_schema());
  const Group& label = study->second;
  const auto& measure = label.attribute<std::string>("measure");
  const auto threshold = label.attribute<double>("threshold");
  if (measure == "epochs_to_train_error" && !(threshold > 0 && threshold < 1)) {
    check.refuse("/study@threshold", fmt::format("is {}", threshold),
                 "a number between 0 and 1, for " + measure);
  }
  if (label.attribute<std::string>("expectation") == "same" &&
      !(label.attribute<double>("margin") > 0)) {
    check.refuse("/study@margin", "is 0", "a number above 0, for the expectation \"same\"");
  }
}

void check_files(SchemaCheck& check) {
  check_at_least(check, "file", 1, "/data/file_names");
  check_at_least(check, "class", 2, "/data/class_names");
  if (check.size_of("class") > 256) {
    check.refuse("/data/class_names", fmt::format("has {} along class", check.size_of("class")),
                 "256 or fewer");
  }
}

void check_training(SchemaCheck& check, const Record& record) {
  check_settings(check, "training");
  check.apply(training_schema());
  check_files(check);
  check_at_least(check, "step", 1, "/history/step_loss");
  check_at_least(check, "layer", 1, "/model/layer_names");
  check_at_least(check, "sample", 1, "/evaluation/sample_index");
  check_history(check, record);
  check_layers(check, record);
  check_evaluation(check, record);
  check_study(check, record);
}

void check_comparison(SchemaCheck& check, const Record&) {
  check_settings(check, "comparison");
  check.apply(comparison_schema());
  check_at_least(check, "row", 1, "/comparison/shape");
}

/// Seconds, where the checkpoint's format keeps them.
void check_checkpoint_seconds(SchemaCheck& check, bool format_1, std::size_t epochs) {
  check.attribute(
      {format_1 ? "/state" : "/environment", "epoch_seconds", "float64", finite_from(0)});
  if (format_1) return;
  check.dataset({"/environment", "seconds_per_epoch", "float64", {"epoch"}, finite_from(0)});
  if (check.size_of("epoch") == epochs) return;
  check.refuse("/environment/seconds_per_epoch",
               fmt::format("has {} along epoch", check.size_of("epoch")),
               fmt::format("{}, the groups of /history", epochs));
}

void check_checkpoint(SchemaCheck& check, const Record& record) {
  check_settings(check, "checkpoint");
  check.apply(checkpoint_schema());
  check_files(check);
  const bool format_1 = format_of(record) == 1;
  const Group& history = check.group("/history");
  for (const auto& [name, epoch] : history.groups) {
    // Its steps are those of a whole epoch.
    const std::string path = "/history/" + name;
    SchemaCheck part(record, check.where());
    part.apply(checkpoint_epoch_schema(path, format_1));
  }
  check_checkpoint_seconds(check, format_1, history.groups.size());
}

}  // namespace

void check_schema(const Record& record, std::string_view kind, const std::string& where) {
  if (kind_of(record) != kind) {
    const std::string found = kind_of(record);
    throw Error(
        where, found.empty() ? "a record without a kind" : "a record of the kind \"" + found + "\"",
        fmt::format("one of the kind \"{}\"", kind));
  }
  check_schema(record, where);
}

void check_schema(const Record& record, const std::string& where) {
  const std::string kind = kind_of(record);
  SchemaCheck check(record, where);
  if (kind == "training") check_training(check, record);
  if (kind == "comparison") check_comparison(check, record);
  if (kind == "checkpoint") check_checkpoint(check, record);
}

}  // namespace reprise
