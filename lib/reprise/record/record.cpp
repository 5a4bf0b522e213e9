#include "reprise/record/record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"

namespace reprise {
namespace {

using details::shape_text;
using details::type_name;
using details::type_of;

// ---- validity

void check_name(const std::string& where, const std::string& name) {
  const bool special = name.empty() || name == "." || name == "..";
  if (special || !is_text(name) || name.find('/') != std::string::npos) {
    throw Error(where, "the name \"" + clean_text(name) + "\"", "text without a slash");
  }
}

void check_text(const std::string& where, const std::string& text) {
  if (!is_text(text)) throw Error(where, "text that is not UTF-8 or holds a zero byte", "UTF-8");
}

void check_attributes(const std::string& where, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    check_name(where, name);
    if (const auto* text = std::get_if<std::string>(&value)) check_text(where + "@" + name, *text);
  }
}

/// The product of the sizes, or the largest number if it is larger.
std::size_t element_count(const std::vector<std::size_t>& shape) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  std::size_t count = 1;
  for (const std::size_t size : shape) {
    count = size != 0 && count > most / size ? most : count * size;
  }
  return count;
}

void check_dataset(const std::string& where, const Dataset& dataset) {
  const std::size_t count = std::visit([](const auto& v) { return v.size(); }, dataset.values);
  if (element_count(dataset.shape) != count) {
    throw Error(where, std::to_string(count) + " values in a shape " + shape_text(dataset.shape),
                "as many as its elements");
  }
  if (dataset.dimensions.size() != dataset.shape.size()) {
    throw Error(where, std::to_string(dataset.dimensions.size()) + " axis names",
                "one for each of " + std::to_string(dataset.shape.size()) + " axes");
  }
  for (const std::string& name : dataset.dimensions) check_name(where, name);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&dataset.values)) {
    for (const std::string& text : *texts) check_text(where, text);
  }
  check_attributes(where, dataset.attributes);
}

void check_group(const std::string& path, const Group& group) {
  check_attributes(path.empty() ? "/" : path, group.attributes);
  for (const auto& [name, dataset] : group.datasets) {
    check_name(path + "/", name);
    check_dataset(path + "/" + name, dataset);
  }
  for (const auto& [name, inner] : group.groups) {
    check_name(path + "/", name);
    if (group.datasets.count(name) > 0) {
      throw Error(path + "/" + name, "both a dataset and a group", "one of them");
    }
    check_group(path + "/" + name, inner);
  }
}

// ---- paths

/// Cuts the first name off a path.
std::string first_name(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  std::string name(path.substr(0, slash));
  path.remove_prefix(std::min(slash + 1, path.size()));
  return name;
}

template <class Value>
const Value& find(const std::map<std::string, Value>& map, const std::string& name,
                  const char* kind) {
  const auto found = map.find(name);
  if (found != map.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, value] : map) names.push_back(known);
  throw Error("record", std::string("no ") + kind + " \"" + name + "\"",
              names.empty() ? "another: there are none here" : "one of: " + join(names));
}

// ---- digest

/// The number of a map's entries, then each one's name and what `hash_value` hashes.
template <class Value, class HashValue>
void hash_entries(Sha256& hash, const std::map<std::string, Value>& map,
                  const HashValue& hash_value) {
  hash.update_u64(map.size());
  for (const auto& [name, value] : map) {
    hash.update_text(name);
    hash_value(value);
  }
}

void hash_element(Sha256& hash, const std::string& text) {
  hash.update_text(text);
}
void hash_element(Sha256& hash, double number) {
  const double same = std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number;
  hash.update_u64(std::bit_cast<std::uint64_t>(same));
}
void hash_element(Sha256& hash, std::int64_t number) {
  hash.update_u64(static_cast<std::uint64_t>(number));
}

template <class T>
void hash_values(Sha256& hash, const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, float>) {
    hash.update_floats(values);
  } else if constexpr (std::is_same_v<T, double>) {
    hash.update_doubles(values);
  } else if constexpr (std::is_same_v<T, std::string>) {
    hash.update_u64(values.size());
    for (const std::string& text : values) hash.update_text(text);
  } else {
    hash.update_u64(values.size());
    to_little_endian(std::span(values),
                     [&](std::span<const std::byte> bytes) { hash.update(bytes); });
  }
}

void hash_attributes(Sha256& hash, const Attributes& attributes) {
  hash_entries(hash, attributes, [&](const AttributeValue& value) {
    hash.update_text(type_of(value));
    std::visit([&](const auto& v) { hash_element(hash, v); }, value);
  });
}

void hash_dataset(Sha256& hash, const Dataset& dataset) {
  hash.update_text(type_of(dataset.values));
  hash.update_u64(dataset.shape.size());
  for (std::size_t axis = 0; axis < dataset.shape.size(); ++axis) {
    hash.update_text(dataset.dimensions[axis]);
    hash.update_u64(dataset.shape[axis]);
  }
  std::visit([&](const auto& values) { hash_values(hash, values); }, dataset.values);
  hash_attributes(hash, dataset.attributes);
}

void hash_group(Sha256& hash, const Group& group) {
  hash_attributes(hash, group.attributes);
  hash_entries(hash, group.datasets, [&](const Dataset& dataset) { hash_dataset(hash, dataset); });
  hash_entries(hash, group.groups, [&](const Group& inner) { hash_group(hash, inner); });
}

}  // namespace

const Group& Group::group(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  const Group* inner = this;
  while (!path.empty()) inner = &find(inner->groups, first_name(path), "group");
  return *inner;
}

const Dataset& Group::dataset(std::string_view path) const {
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  return find(group(path.substr(0, name)).datasets, std::string(path.substr(name)), "dataset");
}

template <class T>
const T& Group::attribute(const std::string& name) const {
  const AttributeValue& value = find(attributes, name, "attribute");
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  throw Error("record", "attribute \"" + name + "\" is " + type_of(value), type_name<T>());
}

template <class T>
const std::vector<T>& Group::values(std::string_view path) const {
  const DatasetValues& found = dataset(path).values;
  if (const auto* typed = std::get_if<std::vector<T>>(&found)) return *typed;
  throw Error("record", "dataset \"" + std::string(path) + "\" is " + type_of(found),
              type_name<T>());
}

Dataset scalar_text(std::string text) {
  return {{}, std::vector<std::string>{std::move(text)}, {}};
}

template <class T>
Dataset list(std::vector<T> values, std::string dimension) {
  const std::size_t size = values.size();
  return {{size}, std::move(values), {std::move(dimension)}};
}

template const std::int64_t& Group::attribute(const std::string&) const;
template const double& Group::attribute(const std::string&) const;
template const std::string& Group::attribute(const std::string&) const;

template const std::vector<float>& Group::values(std::string_view) const;
template const std::vector<double>& Group::values(std::string_view) const;
template const std::vector<std::uint8_t>& Group::values(std::string_view) const;
template const std::vector<std::uint32_t>& Group::values(std::string_view) const;
template const std::vector<std::int64_t>& Group::values(std::string_view) const;
template const std::vector<std::string>& Group::values(std::string_view) const;

template Dataset list(std::vector<float>, std::string);
template Dataset list(std::vector<double>, std::string);
template Dataset list(std::vector<std::uint8_t>, std::string);
template Dataset list(std::vector<std::uint32_t>, std::string);
template Dataset list(std::vector<std::int64_t>, std::string);
template Dataset list(std::vector<std::string>, std::string);

void check_record(const Record& record) {
  check_group("", record);
}

std::string digest_of(const Record& record) {
  check_record(record);
  const int format = format_of(record);
  const details::CountedRecord counted = details::counted(record, format, false);
  Sha256 hash;
  hash.update_text(format == 1 ? kRecordFormat1 : kRecordFormat);
  hash_attributes(hash, counted.attributes);
  hash_entries(hash, counted.datasets,
               [&](const Dataset* dataset) { hash_dataset(hash, *dataset); });
  hash_entries(hash, counted.groups, [&](const Group* group) { hash_group(hash, *group); });
  return hash.finish_hex();
}

}  // namespace reprise
