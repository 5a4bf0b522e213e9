// What no table of a schema says, and the whole check of a record.
#include "reprise/record/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "reprise/core/error.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"

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
  static const std::vector<Relation> none;
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
