/// \file
/// The parts of the module; each adds its functions and classes.
#pragma once

#include <pybind11/pybind11.h>

namespace reprise::python {

void add_convolution(pybind11::module_& module);
void add_exchange(pybind11::module_& module);
void add_layers(pybind11::module_& module);
void add_losses(pybind11::module_& module);
void add_network(pybind11::module_& module);
void add_pooling(pybind11::module_& module);
void add_records(pybind11::module_& module);
void add_trainer(pybind11::module_& module);
void add_training(pybind11::module_& module);

}  // namespace reprise::python
