// The extension module _reprise, which the package reprise gives its public face.
#include <pybind11/pybind11.h>

#include <exception>
#include <new>

#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/core/result_tensor.hpp"

namespace {

/// The library's line as the exception that Python has for such a mistake.
void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(std::move(thrown));
  } catch (const reprise::OutOfMemory& error) {
    PyErr_SetString(PyExc_MemoryError, error.what());
  } catch (const reprise::Error& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "reprise: memory cannot be allocated; expected more of it");
  }
}

}  // namespace

PYBIND11_MODULE(_reprise, module) {
  module.doc() = "The compiled part of reprise; use the package reprise.";
  reprise::set_option_style(reprise::OptionStyle::python);
  pybind11::register_local_exception_translator(&translate);
  reprise::python::add_convolution(module);
  reprise::python::add_pooling(module);
  reprise::python::add_records(module);
  reprise::python::add_network(module);
  reprise::python::add_exchange(module);
  reprise::python::add_layers(module);
  reprise::python::add_losses(module);
  reprise::python::add_training(module);
  reprise::python::add_trainer(module);
}
