/// \file
/// Settings of training runs from Python's keywords.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

#include "reprise/run/configuration.hpp"

namespace reprise::python {
namespace py = pybind11;

/// Sets all that `settings` names, by today's names or earlier ones (record/format.hpp); Error
/// names the nearest known one if one is unknown, and both names if one setting is there under two.
void set_all_settings(std::string_view where, const py::dict& settings, TrainingConfiguration& c);

/// Whether the setting of this name belongs to a model, not to a call of fit().
bool makes_model(std::string_view name);
/// Whether two settings, of two configurations, have the same value.
bool is_same(const Setting& a, const Setting& b);
/// A setting's value, as messages show it.
std::string value_text(const Setting& setting);

/// Error if the settings given to fit() would make another model than the network's own.
void check_same_model(std::string_view where, TrainingConfiguration given,
                      TrainingConfiguration own);

/// Settings over those that the model has by itself.
TrainingConfiguration configuration_of(std::string_view where, const py::dict& settings);

}  // namespace reprise::python
