/// \file
/// Records as Python's dictionaries and numpy's arrays.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "reprise/record/record.hpp"

namespace reprise::python {
namespace py = pybind11;

/// (attributes, datasets, groups): attributes by name; datasets by name, each as (array, the axes'
/// names, attributes); groups by name, each as such a tuple.
py::tuple as_tuple(const Group& group);

}  // namespace reprise::python
