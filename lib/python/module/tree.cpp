// Records as Python's dictionaries and numpy's arrays.
#include "tree.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

namespace reprise::python {
namespace {

py::dict as_dict(const Attributes& attributes) {
  py::dict dict;
  for (const auto& [name, value] : attributes) {
    std::visit([&, &key = name](const auto& held) { dict[py::str(key)] = py::cast(held); }, value);
  }
  return dict;
}

template <class T>
py::array array_of(const std::vector<std::size_t>& shape, const std::vector<T>& values) {
  py::array_t<T> array(shape);
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

/// Texts become an array of Python's.
py::array array_of(const std::vector<std::size_t>& shape, const std::vector<std::string>& values) {
  const py::module_ numpy = py::module_::import("numpy");
  py::list texts;
  for (const std::string& value : values) texts.append(py::str(value));
  py::array array = numpy.attr("empty")(py::int_(values.size()), py::arg("dtype") = "object");
  array[py::slice(py::none(), py::none(), py::none())] = texts;
  return array.attr("reshape")(py::tuple(py::cast(shape)));
}

}  // namespace

py::tuple as_tuple(const Group& group) {
  py::dict datasets;
  for (const auto& [name, dataset] : group.datasets) {
    const py::array array = std::visit(
        [&, &shape = dataset.shape](const auto& values) { return array_of(shape, values); },
        dataset.values);
    py::list axes;
    for (const std::string& axis : dataset.dimensions) axes.append(py::str(axis));
    datasets[py::str(name)] = py::make_tuple(array, py::tuple(axes), as_dict(dataset.attributes));
  }
  py::dict groups;
  for (const auto& [name, inner] : group.groups) groups[py::str(name)] = as_tuple(inner);
  return py::make_tuple(as_dict(group.attributes), datasets, groups);
}

}  // namespace reprise::python
