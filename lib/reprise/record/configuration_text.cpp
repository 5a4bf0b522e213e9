#include "reprise/record/configuration_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string_view>

#include "reprise/core/text.hpp"
#include "reprise/record/details.hpp"

namespace reprise {
namespace {

std::string value_text(const std::string& text) {
  return toml_quoted(text);
}
std::string value_text(std::int64_t whole) {
  return fmt::format("{}", whole);
}
std::string value_text(double real) {
  std::string shortest = fmt::format("{}", real);
  const bool is_whole = std::isfinite(real) && shortest.find_first_of(".e") == std::string::npos;
  return is_whole ? shortest + ".0" : shortest;
}

/// A line as a finding shows it.
std::string shown(std::string_view line) {
  constexpr std::size_t columns = 60;
  const std::string whole = printable(line);
  const std::string part = fitted(line, columns);
  return "\"" + part + (part == whole ? "\"" : "\"...");
}

/// The lines of a text without their newlines; text behind the last newline is a line, too.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The setting that a line begins with, as setting_line writes it.
std::string name_in(std::string_view line) {
  return std::string(line.substr(0, std::min(line.find(" = "), line.size())));
}

}  // namespace

std::string setting_line(const std::string& name, const AttributeValue& value) {
  return name + " = " + std::visit([](const auto& v) { return value_text(v); }, value) + "\n";
}

std::vector<std::string> configuration_text_differences(const Record& record, std::size_t most) {
  const auto group = record.groups.find("configuration");
  if (group == record.groups.end()) return {};
  const auto dataset = group->second.datasets.find("toml");
  if (dataset == group->second.datasets.end()) return {};
  const auto* texts = std::get_if<std::vector<std::string>>(&dataset->second.values);
  if (texts == nullptr || texts->size() != 1) return {"/configuration/toml is not one text"};

  std::vector<std::string> found;
  const auto add = [&](std::string finding) {
    if (found.size() < most) found.push_back("/configuration/toml" + std::move(finding));
  };
  for (const auto& [name, value] : dataset->second.attributes) {
    add("@" + name + " is not part of a record");
  }
  if (!texts->front().empty() && texts->front().back() != '\n') {
    add(" does not end with a newline");
  }
  std::map<std::string, bool> is_missing;
  for (const auto& [name, value] : group->second.attributes) is_missing[name] = true;
  const std::vector<std::string_view> lines = lines_of(texts->front());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string where = fmt::format(", line {}: {}", i + 1, shown(lines[i]));
    const std::string name = name_in(lines[i]);
    const auto known = is_missing.find(name);
    if (known == is_missing.end()) {
      add(where + " is not a setting of /configuration");
      continue;
    }
    std::string expected = setting_line(name, group->second.attributes.at(name));
    expected.pop_back();
    if (lines[i] != expected) {
      add(fmt::format(", line {}: {}, by the attribute", i + 1,
                      details::text_contrast(std::string(lines[i]), expected)));
    } else if (!known->second) {
      add(where + " is there twice");
    }
    known->second = false;
  }
  for (const auto& [name, missing] : is_missing) {
    if (missing) add(" has no line for the setting " + name);
  }
  return found;
}

}  // namespace reprise
