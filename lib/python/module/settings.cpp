// Settings of training runs from Python's keywords.
#include "settings.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "arguments.hpp"
#include "reprise/core/error.hpp"
#include "reprise/record/format.hpp"

namespace reprise::python {
namespace {

/// Sets one setting. Error names it, what was given and what was expected.
void set(std::string_view where, const Setting& setting, const py::handle& value) {
  const bool is_text = std::holds_alternative<std::string*>(setting.value);
  if (py::isinstance<py::bool_>(value) || (!is_text && py::isinstance<py::str>(value)) ||
      (is_text && !py::isinstance<py::str>(value))) {
    throw_type_error(where, setting.name + " = " + py::cast<std::string>(py::repr(value)),
                     setting.description);
  }
  set_from_text(std::string(where) + ": " + setting.name,
                utf8_of(where, setting.name, py::str(value)), setting);
}

}  // namespace

void set_all_settings(std::string_view where, const py::dict& settings, TrainingConfiguration& c) {
  const std::vector<Setting> known = settings_of(c);
  std::map<std::string, std::string> given;  // by today's name
  for (const auto& [key, value] : settings) {
    const std::string written = utf8_of(where, "a setting", py::str(key));
    const std::string name = name_today(written, format_settings("training"));
    const auto [earlier, is_first] = given.emplace(name, written);
    if (!is_first) {
      throw Error(where,
                  "the settings " + earlier->second + " and " + written + ", which are the same",
                  "one of them, " + name);
    }
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Setting& setting) { return setting.name == name; });
    if (found == known.end()) {
      std::vector<std::string> names;
      for (const Setting& setting : known) names.push_back(setting.name);
      throw Error(where, "setting \"" + name + "\"",
                  "one of " + join(names) + "; nearest is " + nearest_name(name, names));
    }
    set(where, *found, value);
  }
}

bool makes_model(std::string_view name) {
  static const std::set<std::string_view> names = {
      "seed",        "parameters_seed", "model",         "activation",  "pooling",
      "pool_kernel", "pool_rounding",   "dropout",       "initializer", "width",
      "without",     "conv_algorithm",  "normalization", "crop"};
  return names.count(name) != 0;
}

bool is_same(const Setting& a, const Setting& b) {
  return std::visit(
      [](const auto* one, const auto* other) {
        if constexpr (std::is_same_v<decltype(one), decltype(other)>) {
          return *one == *other;
        } else {
          return false;
        }
      },
      a.value, b.value);
}

std::string value_text(const Setting& setting) {
  return std::visit(
      [](const auto* value) { return py::cast<std::string>(py::repr(py::cast(*value))); },
      setting.value);
}

void check_same_model(std::string_view where, TrainingConfiguration given,
                      TrainingConfiguration own) {
  const std::vector<Setting> asked = settings_of(given), made = settings_of(own);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!makes_model(asked[i].name) || is_same(asked[i], made[i])) continue;
    throw Error(where, "the setting " + asked[i].name + " = " + value_text(asked[i]),
                value_text(made[i]) + ", as the model was made");
  }
}

TrainingConfiguration configuration_of(std::string_view where, const py::dict& settings) {
  TrainingConfiguration c;
  if (settings.contains("model")) c.model = text_argument(where, "model", settings["model"]);
  c.model_options = default_model_options(c.model);
  set_all_settings(where, settings, c);
  check(c);
  return c;
}

}  // namespace reprise::python
