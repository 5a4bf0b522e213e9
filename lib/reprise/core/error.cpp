#include "reprise/core/error.hpp"

#include <algorithm>
#include <limits>

#include "reprise/core/text.hpp"

namespace reprise {
namespace {

// What comes from a file may be megabytes long: a line shows its beginning.
constexpr std::size_t kMaxWhere = 5000;    // bytes; a path has up to 4096
constexpr std::size_t kMaxGiven = 1000;    // bytes
constexpr std::size_t kMaxCompared = 100;  // of a name, in search of the nearest known one

std::string shortened(std::string_view text, std::size_t most) {
  const std::string_view beginning = beginning_of(text, most);
  return std::string(beginning) + (beginning.size() < text.size() ? "..." : "");
}

std::string one_line(std::string_view where, std::string_view given, std::string_view expected) {
  std::string line;
  line.append(shortened(where, kMaxWhere)).append(": ").append(shortened(given, kMaxGiven));
  if (!expected.empty()) line.append("; expected ").append(expected);
  return printable(line);
}

/// Optimal string alignment distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

Error::Error(std::string_view where, std::string_view given, std::string_view expected)
    : std::runtime_error(one_line(where, given, expected)) {}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  name = name.substr(0, kMaxCompared);
  std::string nearest;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const std::string& candidate : known) {
    const std::size_t edits = edit_distance(name, candidate);
    if (edits < fewest) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string joined;
  for (const std::string& item : items) {
    if (!joined.empty()) joined.append(separator);
    joined.append(item);
  }
  return joined;
}

}  // namespace reprise
