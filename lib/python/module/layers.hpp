/// \file
/// Layers from Python: their kinds and options.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "reprise/nn/layer.hpp"

namespace reprise::python {
namespace py = pybind11;

/// The layer of a class of reprise.layers, such as "Conv2d", with the options that the class has.
/// TypeError or ValueError, naming the class, if an option makes no sense.
std::unique_ptr<Layer> make_layer(const std::string& kind, const py::dict& options);

/// The same for an input of this shape; Error too if it cannot take one, or if its output or a
/// parameter would have more than 2^40 values.
std::unique_ptr<Layer> make_layer_for(const std::string& kind, const py::dict& options,
                                      const FeatureShape& input);

}  // namespace reprise::python
