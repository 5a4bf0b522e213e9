// Applies the tables of a schema to a record.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/schema_rules.hpp"

namespace reprise::details {
std::string_view size_name(std::string_view axis) {
  return axis == "true_class" || axis == "predicted_class" ? "class" : axis;
}

namespace {

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A text as an error shows it.
std::string quoted(const std::string& text) {
  constexpr std::size_t most = 60;
  const bool whole = text.size() <= most;
  return "\"" + clean_text(whole ? text : text.substr(0, most)) + (whole ? "\"" : "\"...");
}

std::string names_of(const std::vector<std::string_view>& names) {
  std::vector<std::string> texts;
  for (const std::string_view name : names)
    texts.push_back(name.empty() ? "empty" : std::string(name));
  return "one of: " + join(texts);
}

std::string range_of(const Allowed& allowed) {
  const std::string bounds = std::isfinite(allowed.most)
                                 ? fmt::format("{} to {}", allowed.least, allowed.most)
                                 : fmt::format("{} or more", allowed.least);
  return allowed.numbers == Allowed::Numbers::within_or_nan ? bounds + ", or NaN" : bounds;
}

/// What is expected in place of a number; "" if it is allowed.
std::string expected_number(double number, const Allowed& allowed) {
  using Numbers = Allowed::Numbers;
  if (allowed.numbers == Numbers::any) return "";
  if (allowed.numbers == Numbers::within_or_nan && std::isnan(number)) return "";
  const bool within = number >= allowed.least && number <= allowed.most;
  return within ? "" : range_of(allowed);
}

std::string expected_text(const std::string& text, const Allowed& allowed) {
  if (allowed.text == Allowed::Text::digest && !is_digest(text)) {
    return "64 hexadecimal digits in lower case";
  }
  if (allowed.text == Allowed::Text::not_empty && text.empty()) return "a name";
  const std::vector<std::string_view>& known = allowed.one_of;
  const bool is_known = known.empty() || std::find(known.begin(), known.end(), text) != known.end();
  return is_known ? "" : names_of(known);
}

/// What is expected in place of a value; "" if it is allowed.
std::string expected_value(const std::string& value, const Allowed& allowed) {
  return expected_text(value, allowed);
}
template <class Number>
std::string expected_value(Number value, const Allowed& allowed) {
  return expected_number(static_cast<double>(value), allowed);
}

bool allows_all(const Allowed& allowed) {
  return allowed.numbers == Allowed::Numbers::any && allowed.text == Allowed::Text::any &&
         allowed.one_of.empty();
}

std::string shown(const std::string& value) {
  return quoted(value);
}
template <class Number>
std::string shown(Number value) {
  return fmt::format("{}", value);
}

}  // namespace

void SchemaCheck::refuse(const std::string& path, const std::string& given,
                         const std::string& expected) const {
  throw Error(where_, path + " " + given, expected);
}

const Group& SchemaCheck::group(std::string_view path) const {
  const Group* found = &record_;
  std::string walked;
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);  // the slash
    const std::string name(rest.substr(0, rest.find('/')));
    rest.remove_prefix(name.size());
    walked += "/" + name;
    const auto inner = found->groups.find(name);
    if (inner == found->groups.end()) refuse(walked, "is missing", "a group");
    found = &inner->second;
  }
  return *found;
}

void SchemaCheck::check(const AttributeRule& rule) const {
  const Group& group = this->group(rule.group);
  const std::string path = fmt::format("{}@{}", rule.group, rule.name);
  const auto found = group.attributes.find(std::string(rule.name));
  if (found == group.attributes.end()) {
    if (rule.optional) return;
    refuse(path, "is missing", fmt::format("an attribute of type {}", rule.type));
  }
  if (type_of(found->second) != rule.type) {
    refuse(path, "is of type " + type_of(found->second), rule.type);
  }
  std::visit(
      [&](const auto& value) {
        const std::string expected = expected_value(value, rule.allowed);
        if (!expected.empty()) refuse(path, "is " + shown(value), expected);
      },
      found->second);
}

void SchemaCheck::set_size(const std::string& path, std::string_view axis, std::size_t size) {
  const auto [known, is_first] = sizes_.emplace(size_name(axis), Size{size, path});
  if (is_first || known->second.size == size) return;
  refuse(path, fmt::format("has {} along {}", size, axis),
         fmt::format("{}, as {} says", known->second.size, known->second.from));
}

void SchemaCheck::check(const SizeRule& rule) {
  const auto size = group(rule.group).attribute<std::int64_t>(std::string(rule.attribute));
  set_size(fmt::format("{}@{}", rule.group, rule.attribute), rule.axis,
           static_cast<std::size_t>(size));
}

void SchemaCheck::check(const DatasetRule& rule) {
  const Group& group = this->group(rule.group);
  const std::string path = fmt::format("{}/{}", rule.group, rule.name);
  const auto found = group.datasets.find(std::string(rule.name));
  if (found == group.datasets.end()) {
    if (rule.optional) return;
    refuse(path, "is missing", fmt::format("a dataset of type {}", rule.type));
  }
  const Dataset& dataset = found->second;
  if (type_of(dataset.values) != rule.type) {
    refuse(path, "is of type " + type_of(dataset.values), std::string(rule.type));
  }
  const std::vector<std::string> axes(rule.axes.begin(), rule.axes.end());
  if (dataset.dimensions != axes) {
    const auto text = [](const std::vector<std::string>& names) {
      return names.empty() ? "no axes" : "the axes " + join(names);
    };
    refuse(path, "has " + clean_text(text(dataset.dimensions)), text(axes));
  }
  for (std::size_t i = 0; i < axes.size(); ++i) set_size(path, axes[i], dataset.shape.at(i));
  if (allows_all(rule.allowed)) return;
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          const std::string expected = expected_value(values[i], rule.allowed);
          if (expected.empty()) continue;
          refuse(path + index_text(i, dataset.shape), "is " + shown(values[i]), expected);
        }
      },
      dataset.values);
}

void SchemaCheck::check(const AxisRule& rule) const {
  const auto found = sizes_.find(rule.axis);
  if (found == sizes_.end()) return;  // no dataset has it, and that was allowed
  const auto& [size, from] = found->second;
  if (size >= rule.least && size <= rule.most) return;
  refuse(from, fmt::format("has {} along {}", size, rule.axis),
         rule.most == std::numeric_limits<std::size_t>::max()
             ? fmt::format("{} or more", rule.least)
             : fmt::format("{} to {}", rule.least, rule.most));
}

void SchemaCheck::check(const IndexRule& rule) const {
  const auto& datasets = group(rule.group).datasets;
  const auto found = datasets.find(std::string(rule.name));
  if (found == datasets.end()) return;  // its own rule allowed that
  const Dataset& dataset = found->second;
  const std::size_t size = size_of(rule.axis);
  const auto check_all = [&](const auto& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (static_cast<std::size_t>(values[i]) < size) continue;
      refuse(fmt::format("{}/{}{}", rule.group, rule.name, index_text(i, dataset.shape)),
             "is " + shown(values[i]),
             fmt::format("less than {}, the size of {}", size, rule.axis));
    }
  };
  if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&dataset.values)) {
    check_all(*bytes);
  }
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&dataset.values)) {
    check_all(*numbers);
  }
}

void SchemaCheck::apply(const Schema& schema) {
  for (const std::string& path : schema.groups) static_cast<void>(group(path));
  for (const AttributeRule& rule : schema.attributes) check(rule);
  for (const SizeRule& rule : schema.sizes) check(rule);
  for (const DatasetRule& rule : schema.datasets) check(rule);
  for (const AxisRule& rule : schema.axes) check(rule);
  for (const IndexRule& rule : schema.indices) check(rule);
}

std::size_t SchemaCheck::size_of(std::string_view axis) const {
  const auto found = sizes_.find(size_name(axis));
  return found == sizes_.end() ? 0 : found->second.size;
}

}  // namespace reprise::details
