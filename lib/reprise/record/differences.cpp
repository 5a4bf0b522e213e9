// Where two records differ: both trees are walked side by side, in the order of the digest's walk.
#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/record/details.hpp"
#include "reprise/record/format.hpp"
#include "reprise/record/record.hpp"

namespace reprise {
namespace {

using details::index_text;
using details::shape_text;
using details::type_of;

/// The unsigned integer with the bits of a float.
template <class Real>
using Bits = std::conditional_t<std::is_same_v<Real, float>, std::uint32_t, std::uint64_t>;

/// As the digest sees it: bit by bit, but every NaN is the same.
bool same_value(const std::string& a, const std::string& b) {
  return a == b;
}
template <class T>
bool same_value(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) && std::isnan(b)) return true;
    return std::bit_cast<Bits<T>>(a) == std::bit_cast<Bits<T>>(b);
  }
  return a == b;
}

/// How many floats lie from a to b; both zeros count as one. Neither is NaN.
template <class Real>
std::uint64_t ulps_apart(Real a, Real b) {
  const auto magnitude = [](Real value) -> std::uint64_t {
    return std::bit_cast<Bits<Real>>(std::abs(value));
  };
  if (std::signbit(a) != std::signbit(b)) return magnitude(a) + magnitude(b);
  return std::max(magnitude(a), magnitude(b)) - std::min(magnitude(a), magnitude(b));
}

template <class Number>
std::string number_text(Number value) {
  if constexpr (std::is_floating_point_v<Number>) {
    return shortest(value);
  } else {
    return std::to_string(value);
  }
}

/// "0.51234 against 0.51235, 168 ulp apart".
template <class Number>
std::string contrast(Number a, Number b) {
  std::string text = number_text(a) + " against " + number_text(b);
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isnan(a) && !std::isnan(b)) {
      text += ", " + number_text(ulps_apart(a, b)) + " ulp apart";
    }
  }
  return text;
}

std::string contrast(const std::string& a, const std::string& b) {
  return details::text_contrast(a, b);
}

/// Walks two trees side by side, in the order of the digest's walk.
class Comparison {
 public:
  explicit Comparison(std::size_t most) : most_(most) {}

  void records(const details::CountedRecord& a, const details::CountedRecord& b) {
    entries("/@", a.attributes, b.attributes,
            [this](const auto& where, const auto& x, const auto& y) { attributes(where, x, y); });
    entries("/", a.datasets, b.datasets,
            [this](const auto& where, const auto* x, const auto* y) { datasets(where, *x, *y); });
    entries("/", a.groups, b.groups,
            [this](const auto& where, const auto* x, const auto* y) { groups(where, *x, *y); });
  }

  void groups(const std::string& path, const Group& a, const Group& b) {
    entries(path + "@", a.attributes, b.attributes,
            [this](const auto& where, const auto& x, const auto& y) { attributes(where, x, y); });
    entries(path + "/", a.datasets, b.datasets,
            [this](const auto& where, const auto& x, const auto& y) { datasets(where, x, y); });
    entries(path + "/", a.groups, b.groups,
            [this](const auto& where, const auto& x, const auto& y) { groups(where, x, y); });
  }

  std::vector<RecordDifference> found;

 private:
  void add(const std::string& path, const std::string& what) {
    if (found.size() < most_) found.push_back({path, what});
  }

  /// Calls compare(path, in a, in b) for what is in both maps.
  template <class Value, class Compare>
  void entries(const std::string& prefix, const std::map<std::string, Value>& a,
               const std::map<std::string, Value>& b, const Compare& compare) {
    std::map<std::string, std::pair<const Value*, const Value*>> all;
    for (const auto& [name, value] : a) all[name].first = &value;
    for (const auto& [name, value] : b) all[name].second = &value;
    for (const auto& [name, pair] : all) {
      const auto [in_a, in_b] = pair;
      if (in_a == nullptr) add(prefix + name, "missing in the first");
      if (in_b == nullptr) add(prefix + name, "missing in the second");
      if (in_a != nullptr && in_b != nullptr) compare(prefix + name, *in_a, *in_b);
    }
  }

  void attributes(const std::string& path, const AttributeValue& a, const AttributeValue& b) {
    if (a.index() != b.index()) return add(path, type_of(a) + " against " + type_of(b));
    std::visit(
        [&](const auto& x) {
          const auto& y = std::get<std::decay_t<decltype(x)>>(b);
          if (!same_value(x, y)) add(path, contrast(x, y));
        },
        a);
  }

  void datasets(const std::string& path, const Dataset& a, const Dataset& b) {
    if (a.values.index() != b.values.index()) {
      add(path, type_of(a.values) + " against " + type_of(b.values));
    } else if (a.shape != b.shape) {
      add(path, "shape " + shape_text(a.shape) + " against " + shape_text(b.shape));
    } else {
      if (a.dimensions != b.dimensions) {
        add(path, "axes " + join(a.dimensions) + " against " + join(b.dimensions));
      }
      std::visit(
          [&](const auto& x) {
            elements(path, x, std::get<std::decay_t<decltype(x)>>(b.values), a.shape);
          },
          a.values);
    }
    entries(path + "@", a.attributes, b.attributes,
            [this](const auto& where, const auto& x, const auto& y) { attributes(where, x, y); });
  }

  template <class T>
  void elements(const std::string& path, const std::vector<T>& a, const std::vector<T>& b,
                const std::vector<std::size_t>& shape) {
    for (std::size_t i = 0; i < a.size() && found.size() < most_; ++i) {
      if (!same_value(a[i], b[i])) add(path + index_text(i, shape), contrast(a[i], b[i]));
    }
  }

  std::size_t most_;
};

}  // namespace

namespace details {
namespace {

/// The part of a text from shortly before `from` on, quoted, printable.
std::string excerpt(const std::string& text, std::size_t from) {
  constexpr std::size_t before = 16;
  constexpr std::size_t most = 60;
  const std::size_t begin = from > before ? from - before : 0;
  const std::string part = printable(clean_text(text.substr(begin, most)));
  return (begin > 0 ? "...\"" : "\"") + part + (begin + most < text.size() ? "\"..." : "\"");
}

}  // namespace

std::string text_contrast(const std::string& a, const std::string& b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  const auto parts =
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin());
  const auto from = static_cast<std::size_t>(parts.first - a.begin());
  return excerpt(a, from) + " against " + excerpt(b, from);
}

}  // namespace details

std::vector<RecordDifference> differences(const Record& a, const Record& b, std::size_t most) {
  check_record(a);
  check_record(b);
  const int format = std::max(format_of(a), format_of(b));
  Comparison comparison(most);
  comparison.records(details::counted(a, format, true), details::counted(b, format, true));
  return std::move(comparison.found);
}

}  // namespace reprise
