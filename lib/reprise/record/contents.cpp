// Plain data to a record's tree and back: two visitors of the description.
#include "reprise/record/contents.hpp"

#include <fmt/format.h>

#include <numeric>

#include "reprise/record/description.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema.hpp"

namespace reprise {
namespace {

using details::Allowed;
using Axes = std::initializer_list<std::string_view>;

std::vector<std::string> names_of(Axes axes) {
  return {axes.begin(), axes.end()};
}

/// The group at a path such as "/history/epoch_000001"; made if it is not there.
Group& made_group(Record& record, std::string_view path) {
  Group* group = &record;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string name(path.substr(0, path.find('/')));
    path.remove_prefix(name.size());
    group = &group->groups[name];
  }
  return *group;
}

class Writer {
 public:
  void kind(std::string_view kind) { record.attributes["kind"] = std::string(kind); }

  template <class T>
  void attribute(std::string_view group, std::string_view name, const T& value, const Allowed&) {
    made_group(record, group).attributes[std::string(name)] = value;
  }
  template <class T>
  void attribute(std::string_view group, std::string_view name, const std::optional<T>& value,
                 const Allowed& allowed) {
    if (value) attribute(group, name, *value, allowed);
  }
  void text(std::string_view group, std::string_view name, const std::string& value) {
    dataset(group, name) = scalar_text(value);
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view axis,
            const std::vector<T>& values, const Allowed&) {
    dataset(group, name) = reprise::list(values, std::string(axis));
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view axis,
            const std::optional<std::vector<T>>& values, const Allowed& allowed) {
    if (values) list(group, name, axis, *values, allowed);
  }
  template <class T>
  void array(std::string_view group, std::string_view name, Axes axes, const Array<T>& values,
             const Allowed&) {
    dataset(group, name) = {values.shape, values.values, names_of(axes), {}};
  }
  template <class T>
  void array(std::string_view group, std::string_view name, Axes axes,
             const std::optional<Array<T>>& values, const Allowed& allowed) {
    if (values) array(group, name, axes, *values, allowed);
  }
  template <class Row, class T>
  void column(std::string_view group, std::string_view name, std::string_view axis,
              const std::vector<Row>& rows, T Row::*member, const Allowed& allowed) {
    std::vector<T> values;
    values.reserve(rows.size());
    for (const Row& row : rows) values.push_back(row.*member);
    list(group, name, axis, values, allowed);
  }
  template <class Row>
  void matrix(std::string_view group, std::string_view name, Axes axes,
              const std::vector<Row>& rows, std::vector<double> Row::*member,
              const Allowed& allowed) {
    Array<double> all{{rows.size(), rows.empty() ? 0 : (rows[0].*member).size()}, {}};
    for (const Row& row : rows) {
      all.values.insert(all.values.end(), (row.*member).begin(), (row.*member).end());
    }
    array(group, name, axes, all, allowed);
  }
  template <class Row>
  void numbers(std::string_view group, std::string_view name, std::string_view axis,
               const std::vector<Row>& rows, const Allowed& allowed) {
    std::vector<std::int64_t> from_one(rows.size());
    std::iota(from_one.begin(), from_one.end(), 1);
    list(group, name, axis, from_one, allowed);
  }
  void tensors(std::string_view group, const std::vector<LayerRecord>& layers) {
    for (const LayerRecord& layer : layers) {
      if (layer.tensors.empty()) continue;
      made_group(record, group).groups[layer.name].datasets = layer.tensors;
    }
  }
  template <class Row, class Describe>
  void each_group(std::string_view group, std::string_view prefix, const std::vector<Row>& rows,
                  const Describe& describe) {
    made_group(record, group);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      describe(fmt::format("{}/{}{:06}", group, prefix, i + 1), rows[i]);
    }
  }
  void rest(std::string_view group, const Group& all) { made_group(record, group) = all; }
  void facts(std::string_view group, const Group& all,
             const std::vector<details::EnvironmentFact>& facts) {
    Attributes& kept = made_group(record, group).attributes;
    for (const auto& [name, type] : facts) {
      const auto found = all.attributes.find(std::string(name));
      if (found == all.attributes.end() || details::type_of(found->second) != type) continue;
      kept.insert(*found);
    }
  }
  void settings(std::string_view, const Attributes& all) {
    made_group(record, "/configuration").attributes = all;
  }
  template <class T>
  [[nodiscard]] bool has(const std::optional<T>& part, std::string_view) const {
    return part.has_value();
  }

  void needs_attribute(std::string_view, std::string_view, std::string_view) const {}
  void needs_text(std::string_view, std::string_view) const {}
  void size_is(std::string_view, std::string_view, std::string_view) const {}
  void axis(std::string_view, std::size_t, std::size_t) const {}
  void index(std::string_view, std::string_view, std::string_view) const {}
  void next_table() const {}

  Record record;

 private:
  Dataset& dataset(std::string_view group, std::string_view name) {
    return made_group(record, group).datasets[std::string(name)];
  }
};

/// Reads a tree that fits its schema.
class Reader {
 public:
  explicit Reader(const Record& record) : record_(record) {}

  void kind(std::string_view) const {}

  template <class T>
  void attribute(std::string_view group, std::string_view name, T& value, const Allowed&) const {
    value = record_.group(group).attribute<T>(std::string(name));
  }
  template <class T>
  void attribute(std::string_view group, std::string_view name, std::optional<T>& value,
                 const Allowed& allowed) const {
    if (record_.group(group).attributes.count(std::string(name)) == 0) return;
    attribute(group, name, value.emplace(), allowed);
  }
  void text(std::string_view group, std::string_view name, std::string& value) const {
    value = std::get<std::vector<std::string>>(dataset(group, name)->values).front();
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view, std::vector<T>& values,
            const Allowed&) const {
    values = std::get<std::vector<T>>(dataset(group, name)->values);
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view axis,
            std::optional<std::vector<T>>& values, const Allowed& allowed) const {
    if (dataset(group, name) != nullptr) list(group, name, axis, values.emplace(), allowed);
  }
  template <class T>
  void array(std::string_view group, std::string_view name, Axes, Array<T>& values,
             const Allowed&) const {
    const Dataset& found = *dataset(group, name);
    values = {found.shape, std::get<std::vector<T>>(found.values)};
  }
  template <class T>
  void array(std::string_view group, std::string_view name, Axes axes,
             std::optional<Array<T>>& values, const Allowed& allowed) const {
    if (dataset(group, name) != nullptr) array(group, name, axes, values.emplace(), allowed);
  }
  template <class Row, class T>
  void column(std::string_view group, std::string_view name, std::string_view,
              std::vector<Row>& rows, T Row::*member, const Allowed&) const {
    const auto& values = std::get<std::vector<T>>(dataset(group, name)->values);
    rows.resize(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = values[i];
  }
  template <class Row>
  void matrix(std::string_view group, std::string_view name, Axes, std::vector<Row>& rows,
              std::vector<double> Row::*member, const Allowed&) const {
    const Dataset& found = *dataset(group, name);
    const auto& values = std::get<std::vector<double>>(found.values);
    const auto width = static_cast<std::ptrdiff_t>(found.shape.at(1));
    rows.resize(found.shape.at(0));
    auto from = values.begin();
    for (Row& row : rows) {
      (row.*member).assign(from, from + width);
      from += width;
    }
  }
  template <class Row>
  void numbers(std::string_view group, std::string_view name, std::string_view,
               std::vector<Row>& rows, const Allowed&) const {
    rows.resize(dataset(group, name)->shape.at(0));
  }
  void tensors(std::string_view group, std::vector<LayerRecord>& layers) const {
    const Group& all = record_.group(group);
    for (LayerRecord& layer : layers) {
      const auto found = all.groups.find(layer.name);
      if (found != all.groups.end()) layer.tensors = found->second.datasets;
    }
  }
  template <class Row, class Describe>
  void each_group(std::string_view group, std::string_view, std::vector<Row>& rows,
                  const Describe& describe) const {
    for (const auto& [name, inner] : record_.group(group).groups) {
      describe(fmt::format("{}/{}", group, name), rows.emplace_back());
    }
  }
  void rest(std::string_view group, Group& all) const { all = record_.group(group); }
  void facts(std::string_view group, Group& all,
             const std::vector<details::EnvironmentFact>& facts) const {
    const Attributes& kept = record_.group(group).attributes;
    for (const auto& [name, type] : facts) {
      const auto found = kept.find(std::string(name));
      if (found != kept.end()) all.attributes.insert(*found);
    }
  }
  void settings(std::string_view, Attributes& all) const {
    all = record_.group("/configuration").attributes;
  }
  template <class T>
  [[nodiscard]] bool has(std::optional<T>& part, const std::string& group) const {
    if (record_.groups.count(group) == 0) return false;
    part.emplace();
    return true;
  }

  void needs_attribute(std::string_view, std::string_view, std::string_view) const {}
  void needs_text(std::string_view, std::string_view) const {}
  void size_is(std::string_view, std::string_view, std::string_view) const {}
  void axis(std::string_view, std::size_t, std::size_t) const {}
  void index(std::string_view, std::string_view, std::string_view) const {}
  void next_table() const {}

 private:
  /// nullptr if there is none.
  [[nodiscard]] const Dataset* dataset(std::string_view group, std::string_view name) const {
    const auto& datasets = record_.group(group).datasets;
    const auto found = datasets.find(std::string(name));
    return found == datasets.end() ? nullptr : &found->second;
  }

  const Record& record_;
};

}  // namespace

Record to_tree(const TrainingRecord& training) {
  Writer writer;
  details::describe_training(writer, training);
  return std::move(writer.record);
}

Record to_tree(const CheckpointRecord& checkpoint) {
  Writer writer;
  details::describe_checkpoint(writer, checkpoint, 2);
  return std::move(writer.record);
}

Record to_tree(const ComparisonRecord& comparison) {
  Writer writer;
  details::describe_comparison(writer, comparison);
  return std::move(writer.record);
}

Record to_tree(const SummaryRecord& summary) {
  Writer writer;
  details::describe_summary(writer, summary);
  return std::move(writer.record);
}

Group to_group(const ConfigurationRecord& configuration) {
  Writer writer;
  details::describe_configuration(writer, configuration, "training");
  return writer.record.groups.at("configuration");
}

Group to_group(const DataRecord& data) {
  Writer writer;
  details::describe_data(writer, data);
  return writer.record.groups.at("data");
}

Group to_group(const StudyRecord& study) {
  Writer writer;
  details::describe_study(writer, study);
  return writer.record.groups.at("study");
}

TrainingRecord training_from(const Record& record, const std::string& where) {
  check_schema(record, "training", where);
  TrainingRecord training;
  const Reader reader(record);
  details::describe_training(reader, training);
  return training;
}

SummaryRecord summary_from(const Record& record, const std::string& where) {
  check_schema(record, "summary", where);
  SummaryRecord summary;
  const Reader reader(record);
  details::describe_summary(reader, summary);
  return summary;
}

CheckpointRecord checkpoint_from(const Record& record, const std::string& where) {
  check_schema(record, "checkpoint", where);
  CheckpointRecord checkpoint;
  const Reader reader(record);
  details::describe_checkpoint(reader, checkpoint, format_of(record));
  return checkpoint;
}

ComparisonRecord comparison_from(const Record& record, const std::string& where) {
  check_schema(record, "comparison", where);
  ComparisonRecord comparison;
  const Reader reader(record);
  details::describe_comparison(reader, comparison);
  return comparison;
}

}  // namespace reprise
