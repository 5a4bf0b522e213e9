// The tables of rules that each kind of record is checked by: a visitor of the description.
#include <map>
#include <optional>

#include "reprise/record/description.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/schema_rules.hpp"

namespace reprise::details {
namespace {

/// Ranges of settings that size what a reader makes, by their names in the format; the other ranges
/// are the program's own.
const std::map<std::string_view, Allowed>& setting_ranges() {
  static const std::map<std::string_view, Allowed> ranges = {
      {"seed", from(0)},
      {"epochs", within(1, kMaxEpochs)},
      {"train_images", within(0, kMaxImages)},
      {"holdout", within(0, kMaxImages)},
      {"threads", within(1, 1024)},
  };
  return ranges;
}

/// Makes the rules that a record is to fit: as many as the record has groups that may be repeated
/// or missing.
class Rules {
 public:
  using Axes = std::vector<std::string_view>;

  explicit Rules(const Record& record) : record_(record) {}

  void kind(std::string_view) const {}

  template <class T>
  void attribute(std::string_view group, std::string_view name, const T&, const Allowed& allowed) {
    table().attributes.push_back({std::string(group), name, type_name<T>(), allowed});
  }
  template <class T>
  void attribute(std::string_view group, std::string_view name, const std::optional<T>&,
                 const Allowed& allowed) {
    table().attributes.push_back({std::string(group), name, type_name<T>(), allowed, true});
  }
  void text(std::string_view group, std::string_view name, const std::string&) {
    needs_text(group, name);
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view axis,
            const std::vector<T>&, const Allowed& allowed) {
    dataset<T>(group, name, {axis}, allowed, false);
  }
  template <class T>
  void list(std::string_view group, std::string_view name, std::string_view axis,
            const std::optional<std::vector<T>>&, const Allowed& allowed) {
    dataset<T>(group, name, {axis}, allowed, true);
  }
  template <class T>
  void array(std::string_view group, std::string_view name, const Axes& axes, const Array<T>&,
             const Allowed& allowed) {
    dataset<T>(group, name, axes, allowed, false);
  }
  template <class T>
  void array(std::string_view group, std::string_view name, const Axes& axes,
             const std::optional<Array<T>>&, const Allowed& allowed) {
    dataset<T>(group, name, axes, allowed, true);
  }
  template <class Row, class T>
  void column(std::string_view group, std::string_view name, std::string_view axis,
              const std::vector<Row>&, T Row::*, const Allowed& allowed) {
    dataset<T>(group, name, {axis}, allowed, false);
  }
  template <class Row>
  void matrix(std::string_view group, std::string_view name, const Axes& axes,
              const std::vector<Row>&, std::vector<double> Row::*, const Allowed& allowed) {
    dataset<double>(group, name, axes, allowed, false);
  }
  template <class Row>
  void numbers(std::string_view group, std::string_view name, std::string_view axis,
               const std::vector<Row>&, const Allowed& allowed) {
    dataset<std::int64_t>(group, name, {axis}, allowed, false);
  }
  void tensors(std::string_view, const std::vector<LayerRecord>&) const {}  // by relations
  template <class Row, class Describe>
  void each_group(std::string_view group, std::string_view, std::vector<Row>&,
                  const Describe& describe) {
    table().groups.emplace_back(group);
    const auto found = record_.groups.find(std::string(group.substr(1)));
    if (found == record_.groups.end()) return;
    for (const auto& [name, inner] : found->second.groups) {
      Row row;
      describe(std::string(group) + "/" + name, row);
    }
  }
  void rest(std::string_view group, const Group&) { table().groups.emplace_back(group); }
  void facts(std::string_view group, const Group&, const std::vector<EnvironmentFact>& facts) {
    for (const EnvironmentFact& fact : facts) {
      table().attributes.push_back(
          {std::string(group), fact.name, std::string(fact.type), any(), true});
    }
  }
  /// Settings have the types of the format, whatever their names; none must be there.
  void settings(std::string_view kind, const Attributes&) {
    table().groups.emplace_back("/configuration");
    for (const FormatSetting& row : format_settings(kind)) {
      const auto range = setting_ranges().find(row.name);
      table().attributes.push_back({"/configuration", row.setting, type_of(row.format_value),
                                    range == setting_ranges().end() ? any() : range->second, true});
    }
  }
  template <class T>
  bool has(std::optional<T>& part, const std::string& group) {
    if (record_.groups.count(group) == 0) return false;
    part.emplace();
    return true;
  }

  void needs_attribute(std::string_view group, std::string_view name, std::string_view type) {
    table().attributes.push_back({std::string(group), name, std::string(type), any()});
  }
  void needs_text(std::string_view group, std::string_view name) {
    dataset<std::string>(group, name, {}, any(), false);
  }
  void size_is(std::string_view axis, std::string_view group, std::string_view attribute) {
    table().sizes.push_back({axis, group, attribute});
  }
  void axis(std::string_view axis, std::size_t least, std::size_t most) {
    table().axes.push_back({axis, least, most});
  }
  void index(std::string_view group, std::string_view name, std::string_view axis) {
    table().indices.push_back({group, name, axis});
  }
  void next_table() { tables.emplace_back(); }

  std::vector<Schema> tables{1};

 private:
  Schema& table() { return tables.back(); }
  template <class T>
  void dataset(std::string_view group, std::string_view name, const Axes& axes,
               const Allowed& allowed, bool optional) {
    table().datasets.push_back({std::string(group), name, type_name<T>(), axes, allowed, optional});
  }

  const Record& record_;
};

}  // namespace

std::vector<Schema> schemas_of(const Record& record) {
  const std::string kind = kind_of(record);
  Rules rules(record);
  if (kind == "training") {
    TrainingRecord any_training;
    describe_training(rules, any_training);
  } else if (kind == "summary") {
    SummaryRecord any_summary;
    describe_summary(rules, any_summary);
  } else if (kind == "comparison") {
    ComparisonRecord any_comparison;
    describe_comparison(rules, any_comparison);
  } else if (kind == "checkpoint") {
    CheckpointRecord any_checkpoint;
    describe_checkpoint(rules, any_checkpoint, format_of(record));
  } else {
    return {};
  }
  return std::move(rules.tables);
}

}  // namespace reprise::details
