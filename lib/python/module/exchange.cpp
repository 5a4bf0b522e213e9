// Networks' weights in the files of other programs.
#include "reprise/exchange/exchange.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "arguments.hpp"
#include "network.hpp"
#include "parts.hpp"

namespace reprise::python {
namespace {

void export_network(const Network& network, const py::object& path, const py::object& format,
                    bool force) {
  const std::string file = path_argument("export", path);
  const std::string name = text_argument("export", "format", format);
  const py::gil_scoped_release release;
  export_model(network.model(), name, file, force ? Overwrite::yes : Overwrite::no);
}

/// (format, notes)
py::tuple import_into(Network& network, const py::object& path, bool no_checksum, bool unconfined) {
  const std::string file = path_argument("load_weights", path);
  LoadOptions options;
  options.no_checksum = no_checksum;
  options.unconfined = unconfined;
  ImportedWeights imported;
  {
    const py::gil_scoped_release release;
    imported = import_weights(network.model(), file, options);
  }
  return py::make_tuple(imported.format, imported.notes);
}

}  // namespace

void add_exchange(py::module_& module) {
  module.def("export_formats", &export_formats);
  module.def("export_network", &export_network);
  module.def("import_weights", &import_into);
}

}  // namespace reprise::python
