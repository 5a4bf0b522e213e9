// What no table of a schema says, and the whole check of a record.
#include "reprise/record/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"
#include "reprise/record/summary_steps.hpp"

namespace reprise {
namespace {

using details::Relation;
using details::SchemaCheck;

template <class T>
const std::vector<T>& values(const SchemaCheck& check, std::string_view path) {
  return check.record().values<T>(path);
}

// ---- a training run

/// A row for each epoch; fewer where a setting may end training before.
void check_epochs(const SchemaCheck& check) {
  const Attributes settings =
      settings_in_full(check.record().group("configuration"), format_settings("training"));
  const auto epochs = std::get<std::int64_t>(settings.at("epochs"));
  const auto rows = static_cast<std::int64_t>(check.size_of("epoch"));
  const bool may_stop = std::get<double>(settings.at("stop_train_error")) > 0.0 ||
                        std::get<std::int64_t>(settings.at("stop_flat_epochs")) > 0;
  if (rows == epochs || (may_stop && rows >= 1 && rows < epochs)) return;
  check.refuse("/history/epoch", fmt::format("has {} along epoch", rows),
               fmt::format("{}, as /configuration@epochs says", epochs));
}

/// The rows are numbered from 1.
void check_epoch_numbers(const SchemaCheck& check) {
  const auto& rows = values<std::int64_t>(check, "/history/epoch");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == static_cast<std::int64_t>(i + 1)) continue;
    check.refuse(fmt::format("/history/epoch[{}]", i), fmt::format("is {}", rows[i]),
                 std::to_string(i + 1));
  }
}

void check_layer_names(const SchemaCheck& check) {
  const auto& names = values<std::string>(check, "/model/layer_names");
  std::set<std::string> known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (known.insert(names[i]).second) continue;
    check.refuse(fmt::format("/model/layer_names[{}]", i), "is " + names[i] + " again",
                 "a name for each layer");
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

/// Each layer has as many parameters as the table of layers says.
void check_layer_parameters(const SchemaCheck& check) {
  const Group& model = check.record().group("model");
  const auto& names = values<std::string>(check, "/model/layer_names");
  const auto& counts = values<std::int64_t>(check, "/model/layer_parameters");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string path = "/model/" + names[i];
    const auto group = model.groups.find(names[i]);
    const std::int64_t found =
        group == model.groups.end() ? 0 : parameters_of(check, path, group->second);
    if (found == counts[i]) continue;
    check.refuse(path, fmt::format("has {} parameters", found),
                 fmt::format("{}, as /model/layer_parameters says", counts[i]));
  }
}

void check_parameters(const SchemaCheck& check) {
  const auto& counts = values<std::int64_t>(check, "/model/layer_parameters");
  const std::int64_t sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const auto all = check.record().group("model").attribute<std::int64_t>("parameters");
  if (sum == all) return;
  check.refuse("/model@parameters", fmt::format("is {}", all),
               fmt::format("{}, the sum of /model/layer_parameters", sum));
}

void check_ranks(const SchemaCheck& check) {
  const std::size_t ranks = std::min<std::size_t>(5, check.size_of("class"));
  if (check.size_of("rank") == ranks) return;
  check.refuse("/evaluation/top5_labels", fmt::format("has {} along rank", check.size_of("rank")),
               std::to_string(ranks));
}

/// The confusion matrix counts each test image once, under its label.
void check_confusion(const SchemaCheck& check) {
  const std::size_t classes = check.size_of("class");
  std::vector<std::int64_t> images(classes, 0);
  for (const std::uint8_t label : values<std::uint8_t>(check, "/evaluation/test_labels")) {
    ++images[label];
  }
  const auto& confusion = values<std::int64_t>(check, "/evaluation/confusion");
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

/// /study, if the run is part of one.
const Group* study_of(const SchemaCheck& check) {
  const auto found = check.record().groups.find("study");
  return found == check.record().groups.end() ? nullptr : &found->second;
}

void check_study_threshold(const SchemaCheck& check) {
  const Group* study = study_of(check);
  if (study == nullptr) return;
  const auto& measure = study->attribute<std::string>("measure");
  const auto threshold = study->attribute<double>("threshold");
  if (measure != "epochs_to_train_error" || (threshold > 0 && threshold < 1)) return;
  check.refuse("/study@threshold", fmt::format("is {}", threshold),
               "a number between 0 and 1, for " + measure);
}

void check_study_margin(const SchemaCheck& check) {
  const Group* study = study_of(check);
  if (study == nullptr || study->attribute<std::string>("expectation") != "same") return;
  if (study->attribute<double>("margin") > 0) return;
  check.refuse("/study@margin", "is 0", "a number above 0, for the expectation \"same\"");
}

// ---- its summary, whose numbers vouch for each other

/// Whether two fractions are the same but for rounding.
bool same_fraction(double a, double b) {
  return std::abs(a - b) < 1e-12;
}

/// Error unless `fraction` is that of a whole number of images.
void check_fraction(const SchemaCheck& check, const std::string& path, double fraction,
                    std::int64_t images) {
  const auto all = static_cast<double>(images);
  if (same_fraction(fraction, std::round(fraction * all) / all)) return;
  check.refuse(path, fmt::format("is {}", fraction),
               fmt::format("the fraction of a whole number of {} images", images));
}

/// Each epoch's steps are as many as it has, none has more wrong than images, and together they
/// give the epoch's training error.
void check_summary_steps(const SchemaCheck& check) {
  const details::StepImages steps = details::step_images(check.record());
  const auto& packed = values<std::string>(check, "/history/step_wrong");
  const auto& errors = values<double>(check, "/history/train_error");
  const std::size_t digits = steps.digits();
  for (std::size_t epoch = 0; epoch < packed.size(); ++epoch) {
    const std::string path = fmt::format("/history/step_wrong[{}]", epoch);
    if (packed[epoch].size() != steps.steps() * digits) {
      check.refuse(path, fmt::format("has {} digits", packed[epoch].size()),
                   fmt::format("{} for each of {} steps", digits, steps.steps()));
    }
    std::int64_t sum = 0;
    for (std::size_t step = 0; step < steps.steps(); ++step) {
      const std::int64_t wrong =
          details::hex_number(std::string_view(packed[epoch]).substr(step * digits, digits));
      if (wrong < 0 || wrong > steps.of_step(step)) {
        check.refuse(path,
                     fmt::format("has \"{}\" for step {}",
                                 clean_text(packed[epoch].substr(step * digits, digits)), step + 1),
                     fmt::format("hexadecimal digits for 0 to {}", steps.of_step(step)));
      }
      sum += wrong;
    }
    const double error = static_cast<double>(sum) / static_cast<double>(steps.images);
    if (same_fraction(error, errors[epoch])) continue;
    check.refuse(fmt::format("/history/train_error[{}]", epoch),
                 fmt::format("is {}", errors[epoch]),
                 fmt::format("{}, as the steps of {} give", error, path));
  }
}

/// Errors are of whole numbers of images, and those of the test images are what the confusion
/// matrix counts.
void check_summary_scores(const SchemaCheck& check) {
  const Group& evaluation = check.record().group("evaluation");
  const auto images = check.record().group("data").attribute<std::int64_t>("test_images");
  const auto& confusion = values<std::int64_t>(check, "/evaluation/confusion");
  const std::size_t classes = check.size_of("class");
  const std::int64_t counted = std::accumulate(confusion.begin(), confusion.end(), std::int64_t{0});
  if (counted != images) {
    check.refuse("/evaluation/confusion", fmt::format("counts {} images", counted),
                 fmt::format("{}, as /data@test_images says", images));
  }
  std::int64_t right = 0;
  for (std::size_t label = 0; label < classes; ++label) right += confusion[label * (classes + 1)];
  const auto accuracy = evaluation.attribute<double>("test_accuracy");
  const double by_counts = static_cast<double>(right) / static_cast<double>(images);
  if (!same_fraction(accuracy, by_counts)) {
    check.refuse("/evaluation@test_accuracy", fmt::format("is {}", accuracy),
                 fmt::format("{}, by /evaluation/confusion", by_counts));
  }
  check_fraction(check, "/evaluation@train_error", evaluation.attribute<double>("train_error"),
                 details::step_images(check.record()).images);
  const auto& errors = values<double>(check, "/history/test_error");
  for (std::size_t epoch = 0; epoch < errors.size(); ++epoch) {
    check_fraction(check, fmt::format("/history/test_error[{}]", epoch), errors[epoch], images);
  }
}

/// What is said of the trained network once is said of it again: its parameters' digest, and its
/// error where test images are seen in one view.
void check_summary_end(const SchemaCheck& check) {
  const auto& last = values<std::string>(check, "/history/parameters_sha256").back();
  const auto& parameters =
      check.record().group("model").attribute<std::string>("parameters_sha256");
  if (last != parameters) {
    check.refuse("/model@parameters_sha256", "is " + parameters,
                 last + ", as after the last epoch of /history");
  }
  const Attributes settings =
      settings_in_full(check.record().group("configuration"), format_settings("training"));
  if (std::get<std::int64_t>(settings.at("test_views")) != 1) return;
  const double error = values<double>(check, "/history/test_error").back();
  const auto accuracy = check.record().group("evaluation").attribute<double>("test_accuracy");
  if (same_fraction(error, 1.0 - accuracy)) return;
  check.refuse("/history/test_error", fmt::format("ends with {}", error),
               fmt::format("{}, as /evaluation@test_accuracy says", 1.0 - accuracy));
}

// ---- a checkpoint

/// In format 2, seconds for each epoch.
void check_seconds(const SchemaCheck& check) {
  if (format_of(check.record()) == 1) return;
  const std::size_t rows = values<double>(check, "/environment/seconds_per_epoch").size();
  const std::size_t epochs = check.record().group("history").groups.size();
  if (rows == epochs) return;
  check.refuse("/environment/seconds_per_epoch", fmt::format("has {} along epoch", rows),
               fmt::format("{}, the groups of /history", epochs));
}

}  // namespace

namespace details {

StepImages step_images(const Record& record) {
  const Attributes settings =
      settings_in_full(record.group("configuration"), format_settings("training"));
  const auto chosen = std::get<std::int64_t>(settings.at("train_images"));
  const auto all = record.group("data").attribute<std::int64_t>("train_images");
  const std::int64_t images = std::max<std::int64_t>(1, chosen > 0 ? std::min(chosen, all) : all);
  const auto batch_size = std::get<std::int64_t>(settings.at("batch_size"));
  return {images, std::clamp<std::int64_t>(batch_size, 1, images)};
}

const std::vector<Relation>& relations_of(std::string_view kind) {
  static const std::vector<Relation> training = {
      {"a row for each epoch", check_epochs},
      {"epochs are numbered", check_epoch_numbers},
      {"a name for each layer", check_layer_names},
      {"parameters of each layer", check_layer_parameters},
      {"parameters in all", check_parameters},
      {"most probable labels", check_ranks},
      {"confusion matrix", check_confusion},
      {"threshold of a study", check_study_threshold},
      {"margin of a study", check_study_margin},
  };
  static const std::vector<Relation> checkpoint = {{"seconds for each epoch", check_seconds}};
  static const std::vector<Relation> summary = {
      {"a row for each epoch", check_epochs},
      {"epochs are numbered", check_epoch_numbers},
      {"a name for each layer", check_layer_names},
      {"parameters in all", check_parameters},
      {"steps of each epoch", check_summary_steps},
      {"errors and confusion matrix", check_summary_scores},
      {"the trained network", check_summary_end},
  };
  static const std::vector<Relation> none;
  if (kind == "summary") return summary;
  return kind == "training" ? training : kind == "checkpoint" ? checkpoint : none;
}

}  // namespace details

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
  const std::vector<details::Schema> schemas = details::schemas_of(record);
  if (schemas.empty()) return;
  SchemaCheck check(record, where);
  check.apply(schemas.front());
  for (std::size_t i = 1; i < schemas.size(); ++i) SchemaCheck(record, where).apply(schemas[i]);
  errors_naming(where, [&] {  // if one has two names
    return settings_in_full(record.group("configuration"), format_settings(kind));
  });
  for (const Relation& relation : details::relations_of(kind)) relation.check(check);
}

}  // namespace reprise
