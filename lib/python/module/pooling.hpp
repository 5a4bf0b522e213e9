/// \file
/// The options of pooling from Python's arguments.
#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

#include "reprise/pool/pool2d.hpp"

namespace reprise::python {
namespace py = pybind11;

/// The windows; the stride is the kernel's size where None is given.
Pool2dOptions window_options(std::string_view where, PoolMode mode, const py::object& kernel,
                             const py::object& stride, const py::object& padding,
                             const py::object& rounding, const py::object& dilation);

/// "first" or "all".
MaxTies ties_argument(std::string_view where, const py::object& value);

}  // namespace reprise::python
