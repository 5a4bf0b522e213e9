#include "support/conv_comparison_rows.hpp"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "reprise/core/command_line.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"
#include "reprise/run/conv_shape_file.hpp"
#include "support/installed_data.hpp"

namespace reprise {
namespace {

constexpr const char* kFilter = "--benchmark_filter";

std::string shape_list(const std::string& name) {
  return installed_data("shapes") + "/" + name;
}

/// The shapes of each list in fixtures/shapes or file. A list goes before a file of its name.
std::vector<ConvShape> shapes_of(const std::vector<std::string>& names) {
  const std::vector<std::string> lists = shape_lists();
  std::vector<ConvShape> shapes;
  for (const std::string& name : names) {
    const bool known = std::find(lists.begin(), lists.end(), name) != lists.end();
    if (!known && !std::filesystem::exists(name)) {
      throw UsageError("option --shapes", "\"" + name + "\"", "a file or one of " + join(lists));
    }
    if (!known && std::filesystem::is_directory(name)) {
      throw UsageError("option --shapes", "the folder \"" + name + "\"",
                       "a file or one of " + join(lists));
    }
    const std::vector<ConvShape> more = read_conv_shapes(known ? shape_list(name) : name);
    if (more.empty()) {
      throw Error(name, "no shape in it",
                  "a line such as mb1ic3ih8oc4oh6kh3 for each, or one of the lists " + join(lists));
    }
    shapes.insert(shapes.end(), more.begin(), more.end());
  }
  return shapes;
}

/// A compiled regular expression.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    const int problem = regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (problem == 0) return;
    char message[256] = {};
    regerror(problem, &compiled_, message, sizeof message);
    throw UsageError(kFilter, "\"" + text + "\": " + message, "an extended regular expression");
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() { regfree(&compiled_); }

  [[nodiscard]] bool is_in(const std::string& text) const {
    return regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

/// Without selection.
std::vector<ComparisonRow> all_rows(const ComparisonChoice& choice) {
  const std::vector<ConvShape> shapes = shapes_of(choice.shapes);
  const std::vector<std::string> names = names_of_shapes(shapes);
  std::vector<ComparisonRow> rows;
  std::set<std::string> there;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    for (const ConvPass pass : passes_of(choice.passes)) {
      for (const ConvAlgorithm* algorithm : algorithms_of(choice.algorithms)) {
        ComparisonRow row;
        row.shape = shapes[i];
        row.pass = pass;
        row.algorithm = algorithm;
        row.shape_name = names[i];
        if (!there.insert(row.name()).second) continue;
        row.unsupported = algorithm->unsupported(shapes[i], pass);
        rows.push_back(row);
      }
    }
  }
  return rows;
}

void check_selection(const std::vector<ComparisonRow>& rows, const std::string& filter) {
  const auto selected = [](const ComparisonRow& row) { return row.is_selected; };
  const auto first = std::find_if(rows.begin(), rows.end(), selected);
  if (first == rows.end()) {
    throw UsageError(kFilter, fmt::format("\"{}\" selects none of {} names", filter, rows.size()),
                     "a regular expression that is found in one, such as " + rows.front().name());
  }
  if (std::any_of(rows.begin(), rows.end(),
                  [&](const auto& row) { return selected(row) && row.unsupported.empty(); })) {
    return;
  }
  std::vector<std::string> able;
  for (const ConvAlgorithm* algorithm : conv_algorithms()) {
    if (!algorithm->unsupported(first->shape, first->pass).empty()) continue;
    able.emplace_back(algorithm->name);
  }
  const auto more = std::count_if(rows.begin(), rows.end(), selected) - 1;
  throw Error(
      "nothing to compare",
      fmt::format("{} is unsupported ({}){}", first->name(), first->unsupported,
                  more > 0 ? fmt::format(", and so are the {} others", more) : ""),
      able.empty() ? "another shape" : "--algorithms of which one computes it: " + join(able));
}

}  // namespace

std::string ComparisonRow::name() const {
  return fmt::format("{}/{}/{}", shape_name, name_of(pass), algorithm->name);
}

std::string ComparisonRow::label() const {
  return shape.name.empty() ? to_line(shape) : shape.name;
}

double ComparisonRow::median_ms() const {
  std::vector<double> sorted = times_ms;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double ComparisonRow::min_ms() const {
  return *std::min_element(times_ms.begin(), times_ms.end());
}

double ComparisonRow::max_ms() const {
  return *std::max_element(times_ms.begin(), times_ms.end());
}

std::vector<std::string> shape_lists() {
  std::vector<std::string> lists;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(installed_data("shapes"), none)) {
    lists.push_back(entry.path().filename());
  }
  std::sort(lists.begin(), lists.end());
  return lists;
}

std::vector<ConvPass> passes_of(const std::vector<std::string>& names) {
  std::vector<ConvPass> passes;
  for (const ConvPass pass : kConvPasses) {
    if (names.empty() || std::find(names.begin(), names.end(), name_of(pass)) != names.end()) {
      passes.push_back(pass);
    }
  }
  for (const std::string& name : names) {
    if (name != "forward" && name != "grad_input" && name != "grad_weight") {
      throw Error("--passes", "\"" + name + "\"", "forward, grad_input or grad_weight");
    }
  }
  return passes;
}

std::vector<const ConvAlgorithm*> algorithms_of(const std::vector<std::string>& names) {
  std::vector<const ConvAlgorithm*> algorithms;
  if (names.empty()) algorithms.assign(conv_algorithms().begin(), conv_algorithms().end());
  for (const std::string& name : names) algorithms.push_back(&conv_algorithm(name));
  return algorithms;
}

std::vector<std::string> names_of_shapes(const std::vector<ConvShape>& shapes) {
  std::map<std::string, std::set<std::string>> lines_of;  // by label
  for (const ConvShape& shape : shapes) lines_of[printable(shape.name)].insert(to_line(shape));
  std::vector<std::string> names;
  for (const ConvShape& shape : shapes) {
    const std::string label = printable(shape.name);
    const bool is_alone = !label.empty() && lines_of[label].size() == 1;
    names.push_back(is_alone ? label : printable(to_line(shape)));
  }
  return names;
}

bool selects(const std::string& filter, const std::string& name) {
  if (filter.empty() || filter == "all") return true;
  const bool negated = filter.front() == '-';
  return Pattern(negated ? filter.substr(1) : filter).is_in(name) != negated;
}

std::vector<ComparisonRow> comparison_rows(const ComparisonChoice& choice) {
  std::vector<ComparisonRow> rows = all_rows(choice);
  for (ComparisonRow& row : rows) row.is_selected = selects(choice.filter, row.name());
  check_selection(rows, choice.filter);
  return rows;
}

}  // namespace reprise
