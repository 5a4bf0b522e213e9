#include "reprise/record/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/configuration_text.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/plan.hpp"
#include "reprise/record/schema.hpp"
#include "reprise/record/schema_rules.hpp"
#include "reprise/record/summary_steps.hpp"
#include "reprise/record/toml_table.hpp"

namespace reprise {
namespace {

using details::StepImages;

// ---- steps

/// Takes apart a text of a summary that fits its schema.
std::vector<double> unpacked(std::string_view text, const StepImages& steps) {
  const std::size_t digits = steps.digits();
  std::vector<double> errors(text.size() / digits);
  for (std::size_t step = 0; step < errors.size(); ++step) {
    const std::int64_t wrong = details::hex_number(text.substr(step * digits, digits));
    errors[step] = static_cast<double>(wrong) / static_cast<double>(steps.of_step(step));
  }
  return errors;
}

/// A command line without the folders of its files: of each word, what comes after the last slash;
/// "--data=/a/b" is "--data=b".
std::string without_folders(std::string_view command_line) {
  std::string kept;
  while (!command_line.empty()) {
    const std::size_t end = std::min(command_line.find(' '), command_line.size());
    const std::string_view word = command_line.substr(0, end);
    const std::size_t slash = word.rfind('/');
    const std::size_t equals = word.find('=');
    if (equals < slash && slash != word.npos) kept += word.substr(0, equals + 1);
    kept += slash == word.npos ? word : word.substr(slash + 1);
    command_line.remove_prefix(end);
    while (command_line.starts_with(' ')) {
      kept += ' ';
      command_line.remove_prefix(1);
    }
  }
  return kept;
}

// ---- text

template <class T>
std::string element_text(const T& value) {
  std::string line = setting_line("", AttributeValue(value));  // " = VALUE\n"
  line.pop_back();
  return line.substr(3);
}

/// A list on one line, or one of texts with a line for each.
template <class T>
std::string list_text(const std::vector<T>& values, std::size_t from, std::size_t count) {
  constexpr bool is_text = std::is_same_v<T, std::string>;
  std::string text = is_text ? "[\n" : "[";
  for (std::size_t i = from; i < from + count; ++i) {
    text += (is_text ? "  " : "") + element_text(values[i]);
    if (is_text || i + 1 < from + count) text += ",";
    if (is_text || i + 1 < from + count) text += is_text ? "\n" : " ";
  }
  return text + "]";
}

template <class T>
std::string dataset_text(const Dataset& dataset, const std::vector<T>& values) {
  if (dataset.shape.size() == 1) return list_text(values, 0, values.size());
  std::string text = "[\n";
  const std::size_t width = dataset.shape.at(1);
  for (std::size_t row = 0; row < dataset.shape.at(0); ++row) {
    text += "  " + list_text(values, row * width, width) + ",\n";
  }
  return text + "]";
}

void add_text(const Group& group, std::string& text) {
  for (const auto& [name, value] : group.attributes) text += setting_line(name, value);
  for (const auto& [name, dataset] : group.datasets) {
    text += name + " = ";
    if (const auto* real = std::get_if<std::vector<double>>(&dataset.values)) {
      text += dataset_text(dataset, *real);
    } else if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&dataset.values)) {
      text += dataset_text(dataset, *whole);
    } else {
      text += dataset_text(dataset, std::get<std::vector<std::string>>(dataset.values));
    }
    text += "\n";
  }
}

// ---- text to tree

/// Makes a tree of a TOML file by the rules of the schema, which say what a key is.
class TreeMaker {
 public:
  TreeMaker(const TomlFile& file, const details::Schema& schema) : file_(file), schema_(schema) {}

  Record tree() {
    const TomlTable root(file_, file_.table, root_keys());
    root.require("format");
    if (root.text("format") != kSummaryFormat) {
      root.fail("format", "\"" + root.text("format") + "\"", std::string(kSummaryFormat));
    }
    Record record;
    record.attributes = {{"kind", std::string("summary")}, {"format", std::string(kSummaryFormat)}};
    root.require("record_sha256");
    record.attributes["record_sha256"] = root.text("record_sha256");
    for (const std::string& name : root_keys()) {
      const toml::node* node = root.find(name);
      if (node == nullptr || name == "format" || name == "record_sha256") continue;
      record.groups[name] = group("/" + name, *root.table(name));
    }
    return record;
  }

 private:
  [[nodiscard]] std::vector<std::string> root_keys() const {
    return {"format",      "record_sha256", "configuration", "data",
            "environment", "evaluation",    "history",       "model"};
  }

  [[nodiscard]] const details::AttributeRule* attribute_rule(std::string_view group,
                                                             std::string_view name) const {
    for (const details::AttributeRule& rule : schema_.attributes) {
      if (rule.group == group && rule.name == name) return &rule;
    }
    return nullptr;
  }
  [[nodiscard]] const details::DatasetRule* dataset_rule(std::string_view group,
                                                         std::string_view name) const {
    for (const details::DatasetRule& rule : schema_.datasets) {
      if (rule.group == group && rule.name == name) return &rule;
    }
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> names_in(std::string_view group) const {
    std::vector<std::string> names;
    for (const auto& rule : schema_.attributes) {
      if (rule.group == group) names.emplace_back(rule.name);
    }
    for (const auto& rule : schema_.datasets) {
      if (rule.group == group) names.emplace_back(rule.name);
    }
    return names;
  }

  Group group(const std::string& path, const toml::table& table) const {
    const TomlTable keys(file_, table, names_in(path));
    Group group;
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (const details::AttributeRule* rule = attribute_rule(path, name)) {
        group.attributes[name] = attribute(name, node, rule->type);
      } else {
        group.datasets[name] = dataset(name, node, *dataset_rule(path, name));
      }
    }
    return group;
  }

  [[noreturn]] void refuse(const toml::node& node, const std::string& name,
                           const std::string& expected) const {
    throw Error(file_.where(node), name + " is of another type", expected);
  }

  [[nodiscard]] AttributeValue attribute(const std::string& name, const toml::node& node,
                                         std::string_view type) const {
    if (type == "int64") return element<std::int64_t>(name, node);
    if (type == "float64") return element<double>(name, node);
    return element<std::string>(name, node);
  }

  template <class T>
  [[nodiscard]] T element(const std::string& name, const toml::node& node) const {
    const std::optional<T> value = node.value_exact<T>();
    if (!value) {
      refuse(node, name,
             std::is_same_v<T, double>         ? "numbers with a point or an exponent"
             : std::is_same_v<T, std::int64_t> ? "whole numbers"
                                               : "text in quotes");
    }
    return *value;
  }

  [[nodiscard]] Dataset dataset(const std::string& name, const toml::node& node,
                                const details::DatasetRule& rule) const {
    if (rule.type == "int64") return dataset_of<std::int64_t>(name, node, rule);
    if (rule.type == "float64") return dataset_of<double>(name, node, rule);
    return dataset_of<std::string>(name, node, rule);
  }

  template <class T>
  [[nodiscard]] Dataset dataset_of(const std::string& name, const toml::node& node,
                                   const details::DatasetRule& rule) const {
    Dataset dataset;
    dataset.dimensions.assign(rule.axes.begin(), rule.axes.end());
    std::vector<T> values;
    const toml::array& all = array(name, node);
    dataset.shape.push_back(all.size());
    if (rule.axes.size() == 1) {
      for (const toml::node& one : all) values.push_back(element<T>(name, one));
    } else {
      dataset.shape.push_back(all.empty() ? 0 : array(name, all[0]).size());
      for (const toml::node& row : all) {
        const toml::array& one = array(name, row);
        if (one.size() != dataset.shape[1]) {
          throw Error(file_.where(row), fmt::format("{} has a row of {}", name, one.size()),
                      fmt::format("{}, as its first row has", dataset.shape[1]));
        }
        for (const toml::node& value : one) values.push_back(element<T>(name, value));
      }
    }
    dataset.values = std::move(values);
    return dataset;
  }

  [[nodiscard]] const toml::array& array(const std::string& name, const toml::node& node) const {
    if (!node.is_array()) refuse(node, name, "a list in brackets");
    return *node.as_array();
  }

  const TomlFile& file_;
  const details::Schema& schema_;
};

}  // namespace

bool is_summary(const Record& record) {
  return kind_of(record) == "summary";
}

std::vector<std::string> packed_steps(const std::vector<EpochResult>& history,
                                      const Record& record) {
  const StepImages steps = details::step_images(record);
  std::vector<std::string> packed;
  for (const EpochResult& epoch : history) {
    std::string& text = packed.emplace_back();
    for (std::size_t step = 0; step < epoch.step_errors.size(); ++step) {
      const auto batch = static_cast<double>(steps.of_step(step));
      const double wrong = std::round(epoch.step_errors[step] * batch);
      if (!(batch > 0.0) || wrong / batch != epoch.step_errors[step]) {
        throw Error(fmt::format("/history/step_error[{},{}]", packed.size() - 1, step),
                    fmt::format("is {}", epoch.step_errors[step]),
                    fmt::format("a whole number of the batch's {} images", batch));
      }
      text += fmt::format("{:0{}x}", static_cast<std::int64_t>(wrong), steps.digits());
    }
  }
  return packed;
}

Record summary_of(const Record& record) {
  SummaryRecord summary;
  summary.training = training_from(record, "record");
  if (format_of(record) == 1) {
    throw Error("record", std::string(kRecordFormat1), std::string(kRecordFormat));
  }
  if (summary.training.study) {
    throw Error("record", "has /study", "a run of a store, whose plans say what it is for");
  }
  summary.record_sha256 = digest_of(record);
  summary.step_wrong = packed_steps(summary.training.history, record);
  Attributes& environment = summary.training.environment.attributes;
  const auto command = environment.find("command_line");
  if (command != environment.end()) {
    if (auto* text = std::get_if<std::string>(&command->second)) *text = without_folders(*text);
  }
  Record tree = to_tree(summary);
  tree.attributes["format"] = std::string(kSummaryFormat);
  return tree;
}

std::string run_record_digest(const Record& record) {
  return is_summary(record) ? record.attribute<std::string>("record_sha256") : digest_of(record);
}

std::string summary_text(const Record& summary) {
  std::string text =
      "# The summary of a training run's record: its small numbers, and its digest, "
      "which verify checks.\n";
  for (const auto& [name, value] : summary.attributes) {
    if (name != "kind") text += setting_line(name, value);
  }
  for (const auto& [name, group] : summary.groups) {
    text += "\n[" + name + "]\n";
    add_text(group, text);
  }
  if (text.size() > kMaxSummaryBytes) {
    throw Error("summary", fmt::format("{} bytes", text.size()),
                fmt::format("at most {}", kMaxSummaryBytes));
  }
  return text;
}

Record summary_from_text(const std::string& where, const std::string& text) {
  if (text.size() > kMaxSummaryBytes) {
    throw Error(where, fmt::format("has {} bytes", text.size()),
                fmt::format("at most {}, as a summary has", kMaxSummaryBytes));
  }
  if (!is_text(text)) throw Error(where, "is not UTF-8 text", "a summary, which is a TOML file");
  const TomlFile file = parse_toml(where, text);
  Record kind;
  kind.attributes["kind"] = std::string("summary");
  const std::vector<details::Schema> schemas = details::schemas_of(kind);
  Record tree = TreeMaker(file, schemas.front()).tree();
  errors_naming(where, [&] { check_record(tree); });
  check_schema(tree, "summary", where);
  // Numbers beyond a double, comments, a key under another name: whatever reads as something else.
  const std::string written = summary_text(tree);
  if (text != written) {
    const std::string difference = first_difference(text, written);
    throw Error(where,
                "is not as a summary is written, from " +
                    (difference.empty() ? "its end" : difference.substr(0, difference.find(':'))),
                "the file as it was written");
  }
  return tree;
}

TrainingRecord training_from_summary(const Record& summary, const std::string& where) {
  SummaryRecord read = summary_from(summary, where);
  const StepImages steps = details::step_images(summary);
  for (std::size_t i = 0; i < read.step_wrong.size(); ++i) {
    read.training.history[i].step_errors = unpacked(read.step_wrong[i], steps);
  }
  return std::move(read.training);
}

}  // namespace reprise
