#include "support/mutate_record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace reprise::fuzz {
namespace {

constexpr int kMaxChanges = 24, kMaxGroupChanges = 3;
constexpr std::size_t kMaxElements = 4096;  // of an array that a change makes

constexpr std::array<std::int64_t, 14> kIntegers = {0,
                                                    1,
                                                    -1,
                                                    2,
                                                    10,
                                                    255,
                                                    256,
                                                    1000,
                                                    std::int64_t{1} << 31,
                                                    std::int64_t{1} << 32,
                                                    std::int64_t{1} << 53,
                                                    1000000000000000000,
                                                    std::numeric_limits<std::int64_t>::max(),
                                                    std::numeric_limits<std::int64_t>::min()};

constexpr std::array<double, 14> kReals = {0.0,
                                           -0.0,
                                           1.0,
                                           -1.0,
                                           0.5,
                                           1.0000000000000002,
                                           1e-300,
                                           5e-324,
                                           1e300,
                                           -1e300,
                                           1e18,
                                           std::numeric_limits<double>::infinity(),
                                           -std::numeric_limits<double>::infinity(),
                                           std::numeric_limits<double>::quiet_NaN()};

/// Text that means something to what it might be printed to, and names that records use.
const std::array<std::string, 30> kTexts = {
    "",
    " ",
    "`touch F`",
    "$(touch F)",
    "'; touch F; '",
    "\"; system \"touch F\"; \"",
    "a\nb",
    "\x1B[2J\x1B]52;c;bHM=\x07",
    "\x1B]8;;http://a/\x1B\\b\x1B]8;;\x1B\\",
    "</script><script>x()</script>",
    "<b onclick='x()'>&amp;</b>",
    "SETTINGS",
    "a\nSETTINGS\ntouch F\n",
    "EOD",
    "a\nEOD\nsystem 'touch F'\n",
    "\xE2\x80\xAE reversed \xE2\x80\x8B",
    "\xFF\xFE",
    "[a](javascript:x()) | ![b](c) ``` {{d}} {{{e}}}",
    "../../etc/passwd",
    "/dev/zero",
    "99999999999999999999",
    "-1",
    "nan",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "direct",
    "auto",
    "training",
    "comparison",
    "checkpoint",
    "g1mb1ic3ih7oc2oh7kh3ph1n\"a\""};

std::int64_t integer(Input& input) {
  const std::size_t choice = input.below(kIntegers.size() + 2);
  if (choice < kIntegers.size()) return kIntegers[choice];
  return choice == kIntegers.size() ? input.byte() : static_cast<std::int64_t>(input.number());
}

double real(Input& input) {
  const std::size_t choice = input.below(kReals.size() + 1);
  return choice < kReals.size() ? kReals[choice] : std::bit_cast<double>(input.number());
}

std::string text(Input& input) {
  const std::size_t choice = input.below(kTexts.size() + 2);
  if (choice < kTexts.size()) return kTexts[choice];
  if (choice == kTexts.size()) return input.text();
  return std::string(std::size_t{1} << input.below(16), 'x');
}

AttributeValue attribute_value(Input& input) {
  switch (input.below(3)) {
    case 0:
      return integer(input);
    case 1:
      return real(input);
    default:
      return text(input);
  }
}

template <class T>
T element(Input& input) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text(input);
  } else if constexpr (std::is_floating_point_v<T>) {
    const double value = real(input);
    const bool fits = !std::isfinite(value) || std::abs(value) <= std::numeric_limits<T>::max();
    return static_cast<T>(fits ? value : std::copysign(HUGE_VAL, value));
  } else {
    return static_cast<T>(integer(input));
  }
}

// ---- where a change takes place

template <class Map>
auto pick(Map& map, Input& input) {
  auto place = map.begin();
  if (!map.empty()) std::advance(place, static_cast<long>(input.below(map.size())));
  return place;  // end() of an empty map
}

/// A group, walking down from the root.
Group& pick_group(Record& record, Input& input) {
  Group* group = &record;
  for (std::size_t steps = input.below(4); steps > 0 && !group->groups.empty(); --steps) {
    group = &pick(group->groups, input)->second;
  }
  return *group;
}

template <class Map>
void rename(Map& map, Input& input) {
  const auto place = pick(map, input);
  if (place == map.end()) return;
  auto node = map.extract(place);
  node.key() = text(input);
  map.insert(std::move(node));
}

template <class Map>
void erase(Map& map, Input& input) {
  const auto place = pick(map, input);
  if (place != map.end()) map.erase(place);
}

/// Puts a copy of one of `from` in the place of one of `to`, or under a new name.
template <class Map>
void copy(const Map& from, Map& to, Input& input) {
  const auto source = pick(from, input);
  if (source == from.end()) return;
  const auto value = source->second;  // the maps may be one
  const auto target = pick(to, input);
  if (target == to.end() || input.below(4) == 0) {
    to[input.below(2) == 0 ? source->first : text(input)] = value;
  } else {
    target->second = value;
  }
}

// ---- changes

void change_attributes(Attributes& attributes, Input& input) {
  const std::size_t kind = input.below(8);
  if (kind == 0) return erase(attributes, input);
  if (kind == 1) return rename(attributes, input);
  if (kind == 2) return copy(attributes, attributes, input);
  if (kind == 3) {
    attributes[text(input)] = attribute_value(input);
    return;
  }
  const auto place = pick(attributes, input);
  if (place == attributes.end()) return;
  if (kind == 4) {
    place->second = attribute_value(input);
    return;
  }
  std::visit([&](auto& value) { value = element<std::decay_t<decltype(value)>>(input); },
             place->second);
}

std::size_t product(const std::vector<std::size_t>& shape) {
  std::size_t elements = 1;
  for (const std::size_t size : shape) elements *= std::min(size, kMaxElements + 1);
  return elements;
}

/// Another size along an axis, another number of axes; the values follow as a rule.
void reshape(Dataset& dataset, Input& input) {
  std::vector<std::size_t>& shape = dataset.shape;
  const std::size_t kind = input.below(4);
  if (kind == 0 && !shape.empty()) {
    shape.pop_back();
    if (!dataset.dimensions.empty()) dataset.dimensions.pop_back();
  } else if (kind == 1 && shape.size() < 5) {
    shape.push_back(input.below(4));
    dataset.dimensions.push_back(text(input));
  } else if (!shape.empty()) {
    shape[input.below(shape.size())] = input.below(256);
  }
  const std::size_t elements = product(shape);
  if (elements > kMaxElements || input.below(16) == 0) return;  // now they do not fit
  std::visit([&](auto& values) { values.resize(elements); }, dataset.values);
}

void change_type(Dataset& dataset, Input& input) {
  const std::size_t elements = std::visit([](const auto& v) { return v.size(); }, dataset.values);
  switch (input.below(6)) {
    case 0:
      dataset.values = std::vector<float>(elements);
      break;
    case 1:
      dataset.values = std::vector<double>(elements);
      break;
    case 2:
      dataset.values = std::vector<std::uint8_t>(elements);
      break;
    case 3:
      dataset.values = std::vector<std::uint32_t>(elements);
      break;
    case 4:
      dataset.values = std::vector<std::int64_t>(elements);
      break;
    default:
      dataset.values = std::vector<std::string>(elements);
  }
}

void change_values(Dataset& dataset, Input& input) {
  std::visit(
      [&](auto& values) {
        if (values.empty()) return;
        using T = typename std::decay_t<decltype(values)>::value_type;
        const std::size_t kind = input.below(4);
        if (kind == 0) {
          std::fill(values.begin(), values.end(), element<T>(input));
        } else if (kind == 1) {
          values[input.below(values.size())] = values[input.below(values.size())];
        } else {
          values[input.below(values.size())] = element<T>(input);
        }
      },
      dataset.values);
}

void change_datasets(std::map<std::string, Dataset>& datasets, Input& input) {
  const std::size_t kind = input.below(12);
  if (kind == 0) return erase(datasets, input);
  if (kind == 1) return rename(datasets, input);
  if (kind == 2) return copy(datasets, datasets, input);
  const auto place = pick(datasets, input);
  if (place == datasets.end()) return;
  Dataset& dataset = place->second;
  if (kind == 3) return reshape(dataset, input);
  if (kind == 4) return change_type(dataset, input);
  if (kind == 5) return change_attributes(dataset.attributes, input);
  if (kind == 6 && !dataset.dimensions.empty()) {
    dataset.dimensions[input.below(dataset.dimensions.size())] = text(input);
    return;
  }
  if (kind == 7) {
    dataset = scalar_text(text(input));
    return;
  }
  change_values(dataset, input);
}

void change_groups(Record& record, Group& group, Input& input) {
  switch (input.below(5)) {
    case 0:
      return erase(group.groups, input);
    case 1:
      return rename(group.groups, input);
    case 2:
      return copy(group.groups, group.groups, input);
    case 3:
      return copy(pick_group(record, input).groups, group.groups, input);
    default:
      return copy(pick_group(record, input).datasets, group.datasets, input);
  }
}

}  // namespace

void mutate(Record& record, Input& input) {
  int group_changes = 0;
  for (int change = 0; change < kMaxChanges && !input.empty(); ++change) {
    const std::size_t kind = input.below(8);
    Group& group = pick_group(record, input);
    if (kind == 0 && group_changes < kMaxGroupChanges) {
      ++group_changes;  // each may double the tree
      change_groups(record, group, input);
    } else if (kind < 4) {
      change_attributes(group.attributes, input);
    } else {
      change_datasets(group.datasets, input);
    }
  }
}

}  // namespace reprise::fuzz
