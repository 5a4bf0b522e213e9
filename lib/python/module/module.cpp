// The extension module _reprise, which the package reprise gives its public face.
#include <pybind11/pybind11.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "parts.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/result_tensor.hpp"

namespace {

/// A line of the library in which the programs' options are Python's keywords.
std::string with_keywords(std::string line) {
  for (const auto& [option, keyword] :
       {std::pair{"or --force to", "or force=True to"},
        std::pair{"or --no-checksum to", "or no_checksum=True to"},
        std::pair{"or --unconfined, which", "or unconfined=True, which"},
        std::pair{"expected --initial with", "expected initial= with"}}) {
    const std::size_t place = line.rfind(option);
    if (place != std::string::npos) {
      line.replace(place, std::string_view(option).size(), keyword);
    }
  }
  return line;
}

/// The library's line as the exception that Python has for such a mistake.
void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(std::move(thrown));
  } catch (const reprise::OutOfMemory& error) {
    PyErr_SetString(PyExc_MemoryError, error.what());
  } catch (const reprise::Error& error) {
    PyErr_SetString(PyExc_ValueError, with_keywords(error.what()).c_str());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "reprise: memory cannot be allocated; expected more of it");
  }
}

}  // namespace

PYBIND11_MODULE(_reprise, module) {
  module.doc() = "The compiled part of reprise; use the package reprise.";
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
